//! Is this the image that metadata lists? Decided while it streams (§5.4.3.4 steps 4 and 5; attack A3).

use sha2::Digest as _;

use crate::{Error, Hashes, ImageLine, Length, ReleaseCounter, Sha256, Sha512, TargetNameBuf};

/// What metadata lists of an image that may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedImage {
    /// Its name in both repositories.
    pub name: TargetNameBuf,
    /// Its length.
    pub length: Length,
    /// Its digests.
    pub hashes: Hashes,
    /// The line its release counts in.
    pub line: ImageLine,
    /// Its release.
    pub release_counter: ReleaseCounter,
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Evidence that names an image this ECU may install.
///
/// # Security
/// Whatever implements this decides what runs. It can only be implemented here, for what verification returns.
pub trait Permits: sealed::Sealed {
    /// The image.
    fn image(&self) -> &ListedImage;
}

/// An image on its way in.
pub struct ImageCheck {
    listed: ListedImage,
    received: u64,
    sha256: sha2::Sha256,
    sha512: Option<sha2::Sha512>,
}

impl ImageCheck {
    /// Begins to check the image that `evidence` permits.
    pub fn new(evidence: &impl Permits) -> Self {
        let listed = *evidence.image();
        let sha512 = listed.hashes.sha512().map(|_| sha2::Sha512::new());
        Self { listed, received: 0, sha256: sha2::Sha256::new(), sha512 }
    }

    /// Takes the next bytes. Those beyond the listed length are refused before anyone writes them (attack A3).
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let received = self.received.saturating_add(more);
        if received > self.listed.length.get() {
            return Err(Error::ImageLength { listed: self.listed.length, got: Length::new(received)? });
        }
        self.received = received;
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        Ok(())
    }

    /// How many bytes have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Says that the image is complete.
    pub fn finish(self) -> Result<VerifiedImage, Error> {
        let Self { listed, received, sha256, sha512 } = self;
        let sha256 = Sha256(sha256.finalize().into());
        let sha512 = sha512.map(|sha512| Sha512(sha512.finalize().into()));
        if received != listed.length.get() {
            return Err(Error::ImageLength { listed: listed.length, got: Length::new(received)? });
        }
        // §5.4.3.4 step 4: every listed digest must match.
        let is_listed =
            listed.hashes.sha256().is_none_or(|digest| digest == sha256) && listed.hashes.sha512() == sha512;
        if is_listed { Ok(VerifiedImage { listed, sha256 }) } else { Err(Error::ImageDigest) }
    }
}

/// Evidence that exactly the permitted image was seen, to its last byte.
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedImage {
    listed: ListedImage,
    sha256: Sha256,
}

impl VerifiedImage {
    /// SHA-256 of the image, whichever digests metadata lists.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Its length.
    pub fn length(&self) -> Length {
        self.listed.length
    }

    /// Its name in both repositories.
    pub fn name(&self) -> &TargetNameBuf {
        &self.listed.name
    }

    /// The line its release counts in.
    pub fn line(&self) -> ImageLine {
        self.listed.line
    }

    /// Its release.
    pub fn release_counter(&self) -> ReleaseCounter {
        self.listed.release_counter
    }
}
