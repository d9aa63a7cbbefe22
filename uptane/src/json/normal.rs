//! Unicode normal form C (RFC 5198 §3), which canonical JSON by itself does not give (trap T25).

use unicode_normalization::is_nfc;

use crate::Error;

/// Refuses bytes that were signed and are not UTF-8 text in normal form C.
///
/// The text is judged as it was signed, control characters unescaped. Quotes, colons and commas compose with nothing, so
/// it is in normal form exactly if each of its strings is.
pub(crate) fn check_nfc(signed: &[u8]) -> Result<(), Error> {
    // Every ASCII text is in normal form C, and nearly every file is ASCII.
    if signed.is_ascii() {
        return Ok(());
    }
    let text = core::str::from_utf8(signed).map_err(|_| Error::NotNormalised)?;
    if is_nfc(text) { Ok(()) } else { Err(Error::NotNormalised) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_normal_form_c_is_accepted() {
        for text in ["", "{\"name\":\"plain\"}", "\"\u{e9}\"", "\"\n\u{303}\"", "\"\u{d55c}\u{1d11e}\""] {
            assert_eq!(check_nfc(text.as_bytes()), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn text_in_any_other_form_is_refused() {
        // e with an acute accent of its own; marks in the wrong order; the Kelvin sign; Hangul in parts.
        for text in ["\"e\u{301}\"", "\"a\u{301}\u{323}\"", "\"\u{212a}\"", "\"\u{1112}\u{1161}\""] {
            assert_eq!(check_nfc(text.as_bytes()), Err(Error::NotNormalised), "{text:?}");
        }
        assert_eq!(check_nfc(b"\"\xe9\""), Err(Error::NotNormalised));
    }
}
