//! Walking through bytes the scanner has accepted: finding members and elements again, without a second opinion.
//!
//! Nothing here judges. On bytes that were not accepted before, it finds nonsense or nothing, and never panics.

/// The elements of a canonical array.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elements<'a>(&'a [u8]);

/// The members of a canonical object: the key as it is written, without its quotes, and the value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members<'a>(&'a [u8]);

/// The elements of this array; none if it is no array.
pub(crate) fn elements(array: &[u8]) -> Elements<'_> {
    Elements(array.strip_prefix(b"[").unwrap_or_default())
}

/// The members of this object; none if it is no object.
pub(crate) fn members(object: &[u8]) -> Members<'_> {
    Members(object.strip_prefix(b"{").unwrap_or_default())
}

/// The value of this member.
pub(crate) fn member<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    members(object).find(|(found, _)| is_key(found, key)).map(|(_, value)| value)
}

/// Whether a key, as it is written, is this text. Text with control characters is no key that anybody looks for.
fn is_key(written: &str, text: &str) -> bool {
    if !written.contains('\\') {
        return written == text;
    }
    let mut written = written.chars();
    let mut stands = |c| written.next() == Some(c);
    text.chars().all(|c| (!matches!(c, '"' | '\\') || stands('\\')) && stands(c)) && written.next().is_none()
}

/// The text of a string without escapes.
pub(crate) fn text(value: &[u8]) -> Option<&str> {
    let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    core::str::from_utf8(inner).ok().filter(|text| !text.contains('\\'))
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (value, rest) = split_value(self.0)?;
        self.0 = rest.get(1..).unwrap_or_default();
        Some(value)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<(&'a str, &'a [u8])> {
        let (key, rest) = split_value(self.0)?;
        let key = core::str::from_utf8(key.strip_prefix(b"\"")?.strip_suffix(b"\"")?).ok()?;
        let (value, rest) = split_value(rest.strip_prefix(b":")?)?;
        self.0 = rest.get(1..).unwrap_or_default();
        Some((key, value))
    }
}

fn split_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = match bytes.first()? {
        b'"' => string_length(bytes)?,
        b'{' | b'[' => container_length(bytes)?,
        _ => bytes.iter().position(|byte| b",]}".contains(byte)).unwrap_or(bytes.len()),
    };
    if length == 0 { None } else { bytes.split_at_checked(length) }
}

fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    let end = bytes.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    Some(end? + 2)
}

fn container_length(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'"' => string_length(bytes.get(at..)?)?,
            _ => 1,
        };
        depth = match byte {
            b'{' | b'[' => depth + 1,
            b'}' | b']' => depth.checked_sub(1)?,
            _ => depth,
        };
        if depth == 0 {
            return Some(at);
        }
    }
    None
}
