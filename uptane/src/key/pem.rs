//! PEM of a `SubjectPublicKeyInfo` (RFC 7468 §13), in buffers of the caller's.

use core::fmt;

/// Decodes the text into `out`, and gives the part that was filled. White space may stand anywhere between the two
/// labels, as other writers end and wrap their lines differently; the base64 itself has one spelling only.
pub(super) fn decode<'o>(text: &str, out: &'o mut [u8]) -> Option<&'o [u8]> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let (mut symbols, mut padding, mut length) = (0_usize, 0, 0);
    let (mut held, mut bits) = (0_u16, 0);
    for symbol in body.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        symbols += 1;
        if symbol == b'=' {
            padding += 1;
            continue;
        }
        if padding > 0 {
            return None;
        }
        (held, bits) = (held << 6 | value(symbol)?, bits + 6);
        if bits >= 8 {
            bits -= 8;
            *out.get_mut(length)? = u8::try_from(held >> bits).ok()?;
            (held, length) = (held & ((1 << bits) - 1), length + 1);
        }
    }
    let is_whole = symbols.is_multiple_of(4) && padding <= 2 && held == 0;
    out.get(..length).filter(|_| is_whole)
}

/// Writes `der` as PEM with lines of 64 symbols.
pub(super) fn write(f: &mut impl fmt::Write, der: &[u8]) -> fmt::Result {
    writeln!(f, "{BEGIN}")?;
    for line in der.chunks(48) {
        line.chunks(3).try_for_each(|group| write_group(f, group))?;
        writeln!(f)?;
    }
    writeln!(f, "{END}")
}

fn write_group(f: &mut impl fmt::Write, group: &[u8]) -> fmt::Result {
    let byte = |index| u32::from(group.get(index).copied().unwrap_or(0));
    let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    for index in 0..4_usize {
        let symbol = match index > group.len() {
            true => '=',
            false => symbol(bits >> (18 - 6 * index) & 63),
        };
        f.write_char(symbol)?;
    }
    Ok(())
}

fn value(symbol: u8) -> Option<u16> {
    ALPHABET.bytes().zip(0..).find(|(known, _)| *known == symbol).map(|(_, value)| value)
}

fn symbol(value: u32) -> char {
    ALPHABET.chars().zip(0..).find(|(_, known)| *known == value).map_or('=', |(symbol, _)| symbol)
}

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
