//! The first bytes of a patch: which image it is for, and how long the one is that it makes.

use uptane::Sha256;

use crate::Error;

/// What a patch begins with. The last byte is the version of the format.
pub const MAGIC: [u8; 4] = *b"CVD1";

/// Bytes of a header.
pub const HEADER: usize = 44;

/// What a patch says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Length of the old image.
    pub old_length: u32,
    /// Length of the new image.
    pub new_length: u32,
    /// Digest of the old image: no other one is patched.
    pub base: Sha256,
}

impl Header {
    /// Reads the first bytes of a patch.
    pub fn decode(bytes: &[u8; HEADER]) -> Result<Self, Error> {
        let (magic, rest) = bytes.split_first_chunk().ok_or(Error::NotAPatch)?;
        if *magic != MAGIC {
            return Err(Error::NotAPatch);
        }
        let (old_length, rest) = rest.split_first_chunk().ok_or(Error::NotAPatch)?;
        let (new_length, base) = rest.split_first_chunk().ok_or(Error::NotAPatch)?;
        Ok(Self {
            old_length: u32::from_le_bytes(*old_length),
            new_length: u32::from_le_bytes(*new_length),
            base: Sha256(base.try_into().map_err(|_| Error::NotAPatch)?),
        })
    }

    /// The bytes.
    pub fn encode(&self) -> [u8; HEADER] {
        let Self { old_length, new_length, base } = self;
        let parts = [&MAGIC, &old_length.to_le_bytes(), &new_length.to_le_bytes(), base.0.as_slice()];
        let mut bytes = [0; HEADER];
        bytes.iter_mut().zip(parts.into_iter().flatten()).for_each(|(place, byte)| *place = *byte);
        bytes
    }
}
