//! The scanner: bytes in, what they mean out.

use core::marker::PhantomData;

use super::event::{Event, Kind, Sink, Span};
use super::number::Number;
use super::open::Open;
use super::sealed::Form;
use super::string::Mark;
use super::text::{IS_QUICK, Text};
use super::{Canonical, TOKEN};
use crate::{Error, told};

/// Reads one JSON value that arrives in pieces. Strings of up to `TOKEN - 4` bytes are given whole.
pub struct Scanner<const TOKEN: usize, F = Canonical> {
    /// Offset of the next byte.
    pub(super) at: usize,
    pub(super) state: State,
    pub(super) open: Open,
    pub(super) text: Text,
    number: Number,
    pub(super) start: usize,
    pub(super) length: usize,
    pub(super) token: [u8; TOKEN],
    pub(super) used: usize,
    pub(super) parted: bool,
    /// The depth of the object or array whose content nobody listens to, or [`LISTENING`].
    quiet: usize,
    form: PhantomData<F>,
}

#[derive(Clone, Copy)]
pub(super) enum State {
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
pub(super) enum Literal {
    Bool(bool),
    Null,
}

/// The value of `Scanner::quiet` that no depth reaches.
const LISTENING: usize = usize::MAX;

impl<const TOKEN: usize, F: Form> Scanner<TOKEN, F> {
    /// A scanner before the first byte.
    #[inline(never)]
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
        let (mut index, mut from) = (0, 0);
        while let Some((byte, rest)) = bytes.get(index..).and_then(<[u8]>::split_first) {
            let before = self.open.is_signed();
            let (taken, mark) = self.step(*byte, rest, sink)?;
            self.at += taken;
            let (this, after) = (index, self.open.is_signed());
            index += taken;
            match mark {
                Mark::Itself if before == after => {}
                Mark::Itself if before => sink.signed(bytes.get(from..index).unwrap_or_default()),
                Mark::Itself => from = this,
                Mark::EscapeOpens if after => sink.signed(bytes.get(from..this).unwrap_or_default()),
                Mark::Escaped(c) if after => {
                    give_escaped(c, sink);
                    from = index;
                }
                Mark::EscapeOpens | Mark::EscapeGoesOn | Mark::Escaped(_) => {}
            }
        }
        if self.open.is_signed() && !self.text.in_escape() {
            sink.signed(bytes.get(from..).unwrap_or_default());
        }
        Ok(())
    }

    /// Says that no more bytes come.
    pub fn finish(mut self, sink: &mut impl Sink) -> Result<(), Error> {
        self.end_here(sink)
    }

    /// Says that no more bytes come, of a scanner that stays where it is: it is of no further use.
    pub(crate) fn end_here(&mut self, sink: &mut impl Sink) -> Result<(), Error> {
        if let State::InNumber = self.state {
            self.end_number(self.at, sink)?;
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

    /// Takes the next byte, whose offset is `at`, and as many of the `rest` as are of a piece with it. Says how many
    /// that is.
    fn step(&mut self, byte: u8, rest: &[u8], sink: &mut impl Sink) -> Result<(usize, Mark), Error> {
        match self.state {
            State::InKey => return self.in_key(byte, rest),
            State::InText => return self.in_text(byte, rest, sink),
            State::InNumber if self.number.push(byte, self.at)? => Ok(1),
            State::InNumber => self.end_number(self.at, sink).map(|()| 0),
            State::InLiteral(rest, literal) => self.in_literal(byte, rest, literal, sink),
            _ if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') => F::deviation(self.at).map(|()| 1),
            State::ItemOrEnd if byte == b']' => self.end(Kind::Array, sink),
            State::Value | State::ItemOrEnd => self.begin(byte, rest, sink),
            State::KeyOrEnd if byte == b'}' => self.end(Kind::Object, sink),
            State::KeyOrEnd | State::Key if byte == b'"' => self.begin_key(self.at, rest),
            State::Colon if byte == b':' => Ok(self.goes_on(State::Value)),
            State::CommaOrEnd => self.after_value(byte, rest, sink),
            State::KeyOrEnd | State::Key | State::Colon | State::Done => Err(self.not_json()),
        }
        .map(|taken| (taken, Mark::Itself))
    }

    /// Takes one byte and is in this state after it.
    fn goes_on(&mut self, state: State) -> usize {
        self.state = state;
        1
    }

    fn begin(&mut self, byte: u8, rest: &[u8], sink: &mut impl Sink) -> Result<usize, Error> {
        self.start = self.at;
        match byte {
            b'{' => self.begin_container(Kind::Object, State::KeyOrEnd, sink),
            b'[' => self.begin_container(Kind::Array, State::ItemOrEnd, sink),
            b'"' => self.begin_text(rest, sink),
            b'-' | b'0'..=b'9' => self.begin_number(byte, rest, sink),
            b't' => Ok(self.goes_on(State::InLiteral(b"rue", Literal::Bool(true)))),
            b'f' => Ok(self.goes_on(State::InLiteral(b"alse", Literal::Bool(false)))),
            b'n' => Ok(self.goes_on(State::InLiteral(b"ull", Literal::Null))),
            _ => Err(self.not_json()),
        }
    }

    fn begin_container(&mut self, kind: Kind, next: State, sink: &mut impl Sink) -> Result<usize, Error> {
        if !self.is_quiet() {
            let path = self.open.path();
            sink.event(&path, Event::Begin(kind), self.span(self.at + 1))?;
            if !sink.descends(&path) {
                self.quiet = self.open.depth();
            }
        }
        self.open.push(kind == Kind::Object, self.at)?;
        Ok(self.goes_on(next))
    }

    fn after_value(&mut self, byte: u8, rest: &[u8], sink: &mut impl Sink) -> Result<usize, Error> {
        let in_object = self.open.top().is_some_and(|frame| frame.is_object);
        match byte {
            b',' if let (true, Some((b'"', rest))) = (in_object && IS_QUICK, rest.split_first()) => {
                self.begin_key(self.at + 1, rest).map(|taken| 1 + taken)
            }
            b',' if in_object => Ok(self.goes_on(State::Key)),
            b',' => Ok(self.goes_on(State::Value)),
            b'}' if in_object => self.end(Kind::Object, sink),
            b']' if !in_object => self.end(Kind::Array, sink),
            _ => Err(self.not_json()),
        }
    }

    fn end(&mut self, kind: Kind, sink: &mut impl Sink) -> Result<usize, Error> {
        let frame = self.open.pop().ok_or(self.not_json())?;
        self.start = frame.start;
        if self.open.depth() == self.quiet {
            self.quiet = LISTENING;
        }
        self.emit(Event::End(kind), self.at + 1, sink).map(|()| 1)
    }

    /// Tells of a complete value and goes on after it.
    fn emit(&mut self, event: Event<'_>, end: usize, sink: &mut impl Sink) -> Result<(), Error> {
        self.state = self.after();
        if self.is_quiet() { Ok(()) } else { sink.event(&self.open.path(), event, self.span(end)) }
    }

    /// The state after a complete value.
    pub(super) fn after(&self) -> State {
        if self.open.depth() == 0 { State::Done } else { State::CommaOrEnd }
    }

    /// Whether nobody listens to what is being read.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet != LISTENING
    }

    fn in_literal(
        &mut self,
        byte: u8,
        rest: &'static [u8],
        literal: Literal,
        sink: &mut impl Sink,
    ) -> Result<usize, Error> {
        let (_, rest) = rest.split_first().filter(|(next, _)| **next == byte).ok_or(self.not_json())?;
        match literal {
            _ if !rest.is_empty() => return Ok(self.goes_on(State::InLiteral(rest, literal))),
            Literal::Bool(value) => self.emit(Event::Bool(value), self.at + 1, sink)?,
            Literal::Null => self.emit(Event::Null, self.at + 1, sink)?,
        }
        Ok(1)
    }

    fn begin_number(&mut self, byte: u8, rest: &[u8], sink: &mut impl Sink) -> Result<usize, Error> {
        self.number = Number::start(byte);
        let rest = if IS_QUICK { rest } else { &[] };
        for (end, byte) in (self.at + 1..).zip(rest) {
            if !self.number.push(*byte, end)? {
                self.end_number(end, sink)?;
                return Ok(end - self.at);
            }
        }
        self.state = State::InNumber;
        Ok(1 + rest.len())
    }

    fn end_number(&mut self, end: usize, sink: &mut impl Sink) -> Result<(), Error> {
        let value = self.number.finish(end)?;
        self.emit(Event::Integer(value), end, sink)
    }

    pub(super) fn span(&self, end: usize) -> Span {
        Span { start: self.start, end }
    }

    pub(super) fn not_json(&self) -> Error {
        Error::NotJson { at: told(self.at) }
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
