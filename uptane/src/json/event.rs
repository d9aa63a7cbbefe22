//! What the scanner tells, and who listens.

use super::open::Path;
use crate::{Error, told};

/// An object or an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
}

/// What the scanner saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An object or array opens.
    Begin(Kind),
    /// An object or array closes.
    End(Kind),
    /// A string, unescaped, that fits the token buffer.
    Text(&'a str),
    /// A piece of a string that does not.
    Part {
        /// The piece, cut between characters.
        piece: &'a str,
        /// Whether the string ends here.
        last: bool,
    },
    /// An integer of at most 53 bits.
    Integer(i64),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// Where a value lies in the file: for [`Event::End`] the whole object or array, for a string with its quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset after its last byte.
    pub end: usize,
}

impl Span {
    /// These bytes of the slice the scanner ran over.
    pub(crate) fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }
}

/// Who listens to a [`Scanner`](super::Scanner).
///
/// # Security
/// A sink hears of a value before the file is known to be signed, or even to be JSON to its end. It may remember, and
/// must not act.
pub trait Sink {
    /// A value at `path`. An error ends the scan.
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error>;

    /// Whether this sink wants to hear what lies in the object or array that has just begun at `path`. If not, its
    /// content is checked as strictly as any other, and the next event is its [`Event::End`] with its whole span.
    fn descends(&self, _path: &Path<'_>) -> bool {
        true
    }

    /// The next bytes of what was signed: the outermost member `signed`, control characters unescaped (design D1).
    fn signed(&mut self, _bytes: &[u8]) {}
}

/// What a sink that wants a string in one piece says to one in several.
pub(crate) trait Whole {
    /// The string, or a refusal that names the field.
    fn text(&self, field: &'static str) -> Result<&str, Error>;
    /// The non-negative integer, or a refusal that names the field.
    fn unsigned(&self, field: &'static str) -> Result<u64, Error>;
    /// Refuses anything but the beginning or the end of an object.
    fn object(&self, field: &'static str) -> Result<(), Error>;
    /// Refuses anything but the beginning or the end of an array.
    fn array(&self, field: &'static str) -> Result<(), Error>;
}

impl Whole for Event<'_> {
    #[inline(never)]
    fn text(&self, field: &'static str) -> Result<&str, Error> {
        if let Event::Text(text) = self { Ok(text) } else { Err(Error::Schema { field: told(field) }) }
    }

    #[inline(never)]
    fn unsigned(&self, field: &'static str) -> Result<u64, Error> {
        let Event::Integer(value) = *self else {
            return Err(Error::Schema { field: told(field) });
        };
        u64::try_from(value).map_err(|_| Error::BadNumber { kind: told(field) })
    }

    #[inline(never)]
    fn object(&self, field: &'static str) -> Result<(), Error> {
        matches!(self, Event::Begin(Kind::Object) | Event::End(Kind::Object))
            .then_some(())
            .ok_or(Error::Schema { field: told(field) })
    }

    #[inline(never)]
    fn array(&self, field: &'static str) -> Result<(), Error> {
        matches!(self, Event::Begin(Kind::Array) | Event::End(Kind::Array))
            .then_some(())
            .ok_or(Error::Schema { field: told(field) })
    }
}
