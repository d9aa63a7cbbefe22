//! What stands between two quotes: UTF-8 and escapes, byte by byte, and how far it needs no such care.

/// What one more byte of a string turned out to be.
pub(super) enum Got {
    /// A byte that stands for itself.
    Byte(u8),
    /// The first byte of an escape.
    EscapeOpens,
    /// A byte within an escape.
    EscapeGoesOn,
    /// The last byte of an escape that stands for this character, and whether the escape is the canonical one.
    Escaped(char, bool),
    /// The closing quote.
    Close,
}

/// Where in a string the reader is.
#[derive(Clone, Copy)]
pub(super) struct Text {
    mode: Mode,
    /// The first half of a surrogate pair.
    high: Option<u32>,
}

#[derive(Clone, Copy)]
enum Mode {
    Plain,
    /// `left` more bytes of one character, the next of them between `from` and `to`.
    Within {
        left: u8,
        from: u8,
        to: u8,
    },
    Escape,
    Hex {
        left: u8,
        value: u32,
        lower: bool,
    },
}

impl Mode {
    /// RFC 3629 §4: what may follow a first byte.
    fn within(first: u8) -> Self {
        let left = 1 + u8::from(first >= 0xe0) + u8::from(first >= 0xf0);
        let (from, to) = match first {
            0xe0 => (0xa0, 0xbf),
            0xed => (0x80, 0x9f),
            0xf0 => (0x90, 0xbf),
            0xf4 => (0x80, 0x8f),
            _ => (0x80, 0xbf),
        };
        Self::Within { left, from, to }
    }
}

impl Text {
    pub(super) const START: Self = Self { mode: Mode::Plain, high: None };

    /// Whether the next byte starts a character or ends the string.
    pub(super) fn at_boundary(&self) -> bool {
        matches!(self.mode, Mode::Plain)
    }

    /// Whether an escape has begun and not ended.
    pub(super) fn in_escape(&self) -> bool {
        self.high.is_some() || matches!(self.mode, Mode::Escape | Mode::Hex { .. })
    }

    /// Takes the next byte; `None` if no string goes on like that.
    pub(super) fn push(&mut self, byte: u8) -> Option<Got> {
        match self.mode {
            Mode::Plain => self.plain(byte),
            Mode::Within { left, from, to } => self.within(byte, left, from, to),
            Mode::Escape => self.escape(byte),
            Mode::Hex { left, value, lower } => self.hex(byte, left, value, lower),
        }
    }

    fn plain(&mut self, byte: u8) -> Option<Got> {
        if self.high.is_some() && byte != b'\\' {
            return None; // A lone surrogate.
        }
        self.mode = match byte {
            b'"' => return Some(Got::Close),
            b'\\' => {
                self.mode = Mode::Escape;
                return Some(if self.high.is_some() { Got::EscapeGoesOn } else { Got::EscapeOpens });
            }
            0x20..0x80 => return Some(Got::Byte(byte)),
            0xc2..=0xf4 => Mode::within(byte),
            0x00..0x20 | 0x80..=0xc1 | 0xf5..=0xff => return None,
        };
        Some(Got::Byte(byte))
    }

    fn within(&mut self, byte: u8, left: u8, from: u8, to: u8) -> Option<Got> {
        if !(from..=to).contains(&byte) {
            return None;
        }
        self.mode = if left == 1 { Mode::Plain } else { Mode::Within { left: left - 1, from: 0x80, to: 0xbf } };
        Some(Got::Byte(byte))
    }

    fn escape(&mut self, byte: u8) -> Option<Got> {
        if byte == b'u' {
            self.mode = Mode::Hex { left: 4, value: 0, lower: true };
            return Some(Got::EscapeGoesOn);
        }
        if self.high.is_some() {
            return None; // A lone surrogate.
        }
        self.mode = Mode::Plain;
        let (_, c) = ESCAPES.iter().find(|(escape, _)| *escape == byte)?;
        Some(Got::Escaped(char::from(*c), byte != b'/'))
    }

    fn hex(&mut self, byte: u8, left: u8, value: u32, lower: bool) -> Option<Got> {
        let value = value << 4 | char::from(byte).to_digit(16)?;
        let lower = lower && !byte.is_ascii_uppercase();
        if left > 1 {
            self.mode = Mode::Hex { left: left - 1, value, lower };
            return Some(Got::EscapeGoesOn);
        }
        self.mode = Mode::Plain;
        match (self.high.take(), value) {
            (None, 0xd800..0xdc00) => {
                self.high = Some(value);
                Some(Got::EscapeGoesOn)
            }
            (Some(high), 0xdc00..0xe000) => {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (value - 0xdc00);
                char::from_u32(code).map(|c| Got::Escaped(c, false))
            }
            // A NUL ends text in too many places to be let in; a second half alone is no character.
            (Some(_), _) | (None, 0) => None,
            (None, _) => char::from_u32(value).map(|c| Got::Escaped(c, lower && needs_hex(c))),
        }
    }
}

/// Escapes of one byte and what they stand for. All are canonical but that of `/`, which needs none.
const ESCAPES: [(u8, u8); 8] =
    [(b'"', b'"'), (b'\\', b'\\'), (b'/', b'/'), (b'b', 0x8), (b't', b'\t'), (b'n', b'\n'), (b'f', 0xc), (b'r', b'\r')];

/// Whether the canonical escape of this character is `\u00xx`.
pub(super) fn needs_hex(c: char) -> bool {
    c < ' ' && !matches!(c, '\u{8}' | '\t' | '\n' | '\u{c}' | '\r')
}

/// Whether plain text and numbers are read in runs. A build without a heap reads a few short files, and has less room for
/// code than time: it takes byte by byte, as every reader does where a file is cut.
pub(super) const IS_QUICK: bool = cfg!(feature = "alloc");

/// How many bytes come before the first that has to be looked at by itself: a control character, a quote, a backslash, or
/// part of a character of several bytes. None, if runs are not looked for.
pub(super) fn plain(bytes: &[u8]) -> usize {
    if !IS_QUICK {
        return 0;
    }
    let (words, tail) = bytes.as_chunks();
    let mut run = 0;
    for word in words {
        let special = special(*word);
        if special != 0 {
            return run + usize::try_from(special.trailing_zeros() / 8).unwrap_or_default();
        }
        run += word.len();
    }
    run + tail.iter().take_while(|byte| matches!(byte, 0x20..0x80) && !matches!(byte, b'"' | b'\\')).count()
}

/// The plain run at the front, and the byte after it; `None` if the run goes on as far as the bytes, or if runs are not
/// looked for.
#[inline]
pub(super) fn split_plain(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (run, behind) = bytes.split_at_checked(plain(bytes)).filter(|_| IS_QUICK)?;
    behind.split_first().map(|(byte, rest)| (run, *byte, rest))
}

/// Not zero if one of the bytes is special. In each byte of the result the highest bit says so of that byte, and of none
/// before the first that is.
fn special(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let word = u64::from_le_bytes(word);
    let below = |bound: u8, word: u64| word.wrapping_sub(ONES * u64::from(bound));
    let equal = |byte: u8| below(1, word ^ (ONES * u64::from(byte)));
    (word | below(0x20, word) | equal(b'"') | equal(b'\\')) & (ONES * 0x80)
}
