//! Lower-case hexadecimal, the only form signed files use.

use core::fmt;

/// Decodes exactly `out.len()` bytes from lower-case digits; anything else is `None`.
pub fn decode(text: &str, out: &mut [u8]) -> Option<()> {
    if text.len() != 2 * out.len() {
        return None;
    }
    for (place, digit) in text.bytes().enumerate() {
        let byte = out.get_mut(place / 2)?;
        *byte = *byte << 4 | nibble(digit)?;
    }
    Some(())
}

/// Writes `bytes` as lower-case digits.
pub fn write(f: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// The two lower-case digits of a byte.
pub fn digits(byte: u8) -> [u8; 2] {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
    [digit(byte >> 4), digit(byte & 0xf)]
}

/// The value of a lower-case digit.
pub(crate) fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
