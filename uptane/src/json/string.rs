//! Keys and strings: runs of plain characters at once, everything else byte by byte.

use core::cmp::Ordering;

use super::event::{Event, Sink};
use super::scan::{Scanner, State};
use super::sealed::Form;
use super::text::{Got, Text, plain, split_plain};
use crate::limits::MAX_STRING;
use crate::{Error, told};

/// What the bytes just taken mean for the bytes that were signed.
pub(super) enum Mark {
    Itself,
    EscapeOpens,
    EscapeGoesOn,
    Escaped(char),
}

impl<const TOKEN: usize, F: Form> Scanner<TOKEN, F> {
    /// Begins a key at its opening quote, whose offset is `at`. One that has arrived whole and has nothing to decode is
    /// read at once, with the colon if that follows.
    pub(super) fn begin_key(&mut self, at: usize, rest: &[u8]) -> Result<usize, Error> {
        let Some((key, b'"', behind)) = split_plain(rest) else {
            (self.text, self.state) = (Text::START, State::InKey);
            return Ok(1);
        };
        let order = self.open.whole_key(key)?;
        self.end_key(order, at + 1 + key.len())?;
        if behind.first() != Some(&b':') {
            return Ok(key.len() + 2);
        }
        self.state = State::Value;
        Ok(key.len() + 3)
    }

    pub(super) fn in_key(&mut self, byte: u8, rest: &[u8]) -> Result<(usize, Mark), Error> {
        match self.text.push(byte).ok_or(self.not_json())? {
            Got::Byte(byte) => {
                self.open.key_bytes(&[byte])?;
                let run = if self.text.at_boundary() { plain(rest) } else { 0 };
                if run > 0 {
                    self.open.key_bytes(rest.get(..run).unwrap_or_default())?;
                }
                return Ok((1 + run, Mark::Itself));
            }
            Got::EscapeOpens => return Ok((1, Mark::EscapeOpens)),
            Got::EscapeGoesOn => return Ok((1, Mark::EscapeGoesOn)),
            Got::Escaped(c, canonical) => {
                self.check_escape(canonical)?;
                self.open.key_bytes(c.encode_utf8(&mut [0; 4]).as_bytes())?;
                return Ok((1, Mark::Escaped(c)));
            }
            Got::Close => {}
        }
        let order = self.open.key_done().ok_or(self.not_json())?;
        self.end_key(order, self.at)?;
        Ok((1, Mark::Itself))
    }

    fn end_key(&mut self, order: Ordering, at: usize) -> Result<(), Error> {
        if order != Ordering::Greater {
            F::disorder(order, at)?;
        }
        self.state = State::Colon;
        Ok(())
    }

    /// Begins a string at its opening quote. One that has arrived whole, has nothing to decode and is told in one
    /// piece is read at once.
    pub(super) fn begin_text(&mut self, rest: &[u8], sink: &mut impl Sink) -> Result<usize, Error> {
        let limit = if self.is_quiet() { MAX_STRING } else { MAX_STRING.min(TOKEN - 4) };
        let Some((text, b'"', _)) = split_plain(rest).filter(|(text, ..)| text.len() <= limit) else {
            (self.text, self.length, self.used, self.parted) = (Text::START, 0, 0, false);
            self.state = State::InText;
            return Ok(1);
        };
        self.state = self.after();
        if !self.is_quiet() {
            let text = core::str::from_utf8(text).map_err(|_| self.not_json())?;
            sink.event(&self.open.path(), Event::Text(text), self.span(self.at + text.len() + 2))?;
        }
        Ok(text.len() + 2)
    }

    pub(super) fn in_text(&mut self, byte: u8, rest: &[u8], sink: &mut impl Sink) -> Result<(usize, Mark), Error> {
        match self.text.push(byte).ok_or(self.not_json())? {
            Got::Byte(byte) => return Ok((self.plain_text(byte, rest, sink)?, Mark::Itself)),
            Got::EscapeOpens => return Ok((1, Mark::EscapeOpens)),
            Got::EscapeGoesOn => return Ok((1, Mark::EscapeGoesOn)),
            Got::Escaped(c, canonical) => {
                self.check_escape(canonical)?;
                self.keep(c.encode_utf8(&mut [0; 4]).as_bytes(), self.at, sink)?;
                return Ok((1, Mark::Escaped(c)));
            }
            Got::Close => {}
        }
        self.end_text(sink)?;
        Ok((1, Mark::Itself))
    }

    /// Takes a byte of a string and the plain run after it, up to where the next piece is told.
    fn plain_text(&mut self, byte: u8, rest: &[u8], sink: &mut impl Sink) -> Result<usize, Error> {
        self.keep(&[byte], self.at, sink)?;
        if !self.text.at_boundary() {
            return Ok(1);
        }
        let room = if self.is_quiet() { rest.len() } else { TOKEN - 3 - self.used };
        let near = rest.get(..room).unwrap_or(rest);
        let run = plain(near);
        if run > 0 {
            self.keep(near.get(..run).unwrap_or_default(), self.at + run, sink)?;
        }
        Ok(1 + run)
    }

    /// Adds bytes, the last of them at `at`, to the string being read. Where pieces are cut depends on the string alone,
    /// not on how it was fed.
    fn keep(&mut self, bytes: &[u8], at: usize, sink: &mut impl Sink) -> Result<(), Error> {
        self.length += bytes.len();
        if self.length > MAX_STRING {
            return Err(TOO_LONG);
        }
        if self.is_quiet() {
            return Ok(());
        }
        let token = self.token.get_mut(self.used..).unwrap_or_default();
        token.get_mut(..bytes.len()).ok_or(TOO_LONG)?.copy_from_slice(bytes);
        self.used += bytes.len();
        if self.text.at_boundary() && self.used + 4 > TOKEN {
            self.parted = true;
            sink.event(&self.open.path(), Event::Part { piece: self.piece()?, last: false }, self.span(at))?;
            self.used = 0;
        }
        Ok(())
    }

    fn end_text(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        self.state = self.after();
        if self.is_quiet() {
            return Ok(());
        }
        let piece = self.piece()?;
        let event = if self.parted { Event::Part { piece, last: true } } else { Event::Text(piece) };
        sink.event(&self.open.path(), event, self.span(self.at + 1))
    }

    fn piece(&self) -> Result<&str, Error> {
        let piece = self.token.get(..self.used).and_then(|token| core::str::from_utf8(token).ok());
        piece.ok_or(self.not_json())
    }

    fn check_escape(&self, canonical: bool) -> Result<(), Error> {
        if canonical { Ok(()) } else { F::deviation(self.at) }
    }
}

const TOO_LONG: Error = Error::Limit { what: told("bytes in a string") };
