//! Protocol control information: what the first bytes of a frame say (ISO 15765-2, clause 9).

use super::{MIN_LENGTH, PADDING, Separation};
use crate::Error;
use crate::can::{Frame, MAX_DATA, frame_length};
use crate::isotp::Config;

/// A frame, read. Frames the standard says to ignore have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control<'f> {
    /// A whole message.
    Single(&'f [u8]),
    /// The beginning of a message of `length` bytes. `frame` is the length of all its frames but the last.
    First { length: usize, frame: usize, data: &'f [u8] },
    /// The next part; the last one may be followed by padding.
    Consecutive { sequence: u8, data: &'f [u8] },
    /// The receiver's say.
    Flow { status: Status, block_size: u8, separation: Separation },
}

/// What a receiver says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Continue,
    Wait,
    Overflow,
    Reserved(u8),
}

impl<'f> Control<'f> {
    /// Reads a frame's data; `None` if it is to be ignored.
    pub(super) fn decode(frame: &'f [u8]) -> Option<Self> {
        match *frame {
            [0x00, length, ref data @ ..] => single_escaped(frame.len(), length.into(), data),
            [length @ 0x01..=0x07, ref data @ ..] if frame.len() <= MIN_LENGTH => {
                data.get(..length.into()).map(Self::Single)
            }
            [0x10, 0x00, a, b, c, d, ref data @ ..] => {
                let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
                // The short form would have done, so the long one is not to be believed.
                first(frame.len(), length, data).filter(|_| length > MAX_SHORT_LENGTH)
            }
            [high @ 0x10..=0x1f, low, ref data @ ..] => {
                first(frame.len(), u16::from_be_bytes([high & 15, low]).into(), data)
            }
            [kind @ 0x20..=0x2f, ref data @ ..] => Some(Self::Consecutive { sequence: kind & 15, data }),
            [kind @ 0x30..=0x3f, block_size, separation, ..] => {
                let separation = Separation::from_byte(separation);
                Some(Self::Flow { status: Status::decode(kind & 15), block_size, separation })
            }
            _ => None,
        }
    }
}

impl Status {
    fn decode(status: u8) -> Self {
        match status {
            0 => Self::Continue,
            1 => Self::Wait,
            2 => Self::Overflow,
            other => Self::Reserved(other),
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Continue => 0,
            Self::Wait => 1,
            Self::Overflow => 2,
            Self::Reserved(other) => other,
        }
    }
}

/// The escaped form is for frames longer than 8 bytes, and only for lengths that need a frame so long.
fn single_escaped(frame: usize, length: usize, data: &[u8]) -> Option<Control<'_>> {
    let fits = frame > MIN_LENGTH && length >= MIN_LENGTH && frame_length(length + 2) == Some(frame);
    data.get(..length).filter(|_| fits).map(Control::Single)
}

/// A message that a single frame of this length could hold has no first frame.
fn first(frame: usize, length: usize, data: &[u8]) -> Option<Control<'_>> {
    let least = if frame == MIN_LENGTH { MIN_LENGTH } else { frame - 1 };
    (frame >= MIN_LENGTH && length >= least).then_some(Control::First { length, frame, data })
}

/// The first bytes of a first frame.
pub(super) fn first_head(length: u32, head: &mut [u8; 6]) -> &[u8] {
    match u16::try_from(length).ok().filter(|short| usize::from(*short) <= MAX_SHORT_LENGTH) {
        Some(short) => {
            let [high, low] = (0x1000 | short).to_be_bytes();
            *head = [high, low, 0, 0, 0, 0];
            head.get(..2).unwrap_or_default()
        }
        None => {
            let [a, b, c, d] = length.to_be_bytes();
            *head = [0x10, 0x00, a, b, c, d];
            head
        }
    }
}

/// A flow control frame.
pub(super) fn flow(config: &Config, status: Status) -> Result<Frame, Error> {
    frame(config, &[0x30 | status.byte(), config.block_size, config.separation.byte()], &[])
}

/// A frame of these bytes, filled up to 8 bytes or, above, to the next length there is.
pub(super) fn frame(config: &Config, head: &[u8], data: &[u8]) -> Result<Frame, Error> {
    let len = head.len() + data.len();
    let mut bytes = [PADDING; MAX_DATA];
    let places = bytes.iter_mut().zip(head.iter().chain(data));
    places.for_each(|(place, byte)| *place = *byte);
    let padded = frame_length(len.max(MIN_LENGTH)).and_then(|padded| bytes.get(..padded));
    Frame::new(config.send, config.framing.format, padded.ok_or(Error::BadFrameLength { len })?)
}

/// The longest message whose length the short form of a first frame can say.
const MAX_SHORT_LENGTH: usize = 4_095;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_frames_of_impossible_length_are_ignored() {
        assert_eq!(Control::decode(&[0x00, 1, 2, 3, 4, 5, 6, 7]), None);
        assert_eq!(Control::decode(&[0x08, 1, 2, 3, 4, 5, 6, 7]), None);
        assert_eq!(Control::decode(&[0x03, 1, 2]), None);
        assert_eq!(Control::decode(&[]), None);
        assert_eq!(Control::decode(&[0x03; 12]), None);
        assert_eq!(Control::decode(&[0x02, 1, 2, 3]), Some(Control::Single(&[1, 2])));
    }

    #[test]
    fn an_escaped_single_frame_has_the_shortest_frame_that_holds_it() {
        let decode = |length: u8, frame: usize| {
            let mut bytes = [0; MAX_DATA];
            bytes[1] = length;
            matches!(Control::decode(&bytes[..frame]), Some(Control::Single(data)) if data.len() == length.into())
        };
        assert!(decode(8, 12) && decode(10, 12) && decode(11, 16) && decode(62, 64));
        assert!(!decode(7, 12) && !decode(11, 12) && !decode(46, 64) && !decode(63, 64) && !decode(6, 8));
    }

    #[test]
    fn first_frames_of_messages_that_fit_a_single_frame_are_ignored() {
        assert_eq!(Control::decode(&[0x10, 7, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Control::decode(&[0x10, 8, 0, 0, 0, 0, 0]), None, "a first frame is never short");
        assert_eq!(Control::decode(&[0x10, 0, 0, 0, 0x0f, 0xff, 0, 0]), None, "4095 has the short form");
        assert!(matches!(Control::decode(&[0x10, 8, 0, 0, 0, 0, 0, 0]), Some(Control::First { length: 8, .. })));
        assert!(matches!(Control::decode(&[0x10, 0, 0, 0, 0x10, 0, 1, 2]), Some(Control::First { length: 4096, .. })));
        let mut fd = [0; 64];
        [fd[0], fd[1]] = [0x10, 62];
        assert_eq!(Control::decode(&fd), None);
        fd[1] = 63;
        assert!(matches!(Control::decode(&fd), Some(Control::First { length: 63, .. })));
    }

    #[test]
    fn flow_control_shorter_than_three_bytes_and_reserved_kinds_are_ignored() {
        assert_eq!(Control::decode(&[0x30, 0]), None);
        assert_eq!(Control::decode(&[0x40, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Control::decode(&[0xff; 8]), None);
    }
}
