//! Memory for what never happens at the same time.

use proto::delta::Decoder;

/// Bytes that flash is read through and the report is written into: what the decoder takes in their place, or little less.
pub const BUFFER_SIZE: usize = 1_792;

/// Bytes of the longest report: its texts at their longest, and what stands between them.
pub const MAX_REPORT: usize = 1_472;

/// A buffer, or the decoder of the patch that is on its way: a request that needs the buffer ends that.
pub(crate) enum Scratch {
    Buffer([u8; BUFFER_SIZE]),
    Decoder(Decoder),
}

impl Scratch {
    /// An empty buffer; no constant, which would lie in flash as long as it is.
    pub(crate) fn new() -> Self {
        Self::Buffer([0; BUFFER_SIZE])
    }

    /// The buffer. A decoder that was there is gone.
    pub(crate) fn buffer(&mut self) -> &mut [u8] {
        if let Self::Decoder(_) = self {
            *self = Self::new();
        }
        match self {
            Self::Buffer(buffer) => buffer,
            Self::Decoder(_) => &mut [],
        }
    }

    /// The decoder, if it is still there.
    pub(crate) fn decoder(&mut self) -> Option<&mut Decoder> {
        match self {
            Self::Buffer(_) => None,
            Self::Decoder(decoder) => Some(decoder),
        }
    }
}
