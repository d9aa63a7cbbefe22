//! A patch applied in memory.

use proto::delta::{Decoder, Failure, Images};

use super::Error;

struct InMemory<'o> {
    old: &'o [u8],
    new: Vec<u8>,
}

/// The old image was read outside its length, which no decoder does.
struct Outside;

impl Images for InMemory<'_> {
    type Error = Outside;

    fn read_old(&mut self, at: u32, into: &mut [u8]) -> Result<(), Outside> {
        let from = usize::try_from(at).map_err(|_| Outside)?;
        let bytes = self.old.get(from..).and_then(|old| old.get(..into.len())).ok_or(Outside)?;
        into.copy_from_slice(bytes);
        Ok(())
    }

    fn write_new(&mut self, bytes: &[u8]) -> Result<(), Outside> {
        self.new.extend_from_slice(bytes);
        Ok(())
    }
}

/// The image of this length that `patch` makes of `old`.
pub fn apply(old: &[u8], patch: &[u8], new_length: usize) -> Result<Vec<u8>, Error> {
    let mut decoder = Decoder::new(super::expected(old, new_length)?);
    let mut images = InMemory { old, new: Vec::new() };
    decoder.feed(patch, &mut images).map_err(|failure| match failure {
        Failure::Patch(error) => Error::Decode(error),
        Failure::Images(Outside) => Error::Different,
    })?;
    decoder.finish()?;
    Ok(images.new)
}
