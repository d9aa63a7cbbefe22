//! What can be wrong with something that came over a wire.

use uptane::Told;

/// Why something from the wire was refused or a transfer ended. One variant per cause.
///
/// As in [`uptane::Error`], what it tells beside its cause is kept only where there is a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A CAN identifier is wider than its format.
    #[error("CAN identifier {id:#x} is wider than its format")]
    BadCanId {
        /// The identifier.
        id: Told<u32>,
    },
    /// A field of a message is missing or outside its range.
    #[error("field {field} is missing or outside its range")]
    BadField {
        /// The field.
        field: Told<&'static str>,
    },
    /// A flow control frame has a flow status that ISO 15765-2 reserves.
    #[error("flow status {status} is reserved")]
    BadFlowStatus {
        /// The status.
        status: Told<u8>,
    },
    /// Bytes are not the datagram form of a frame.
    #[error("the bytes are not a CAN frame")]
    BadFrame,
    /// A CAN frame of this format cannot have so many bytes of data.
    #[error("no CAN frame of this format has {len} bytes of data")]
    BadFrameLength {
        /// The number of bytes.
        len: Told<usize>,
    },
    /// A priority of a CAN identifier is above 7.
    #[error("priority {priority} is above 7")]
    BadPriority {
        /// The priority.
        priority: Told<u8>,
    },
    /// A response has the right service and wrong content.
    #[error("the response of service {service:#04x} is malformed")]
    BadResponse {
        /// The service.
        service: Told<u8>,
    },
    /// A message before this one is still being sent.
    #[error("a message is still being sent")]
    Busy,
    /// No consecutive frame came in time (N_Cr).
    #[error("no consecutive frame came in time")]
    ConsecutiveTimeout,
    /// A message without a byte cannot be sent.
    #[error("an empty message cannot be sent")]
    EmptyMessage,
    /// No flow control frame came in time (N_Bs).
    #[error("no flow control frame came in time")]
    FlowTimeout,
    /// Another message began before this one was complete, which is given up.
    #[error("another message began before this one was complete")]
    Interrupted,
    /// The peer answers negatively and gives no reason in the words of the vocabulary.
    #[error("service {service:#04x} was answered with code {code:#04x}")]
    Negative {
        /// The service.
        service: Told<u8>,
        /// The negative response code.
        code: Told<u8>,
    },
    /// The peer did not answer, however often it was asked.
    #[error("the peer does not answer")]
    NoResponse,
    /// There was no room for the rest of a message after all the waits there may be (N_WFT_OVRN).
    #[error("there was no room for the rest of a message in time")]
    NotReady,
    /// A message to many is longer than a single frame holds (ISO 15765-2, functional addressing).
    #[error("a message of {len} bytes to many is longer than the {most} of a single frame")]
    NotSingle {
        /// Its length.
        len: Told<usize>,
        /// The most a single frame holds.
        most: Told<usize>,
    },
    /// Bytes do not begin as a patch of a known format does.
    #[error("the bytes are not a patch")]
    NotAPatch,
    /// A patch is for another image than the one that is there.
    #[error("the patch is for another image")]
    PatchBase,
    /// A patch, or what was made of one, makes an image of another length.
    #[error("the patch makes {got} bytes of an image of {expected}")]
    PatchLength {
        /// Length of the new image.
        expected: Told<u32>,
        /// What the patch makes.
        got: Told<u32>,
    },
    /// A record of a patch makes nothing.
    #[error("a record of the patch makes nothing")]
    PatchRecord,
    /// A patch copies what lies outside the old image, or from nowhere.
    #[error("the patch copies from outside the old image")]
    PatchSource,
    /// Decoding was given up because an image could not be read or written.
    #[error("decoding was given up before")]
    PatchStopped,
    /// Bytes follow the end of a patch.
    #[error("bytes follow the end of the patch")]
    PatchTrailing,
    /// The peer has no room for a message of this length.
    #[error("the peer has no room for the message")]
    PeerOverflow,
    /// A frame on a port could belong to this session and to a later one or the group.
    #[error("session {session} has the address of another one")]
    SameAddress {
        /// The number of the session, from 0.
        session: Told<usize>,
    },
    /// The bus did not take a frame in time (N_As, N_Ar).
    #[error("the bus did not take a frame in time")]
    SendTimeout,
    /// A message is longer than the buffer for it.
    #[error("a message of {len} bytes is longer than the {most} there is room for")]
    TooLong {
        /// Its length.
        len: Told<usize>,
        /// The most there is room for.
        most: Told<usize>,
    },
    /// The peer wants to know that this is the Primary, and nobody here can prove it.
    #[error("the peer asks for a proof that cannot be given")]
    Unproven,
    /// The peer asked to wait too often in a row (N_WFTmax).
    #[error("the peer asked to wait too often")]
    WaitLimit,
    /// A consecutive frame is missing, doubled or out of order.
    #[error("consecutive frame {got} came where {expected} must follow")]
    WrongSequence {
        /// The sequence number that must follow.
        expected: Told<u8>,
        /// The one that came.
        got: Told<u8>,
    },
}
