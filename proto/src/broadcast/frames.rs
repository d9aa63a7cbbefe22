//! What the sender and its receivers say, in frames. Numbers are big endian; all but data has 8 bytes.

use super::{MAX_FRAMES, Session};
use crate::can::{Format, Frame, Id, MAX_DATA, frame_length};
use crate::isotp::{MIN_LENGTH, PADDING};

/// What the sender says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'f> {
    /// A frame of the open window; the last one of the image may be followed by padding.
    Data { number: u8, bytes: &'f [u8] },
    /// Frames that follow are of this window.
    Open(Opening),
    /// Who has the whole window, whose bytes have this CRC-32?
    Poll { session: u8, window: u8, crc: u32 },
}

/// A window: so many frames of the image, from this offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) session: u8,
    /// Counts windows, from 255 on to 0.
    pub(super) window: u8,
    pub(super) frames: u8,
    pub(super) offset: u32,
}

/// What a receiver answers to a poll for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) session: u8,
    pub(super) window: u8,
    pub(super) says: Says,
}

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// It has the window, and room for the next; it has handed over so many bytes.
    Ready { held: u32 },
    /// It has no room yet; it has handed over so many bytes.
    Busy { held: u32 },
    /// It lacks these of the 32 frames from `first` on. If there are more to name, another answer follows.
    Missing { first: u8, bits: u32, more: bool },
    /// It has nothing of the window. It lacks the image from this offset on.
    All { from: u32 },
    /// It takes no further part; it has handed over so many bytes.
    Left { why: u8, held: u32 },
}

impl<'f> Said<'f> {
    /// Reads a frame's data; `None` if it is to be ignored.
    pub(super) fn decode(frame: &'f [u8]) -> Option<Self> {
        match *frame {
            [number, ref bytes @ ..] if number < MAX_FRAMES => Some(Self::Data { number, bytes }),
            [OPEN, session, window, frames, a, b, c, d] => {
                let offset = u32::from_be_bytes([a, b, c, d]);
                let is_window = (1..=MAX_FRAMES).contains(&frames);
                is_window.then_some(Self::Open(Opening { session, window, frames, offset }))
            }
            [POLL, session, window, _, a, b, c, d] => {
                Some(Self::Poll { session, window, crc: u32::from_be_bytes([a, b, c, d]) })
            }
            _ => None,
        }
    }

    /// The frame that says it.
    pub(super) fn frame(self, session: &Session) -> Option<Frame> {
        let format = session.framing.format();
        match self {
            Self::Data { number, bytes } => data(session, number, bytes),
            Self::Open(Opening { session: number, window, frames, offset }) => {
                short(session.id, format, [OPEN, number, window, frames], offset)
            }
            Self::Poll { session: number, window, crc } => {
                short(session.id, format, [POLL, number, window, PADDING], crc)
            }
        }
    }
}

impl Answer {
    /// Reads a frame's data; `None` if it is to be ignored.
    pub(super) fn decode(frame: &[u8]) -> Option<Self> {
        let [kind, session, window, detail, a, b, c, d] = *frame else { return None };
        let number = u32::from_be_bytes([a, b, c, d]);
        let says = match kind {
            READY => Says::Ready { held: number },
            BUSY => Says::Busy { held: number },
            MISSING_MORE | MISSING => Says::Missing { first: detail, bits: number, more: kind == MISSING_MORE },
            ALL => Says::All { from: number },
            LEFT => Says::Left { why: detail, held: number },
            _ => return None,
        };
        Some(Self { session, window, says })
    }

    /// The frame that says it.
    pub(super) fn frame(self, id: Id, format: Format) -> Option<Frame> {
        let (kind, detail, number) = match self.says {
            Says::Ready { held } => (READY, PADDING, held),
            Says::Busy { held } => (BUSY, PADDING, held),
            Says::Missing { first, bits, more: true } => (MISSING_MORE, first, bits),
            Says::Missing { first, bits, more: false } => (MISSING, first, bits),
            Says::All { from } => (ALL, PADDING, from),
            Says::Left { why, held } => (LEFT, why, held),
        };
        short(id, format, [kind, self.session, self.window, detail], number)
    }
}

fn short(id: Id, format: Format, head: [u8; 4], number: u32) -> Option<Frame> {
    let ([a, b, c, d], [e, f, g, h]) = (head, number.to_be_bytes());
    Frame::new(id, format, &[a, b, c, d, e, f, g, h]).ok()
}

/// A number and bytes, filled up to 8 bytes or, above, to the next length there is.
fn data(session: &Session, number: u8, bytes: &[u8]) -> Option<Frame> {
    let mut frame = [PADDING; MAX_DATA];
    let (head, body) = frame.split_first_mut()?;
    *head = number;
    body.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let padded = frame_length((bytes.len() + 1).max(MIN_LENGTH))?;
    Frame::new(session.id, session.framing.format(), frame.get(..padded)?).ok()
}

const OPEN: u8 = 0xf1;
const POLL: u8 = 0xf2;
const READY: u8 = 0xf8;
const BUSY: u8 = 0xf9;
const MISSING: u8 = 0xfa;
const MISSING_MORE: u8 = 0xfb;
const ALL: u8 = 0xfc;
const LEFT: u8 = 0xfd;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::isotp::Framing;

    fn session() -> Session {
        Session { number: 7, framing: Framing::CLASSICAL, id: Id::standard(0x6a0).unwrap() }
    }

    #[test]
    fn every_frame_has_the_bytes_of_the_documentation() {
        let open = Said::Open(Opening { session: 7, window: 2, frames: 240, offset: 0x690 });
        let poll = Said::Poll { session: 7, window: 2, crc: 0xcbf4_3926 };
        let data = Said::Data { number: 0, bytes: &[1, 2, 3] };
        let bytes = |said: Said<'_>| <[u8; 8]>::try_from(said.frame(&session()).unwrap().data()).unwrap();
        assert_eq!(bytes(open), [0xf1, 7, 2, 0xf0, 0, 0, 6, 0x90]);
        assert_eq!(bytes(poll), [0xf2, 7, 2, 0xcc, 0xcb, 0xf4, 0x39, 0x26]);
        assert_eq!(bytes(data), [0, 1, 2, 3, 0xcc, 0xcc, 0xcc, 0xcc]);
        let answers = [
            (Says::Ready { held: 0x690 }, [0xf8, 7, 2, 0xcc, 0, 0, 6, 0x90]),
            (Says::Busy { held: 0x690 }, [0xf9, 7, 2, 0xcc, 0, 0, 6, 0x90]),
            (Says::Missing { first: 9, bits: 1 << 31, more: false }, [0xfa, 7, 2, 9, 0x80, 0, 0, 0]),
            (Says::Missing { first: 9, bits: 1, more: true }, [0xfb, 7, 2, 9, 0, 0, 0, 1]),
            (Says::All { from: 0x690 }, [0xfc, 7, 2, 0xcc, 0, 0, 6, 0x90]),
            (Says::Left { why: 1, held: 0x690 }, [0xfd, 7, 2, 1, 0, 0, 6, 0x90]),
        ];
        for (says, expected) in answers {
            let answer = Answer { session: 7, window: 2, says };
            let frame = answer.frame(session().id, Format::Classical).unwrap();
            assert_eq!((frame.data(), Answer::decode(frame.data())), (&expected[..], Some(answer)));
        }
    }

    #[test]
    fn windows_without_frames_or_with_too_many_and_frames_of_another_length_are_ignored() {
        assert_eq!(Said::decode(&[0xf1, 7, 2, 0, 0, 0, 0, 0]), None);
        assert_eq!(Said::decode(&[0xf1, 7, 2, 0xf1, 0, 0, 0, 0]), None);
        assert_eq!(Said::decode(&[0xf1, 7, 2, 1, 0, 0, 0]), None);
        assert_eq!(Said::decode(&[0xf2, 7, 2, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Said::decode(&[]), None);
        assert_eq!(Answer::decode(&[0xf8, 7, 2, 0, 0, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn whatever_is_read_would_be_written_so(frame in proptest::collection::vec(any::<u8>(), 8)) {
            if let Some(said) = Said::decode(&frame) {
                let mut written = said.frame(&session()).unwrap().data().to_vec();
                if let Said::Poll { .. } = said {
                    written[3] = frame[3]; // Padding.
                }
                prop_assert_eq!(written, frame.clone());
            }
            if let Some(answer) = Answer::decode(&frame) {
                let again = answer.frame(session().id, Format::Classical).unwrap();
                prop_assert_eq!(Answer::decode(again.data()), Some(answer));
            }
        }
    }
}
