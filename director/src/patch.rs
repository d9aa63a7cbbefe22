//! Patches that ECUs may be told of ([`docs/pouf.md` §23](../../docs/pouf.md)): what is asked of one before it is known here.
//!
//! A patch shortens a transfer and no check, so none of this protects a vehicle: a wrong patch costs it the patch's bytes.
//! What is asked keeps an operator from describing one that no ECU could use. Whether the bytes make the image they are
//! said to make is not asked, for the Director has no image; whoever made the patch has tried it (`image-repo delta make`).

use host::cli::Exit;
use proto::delta::{HEADER, Header};
use uptane::metadata::{Delta, NamedDelta};
use uptane::{Length, Sha256, TargetNameBuf};

use crate::Error;
use crate::desired::Catalogue;
use crate::facts::{Change, ImageTarget, Patch};

/// Adds a patch that makes the image `makes` to those that are `known`. Both its images must stand in the verified Image
/// Targets (attack A20), have the lengths that its header tells, and be for the same hardware.
pub fn add(
    (generation, known): &(u64, Vec<Patch>),
    catalogue: &Catalogue,
    name: TargetNameBuf,
    bytes: &[u8],
    makes: TargetNameBuf,
) -> Result<Change, Error> {
    let refused = |fault| Error::Patch { name: name.to_string(), fault };
    let patch = describe(catalogue, name, bytes, makes, refused)?;
    if let Some(other) = known.iter().find(|known| known.is_instead_of(&patch)) {
        return Err(refused(Fault::Known { other: Box::new(other.named.name) }));
    }
    if known.len() >= MAX_PATCHES {
        return Err(uptane::Error::Limit { what: "patches" }.into());
    }
    Ok(Change::AddPatch { expected: *generation, patch: Box::new(patch) })
}

/// Removes the patch of this name from those that are known.
pub fn remove((generation, known): &(u64, Vec<Patch>), name: TargetNameBuf) -> Result<Change, Error> {
    match known.iter().any(|patch| patch.named.name == name) {
        true => Ok(Change::RemovePatch { expected: *generation, name }),
        false => Err(Error::Patch { name: name.to_string(), fault: Fault::Unknown }),
    }
}

fn describe(
    catalogue: &Catalogue,
    name: TargetNameBuf,
    bytes: &[u8],
    makes: TargetNameBuf,
    refused: impl Fn(Fault) -> Error,
) -> Result<Patch, Error> {
    let header = bytes.first_chunk::<HEADER>().ok_or(proto::Error::NotAPatch).and_then(Header::decode);
    let Header { old_length, new_length, base } = header.map_err(|_| refused(Fault::NotAPatch))?;
    let image = catalogue.find(makes).ok_or_else(|| Error::NotInImageRepository { name: makes.to_string() })?;
    let old = base_of(catalogue, image, base).map_err(&refused)?;
    check_length(old, old_length).map_err(&refused)?;
    check_length(image, new_length).map_err(&refused)?;

    let length = u64::try_from(bytes.len()).ok().and_then(|length| Length::new(length).ok());
    // A Primary does not fetch one that is longer.
    let length = length.filter(|length| *length < image.length).ok_or_else(|| refused(Fault::NotShorter))?;
    let makes = image.hashes.sha256().ok_or(uptane::Error::NoKnownHash)?;
    if makes == base {
        return Err(refused(Fault::SameImage));
    }
    Ok(Patch { named: NamedDelta { name, delta: Delta { base, length, sha256: Sha256::of(bytes) } }, makes })
}

/// The image with this digest, for hardware that `image` is for as well. The same bytes may be listed under many names.
fn base_of<'a>(catalogue: &'a Catalogue, image: &ImageTarget, base: Sha256) -> Result<&'a ImageTarget, Fault> {
    let mut listed = catalogue.with_digest(base).peekable();
    let first = listed.peek().ok_or(Fault::BaseUnlisted { base })?.name;
    let fits = |old: &&ImageTarget| old.hardware.iter().any(|hardware| image.hardware.contains(hardware));
    listed.find(fits).ok_or_else(|| Fault::Hardware { base: Box::new(first), image: Box::new(image.name) })
}

fn check_length(image: &ImageTarget, told: u32) -> Result<(), Fault> {
    if image.length.get() == u64::from(told) {
        return Ok(());
    }
    Err(Fault::Length { image: Box::new(image.name), listed: image.length, told })
}

/// Why a patch is not added, or not removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No image with the digest of its base stands in the verified Image Targets.
    #[error("the Image repository lists no image with sha256 {base}, which it is for")]
    BaseUnlisted {
        /// That digest.
        base: Sha256,
    },
    /// No ECU can run both images.
    #[error("{base} and {image} are for different hardware")]
    Hardware {
        /// The image it is for.
        base: Box<TargetNameBuf>,
        /// The image it makes.
        image: Box<TargetNameBuf>,
    },
    /// There is one of its name, or for the same two images.
    #[error("{other} is known already, and has its name or is for the same images")]
    Known {
        /// Its name.
        other: Box<TargetNameBuf>,
    },
    /// It was made with other bytes than those that are listed.
    #[error("it is made for {image} with {told} bytes; the Image repository lists {listed}")]
    Length {
        /// Which of its two images.
        image: Box<TargetNameBuf>,
        /// The length that is listed.
        listed: Length,
        /// The length its header tells.
        told: u32,
    },
    /// It does not begin as a patch does.
    #[error("the bytes are not a patch")]
    NotAPatch,
    /// To take the image itself is shorter.
    #[error("it is no shorter than the image it makes")]
    NotShorter,
    /// It makes an image of itself.
    #[error("it makes the image it is for")]
    SameImage,
    /// There is none of its name.
    #[error("it is not known here")]
    Unknown,
}

impl Fault {
    /// How a command ends for it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::NotAPatch => Exit::Configuration,
            Self::Known { .. } | Self::Unknown => Exit::Failed,
            Self::BaseUnlisted { .. }
            | Self::Hardware { .. }
            | Self::Length { .. }
            | Self::NotShorter
            | Self::SameImage => Exit::Refused,
        }
    }

    /// What to do about it.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::BaseUnlisted { .. } => "make it for an image that `image-repo` has published",
            Self::Hardware { .. } | Self::Length { .. } => "name the image it makes, or make it of the published ones",
            Self::Known { .. } => "`director patch remove` that one first",
            Self::NotAPatch => "make it with `image-repo delta make`",
            Self::NotShorter | Self::SameImage => "leave it out",
            Self::Unknown => "`director patch list` shows the patches",
        }
    }
}

/// Patches of one Director. Every instance holds all of them in memory.
pub const MAX_PATCHES: usize = 16_384;

#[cfg(test)]
mod tests;
