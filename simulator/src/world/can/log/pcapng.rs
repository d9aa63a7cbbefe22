//! Logs that Wireshark and tshark read: pcapng with the link type of SocketCAN.
//!
//! Everything is little endian but for what stands inside a packet. All blocks are a type (4 bytes), their length (4),
//! a body filled up to four bytes, and the length again (4).
//!
//! | block | type | body |
//! |---|---|---|
//! | section header | 0A0D0D0A | byte order magic 1A2B3C4D (4), major 1 (2), minor 0 (2), section length −1 (8) |
//! | interface description | 1 | link type 227 (2), 0 (2), snap length 0 (4), options |
//! | enhanced packet | 6 | interface (4), nanoseconds: high half (4), low half (4), captured length (4), original length (4), packet |
//!
//! Options of an interface are code (2), length (2), value filled up to four bytes: 2, its name; 9, the resolution of its
//! times, a byte with value 9 for nanoseconds; 0 of length 0 ends them.
//!
//! A packet is a SocketCAN frame: identifier with flags (4, big endian: bit 31 extended, 30 remote, 29 error), number of
//! data bytes (1), FD flags (1: 1 bit rate switch, 4 FD; 0 in classical frames), 0 (2), data.

use super::Entry;
use super::socketcan::{FD_FORMAT, FD_RATE_SWITCH, identifier};
use crate::world::time::Moment;

/// A capture.
#[derive(Clone, Debug)]
pub struct Capture {
    bytes: Vec<u8>,
}

impl Capture {
    /// An empty capture of these interfaces, which packets name by their place in the list.
    pub fn new(interfaces: &[&str]) -> Self {
        let mut capture = Self { bytes: Vec::new() };
        let section: [&[u8]; 4] =
            [&BYTE_ORDER.to_le_bytes(), &1_u16.to_le_bytes(), &0_u16.to_le_bytes(), &(-1_i64).to_le_bytes()];
        capture.block(SECTION_HEADER, &section.concat());
        for name in interfaces {
            let mut body = [LINK_TYPE.to_le_bytes(), [0, 0], [0, 0], [0, 0]].concat();
            option(&mut body, OPTION_NAME, name.as_bytes());
            option(&mut body, OPTION_RESOLUTION, &[NANOSECONDS]);
            option(&mut body, OPTION_END, &[]);
            capture.block(INTERFACE_DESCRIPTION, &body);
        }
        capture
    }

    /// Adds what happened on an interface.
    pub fn add(&mut self, interface: u32, at: Moment, entry: &Entry) {
        let packet = packet(entry);
        let length = u32::try_from(packet.len()).unwrap_or_default();
        let [low, high] = [at.nanos() & u64::from(u32::MAX), at.nanos() >> 32];
        let halves = [high, low].map(|half| u32::try_from(half).unwrap_or_default());
        let head = [interface, halves[0], halves[1], length, length].map(u32::to_le_bytes).concat();
        self.block(ENHANCED_PACKET, &[head, packet].concat());
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let filled = body.len().next_multiple_of(4);
        let length = u32::try_from(filled + 12).unwrap_or_default().to_le_bytes();
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.extend(std::iter::repeat_n(0, filled - body.len()));
        self.bytes.extend(length);
    }
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    // Names of interfaces are short; what is not is left out rather than cut.
    let Ok(length) = u16::try_from(value.len()) else { return };
    body.extend(code.to_le_bytes());
    body.extend(length.to_le_bytes());
    body.extend(value);
    body.extend(std::iter::repeat_n(0, value.len().next_multiple_of(4) - value.len()));
}

fn packet(entry: &Entry) -> Vec<u8> {
    let (id, length, flags, data) = match entry {
        Entry::Error(error) => (error.identifier(), 8, 0, error.data().to_vec()),
        Entry::Frame(frame) => {
            let flags = if frame.is_fd() { FD_FORMAT | FD_RATE_SWITCH } else { 0 };
            (identifier(frame), u8::try_from(frame.length()).unwrap_or_default(), flags, frame.data().to_vec())
        }
    };
    [id.to_be_bytes().as_slice(), &[length, flags, 0, 0], &data].concat()
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// `LINKTYPE_CAN_SOCKETCAN`.
const LINK_TYPE: u16 = 227;
const OPTION_END: u16 = 0;
const OPTION_NAME: u16 = 2;
const OPTION_RESOLUTION: u16 = 9;
const NANOSECONDS: u8 = 9;

#[cfg(test)]
mod tests {
    use proto::can::{Frame, Id};

    use super::*;

    #[test]
    fn a_capture_has_exactly_these_bytes() {
        let mut capture = Capture::new(&["can0"]);
        let frame = Frame::classical(Id::extended(0x18da_10f1).unwrap(), &[1, 2, 3]).unwrap();
        capture.add(0, Moment::from_nanos(0x1_0000_0002), &Entry::Frame(frame));
        let section = "0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c000000";
        let interface =
            "0100000028000000e3000000000000000200040063616e30090001000900000000000000".to_owned() + "28000000";
        let packet =
            "060000002c0000000000000001000000020000000b0000000b00000098da10f10300000001020300".to_owned() + "2c000000";
        let written: String = capture.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, format!("{section}{interface}{packet}"));
    }

    #[test]
    fn an_fd_packet_says_so_in_its_flags() {
        let frame = Frame::fd(Id::standard(0x123).unwrap(), &[7; 12]).unwrap();
        let packet = packet(&Entry::Frame(frame));
        assert_eq!(packet[..8], [0, 0, 1, 0x23, 12, 5, 0, 0]);
        assert_eq!(packet[8..], [7; 12]);
    }
}
