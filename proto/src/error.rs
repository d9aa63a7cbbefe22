//! What can be wrong with something that came over a wire.

/// Why something from the wire was refused or a transfer ended. One variant per cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A CAN identifier is wider than its format.
    #[error("CAN identifier {id:#x} is wider than its format")]
    BadCanId {
        /// The identifier.
        id: u32,
    },
    /// Bytes are not the datagram form of a frame.
    #[error("the bytes are not a CAN frame")]
    BadFrame,
    /// A CAN frame of this format cannot have so many bytes of data.
    #[error("no CAN frame of this format has {len} bytes of data")]
    BadFrameLength {
        /// The number of bytes.
        len: usize,
    },
}
