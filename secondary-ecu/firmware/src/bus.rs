//! Frames in and out: the datagram form of `docs/can.md`, one after the other on a serial port.
//!
//! It stands where a driver of a CAN controller would. Each datagram tells its own length.

use core::mem::take;
use core::time::Duration;

use proto::can::{Frame, MAX_DATAGRAM};

use crate::board::Port;

/// The port, and what has come of the next frame.
pub(crate) struct Bus {
    port: Port,
    datagram: [u8; MAX_DATAGRAM],
    have: usize,
    /// When the last byte came.
    heard: Duration,
}

impl Bus {
    /// Nothing has come yet.
    pub(crate) fn new(port: Port) -> Self {
        Self { port, datagram: [0; MAX_DATAGRAM], have: 0, heard: Duration::ZERO }
    }

    /// The next frame, if all of it has come. What is no frame is dropped, as a controller drops it, and so is the
    /// beginning of one that breaks off, as when this ECU or its peer was reset in its middle.
    pub(crate) fn receive(&mut self, now: Duration) -> Option<Frame> {
        if now.saturating_sub(self.heard) > LONGEST_GAP {
            self.have = 0;
        }
        while let Some(byte) = self.port.receive() {
            self.heard = now;
            *self.datagram.get_mut(self.have)? = byte;
            self.have += 1;
            if self.have == self.expected() {
                let datagram = self.datagram.get(..take(&mut self.have))?;
                if let Ok(frame) = Frame::decode(datagram) {
                    return Some(frame);
                }
            }
        }
        None
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, frame: &Frame) {
        let mut datagram = [0; MAX_DATAGRAM];
        self.port.send(frame.encode(&mut datagram));
    }

    /// Bytes of the datagram that is under way: a remote frame has no data, whatever length it says.
    fn expected(&self) -> usize {
        let [flags, _, _, _, _, length, ..] = self.datagram;
        let is_remote = flags & REMOTE != 0;
        let data = if is_remote || self.have < HEAD { 0 } else { usize::from(length) };
        (HEAD + data).min(MAX_DATAGRAM)
    }
}

/// What may pass between two bytes of a frame.
const LONGEST_GAP: Duration = Duration::from_millis(100);
const HEAD: usize = 6;
const REMOTE: u8 = 4;
