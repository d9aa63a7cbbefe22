//! Protocol control information: what the first bytes of a frame say (ISO 15765-2, 9.6).
//!
//! Lengths are those of whole frames: `width` is how many bytes of one its address takes.

use uptane::told;

use super::{Address, Framing, MIN_LENGTH, PADDING, Separation};
use crate::Error;
use crate::can::{Frame, MAX_DATA, frame_length};

/// A frame, read. Frames the standard says to ignore have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control<'f> {
    /// A whole message.
    Single(&'f [u8]),
    /// The beginning of a longer one.
    First(First<'f>),
    /// The next part of it.
    Consecutive(Consecutive<'f>),
    /// The receiver's say.
    Flow(Flow),
}

/// The beginning of a message of `length` bytes, of which each frame but the last will carry `step` (by RX_DL).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First<'f> {
    pub(super) length: usize,
    pub(super) step: usize,
    pub(super) data: &'f [u8],
}

/// The next part of a message; the last one may be followed by padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Consecutive<'f> {
    pub(super) sequence: u8,
    pub(super) data: &'f [u8],
}

/// A receiver's say: whether, how far and how fast to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    pub(super) status: Status,
    pub(super) block_size: u8,
    pub(super) separation: Separation,
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
    /// Reads what follows a frame's address; `None` if it is to be ignored.
    pub(super) fn decode(pdu: &'f [u8], width: usize) -> Option<Self> {
        let frame = width + pdu.len();
        match *pdu {
            [0x00, length, ref data @ ..] => single_escaped(frame, width, length.into(), data),
            [length @ 0x01..=0x07, ref data @ ..] if frame <= MIN_LENGTH => data.get(..length.into()).map(Self::Single),
            [0x10, 0x00, a, b, c, d, ref data @ ..] => {
                // The short form would have done, so the long one is not to be believed.
                let length = Some(u32::from_be_bytes([a, b, c, d])).filter(|length| *length > MAX_SHORT_LENGTH)?;
                first(frame, width, length.try_into().ok()?, data)
            }
            [high @ 0x10..=0x1f, low, ref data @ ..] => {
                first(frame, width, u16::from_be_bytes([high & 15, low]).into(), data)
            }
            [kind @ 0x20..=0x2f, ref data @ ..] => Some(Self::Consecutive(Consecutive { sequence: kind & 15, data })),
            [kind @ 0x30..=0x3f, block_size, separation, ..] => {
                let separation = Separation::from_byte(separation);
                Some(Self::Flow(Flow { status: Status::decode(kind & 15), block_size, separation }))
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
fn single_escaped(frame: usize, width: usize, length: usize, data: &[u8]) -> Option<Control<'_>> {
    let fits = frame > MIN_LENGTH && length >= MIN_LENGTH - width && frame_length(length + width + 2) == Some(frame);
    data.get(..length).filter(|_| fits).map(Control::Single)
}

/// A message that a single frame of this length could hold has no first frame.
fn first(frame: usize, width: usize, length: usize, data: &[u8]) -> Option<Control<'_>> {
    let fits = frame >= MIN_LENGTH && length > most_in_single(frame, width);
    fits.then(|| Control::First(First { length, step: frame - width - 1, data }))
}

/// The longest message that a single frame of this length holds, itself of at least 8 bytes.
pub(super) fn most_in_single(frame: usize, width: usize) -> usize {
    let head = if frame > MIN_LENGTH { 2 } else { 1 };
    frame - width - head
}

/// What a frame says: how it begins, and bytes of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'m> {
    head: [u8; 6],
    head_len: usize,
    data: &'m [u8],
}

impl<'m> Said<'m> {
    /// All of a message.
    pub(super) fn single(framing: Framing, address: Address, message: &'m [u8]) -> Result<Self, Error> {
        let (len, width) = (message.len(), address.width());
        let most = most_in_single(framing.length, width);
        let length = u8::try_from(len).ok().filter(|_| len <= most);
        let length = length.ok_or(Error::NotSingle { len: told(len), most: told(most) })?;
        match len {
            0 => Err(Error::EmptyMessage),
            _ if len <= most_in_single(MIN_LENGTH, width) => {
                Ok(Self { head: [length, 0, 0, 0, 0, 0], head_len: 1, data: message })
            }
            _ => Ok(Self { head: [0, length, 0, 0, 0, 0], head_len: 2, data: message }),
        }
    }

    /// The length of a message, and as many of its bytes as the frame has room for.
    pub(super) fn first(framing: Framing, address: Address, length: u32, message: &'m [u8]) -> Self {
        let [a, b, c, d] = length.to_be_bytes();
        let (head, head_len) = match length {
            ..=MAX_SHORT_LENGTH => ([0x10 | c, d, 0, 0, 0, 0], 2),
            _ => ([0x10, 0x00, a, b, c, d], 6),
        };
        let data = message.get(..framing.length - address.width() - head_len).unwrap_or(message);
        Self { head, head_len, data }
    }

    /// The next bytes of a message.
    pub(super) fn consecutive(sequence: u8, data: &'m [u8]) -> Self {
        Self { head: [0x20 | sequence, 0, 0, 0, 0, 0], head_len: 1, data }
    }

    /// How the peer is to go on.
    pub(super) fn flow(flow: Flow) -> Self {
        let head = [0x30 | flow.status.byte(), flow.block_size, flow.separation.byte(), 0, 0, 0];
        Self { head, head_len: 3, data: &[] }
    }

    /// Bytes of the message in it.
    pub(super) fn len(&self) -> usize {
        self.data.len()
    }

    /// Its first byte.
    pub(super) fn kind(&self) -> u8 {
        self.head[0]
    }

    /// The frame, filled up to 8 bytes if it is to be and, above, to the next length there is.
    pub(super) fn frame(&self, framing: Framing, address: Address) -> Result<Frame, Error> {
        let mut bytes = [framing.padding.unwrap_or(PADDING); MAX_DATA];
        let mut len = 0;
        for part in [address.byte().as_slice(), self.head.get(..self.head_len).unwrap_or_default(), self.data] {
            let end = len + part.len();
            let place = bytes.get_mut(len..end).ok_or(Error::BadFrameLength { len: told(end) })?;
            place.copy_from_slice(part);
            len = end;
        }
        let least = if framing.padding.is_some() { MIN_LENGTH } else { 0 };
        let padded = frame_length(len.max(least)).and_then(|padded| bytes.get(..padded));
        Frame::new(address.id(), framing.format, padded.ok_or(Error::BadFrameLength { len: told(len) })?)
    }
}

/// The longest message whose length the short form of a first frame can say.
const MAX_SHORT_LENGTH: u32 = 4_095;

#[cfg(test)]
mod tests;
