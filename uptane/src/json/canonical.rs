//! Rewriting any JSON into the canonical wire form (design D1).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::text::split_plain;
use super::{Any, Ascending, Event, Kind, Path, Scanner, Sink, Span, Step, TOKEN};
use crate::Error;

/// The canonical wire form of one JSON value. An object that has a key twice is refused.
pub(crate) fn rewrite(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    match rewrite_ascending(bytes) {
        Err(Error::NotCanonical { .. }) => rewrite_any(bytes),
        rewritten => rewritten,
    }
}

/// The same for a value whose keys ascend already, as most writers have them: whitespace and escapes are all there is to
/// mend. Any other one is said to be not canonical.
fn rewrite_ascending(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    // What is canonical is never longer.
    let mut writer = Writer { whole: Vec::with_capacity(bytes.len()), follows: false, in_text: false };
    let mut scanner = Scanner::<TOKEN, Ascending>::new();
    scanner.feed(bytes, &mut writer)?;
    scanner.finish(&mut writer)?;
    Ok(writer.whole)
}

/// The same for any value, which takes several times its length in memory.
fn rewrite_any(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut rewriter = Rewriter { open: Vec::new(), text: String::new(), whole: Vec::new() };
    let mut scanner = Scanner::<TOKEN, Any>::new();
    scanner.feed(bytes, &mut rewriter)?;
    scanner.finish(&mut rewriter)?;
    Ok(rewriter.whole)
}

/// Appends a string with the escapes that are canonical on the wire.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

fn write_escaped(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some((run, byte, behind)) = split_plain(rest) {
        out.extend_from_slice(run);
        write_byte(byte, out);
        rest = behind;
    }
    out.extend_from_slice(rest);
}

fn write_byte(byte: u8, out: &mut Vec<u8>) {
    match SHORT_ESCAPES.iter().find(|(control, _)| *control == byte) {
        Some((_, letter)) => out.extend_from_slice(&[b'\\', *letter]),
        None if byte < 0x20 => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&crate::hex::digits(byte));
        }
        None if matches!(byte, b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
        None => out.push(byte),
    }
}

/// Control characters with an escape of one letter.
pub(crate) const SHORT_ESCAPES: [(u8, u8); 5] =
    [(0x08, b'b'), (b'\t', b't'), (b'\n', b'n'), (0x0c, b'f'), (b'\r', b'r')];

/// Writes values as they come.
struct Writer {
    whole: Vec<u8>,
    /// Whether a value stands before this one in its object or array.
    follows: bool,
    /// Whether a string that arrives in parts has begun.
    in_text: bool,
}

impl Sink for Writer {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        if !self.in_text && !matches!(event, Event::End(_)) {
            self.begin(path);
        }
        self.follows = !matches!(event, Event::Begin(_));
        let out = &mut self.whole;
        match event {
            Event::Begin(Kind::Object) => out.push(b'{'),
            Event::Begin(Kind::Array) => out.push(b'['),
            Event::End(Kind::Object) => out.push(b'}'),
            Event::End(Kind::Array) => out.push(b']'),
            Event::Part { piece, last } => self.part(piece, last),
            Event::Text(text) => write_text(text, out),
            Event::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Event::Bool(true) => out.extend_from_slice(b"true"),
            Event::Bool(false) => out.extend_from_slice(b"false"),
            Event::Null => out.extend_from_slice(b"null"),
        }
        Ok(())
    }
}

impl Writer {
    /// Writes what stands between the value before and this one.
    fn begin(&mut self, path: &Path<'_>) {
        if self.follows {
            self.whole.push(b',');
        }
        if let Some(Step::Key(key)) = path.last() {
            write_text(key, &mut self.whole);
            self.whole.push(b':');
        }
    }

    fn part(&mut self, piece: &str, last: bool) {
        if !self.in_text {
            self.whole.push(b'"');
        }
        write_escaped(piece, &mut self.whole);
        if last {
            self.whole.push(b'"');
        }
        self.in_text = !last;
    }
}

/// Collects values from the inside out.
struct Rewriter {
    open: Vec<Container>,
    /// The string that arrives in parts.
    text: String,
    whole: Vec<u8>,
}

enum Container {
    Array(Vec<u8>),
    /// The values under their keys, which a map of strings keeps in canonical order.
    Object(BTreeMap<String, Vec<u8>>),
}

impl Sink for Rewriter {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        let mut value = Vec::new();
        match event {
            Event::Begin(Kind::Object) => return self.begin(Container::Object(BTreeMap::new())),
            Event::Begin(Kind::Array) => return self.begin(Container::Array(Vec::new())),
            Event::End(_) => self.open.pop().into_iter().for_each(|container| container.write(&mut value)),
            Event::Part { piece, last } => {
                self.text.push_str(piece);
                if !last {
                    return Ok(());
                }
                write_text(&core::mem::take(&mut self.text), &mut value);
            }
            Event::Text(text) => write_text(text, &mut value),
            Event::Integer(number) => value.extend_from_slice(number.to_string().as_bytes()),
            Event::Bool(true) => value.extend_from_slice(b"true"),
            Event::Bool(false) => value.extend_from_slice(b"false"),
            Event::Null => value.extend_from_slice(b"null"),
        }
        self.add(path, value)
    }
}

impl Rewriter {
    fn begin(&mut self, container: Container) -> Result<(), Error> {
        self.open.push(container);
        Ok(())
    }

    fn add(&mut self, path: &Path<'_>, value: Vec<u8>) -> Result<(), Error> {
        match (self.open.last_mut(), path.steps().last()) {
            (Some(Container::Object(members)), Some(Step::Key(key))) => {
                if members.insert((*key).into(), value).is_some() {
                    return Err(Error::Duplicate { what: "key" });
                }
            }
            (Some(Container::Array(elements)), _) => {
                if !elements.is_empty() {
                    elements.push(b',');
                }
                elements.extend_from_slice(&value);
            }
            // Only the outermost value lies in nothing.
            (Some(Container::Object(_)) | None, _) => self.whole = value,
        }
        Ok(())
    }
}

impl Container {
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Array(elements) => {
                out.push(b'[');
                out.extend_from_slice(&elements);
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_text(key, out);
                    out.push(b':');
                    out.extend_from_slice(value);
                }
                out.push(b'}');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use proptest::prelude::*;

    use super::*;

    /// JSON with whitespace, needless escapes, long strings, and keys that ascend, or not, or are there twice.
    fn loose() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            any::<i32>().prop_map(|n| n.to_string()),
            prop::sample::select(
                &["true", "false", "null", "1.5", r#""\u00e9\/\"\\ü""#, r#""\ud834\udd1e\u000a\u001F""#][..]
            )
            .prop_map(String::from),
            (0..600_usize).prop_map(|length| format!("\"\\n{}\"", "ü".repeat(length))),
        ];
        let space = || prop::sample::select(&["", " ", "\n\t"][..]);
        leaf.prop_recursive(4, 40, 5, move |inner| {
            let member =
                (prop::sample::select(&["a", "\\u0061", "b", "c", "é", "\\u00e9"][..]), space(), inner.clone());
            let object = (prop::collection::vec(member, 0..4), any::<bool>(), space());
            prop_oneof![
                (prop::collection::vec(inner, 0..4), space())
                    .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},")))),
                object.prop_map(|(mut members, ascending, space)| {
                    if ascending {
                        members.sort_unstable_by_key(|member| member.0);
                        members.dedup_by_key(|member| member.0);
                    }
                    let members: Vec<_> = members
                        .iter()
                        .map(|(key, space, value)| format!("{space}\"{key}\"{space}:{space}{value}"))
                        .collect();
                    format!("{{{}{space}}}", members.join(&format!("{space},")))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_as_it_comes_is_what_is_collected(json in loose()) {
            let collected = rewrite_any(json.as_bytes());
            prop_assert_eq!(rewrite(json.as_bytes()), collected.clone());
            if let Ok(canonical) = collected {
                prop_assert_eq!(rewrite_ascending(&canonical), Ok(canonical));
            }
        }
    }

    #[test]
    fn only_keys_out_of_order_need_the_collection() {
        assert_eq!(rewrite_ascending(br#" { "a" : [ { } , "\/" ] , "b" : 1 } "#).unwrap(), br#"{"a":[{},"/"],"b":1}"#);
        for json in [r#"{"b":1,"a":1}"#, r#"{"a":1,"\u0061":1}"#] {
            assert!(matches!(rewrite_ascending(json.as_bytes()), Err(Error::NotCanonical { .. })), "{json}");
        }
    }
}
