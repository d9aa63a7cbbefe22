//! A CAN bus as a process sees it: frames out, everybody else's frames in.

mod unix;

use std::future::Future;

use proto::can::Frame;

use crate::Error;

pub use unix::UnixBus;

/// One node's port on a bus.
///
/// Dropping the future of either method loses no frame that was not yet delivered.
pub trait FramePort {
    /// Puts a frame on the bus; waits while the bus is busy.
    fn send(&mut self, frame: &Frame) -> impl Future<Output = Result<(), Error>> + Send;

    /// The next frame another node sent.
    fn receive(&mut self) -> impl Future<Output = Result<Frame, Error>> + Send;
}
