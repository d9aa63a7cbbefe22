//! Numbers with their units: `"20 ms"`, `"512 KiB"`, `"500 kbit/s"`, `"0.1 %"`.
//!
//! They are read exactly, digit by digit; what is no whole number of the smallest unit is refused, not rounded.

use std::fmt;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::world::chance::PerBillion;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// Bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(pub NonZeroU64);

impl BitRate {
    /// How long so many bytes take, rounded up to the nanosecond.
    pub fn time(self, bytes: u64) -> Duration {
        let nanos = (u128::from(bytes) * 8 * u128::from(NANOS)).div_ceil(self.0.get().into());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Cycles per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frequency(pub NonZeroU64);

/// A duration, written as its file would have it: `20 ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pause(pub Duration);

/// Units of a kind of quantity, each with how many of the smallest it is; the smallest first.
pub(super) type Units = &'static [(&'static str, u64)];

pub(super) const BYTES: Units = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
pub(super) const BIT_RATES: Units =
    &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];
pub(super) const FREQUENCIES: Units = &[("Hz", 1), ("kHz", 1_000), ("MHz", 1_000_000), ("GHz", 1_000_000_000)];
pub(super) const PAUSES: Units =
    &[("ns", 1), ("us", 1_000), ("ms", 1_000_000), ("s", NANOS), ("min", 60 * NANOS), ("h", 3_600 * NANOS)];
/// Billionths.
pub(super) const SHARES: Units = &[("%", 10_000_000)];

/// How many of the smallest unit `text` says; `None` if it says no whole number of them, or none that fits.
pub(super) fn parse(text: &str, units: Units) -> Option<u64> {
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let unit = text.get(digits.len()..)?.trim();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let numbers = [whole, fraction].map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then_some(part));
    let [Some(whole), Some(fraction)] = numbers else { return None };
    let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value = whole.parse::<u128>().ok()?.checked_mul(scale)?.checked_add(fraction.parse().ok()?)?;
    let smallest = value.checked_mul(u128::from(*factor))?;
    smallest.is_multiple_of(scale).then(|| u64::try_from(smallest / scale).ok()).flatten()
}

/// The number in the largest unit that gives a whole one.
fn show(number: u64, units: Units) -> String {
    let whole = units.iter().rev().find(|(_, factor)| number >= *factor && number.is_multiple_of(*factor));
    let (unit, factor) = whole.or(units.first()).copied().unwrap_or(("", 1));
    format!("{} {unit}", number / factor)
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show(self.0, BYTES))
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show(self.0.get(), BIT_RATES))
    }
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show(self.0.get(), FREQUENCIES))
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show(u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX), PAUSES))
    }
}

/// A share as a percentage, exactly: `0.1 %`.
pub fn percent(share: PerBillion) -> String {
    let digits = format!("{:03}.{:07}", share.billionths() / 10_000_000, share.billionths() % 10_000_000);
    let digits = digits.trim_start_matches('0').trim_end_matches('0').trim_end_matches('.');
    let lead = if digits.is_empty() || digits.starts_with('.') { "0" } else { "" };
    format!("{lead}{digits} %")
}

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_read_exactly_with_or_without_a_space() {
        assert_eq!(parse("20 ms", PAUSES), Some(20_000_000));
        assert_eq!(parse("2.5us", PAUSES), Some(2_500));
        assert_eq!(parse("512 KiB", BYTES), Some(524_288));
        assert_eq!(parse("0.1 %", SHARES), Some(1_000_000));
        assert_eq!(parse("500 kbit/s", BIT_RATES), Some(500_000));
    }

    #[test]
    fn what_is_no_whole_number_of_the_smallest_unit_is_refused() {
        for text in ["0.5 ns", "", "ms", "20", "-1 ms", "1e3 ms", "1.2.3 ms", ". ms", "1 fortnight", "1 MS", "９ ms"] {
            assert_eq!(parse(text, PAUSES), None, "{text:?}");
        }
        assert_eq!(parse("5124096 h", PAUSES), None);
        assert_eq!(parse(&format!("0.{} s", "0".repeat(99)), PAUSES), None);
    }

    #[test]
    fn quantities_are_shown_in_the_largest_unit_that_keeps_them_whole() {
        let shown = [show(1_500, PAUSES), show(60_000_000_000, PAUSES), show(0, PAUSES), show(1 << 20, BYTES)];
        assert_eq!(shown, ["1500 ns", "1 min", "0 ns", "1 MiB"]);
        let share = |billionths| percent(PerBillion::new(billionths));
        assert_eq!(
            [share(0), share(1_000_000), share(123), share(1_000_000_000)],
            ["0 %", "0.1 %", "0.0000123 %", "100 %"]
        );
    }

    #[test]
    fn a_rate_says_how_long_bytes_take() {
        let rate = BitRate(NonZeroU64::new(3).unwrap());
        assert_eq!((rate.time(3), rate.time(1)), (Duration::from_secs(8), Duration::from_nanos(2_666_666_667)));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(number: u64) {
            for units in [PAUSES, BYTES, BIT_RATES, FREQUENCIES] {
                prop_assert_eq!(parse(&show(number, units), units), Some(number));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,40}") {
            let _ = parse(&text, PAUSES);
        }
    }
}
