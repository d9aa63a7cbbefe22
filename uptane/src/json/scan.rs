//! The scanner: one byte in, what it means out.

use core::cmp::Ordering;
use core::marker::PhantomData;

use super::event::{Event, Kind, Sink, Span};
use super::number::Number;
use super::open::Open;
use super::sealed::Form;
use super::text::{Got, Text};
use super::{Canonical, TOKEN};
use crate::Error;
use crate::limits::MAX_STRING;

/// Reads one JSON value that arrives in pieces. Strings of up to `TOKEN - 4` bytes are given whole.
pub struct Scanner<const TOKEN: usize, F = Canonical> {
    at: usize,
    state: State,
    open: Open,
    text: Text,
    number: Number,
    start: usize,
    length: usize,
    token: [u8; TOKEN],
    used: usize,
    parted: bool,
    /// The depth of the object or array whose content nobody listens to, or [`LISTENING`].
    quiet: usize,
    form: PhantomData<F>,
}

#[derive(Clone, Copy)]
enum State {
    Value,
    ItemOrEnd,
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
    InKey,
    InText,
    InNumber,
    /// The bytes of `true`, `false` or `null` still to come.
    InLiteral(&'static [u8], Literal),
    Done,
}

#[derive(Clone, Copy)]
enum Literal {
    Bool(bool),
    Null,
}

/// The value of `Scanner::quiet` that no depth reaches.
const LISTENING: usize = usize::MAX;

/// What the last byte means for the bytes that were signed.
enum Mark {
    Itself,
    EscapeOpens,
    EscapeGoesOn,
    Escaped(char),
}

impl<const TOKEN: usize, F: Form> Scanner<TOKEN, F> {
    /// A scanner before the first byte.
    pub fn new() -> Self {
        const { assert!(TOKEN >= 8) };
        Self {
            at: 0,
            state: State::Value,
            open: Open::NONE,
            text: Text::START,
            number: Number::default(),
            start: 0,
            length: 0,
            token: [0; TOKEN],
            used: 0,
            parted: false,
            quiet: LISTENING,
            form: PhantomData,
        }
    }

    /// Takes the next bytes, as many or few as have come. After an error the scanner is of no further use.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Error> {
        let mut from = 0;
        for (index, byte) in bytes.iter().enumerate() {
            let before = self.open.is_signed();
            let mark = self.step(*byte, sink)?;
            self.at += 1;
            let after = self.open.is_signed();
            match mark {
                Mark::Itself if before && !after => sink.signed(bytes.get(from..=index).unwrap_or_default()),
                Mark::Itself if after && !before => from = index,
                Mark::EscapeOpens if after => sink.signed(bytes.get(from..index).unwrap_or_default()),
                Mark::Escaped(c) if after => {
                    give_escaped(c, sink);
                    from = index + 1;
                }
                Mark::Itself | Mark::EscapeOpens | Mark::EscapeGoesOn | Mark::Escaped(_) => {}
            }
        }
        if self.open.is_signed() && !self.text.in_escape() {
            sink.signed(bytes.get(from..).unwrap_or_default());
        }
        Ok(())
    }

    /// Says that no more bytes come.
    pub fn finish(mut self, sink: &mut impl Sink) -> Result<(), Error> {
        if let State::InNumber = self.state {
            self.end_number(sink)?;
        }
        match self.state {
            State::Done => Ok(()),
            State::Value
            | State::ItemOrEnd
            | State::KeyOrEnd
            | State::Key
            | State::Colon
            | State::CommaOrEnd
            | State::InKey
            | State::InText
            | State::InNumber
            | State::InLiteral(..) => Err(self.not_json()),
        }
    }

    fn step(&mut self, byte: u8, sink: &mut impl Sink) -> Result<Mark, Error> {
        match self.state {
            State::InKey => return self.in_key(byte),
            State::InText => return self.in_text(byte, sink),
            State::InLiteral(rest, literal) => self.in_literal(byte, rest, literal, sink)?,
            State::InNumber if self.number.push(byte, self.at)? => {}
            State::InNumber => {
                self.end_number(sink)?;
                return self.step(byte, sink);
            }
            _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => F::deviation(self.at)?,
            State::ItemOrEnd if byte == b']' => self.end(Kind::Array, sink)?,
            State::Value | State::ItemOrEnd => self.begin(byte, sink)?,
            State::KeyOrEnd if byte == b'}' => self.end(Kind::Object, sink)?,
            State::KeyOrEnd | State::Key if byte == b'"' => {
                self.text = Text::START;
                self.state = State::InKey;
            }
            State::Colon if byte == b':' => self.state = State::Value,
            State::CommaOrEnd => self.after_value(byte, sink)?,
            State::KeyOrEnd | State::Key | State::Colon | State::Done => return Err(self.not_json()),
        }
        Ok(Mark::Itself)
    }

    fn begin(&mut self, byte: u8, sink: &mut impl Sink) -> Result<(), Error> {
        self.start = self.at;
        self.state = match byte {
            b'{' => return self.begin_container(Kind::Object, State::KeyOrEnd, sink),
            b'[' => return self.begin_container(Kind::Array, State::ItemOrEnd, sink),
            b'"' => {
                (self.text, self.length, self.used, self.parted) = (Text::START, 0, 0, false);
                State::InText
            }
            b'-' | b'0'..=b'9' => {
                self.number = Number::start(byte);
                State::InNumber
            }
            b't' => State::InLiteral(b"rue", Literal::Bool(true)),
            b'f' => State::InLiteral(b"alse", Literal::Bool(false)),
            b'n' => State::InLiteral(b"ull", Literal::Null),
            _ => return Err(self.not_json()),
        };
        Ok(())
    }

    fn begin_container(&mut self, kind: Kind, next: State, sink: &mut impl Sink) -> Result<(), Error> {
        if !self.is_quiet() {
            let path = self.open.path();
            sink.event(&path, Event::Begin(kind), self.span(self.at + 1))?;
            if !sink.descends(&path) {
                self.quiet = self.open.depth();
            }
        }
        self.open.push(kind == Kind::Object, self.at)?;
        self.state = next;
        Ok(())
    }

    fn after_value(&mut self, byte: u8, sink: &mut impl Sink) -> Result<(), Error> {
        let in_object = self.open.top().is_some_and(|frame| frame.is_object);
        match byte {
            b',' if in_object => self.state = State::Key,
            b',' => self.state = State::Value,
            b'}' if in_object => self.end(Kind::Object, sink)?,
            b']' if !in_object => self.end(Kind::Array, sink)?,
            _ => return Err(self.not_json()),
        }
        Ok(())
    }

    fn end(&mut self, kind: Kind, sink: &mut impl Sink) -> Result<(), Error> {
        let frame = self.open.pop().ok_or(self.not_json())?;
        self.start = frame.start;
        if self.open.depth() == self.quiet {
            self.quiet = LISTENING;
        }
        self.emit(Event::End(kind), self.at + 1, sink)
    }

    /// Tells of a complete value and goes on after it.
    fn emit(&mut self, event: Event<'_>, end: usize, sink: &mut impl Sink) -> Result<(), Error> {
        self.state = if self.open.depth() == 0 { State::Done } else { State::CommaOrEnd };
        if self.is_quiet() { Ok(()) } else { sink.event(&self.open.path(), event, self.span(end)) }
    }

    /// Whether nobody listens to what is being read.
    fn is_quiet(&self) -> bool {
        self.quiet != LISTENING
    }

    fn in_literal(
        &mut self,
        byte: u8,
        rest: &'static [u8],
        literal: Literal,
        sink: &mut impl Sink,
    ) -> Result<(), Error> {
        match (rest.split_first(), literal) {
            (Some((next, rest)), _) if *next == byte && !rest.is_empty() => {
                self.state = State::InLiteral(rest, literal);
                Ok(())
            }
            (Some((next, _)), Literal::Bool(value)) if *next == byte => {
                self.emit(Event::Bool(value), self.at + 1, sink)
            }
            (Some((next, _)), Literal::Null) if *next == byte => self.emit(Event::Null, self.at + 1, sink),
            _ => Err(self.not_json()),
        }
    }

    fn end_number(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        let value = self.number.finish(self.at)?;
        self.emit(Event::Integer(value), self.at, sink)
    }

    fn in_key(&mut self, byte: u8) -> Result<Mark, Error> {
        Ok(match self.text.push(byte).ok_or(self.not_json())? {
            Got::Byte(byte) => {
                self.open.key_byte(byte)?;
                Mark::Itself
            }
            Got::EscapeOpens => Mark::EscapeOpens,
            Got::EscapeGoesOn => Mark::EscapeGoesOn,
            Got::Escaped(c, canonical) => {
                self.check_escape(canonical)?;
                c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| self.open.key_byte(byte))?;
                Mark::Escaped(c)
            }
            Got::Close => {
                self.end_key()?;
                Mark::Itself
            }
        })
    }

    fn end_key(&mut self) -> Result<(), Error> {
        let order = self.open.key_done().ok_or(self.not_json())?;
        match order {
            Ordering::Greater => {}
            // Where keys ascend, equal ones are neighbours: this finds every duplicate.
            Ordering::Equal if F::ORDERED => return Err(Error::Duplicate { what: "key" }),
            Ordering::Equal | Ordering::Less => F::deviation(self.at)?,
        }
        self.state = State::Colon;
        Ok(())
    }

    fn in_text(&mut self, byte: u8, sink: &mut impl Sink) -> Result<Mark, Error> {
        Ok(match self.text.push(byte).ok_or(self.not_json())? {
            Got::Byte(byte) => {
                self.keep(&[byte], sink)?;
                Mark::Itself
            }
            Got::EscapeOpens => Mark::EscapeOpens,
            Got::EscapeGoesOn => Mark::EscapeGoesOn,
            Got::Escaped(c, canonical) => {
                self.check_escape(canonical)?;
                self.keep(c.encode_utf8(&mut [0; 4]).as_bytes(), sink)?;
                Mark::Escaped(c)
            }
            Got::Close => {
                self.end_text(sink)?;
                Mark::Itself
            }
        })
    }

    /// Adds to the string being read. Where pieces are cut depends on the string alone, not on how it was fed.
    fn keep(&mut self, bytes: &[u8], sink: &mut impl Sink) -> Result<(), Error> {
        self.length += bytes.len();
        if self.length > MAX_STRING {
            return Err(Error::Limit { what: "bytes in a string" });
        }
        if self.is_quiet() {
            return Ok(());
        }
        let token = self.token.get_mut(self.used..).unwrap_or_default();
        token.get_mut(..bytes.len()).ok_or(Error::Limit { what: "bytes in a string" })?.copy_from_slice(bytes);
        self.used += bytes.len();
        if self.text.at_boundary() && self.used + 4 > TOKEN {
            self.parted = true;
            sink.event(&self.open.path(), Event::Part { piece: self.piece()?, last: false }, self.span(self.at))?;
            self.used = 0;
        }
        Ok(())
    }

    fn end_text(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        self.state = if self.open.depth() == 0 { State::Done } else { State::CommaOrEnd };
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

    fn span(&self, end: usize) -> Span {
        Span { start: self.start, end }
    }

    fn not_json(&self) -> Error {
        Error::NotJson { at: self.at }
    }
}

impl<const TOKEN: usize, F: Form> Default for Scanner<TOKEN, F> {
    fn default() -> Self {
        Self::new()
    }
}

/// Signed bytes have control characters as they are; quotes and backslashes stay escaped (design D1).
fn give_escaped(c: char, sink: &mut impl Sink) {
    match c {
        '"' => sink.signed(b"\\\""),
        '\\' => sink.signed(b"\\\\"),
        _ => sink.signed(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Runs the scanner over a whole file.
pub(crate) fn read(bytes: &[u8], sink: &mut impl Sink) -> Result<(), Error> {
    let mut scanner = Scanner::<TOKEN>::new();
    scanner.feed(bytes, sink)?;
    scanner.finish(sink)
}
