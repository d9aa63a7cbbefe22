//! Patches: the encoder of what `proto::delta` decodes.
//!
//! A patch is made in three steps: [`finder`] knows where bytes of the new image stand in the old one, [`parse`] chooses
//! what is copied from where, and [`writer`] tells it in as few bits as it can. The same two images make the same patch on
//! every machine. What is made is decoded again before anyone sees it.

mod apply;
mod finder;
mod parse;
mod writer;

use proto::delta::{Expected, Header};
use uptane::Sha256;

use finder::Finder;
use writer::Writer;

pub use apply::apply;

/// Bytes of the longest image a patch is made for. To make one takes five bytes of memory for each byte of the old image,
/// two for each of the new one, and some megabytes.
pub const MAX_IMAGE: u64 = 256 * 1024 * 1024;

/// Why there is no patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The patch does not fit these images.
    #[error(transparent)]
    Decode(#[from] proto::Error),
    /// The patch did not make the new image again.
    #[error("the patch that was made does not make the new image")]
    Different,
    /// An image is too long.
    #[error("an image of {length} bytes is longer than the {most} a patch is made for")]
    TooLong {
        /// Its length.
        length: usize,
        /// The most that is taken.
        most: u64,
    },
}

/// What an ECU that holds `old` expects of a patch that makes an image of this length.
pub fn expected(old: &[u8], new_length: usize) -> Result<Expected, Error> {
    Ok(Expected { old_length: length(old.len())?, base: Sha256::of(old), new_length: length(new_length)? })
}

/// The patch that makes `new` of `old`.
pub fn make(old: &[u8], new: &[u8]) -> Result<Vec<u8>, Error> {
    let Expected { old_length, base, new_length } = expected(old, new.len())?;
    let mut writer = Writer::new(&Header { old_length, new_length, base }, old, new);
    let finder = Finder::new(old);
    parse::runs(&finder, new, &mut |run| writer.run(run));
    let patch = writer.finish();
    match apply(old, &patch, new.len())? == new {
        true => Ok(patch),
        false => Err(Error::Different),
    }
}

fn length(length: usize) -> Result<u32, Error> {
    let is_taken = u64::try_from(length).is_ok_and(|length| length <= MAX_IMAGE);
    u32::try_from(length).ok().filter(|_| is_taken).ok_or(Error::TooLong { length, most: MAX_IMAGE })
}

#[cfg(test)]
mod tests;
