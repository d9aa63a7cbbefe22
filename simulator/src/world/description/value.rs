//! What a key may hold: each type says how it is read, and what to write instead of what it cannot read.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use proto::can;
use toml::de::DeValue;
use uptane::{EcuId, HardwareId};

use super::quantity::{BIT_RATES, BYTES, FREQUENCIES, PAUSES, SHARES, Units, parse};
use super::{BitRate, Bytes, Frequency, MistakeKind, Name, Pause};
use crate::world::chance::PerBillion;

/// A type that a key can have.
pub(in crate::world) trait Value: Sized {
    /// What to write, for who wrote something else.
    fn expected() -> String;

    /// Reads it.
    fn read(value: &DeValue<'_>) -> Result<Self, MistakeKind>;
}

/// A type with a closed vocabulary.
pub(in crate::world) trait Word: Copy + PartialEq + 'static {
    /// What the words are.
    const WHAT: &'static str;
    /// Every value with its word.
    const WORDS: &'static [(Self, &'static str)];

    /// The word of a value.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }
}

impl<T: Word> Value for T {
    fn expected() -> String {
        let words: Vec<String> = T::WORDS.iter().map(|(_, word)| format!("\"{word}\"")).collect();
        format!("one of {}", words.join(", "))
    }

    fn read(value: &DeValue<'_>) -> Result<Self, MistakeKind> {
        let text = value.as_str().ok_or_else(|| wrong::<T>(value))?;
        let known = || T::WORDS.iter().map(|(_, word)| (*word).to_owned()).collect();
        let found = T::WORDS.iter().find(|(_, word)| *word == text).map(|(value, _)| *value);
        found.ok_or_else(|| MistakeKind::Unknown { what: T::WHAT, found: short(text), known: known() })
    }
}

/// The mistake of a value that is not what `T` is written as.
pub(in crate::world) fn wrong<T: Value>(value: &DeValue<'_>) -> MistakeKind {
    unlike(value, T::expected())
}

/// The mistake of a value that is not as `expected`.
pub(in crate::world) fn unlike(value: &DeValue<'_>, expected: impl Into<String>) -> MistakeKind {
    MistakeKind::Value { found: shown(value), expected: expected.into() }
}

/// A value as its author would recognise it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{}\"", short(text)),
        DeValue::Integer(number) => format!("the number {}", short(number.as_str())),
        DeValue::Float(number) => format!("the number {}", short(number.as_str())),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// Text on one line, and not too much of it.
pub(super) fn short(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_SHOWN).collect();
    if text.chars().nth(MOST_SHOWN).is_some() { line + "…" } else { line }
}

/// Characters of a value that a mistake shows.
const MOST_SHOWN: usize = 48;

/// A value that is text which `parse` understands.
macro_rules! text {
    ($($type:ty, $expected:literal, $parse:expr;)*) => {$(
        impl Value for $type {
            fn expected() -> String {
                $expected.to_owned()
            }

            fn read(value: &DeValue<'_>) -> Result<Self, MistakeKind> {
                let parse: fn(&str) -> Option<Self> = $parse;
                value.as_str().and_then(parse).ok_or_else(|| wrong::<Self>(value))
            }
        }
    )*};
}

text! {
    BitRate, "a rate above 0 such as \"500 kbit/s\" (bit/s, kbit/s, Mbit/s, Gbit/s)",
        |text| positive(text, BIT_RATES).map(BitRate);
    Bytes, "a size such as \"256 KiB\" (B, KiB, MiB, GiB)", |text| parse(text, BYTES).map(Bytes);
    EcuId, "an ECU id: at most 64 letters, digits, `.`, `_`, `-`", |text| EcuId::parse(text).ok();
    Frequency, "a frequency above 0 such as \"120 MHz\" (Hz, kHz, MHz, GHz)",
        |text| positive(text, FREQUENCIES).map(Frequency);
    HardwareId, "a hardware id: at most 64 letters, digits, `.`, `_`, `-`", |text| HardwareId::parse(text).ok();
    Name, "a name: at most 64 letters, digits, `.`, `_`, `-`, not starting with a dot", Name::parse;
    Pause, "a time such as \"20 ms\" (ns, us, ms, s, min, h)",
        |text| parse(text, PAUSES).map(|nanos| Self(Duration::from_nanos(nanos)));
    PerBillion, "a share from \"0 %\" to \"100 %\", such as \"0.1 %\"", share;
    String, "a text", |text| Some(text.to_owned());
}

fn positive(text: &str, units: Units) -> Option<NonZeroU64> {
    parse(text, units).and_then(NonZeroU64::new)
}

fn share(text: &str) -> Option<PerBillion> {
    let billionths = u32::try_from(parse(text, SHARES)?).ok()?;
    Some(PerBillion::new(billionths)).filter(|share| share.billionths() == billionths)
}

/// A count: a whole number above 0.
impl Value for NonZeroU32 {
    fn expected() -> String {
        "a whole number above 0".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, MistakeKind> {
        integer(value).and_then(Self::new).ok_or_else(|| wrong::<Self>(value))
    }
}

/// A CAN id: up to 0x7ff one of 11 bits, above that one of 29.
impl Value for can::Id {
    fn expected() -> String {
        "a CAN id such as 0x7e0: up to 0x7ff of 11 bits, up to 0x1fffffff of 29 bits".to_owned()
    }

    fn read(value: &DeValue<'_>) -> Result<Self, MistakeKind> {
        let id = integer(value).and_then(|raw| match u16::try_from(raw) {
            Ok(low @ ..=0x7ff) => Self::standard(low).ok(),
            Ok(_) | Err(_) => Self::extended(raw).ok(),
        });
        id.ok_or_else(|| wrong::<Self>(value))
    }
}

fn integer(value: &DeValue<'_>) -> Option<u32> {
    let number = value.as_integer()?;
    u32::from_str_radix(number.as_str(), number.radix()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Value>(text: &str) -> Result<T, String> {
        T::read(DeValue::parse(text).unwrap().get_ref()).map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn a_can_id_is_as_wide_as_it_must_be() {
        assert_eq!(read("0x7ff"), Ok(can::Id::standard(0x7ff).unwrap()));
        assert_eq!(read("0x800"), Ok(can::Id::extended(0x800).unwrap()));
        assert!(read::<can::Id>("0x2000_0000").is_err());
        assert!(read::<can::Id>("-1").is_err());
    }

    #[test]
    fn a_value_of_another_kind_is_shown_beside_what_was_expected() {
        let message = read::<Pause>("20").unwrap_err();
        assert_eq!(message, "found the number 20; expected a time such as \"20 ms\" (ns, us, ms, s, min, h)");
        assert!(read::<Bytes>("\"256 kib\"").unwrap_err().starts_with("found \"256 kib\"; expected a size"));
        assert!(read::<BitRate>("\"0 bit/s\"").is_err());
    }

    #[test]
    fn more_than_all_is_no_share() {
        assert_eq!(read("\"100 %\""), Ok(PerBillion::ALWAYS));
        assert!(read::<PerBillion>("\"100.1 %\"").is_err());
    }

    #[test]
    fn hostile_text_is_shown_short_and_on_one_line() {
        let shown = shown(&DeValue::String(format!("a\n\u{1b}[2J{}", "x".repeat(99)).into()));
        assert!(shown.chars().count() < 60 && !shown.contains(char::is_control), "{shown}");
    }
}
