//! Patches: a new image told as what differs from an old one, for ECUs that hold both in flash.
//!
//! [`Decoder`] takes a patch in pieces of any size and writes the new image from its first byte to its last, in constant
//! memory. It reads nothing outside the old image and writes nothing beyond the length of the new one, whatever it is
//! fed. It judges nothing: a patch carries no authority, and what it made counts only once its length and its digests
//! are those that verified metadata list.
//!
//! `docs/pouf.md` §23 has the bytes. [`Models`] and [`Alignments`] are what both ends learn on the way; `image-repo` has
//! the encoder.

mod alignments;
mod coder;
mod decoder;
mod header;
mod model;

use crate::Error;

pub use alignments::{Alignments, Source};
pub use decoder::{Decoder, Expected, Point};
pub use header::{HEADER, Header, MAGIC};
pub use model::{BITS, Context, Model, Models, NUMBER, Number, RENORMALISE, Tree};

/// The two images of an ECU: the one that is read and the one that is written.
pub trait Images {
    /// Why flash failed.
    type Error;

    /// Reads bytes of the old image. They lie within the length that [`Expected`] tells.
    fn read_old(&mut self, at: u32, into: &mut [u8]) -> Result<(), Self::Error>;

    /// Takes the next bytes of the new image. There are never more of them than [`Expected`] tells.
    fn write_new(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Why a patch did not become an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// The patch is wrong.
    Patch(Error),
    /// An image could not be read or written.
    Images(E),
}

impl<E> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Self::Patch(error)
    }
}

#[cfg(test)]
mod tests;
