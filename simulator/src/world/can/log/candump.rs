//! Logs as `candump -l` writes them and `canplayer` reads them.
//!
//! One frame a line: `(seconds.micros) interface frame`, microseconds with six digits. A frame is its identifier in upper
//! case hexadecimal, 3 digits for 11 bits and 8 for 29, and then
//! * classical: `#`, and the data as pairs of digits;
//! * remote: `#R`, and one digit for the bytes asked for, unless that is 0;
//! * FD: `##`, one digit of flags (1: bit rate switch, 2: sender error passive, 4: FD), and the data;
//! * error: as classical, with an identifier of 8 digits that has bit 29 set, and 8 bytes of data.
//!
//! The reader also takes what newer versions add after a blank (`R` or `T`, the direction), lower case digits, dots
//! between bytes and up to nine digits of the second; empty lines are passed over.

use std::fmt::{self, Write as _};

use proto::can::{Frame, Id};

use super::socketcan::{ERROR, EXTENDED, FD_ERROR_STATE, FD_FORMAT, FD_RATE_SWITCH};
use super::{Entry, ErrorFrame};
use crate::world::time::Moment;

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line<'l> {
    /// When.
    pub at: Moment,
    /// On which interface.
    pub interface: &'l str,
    /// What.
    pub entry: Entry,
}

/// Why a log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}, got `{got}`")]
#[non_exhaustive]
pub struct Error {
    /// The line, counted from 1.
    pub line: usize,
    /// What should stand there.
    pub expected: &'static str,
    /// What stands there.
    pub got: String,
}

/// Adds a line to `log`.
pub fn write(log: &mut String, at: Moment, interface: &str, entry: &Entry) {
    let micros = at.nanos() / 1_000;
    // Writing to a string does not fail.
    let _written = write!(log, "({:010}.{:06}) {interface} ", micros / 1_000_000, micros % 1_000_000)
        .and_then(|()| write_entry(log, entry))
        .and_then(|()| log.write_char('\n'));
}

fn write_entry(log: &mut String, entry: &Entry) -> fmt::Result {
    let frame = match entry {
        Entry::Error(error) => {
            write!(log, "{:08X}#", error.identifier())?;
            return write_bytes(log, &error.data());
        }
        Entry::Frame(frame) => frame,
    };
    match frame.id().is_extended() {
        true => write!(log, "{:08X}", frame.id().raw())?,
        false => write!(log, "{:03X}", frame.id().raw())?,
    }
    match (frame.is_fd(), frame.is_remote(), frame.length()) {
        (true, _, _) => write!(log, "##{FD_RATE_SWITCH:X}")?,
        (false, true, 0) => write!(log, "#R")?,
        (false, true, length) => write!(log, "#R{length:X}")?,
        (false, false, _) => write!(log, "#")?,
    }
    write_bytes(log, frame.data())
}

fn write_bytes(log: &mut String, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(log, "{byte:02X}"))
}

/// Reads a log.
pub fn lines(log: &str) -> impl Iterator<Item = Result<Line<'_>, Error>> {
    let numbered = log.lines().zip(1..).filter(|(text, _)| !text.trim().is_empty());
    numbered
        .map(|(text, line)| read(text).map_err(|Wrong { expected, got }| Error { line, expected, got: got.to_owned() }))
}

/// What is wrong with a line, and where.
struct Wrong<'l> {
    expected: &'static str,
    got: &'l str,
}

fn read(text: &str) -> Result<Line<'_>, Wrong<'_>> {
    let mut words = text.split_ascii_whitespace();
    let mut word = |expected| words.next().ok_or(Wrong { expected, got: text });
    let (time, interface, frame) = (word(TIME)?, word("an interface")?, word(FRAME)?);
    match words.next() {
        None | Some("R" | "T") => {}
        Some(got) => return Err(Wrong { expected: "the direction R or T, or nothing", got }),
    }
    let at = moment(time).ok_or(Wrong { expected: TIME, got: time })?;
    Ok(Line { at, interface, entry: entry(frame)? })
}

fn moment(word: &str) -> Option<Moment> {
    let (seconds, fraction) = word.strip_prefix('(')?.strip_suffix(')')?.split_once('.')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=9).contains(&fraction.len()) || !digits(fraction) || !digits(seconds) {
        return None;
    }
    let scale = 10_u64.pow(9 - u32::try_from(fraction.len()).ok()?);
    let nanos = fraction.parse::<u64>().ok()? * scale;
    // 584 years fit; a number beyond is not a time.
    let whole = seconds.parse::<u64>().ok()?.checked_mul(1_000_000_000)?;
    Some(Moment::from_nanos(whole.checked_add(nanos)?))
}

fn entry(word: &str) -> Result<Entry, Wrong<'_>> {
    let (id, rest) = word.split_once('#').ok_or(Wrong { expected: FRAME, got: word })?;
    let expected = "an identifier of 3 or 8 hexadecimal digits";
    let raw = hexadecimal(id).ok_or(Wrong { expected, got: id })?;
    if id.len() == 8 && raw & ERROR != 0 && raw & EXTENDED == 0 {
        let expected = "the 8 bytes of an error frame";
        let data = bytes(rest).and_then(|data| data.try_into().ok()).ok_or(Wrong { expected, got: rest })?;
        return Ok(Entry::Error(ErrorFrame::new(raw, data)));
    }
    let id = match id.len() {
        3 => u16::try_from(raw).ok().and_then(|raw| Id::standard(raw).ok()),
        8 => Id::extended(raw).ok(),
        _ => None,
    }
    .ok_or(Wrong { expected: "an identifier of 11 bits in 3 digits or of 29 in 8", got: id })?;
    let frame = if let Some(fd) = rest.strip_prefix('#') {
        fd_frame(id, fd)?
    } else if let Some(length) = rest.strip_prefix(['R', 'r']) {
        let asked = if length.is_empty() { Some(0) } else { hexadecimal(length).filter(|_| length.len() == 1) };
        let frame = asked.and_then(|asked| Frame::remote(id, usize::try_from(asked).ok()?).ok());
        frame.ok_or(Wrong { expected: "a length of 0 to 8 after R", got: length })?
    } else {
        let expected = "up to 8 bytes of two hexadecimal digits";
        let frame = bytes(rest).and_then(|data| Frame::classical(id, &data).ok());
        frame.ok_or(Wrong { expected, got: rest })?
    };
    Ok(Entry::Frame(frame))
}

fn fd_frame(id: Id, text: &str) -> Result<Frame, Wrong<'_>> {
    let switched = "flags of an FD frame with bit rate switch: 1, 3, 5 or 7";
    let flags = text.get(..1).and_then(hexadecimal).and_then(|flags| u8::try_from(flags).ok());
    let known = FD_RATE_SWITCH | FD_ERROR_STATE | FD_FORMAT;
    flags
        .filter(|flags| flags & FD_RATE_SWITCH != 0 && flags & !known == 0)
        .ok_or(Wrong { expected: switched, got: text })?;
    let data = text.get(1..).unwrap_or_default();
    let expected = "0 to 8, 12, 16, 20, 24, 32, 48 or 64 bytes of two hexadecimal digits";
    bytes(data).and_then(|data| Frame::fd(id, &data).ok()).ok_or(Wrong { expected, got: data })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|symbol| *symbol != '.').collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| hexadecimal(str::from_utf8(pair).ok()?).filter(|_| pair.len() == 2)?.try_into().ok()).collect()
}

/// A number in hexadecimal digits, and nothing but them.
fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

const TIME: &str = "a time as (seconds.micros)";
const FRAME: &str = "a frame as ID#DATA";

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Entry, Error> {
        let mut lines = lines(text);
        let line = lines.next().unwrap().map(|line| line.entry);
        assert!(lines.next().is_none());
        line
    }

    fn id(id: u16) -> Id {
        Id::standard(id).unwrap()
    }

    #[test]
    fn every_kind_of_frame_is_written_as_candump_does() {
        let extended = Id::extended(0x18da_10f1).unwrap();
        let error = ErrorFrame::new(0x80, [0, 0, 4, 10, 0, 0, 8, 0]);
        let cases = [
            (Entry::Frame(Frame::classical(id(0x7e0), &[2, 0x10, 0xab]).unwrap()), "7E0#0210AB"),
            (Entry::Frame(Frame::classical(extended, &[]).unwrap()), "18DA10F1#"),
            (Entry::Frame(Frame::remote(id(5), 0).unwrap()), "005#R"),
            (Entry::Frame(Frame::remote(id(5), 8).unwrap()), "005#R8"),
            (Entry::Frame(Frame::fd(id(1), &[1; 12]).unwrap()), "001##1010101010101010101010101"),
            (Entry::Error(error), "20000080#0000040A00000800"),
        ];
        for (entry, text) in cases {
            let mut log = String::new();
            write(&mut log, Moment::from_nanos(1_700_000_000_000_123_999), "can0", &entry);
            assert_eq!(log, format!("(1700000000.000123) can0 {text}\n"));
            assert_eq!(one(&log), Ok(entry));
        }
    }

    #[test]
    fn what_other_versions_write_is_read_too() {
        let frame = Ok(Entry::Frame(Frame::classical(id(0x123), &[0xde, 0xad]).unwrap()));
        assert_eq!(one("(0.5) vcan0 123#dead R\n\n"), frame);
        assert_eq!(one(" (0.000000001)  vcan0  123#DE.AD"), frame);
        assert!(matches!(one("(1.0) can0 123##5"), Ok(Entry::Frame(frame)) if frame.is_fd()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic_and_what_it_reads_can_be_written(text in "[(]?[0-9.]{0,12}[)]? ?[a-z0-9]{0,4} ?[0-9a-fA-FrR#.]{0,30}|.{0,60}") {
            for line in lines(&text).flatten() {
                let mut log = String::new();
                write(&mut log, line.at, line.interface, &line.entry);
                assert_eq!(one(&log), Ok(line.entry));
            }
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line_and_what_was_expected() {
        let cases = [
            ("(1.0) can0 12#00", "an identifier of 11 bits in 3 digits or of 29 in 8, got `12`"),
            ("(1.0) can0 800#00", "an identifier of 11 bits in 3 digits or of 29 in 8, got `800`"),
            ("(1.0) can0 xyz#00", "an identifier of 3 or 8 hexadecimal digits, got `xyz`"),
            ("(1.0) can0 123", "a frame as ID#DATA, got `123`"),
            ("(1.0) can0 123#0", "up to 8 bytes of two hexadecimal digits, got `0`"),
            ("(1.0) can0 123#010203040506070809", "up to 8 bytes of two hexadecimal digits, got `010203040506070809`"),
            ("(1.0) can0 123#R9", "a length of 0 to 8 after R, got `9`"),
            ("(1.0) can0 123##000", "flags of an FD frame with bit rate switch: 1, 3, 5 or 7, got `000`"),
            ("1.0 can0 123#", "a time as (seconds.micros), got `1.0`"),
            ("(99999999999999.0) can0 123#", "a time as (seconds.micros), got `(99999999999999.0)`"),
            ("(1.0) can0", "a frame as ID#DATA, got `(1.0) can0`"),
            ("(1.0) can0 123# X", "the direction R or T, or nothing, got `X`"),
            ("(1.0) can0 20000080#00", "the 8 bytes of an error frame, got `00`"),
        ];
        for (text, message) in cases {
            let log = format!("(0.0) can0 001#\n{text}\n");
            let refused = lines(&log).nth(1).unwrap().unwrap_err();
            assert_eq!(refused.to_string(), format!("line 2: expected {message}"));
        }
    }
}
