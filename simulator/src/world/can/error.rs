//! What a bus does not take.

/// Why a frame is not taken for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The node left the bus after too many errors.
    #[error("the node is bus-off")]
    BusOff,
    /// Every transmit mailbox holds a frame.
    #[error("all {mailboxes} transmit mailboxes are full")]
    Full {
        /// How many there are.
        mailboxes: usize,
    },
    /// An FD frame, from a controller that speaks classical CAN alone.
    #[error("the controller is not capable of CAN FD")]
    NotFd,
    /// The node has no power.
    #[error("the node is off")]
    Off,
    /// The node is attached to another bus.
    #[error("this bus has no node {node}")]
    Unknown {
        /// The node's number.
        node: usize,
    },
}
