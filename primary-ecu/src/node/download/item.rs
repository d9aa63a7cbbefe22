//! What is fetched, and what is known of it beforehand.

use uptane::verify::Approved;
use uptane::verify::image::{FileCheck, ImageCheck, Permits as _, VerifiedImage};
use uptane::{EcuId, Hashes, Length, RepositoryName, Sha256, TargetNameBuf};

use crate::Error;
use crate::machine::ImageRole;

/// What is fetched for an ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::node) enum Item {
    /// An image.
    Image(ImageRole),
    /// The patch that makes the assigned image.
    Patch,
}

/// What signed files say of it.
pub(super) struct Listed {
    pub(super) repository: RepositoryName,
    pub(super) name: TargetNameBuf,
    pub(super) length: Length,
    pub(super) digest: Sha256,
    pub(super) check: Check,
}

/// Its bytes on their way in.
pub(super) enum Check {
    Image(Box<ImageCheck>),
    Patch(Box<FileCheck>),
}

/// It is here, as a whole.
pub(in crate::node) enum Arrived {
    /// An image, with the evidence.
    Image(Box<VerifiedImage>),
    /// A patch. It is no evidence of anything.
    Patch,
}

impl Item {
    pub(super) fn listed(self, approved: &Approved, ecu: EcuId) -> Result<Listed, Error> {
        let nothing = uptane::Error::NothingForThisEcu;
        let entry = approved.entry(ecu).ok_or(nothing)?;
        let repository = entry.repository();
        match self {
            Self::Image(role) => {
                let image = role.of(entry).ok_or(nothing)?;
                let listed = image.image();
                let digest = listed.hashes.sha256().ok_or(uptane::Error::NoKnownHash)?;
                let check = Check::Image(Box::new(ImageCheck::new(image)));
                Ok(Listed { repository, name: listed.name, length: listed.length, digest, check })
            }
            Self::Patch => {
                let named = entry.delta().ok_or(nothing)?;
                let (digest, length) = (named.delta.sha256, named.delta.length);
                let check = Check::Patch(Box::new(FileCheck::new(length, Hashes::new(Some(digest), None)?)));
                Ok(Listed { repository, name: named.name, length, digest, check })
            }
        }
    }
}

impl Check {
    /// Takes the next bytes; see [`FileCheck::update`].
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<(), uptane::Error> {
        match self {
            Self::Image(check) => check.update(bytes),
            Self::Patch(check) => check.update(bytes),
        }
    }

    /// How many bytes have come.
    pub(super) fn received(&self) -> u64 {
        match self {
            Self::Image(check) => check.received(),
            Self::Patch(check) => check.received(),
        }
    }

    /// Says that it is complete.
    pub(super) fn finish(self) -> Result<Arrived, uptane::Error> {
        match self {
            Self::Image(check) => Ok(Arrived::Image(Box::new(check.finish()?))),
            Self::Patch(check) => check.finish().map(|_| Arrived::Patch),
        }
    }
}

impl Arrived {
    /// The evidence of an image.
    pub(in crate::node) fn image(self) -> Result<Box<VerifiedImage>, Error> {
        match self {
            Self::Image(image) => Ok(image),
            Self::Patch => Err(uptane::Error::NothingForThisEcu.into()),
        }
    }
}
