//! Is this the image that metadata lists? Decided while it streams (§5.4.3.4 steps 4 and 5; attack A8).

use sha2::Digest as _;

use crate::{Error, Hashes, ImageLine, Length, ReleaseCounter, Sha256, Sha256Hash, Sha512, TargetNameBuf, told};

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

/// Bytes on their way in, against the length and the digests a signed file lists.
pub struct FileCheck {
    length: Length,
    hashes: Hashes,
    received: u64,
    sha256: Sha256Hash,
    sha512: Option<sha2::Sha512>,
}

impl FileCheck {
    /// Begins to check a file.
    pub fn new(length: Length, hashes: Hashes) -> Self {
        let sha512 = hashes.sha512().map(|_| sha2::Sha512::new());
        Self { length, hashes, received: 0, sha256: Sha256Hash::default(), sha512 }
    }

    /// Takes the next bytes. Those beyond the listed length are refused before anyone writes them (attack A8); a file
    /// that ran over stays refused, even for a caller that goes on.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.received = self.received.saturating_add(more);
        if self.received > self.length.get() {
            return Err(Error::ImageLength { listed: told(self.length), got: told(Length::new(self.received)?) });
        }
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        Ok(())
    }

    /// How many bytes have come, those that were too many included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Says that the file is complete; its SHA-256, whichever digests are listed.
    pub fn finish(self) -> Result<Sha256, Error> {
        let Self { length, hashes, received, sha256, sha512 } = self;
        let sha256 = sha256.finish();
        let sha512 = sha512.map(|sha512| Sha512(sha512.finalize().into()));
        if received != length.get() {
            return Err(Error::ImageLength { listed: told(length), got: told(Length::new(received)?) });
        }
        // §5.4.3.4 step 4: every listed digest must match.
        let is_listed = hashes.sha256().is_none_or(|digest| digest == sha256) && hashes.sha512() == sha512;
        if is_listed { Ok(sha256) } else { Err(Error::ImageDigest) }
    }
}

/// An image on its way in.
pub struct ImageCheck {
    listed: ListedImage,
    file: FileCheck,
}

impl ImageCheck {
    /// Begins to check the image that `evidence` permits.
    pub fn new(evidence: &impl Permits) -> Self {
        let listed = *evidence.image();
        Self { listed, file: FileCheck::new(listed.length, listed.hashes) }
    }

    /// Takes the next bytes; see [`FileCheck::update`].
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.file.update(bytes)
    }

    /// How many bytes have come, those that were too many included.
    pub fn received(&self) -> u64 {
        self.file.received()
    }

    /// Says that the image is complete.
    pub fn finish(self) -> Result<VerifiedImage, Error> {
        let sha256 = self.file.finish()?;
        Ok(VerifiedImage { listed: self.listed, sha256 })
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Listing(ListedImage);

    impl sealed::Sealed for Listing {}

    impl Permits for Listing {
        fn image(&self) -> &ListedImage {
            &self.0
        }
    }

    fn check(image: &[u8]) -> ImageCheck {
        ImageCheck::new(&Listing(ListedImage {
            name: TargetNameBuf::parse("fw.bin").unwrap(),
            length: Length::new(u64::try_from(image.len()).unwrap()).unwrap(),
            hashes: Hashes::of(image),
            line: ImageLine::parse("line").unwrap(),
            release_counter: ReleaseCounter::ZERO,
        }))
    }

    #[test]
    fn an_image_that_ran_over_is_not_verified_for_a_caller_that_goes_on() {
        let length = |length| Length::new(length).unwrap();
        let mut check = check(b"image");
        let refused = Err(Error::ImageLength { listed: length(5), got: length(6) });
        assert_eq!(check.update(b"image!"), refused);
        assert!(check.update(b"image").is_err());
        assert!(check.finish().is_err());
    }
}
