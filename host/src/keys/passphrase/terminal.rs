//! Asking a person at the terminal, which does not show the answer.
//!
//! Every key comes here, the one that interrupts included: a process that ended in between would leave a terminal that
//! shows nothing any more.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use zeroize::{Zeroize as _, Zeroizing};

use super::{MAX_PASSPHRASE, too_long};
use crate::{Error, cli};

/// What is typed until the end of the line.
pub(super) fn ask(question: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let terminal = OpenOptions::new().read(true).write(true).open(TERMINAL).map_err(failed)?;
    let hidden = Hidden::begin(&terminal).map_err(failed)?;
    let question = format!("{}: ", cli::one_line(question));
    let answer = (&terminal).write_all(question.as_bytes()).map_err(failed).and_then(|()| read(&terminal));
    drop(hidden);
    // The end of the line was not shown either.
    (&terminal).write_all(b"\n").map_err(failed)?;
    answer
}

fn read(mut terminal: &File) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE));
    let mut byte = [0];
    while terminal.read(&mut byte).map_err(failed)? > 0 {
        match take(&mut line, byte) {
            Typed::More => {}
            Typed::End => break,
            Typed::Interrupt => return Err(Error::Interrupted),
            Typed::TooMuch => return Err(too_long(Path::new(TERMINAL))),
        }
    }
    Ok(line)
}

/// A terminal that shows nothing and hands over every key, until this is dropped.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn begin(terminal: &'a File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO | LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
        tcsetattr(terminal, SetArg::TCSANOW, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no putting back.
        let _ = tcsetattr(self.terminal, SetArg::TCSANOW, &self.before);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Typed {
    More,
    End,
    Interrupt,
    TooMuch,
}

/// What a key does to the line, as terminals have it from the factory.
fn take(line: &mut Vec<u8>, [key]: [u8; 1]) -> Typed {
    match key {
        b'\n' | b'\r' | CONTROL_D => return Typed::End,
        CONTROL_C => return Typed::Interrupt,
        CONTROL_U => line.zeroize(),
        CONTROL_H | DELETE => while line.pop().is_some_and(is_inside_character) {},
        _ if line.len() == MAX_PASSPHRASE => return Typed::TooMuch,
        _ => line.push(key),
    }
    Typed::More
}

/// Of a character that takes several bytes, all but the first (RFC 3629 §3).
fn is_inside_character(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

fn failed(source: impl Into<std::io::Error>) -> Error {
    Error::io("ask at", Path::new(TERMINAL), source.into())
}

/// The terminal this process belongs to, wherever its standard input comes from.
const TERMINAL: &str = "/dev/tty";
const CONTROL_C: u8 = 0x03;
const CONTROL_D: u8 = 0x04;
const CONTROL_H: u8 = 0x08;
const CONTROL_U: u8 = 0x15;
const DELETE: u8 = 0x7f;

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> (Vec<u8>, Typed) {
        let mut line = Vec::new();
        for key in keys {
            let typed = take(&mut line, [*key]);
            if typed != Typed::More {
                return (line, typed);
            }
        }
        (line, Typed::More)
    }

    #[test]
    fn deleting_takes_back_a_whole_character() {
        assert_eq!(typed("aßc\u{7f}\u{8}b\n".as_bytes()), (b"ab".to_vec(), Typed::End));
        assert_eq!(typed(b"\x7fa\n"), (b"a".to_vec(), Typed::End));
    }

    #[test]
    fn a_line_can_be_begun_anew() {
        assert_eq!(typed(b"wrong\x15right\r"), (b"right".to_vec(), Typed::End));
    }

    #[test]
    fn interrupting_ends_at_once() {
        assert_eq!(typed(b"half\x03").1, Typed::Interrupt);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        assert_eq!(typed(&[b'x'; MAX_PASSPHRASE]).1, Typed::More);
        assert_eq!(typed(&[b'x'; MAX_PASSPHRASE + 1]).1, Typed::TooMuch);
    }
}
