//! JSON as signed files may be written, and the bytes that are signed (`docs/pouf.md` §1).
//!
//! `serde_json` reads; what it would let pass is refused here: a key that stands twice, a number that is no integer of 53
//! bits, U+0000, and what is beyond the limits of `docs/pouf.md` §14.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::Refused;

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as they all are integers.
    Integer(i64),
    /// A string.
    Text(String),
    /// `[…]`
    List(Vec<Json>),
    /// `{…}`; a sorted map of strings has the canonical order.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Reads a whole file.
    pub fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let json: Self = serde_json::from_slice(bytes).map_err(|_| Refused("JSON"))?;
        json.check_limits(0, 0)?;
        Ok(json)
    }

    /// The bytes that are signed: OLPC canonical JSON.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// A member of an object.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.object().and_then(|members| members.get(name))
    }

    /// The members, if it is an object.
    pub fn object(&self) -> Option<&BTreeMap<String, Self>> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The elements, if it is a list.
    pub fn list(&self) -> Option<&[Self]> {
        if let Self::List(elements) = self { Some(elements) } else { None }
    }

    /// The text, if it is a string.
    pub fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, if it is one from 0 on.
    pub fn unsigned(&self) -> Option<u64> {
        if let Self::Integer(number) = self { u64::try_from(*number).ok() } else { None }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Self::Text(text) => write_text(text, out),
            Self::List(elements) => {
                out.push(b'[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    element.write(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_text(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// `depth` objects and lists are open around this value, and `open` bytes of keys.
    fn check_limits(&self, depth: usize, open: usize) -> Result<(), Refused> {
        match self {
            Self::Object(_) | Self::List(_) if depth == MAX_DEPTH => Err(Refused("nesting")),
            Self::Object(members) => members.iter().try_for_each(|(name, value)| {
                check_text(name)?;
                let open = open + name.len();
                if open > MAX_OPEN_KEYS { Err(Refused("open keys")) } else { value.check_limits(depth + 1, open) }
            }),
            Self::List(elements) => elements.iter().try_for_each(|element| element.check_limits(depth + 1, open)),
            Self::Text(text) => check_text(text),
            Self::Null | Self::Bool(_) | Self::Integer(_) => Ok(()),
        }
    }
}

fn check_text(text: &str) -> Result<(), Refused> {
    if text.len() > MAX_STRING { Err(Refused("string")) } else { Ok(()) }
}

/// Only quotes and backslashes are escaped in what is signed.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without fractions, duplicate keys and U+0000")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Json, E> {
        i64::try_from(number).ok().filter(|number| *number <= MAX_INTEGER).map(Json::Integer).ok_or(E::custom("number"))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Json, E> {
        if number >= -MAX_INTEGER { Ok(Json::Integer(number)) } else { Err(E::custom("number")) }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Json, E> {
        if text.contains('\0') { Err(E::custom("U+0000")) } else { Ok(Json::Text(text.to_owned())) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Json::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = access.next_entry::<String, Json>()? {
            if name.contains('\0') {
                return Err(A::Error::custom("U+0000"));
            }
            match members.entry(name) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(_) => return Err(A::Error::custom("duplicate key")),
            };
        }
        Ok(Json::Object(members))
    }
}

const MAX_DEPTH: usize = 16;
const MAX_OPEN_KEYS: usize = 1_024;
const MAX_STRING: usize = 6_618;
const MAX_INTEGER: i64 = (1 << 53) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_json_would_let_pass_is_refused() {
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            "1.0",
            "1e3",
            "-0",
            "9007199254740992",
            r#""\u0000""#,
            "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]",
        ] {
            assert!(Json::read(json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn signed_bytes_have_sorted_keys_and_two_escapes() {
        let json = Json::read(br#" {"b":[1, -2, true, null], "a\n":"\u0041\"\\\t"} "#).unwrap();
        assert_eq!(json.canonical(), b"{\"a\n\":\"A\\\"\\\\\t\",\"b\":[1,-2,true,null]}");
    }
}
