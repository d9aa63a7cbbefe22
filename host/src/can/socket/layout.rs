//! Frames as the kernel has them (`struct can_frame` and `struct canfd_frame` of `linux/can.h`).
//!
//! Identifier with flags (4 bytes, as the machine orders them), number of data bytes, FD flags, two bytes of no meaning, and
//! room for 8 or 64 data bytes. Which of the two it is shows in its length alone.

use proto::can::{Format, Frame, Id, MAX_DATA};
use socketcan::id::{CAN_EFF_FLAG, CAN_EFF_MASK, CAN_ERR_FLAG, CAN_RTR_FLAG, CAN_SFF_MASK};
use socketcan::{CanErrorFrame, CanFilter};

use super::errors::events;
use crate::can::Arrival;

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes {
    bytes: [u8; FD],
    len: usize,
}

impl Bytes {
    /// The bytes of a frame that is to be sent. Our FD frames switch the bit rate.
    pub(super) fn of(frame: &Frame) -> Self {
        let (len, flags) = match frame.format() {
            Format::Classical => (CLASSICAL, 0),
            Format::Fd => (FD, BIT_RATE_SWITCH),
        };
        let extended = if frame.id().is_extended() { CAN_EFF_FLAG } else { 0 };
        let remote = if frame.is_remote() { CAN_RTR_FLAG } else { 0 };
        let [a, b, c, d] = (frame.id().raw() | extended | remote).to_ne_bytes();
        // No frame is longer than `MAX_DATA`.
        let count = u8::try_from(frame.length()).unwrap_or_default();
        let head = [a, b, c, d, count, flags, 0, 0];
        let mut bytes = [0; FD];
        bytes.iter_mut().zip(head.iter().chain(frame.data())).for_each(|(place, byte)| *place = *byte);
        Self { bytes, len }
    }

    /// What the kernel handed over: the first `len` of `bytes`.
    pub(super) fn received(bytes: [u8; FD], len: usize) -> Self {
        Self { bytes, len }
    }

    /// What goes to the kernel.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// What it tells: a frame, what an error frame says, or nothing where it is neither.
    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        let [a, b, c, d, count, _, _, _, data @ ..] = self.bytes;
        let (head, count) = (u32::from_ne_bytes([a, b, c, d]), usize::from(count));
        if head & CAN_ERR_FLAG == 0 {
            return self.frame(head, count, &data).map(Arrival::Frame).into_iter().collect();
        }
        let data = data.get(..ERROR_DATA).unwrap_or_default();
        let error = CanErrorFrame::new_error(head & CAN_EFF_MASK, data).ok();
        error.map(|frame| events(&frame.into_error())).unwrap_or_default().into_iter().map(Arrival::Event).collect()
    }

    fn frame(&self, head: u32, count: usize, data: &[u8; MAX_DATA]) -> Option<Frame> {
        let id = match head & CAN_EFF_FLAG {
            0 => Id::standard(u16::try_from(head & CAN_SFF_MASK).ok()?),
            _ => Id::extended(head & CAN_EFF_MASK),
        };
        let format = match self.len {
            CLASSICAL => Format::Classical,
            FD => Format::Fd,
            _ => return None,
        };
        match (format, head & CAN_RTR_FLAG) {
            (Format::Classical, CAN_RTR_FLAG) => Frame::remote(id.ok()?, count).ok(),
            (Format::Classical | Format::Fd, _) => Frame::new(id.ok()?, format, data.get(..count)?).ok(),
        }
    }
}

/// The filter that data frames with this identifier pass, of 11 or 29 bits as it has, and nothing else.
pub(super) fn filter(id: Id) -> CanFilter {
    let (flag, mask) = if id.is_extended() { (CAN_EFF_FLAG, CAN_EFF_MASK) } else { (0, CAN_SFF_MASK) };
    CanFilter::new(id.raw() | flag, mask | CAN_EFF_FLAG | CAN_RTR_FLAG)
}

/// Bytes of a classical frame (`CAN_MTU`).
pub(super) const CLASSICAL: usize = 16;
/// Bytes of an FD frame (`CANFD_MTU`).
pub(super) const FD: usize = 8 + MAX_DATA;
/// FD flag: the data phase has the faster rate (`CANFD_BRS`).
const BIT_RATE_SWITCH: u8 = 1;
/// Data bytes of an error frame (`CAN_ERR_DLC`).
const ERROR_DATA: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::can::Event;

    fn standard(id: u16) -> Id {
        Id::standard(id).unwrap()
    }

    fn there_and_back(frame: Frame) {
        let sent = Bytes::of(&frame);
        assert_eq!(Bytes::received(sent.bytes, sent.as_slice().len()).arrivals(), [Arrival::Frame(frame)]);
    }

    #[test]
    fn frames_of_every_kind_come_back_as_they_went() {
        let extended = Id::extended(0x18da_10f1).unwrap();
        for id in [standard(0x7e0), extended, standard(0), Id::extended(0).unwrap()] {
            there_and_back(Frame::classical(id, &[1, 2, 3]).unwrap());
            there_and_back(Frame::remote(id, 8).unwrap());
            there_and_back(Frame::fd(id, &[0x55; 64]).unwrap());
            there_and_back(Frame::fd(id, &[]).unwrap());
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_kernel() {
        let bytes = Bytes::of(&Frame::classical(Id::extended(0x18da_10f1).unwrap(), &[0xab]).unwrap());
        let head = 0x98da_10f1_u32.to_ne_bytes();
        assert_eq!(bytes.as_slice(), [&head[..], &[1, 0, 0, 0, 0xab, 0, 0, 0, 0, 0, 0, 0]].concat());
        let fd = Bytes::of(&Frame::fd(standard(0x123), &[7; 12]).unwrap());
        assert_eq!((fd.as_slice().len(), fd.bytes[4], fd.bytes[5], fd.bytes[19], fd.bytes[20]), (72, 12, 1, 7, 0));
    }

    #[test]
    fn what_is_no_frame_tells_nothing() {
        let mut long = Bytes::of(&Frame::classical(standard(1), &[1; 8]).unwrap());
        long.bytes[4] = 9;
        assert_eq!(long.arrivals(), []);
        let whole = Bytes::of(&Frame::classical(standard(1), &[]).unwrap());
        assert_eq!(Bytes::received(whole.bytes, 15).arrivals(), []);
        let mut odd = Bytes::of(&Frame::fd(standard(1), &[1; 12]).unwrap());
        odd.bytes[4] = 13;
        assert_eq!(odd.arrivals(), []);
    }

    #[test]
    fn an_error_frame_tells_what_it_means() {
        let mut bytes = [0; FD];
        bytes[..4].copy_from_slice(&(CAN_ERR_FLAG | 0x40).to_ne_bytes());
        bytes[4] = 8;
        assert_eq!(Bytes::received(bytes, CLASSICAL).arrivals(), [Arrival::Event(Event::BusOff)]);
    }
}
