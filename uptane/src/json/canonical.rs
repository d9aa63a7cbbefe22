//! Rewriting any JSON into the canonical wire form (design D1).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Any, Event, Kind, Path, Scanner, Sink, Span, Step, TOKEN};
use crate::Error;

/// The canonical wire form of one JSON value. An object that has a key twice is refused.
pub(crate) fn rewrite(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut rewriter = Rewriter { open: Vec::new(), text: String::new(), whole: Vec::new() };
    let mut scanner = Scanner::<TOKEN, Any>::new();
    scanner.feed(bytes, &mut rewriter)?;
    scanner.finish(&mut rewriter)?;
    Ok(rewriter.whole)
}

/// Appends a string with the escapes that are canonical on the wire.
pub(crate) fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
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
    out.push(b'"');
}

/// Control characters with an escape of one letter.
pub(crate) const SHORT_ESCAPES: [(u8, u8); 5] =
    [(0x08, b'b'), (b'\t', b't'), (b'\n', b'n'), (0x0c, b'f'), (b'\r', b'r')];

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
