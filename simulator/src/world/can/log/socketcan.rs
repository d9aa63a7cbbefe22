//! The parts of SocketCAN's frames that both logs share (Linux `can.h`, `can/error.h`).

use proto::can::{Field, Frame};

use crate::world::can::counters::Role;
use crate::world::can::event::{BusError, ErrorKind};

/// An error frame: classes of error, and eight bytes that say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorFrame {
    class: u32,
    data: [u8; 8],
}

impl ErrorFrame {
    /// An error frame that was read.
    pub(super) fn new(class: u32, data: [u8; 8]) -> Self {
        Self { class: class & ERROR_CLASSES, data }
    }

    /// A bus error as the node that found it knows it: byte 2 its type, byte 3 its place, bytes 6 and 7 the counters.
    pub(super) fn of(error: &BusError) -> Self {
        let acknowledgement = if error.kind == ErrorKind::Ack { CLASS_ACK } else { 0 };
        let sending = if error.role == Role::Transmitter { PROTOCOL_SENDING } else { 0 };
        let byte = |counter: u16| u8::try_from(counter).unwrap_or(u8::MAX);
        let mut data = [0; 8];
        [data[2], data[3]] = [protocol(error.kind) | sending, place(error)];
        [data[6], data[7]] = [byte(error.counters.transmit), byte(error.counters.receive)];
        Self { class: CLASS_PROTOCOL | CLASS_BUS_ERROR | CLASS_COUNTERS | acknowledgement, data }
    }

    /// The node is error active again.
    pub(super) fn active() -> Self {
        Self::controller(CONTROLLER_ACTIVE)
    }

    /// The node is error passive.
    pub(super) fn passive() -> Self {
        Self::controller(CONTROLLER_PASSIVE)
    }

    /// The node lost a frame.
    pub(super) fn overflow() -> Self {
        Self::controller(CONTROLLER_OVERFLOW)
    }

    /// The node left the bus.
    pub(super) fn bus_off() -> Self {
        Self { class: CLASS_BUS_OFF, data: [0; 8] }
    }

    /// The node takes part again.
    pub(super) fn restarted() -> Self {
        Self { class: CLASS_RESTARTED, data: [0; 8] }
    }

    /// Byte 1 says what is the matter with the controller.
    fn controller(status: u8) -> Self {
        Self { class: CLASS_CONTROLLER, data: [0, status, 0, 0, 0, 0, 0, 0] }
    }

    /// The identifier, with the flag that says it is none.
    pub fn identifier(&self) -> u32 {
        ERROR | self.class
    }

    /// What it says.
    pub fn data(&self) -> [u8; 8] {
        self.data
    }
}

/// The identifier of a frame with SocketCAN's flags.
pub(super) fn identifier(frame: &Frame) -> u32 {
    let extended = if frame.id().is_extended() { EXTENDED } else { 0 };
    let remote = if frame.is_remote() { REMOTE } else { 0 };
    frame.id().raw() | extended | remote
}

fn protocol(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Ack | ErrorKind::Crc => 0,
        ErrorKind::Bit(false) => 0x08,
        ErrorKind::Bit(true) => 0x10,
        ErrorKind::Form => 0x02,
        ErrorKind::Stuff => 0x04,
    }
}

/// Where in the frame, in SocketCAN's numbers (those of the SJA1000).
fn place(error: &BusError) -> u8 {
    let Some(field) = error.field else { return 0x12 };
    match field {
        Field::Start => 0x03,
        Field::Base => 0x02,
        Field::Remote => 0x04,
        Field::Extended => 0x05,
        Field::Extension => 0x07,
        Field::ExtendedRemote => 0x0c,
        Field::Format => 0x0d,
        Field::Reserved | Field::RateSwitch | Field::ErrorState => 0x09,
        Field::Length => 0x0b,
        Field::Data => 0x0a,
        Field::StuffCount | Field::Crc => 0x08,
        Field::CrcDelimiter => 0x18,
        Field::Ack => 0x19,
        Field::AckDelimiter => 0x1b,
        Field::End => 0x1a,
    }
}

/// Flag: the identifier has 29 bits.
pub(super) const EXTENDED: u32 = 0x8000_0000;
/// Flag: the frame is remote.
pub(super) const REMOTE: u32 = 0x4000_0000;
/// Flag: the frame is an error frame.
pub(super) const ERROR: u32 = 0x2000_0000;
/// FD flag: the frame switches the bit rate.
pub(super) const FD_RATE_SWITCH: u8 = 1;
/// FD flag: the sender is error passive.
pub(super) const FD_ERROR_STATE: u8 = 2;
/// FD flag: the frame is FD.
pub(super) const FD_FORMAT: u8 = 4;
const ERROR_CLASSES: u32 = 0x1fff_ffff;
const CLASS_CONTROLLER: u32 = 0x004;
const CLASS_PROTOCOL: u32 = 0x008;
const CLASS_ACK: u32 = 0x020;
const CLASS_BUS_OFF: u32 = 0x040;
const CLASS_BUS_ERROR: u32 = 0x080;
const CLASS_RESTARTED: u32 = 0x100;
const CLASS_COUNTERS: u32 = 0x200;
const CONTROLLER_OVERFLOW: u8 = 0x01;
/// Error passive, by either counter.
const CONTROLLER_PASSIVE: u8 = 0x10 | 0x20;
const CONTROLLER_ACTIVE: u8 = 0x40;
const PROTOCOL_SENDING: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::can::counters::Counters;

    #[test]
    fn an_error_frame_names_type_place_and_counters() {
        let counters = Counters { transmit: 8, receive: 0 };
        let error =
            BusError { kind: ErrorKind::Bit(false), role: Role::Transmitter, field: Some(Field::Data), counters };
        let frame = ErrorFrame::of(&error);
        assert_eq!(frame.identifier(), 0x2000_0288);
        assert_eq!(frame.data(), [0, 0, 0x88, 0x0a, 0, 0, 8, 0]);
    }

    #[test]
    fn identifiers_carry_their_flags() {
        use proto::can::Id;
        let extended = Frame::classical(Id::extended(0x18da_10f1).unwrap(), &[]).unwrap();
        assert_eq!(identifier(&extended), 0x98da_10f1);
        assert_eq!(identifier(&Frame::remote(Id::standard(0x123).unwrap(), 2).unwrap()), 0x4000_0123);
    }
}
