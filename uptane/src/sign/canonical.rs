//! The one writer of signed files: canonical JSON whose keys sort themselves (design D1).

use alloc::borrow::{Cow, ToOwned as _};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use crate::json::canonical::{SHORT_ESCAPES, write_text};

/// A JSON value that can only be written canonically.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `true` or `false`.
    Boolean(bool),
    /// Text that already is canonical JSON.
    Canonical(Vec<u8>),
    /// An array, in its own order.
    List(Vec<Value>),
    /// An integer.
    Number(u64),
    /// An object; a map of byte-ordered keys, which is the canonical order.
    Object(BTreeMap<String, Value>),
    /// A string.
    Text(String),
}

impl Value {
    /// An object of these members.
    pub(crate) fn object<'k>(members: impl IntoIterator<Item = (&'k str, Value)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A string of what `text` displays.
    pub(crate) fn text(text: impl fmt::Display) -> Self {
        Self::Text(text.to_string())
    }

    /// An array of strings.
    pub(crate) fn texts(texts: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// Adds a member to an object; nothing else has members.
    pub(crate) fn insert(&mut self, key: impl fmt::Display, value: Value) {
        if let Self::Object(members) = self {
            members.insert(key.to_string(), value);
        }
    }

    /// Adds a member where there is a value for it.
    pub(crate) fn insert_some(&mut self, key: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.insert(key, value);
        }
    }

    /// The wire form.
    pub(crate) fn to_wire(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Boolean(true) => out.extend_from_slice(b"true"),
            Self::Boolean(false) => out.extend_from_slice(b"false"),
            Self::Canonical(json) => out.extend_from_slice(json),
            Self::List(values) => write_list(values, out),
            Self::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Object(members) => write_object(members, out),
            Self::Text(text) => write_text(text, out),
        }
    }
}

/// The bytes that are signed: the wire form with control characters as they are (design D1).
pub(crate) fn signed_form(wire: &[u8]) -> Cow<'_, [u8]> {
    if !wire.contains(&b'\\') {
        return Cow::Borrowed(wire);
    }
    let mut out = Vec::with_capacity(wire.len());
    let mut rest = wire;
    while let Some((piece, left)) = next_piece(rest) {
        out.extend_from_slice(piece.as_ref());
        rest = left;
    }
    Cow::Owned(out)
}

/// The signed form of the first character or escape of `wire`, and what follows it.
fn next_piece(wire: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    if let [b'\\', b'u', b'0', b'0', high, low, rest @ ..] = wire
        && let Some([byte]) = hex(&[*high, *low])
    {
        return Some((Cow::Owned([byte].to_vec()), rest));
    }
    if let [b'\\', escaped, rest @ ..] = wire {
        return match SHORT_ESCAPES.iter().find(|(_, letter)| letter == escaped) {
            Some((control, _)) => Some((Cow::Owned([*control].to_vec()), rest)),
            // `\"` and `\\` stay as they are in the signed form.
            None => wire.split_at_checked(2).map(|(piece, rest)| (Cow::Borrowed(piece), rest)),
        };
    }
    wire.split_at_checked(1).map(|(piece, rest)| (Cow::Borrowed(piece), rest))
}

fn hex(digits: &[u8]) -> Option<[u8; 1]> {
    let mut byte = [0];
    crate::hex::decode(core::str::from_utf8(digits).ok()?, &mut byte)?;
    Some(byte)
}

fn write_object(members: &BTreeMap<String, Value>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_text(key, out);
        out.push(b':');
        value.write(out);
    }
    out.push(b'}');
}

fn write_list(values: &[Value], out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value.write(out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_by_their_bytes_whatever_order_they_came_in() {
        let value =
            Value::object([("b", Value::Number(1)), ("_a", Value::Boolean(true)), ("B", Value::List(Vec::new()))]);
        assert_eq!(value.to_wire(), br#"{"B":[],"_a":true,"b":1}"#);
    }

    #[test]
    fn control_characters_are_escaped_on_the_wire_and_raw_in_the_signed_bytes() {
        let value = Value::text("a\u{1}\u{8}\t\n\u{c}\r\u{1f}\"\\ü");
        let wire = value.to_wire();
        assert_eq!(wire, "\"a\\u0001\\b\\t\\n\\f\\r\\u001f\\\"\\\\ü\"".as_bytes());
        assert_eq!(signed_form(&wire).as_ref(), "\"a\u{1}\u{8}\t\n\u{c}\r\u{1f}\\\"\\\\ü\"".as_bytes());
    }

    #[test]
    fn an_escaped_backslash_before_a_letter_is_no_control_character() {
        let wire = Value::text("\\n\\u0001").to_wire();
        assert_eq!(signed_form(&wire).as_ref(), wire);
    }
}
