//! The common values of signed files (`docs/pouf.md` §3).

use super::Refused;
use super::json::Json;

/// An ECU, hardware, image line or campaign id.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// A key id.
pub(super) fn is_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.chars().all(is_graphic)
}

/// A name of an image, or of a metadata file in a list.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(is_graphic);
    (1..=255).contains(&text.len()) && text.split('/').all(is_part)
}

/// A name of a delegated role.
pub(super) fn is_role(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.chars().any(char::is_control)
        && !matches!(text, "root" | "timestamp" | "snapshot" | "targets")
        && file_part(text).len() <= 233
}

/// The name of a role in the name of its file (`docs/pouf.md` §13).
pub(super) fn file_part(role: &str) -> String {
    let escaped = role.bytes().enumerate().map(|(at, byte)| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'~' | b'-' => char::from(byte).to_string(),
        b'.' if at > 0 => ".".to_owned(),
        _ => format!("%{byte:02X}"),
    });
    escaped.collect()
}

fn is_graphic(c: char) -> bool {
    ('!'..='~').contains(&c) && c != '"' && c != '\\'
}

/// `digits` lower-case hex digits.
pub(super) fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// So many bytes of lower-case hex digits.
pub(super) fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    some_bytes(text).and_then(|bytes| Vec::try_into(bytes).ok())
}

/// The bytes of lower-case hex digits, however many.
pub(super) fn some_bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !is_hex(text, text.len()) {
        return None;
    }
    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Option<Vec<u8>> = text.chars().map(digit).collect();
    Some(digits?.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect())
}

/// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SSZ`.
pub(super) fn time(text: &str) -> Option<u64> {
    let pattern = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c });
    if !pattern.eq("0000-00-00T00:00:00Z".chars()) {
        return None;
    }
    let numbers: Option<Vec<u64>> = text.split(|c: char| !c.is_ascii_digit()).take(6).map(|n| n.parse().ok()).collect();
    let [year, month, day, hour, minute, second] = numbers?.try_into().ok()?;
    let in_range = year >= 1970 && (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    if !in_range || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum::<u64>()
        + (1..month).map(|month| days_of(year, month)).sum::<u64>()
        + day
        - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(400) || (year.is_multiple_of(4) && !year.is_multiple_of(100))
}

fn days_of(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The text of a mandatory member.
pub(super) fn text<'j>(json: &'j Json, name: &'static str) -> Result<&'j str, Refused> {
    json.member(name).and_then(Json::text).ok_or(Refused(name))
}

/// A number of a mandatory member.
pub(super) fn number(json: &Json, name: &'static str) -> Result<u64, Refused> {
    json.member(name).and_then(Json::unsigned).ok_or(Refused(name))
}

/// A version of a mandatory member.
pub(super) fn version(json: &Json) -> Result<u64, Refused> {
    number(json, "version").and_then(|version| if version > 0 { Ok(version) } else { Err(Refused("version")) })
}

/// The text of a member that may be left out, if it is one of these.
pub(super) fn optional(
    json: &Json,
    name: &'static str,
    is_one: impl Fn(&str) -> bool,
) -> Result<Option<String>, Refused> {
    match json.member(name) {
        None => Ok(None),
        Some(Json::Text(text)) if is_one(text) => Ok(Some(text.clone())),
        Some(_) => Err(Refused(name)),
    }
}

/// The members of a mandatory object.
pub(super) fn members<'j>(
    json: &'j Json,
    name: &'static str,
) -> Result<&'j std::collections::BTreeMap<String, Json>, Refused> {
    json.member(name).and_then(Json::object).ok_or(Refused(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        assert_eq!(time("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(time("2000-02-29T00:00:00Z"), Some(951_782_400));
        assert_eq!(time("2026-11-22T20:15:38Z"), Some(1_795_378_538));
        assert_eq!(time("2026-02-29T00:00:00Z"), None);
        assert_eq!(time("2026-11-22T20:15:38+00:00"), None);
    }

    #[test]
    fn hex_is_lower_case() {
        assert_eq!(bytes::<2>("0aff"), Some([10, 255]));
        assert_eq!(bytes::<2>("0aFF"), None);
        assert_eq!(bytes::<2>("0af"), None);
    }
}
