//! What verified metadata lists of an image and its parts.

use host::oci::{Descriptor, Manifest};
use uptane::verify::{Refreshed, Wanted};
use uptane::{HardwareId, Image, Length, Sha256, TargetName, TargetNameBuf};

use super::error::Error;

/// One blob as verified metadata lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Blob {
    /// Its name in the repository.
    pub(super) name: TargetNameBuf,
    /// Its length.
    pub(super) length: Length,
    /// Its digest.
    pub(super) sha256: Sha256,
}

impl Blob {
    /// Where a consistent repository has it (TUF 1.0.34 §7).
    pub(super) fn path(&self) -> String {
        let Self { name, length: _, sha256 } = self;
        match name.as_str().rsplit_once('/') {
            Some((folder, file)) => format!("{folder}/{sha256}.{file}"),
            None => format!("{sha256}.{name}"),
        }
    }
}

/// What is to be looked up of an image's parts.
pub(super) fn parts(image: TargetName<'_>, manifest: &Manifest) -> Result<Vec<TargetNameBuf>, Error> {
    let named = |blob: &Descriptor| {
        let name = format!("{image}.sha256-{}", blob.sha256);
        TargetNameBuf::parse(&name).map_err(Error::refused(&name))
    };
    manifest.blobs().into_iter().map(named).collect()
}

/// What the repository lists under a name that was looked for on this hardware.
pub(super) fn find(refreshed: &Refreshed<Image>, name: TargetName<'_>, hardware: HardwareId) -> Result<Blob, Error> {
    let refused = || Error::refused(name.as_str());
    let found = refreshed.find(&Wanted::image(name, hardware)).map_err(refused())?;
    let target = found.view().target(name).map_err(refused())?;
    let target = target.ok_or(uptane::Error::NotInImageRepository).map_err(refused())?;
    // A delegation's hardware ids say what a role may list; this says what the image is for.
    if !target.matching().hardware_ids().any(|id| id == hardware) {
        return Err(Error::OtherHardware { name: name.to_string(), hardware: Box::new(hardware) });
    }
    let sha256 = target.hashes().sha256().ok_or_else(|| Error::NoSha256 { name: name.to_string() })?;
    Ok(Blob { name: name.to_buf(), length: target.length(), sha256 })
}

/// Refuses a part of which metadata says something else than the manifest.
pub(super) fn check(listed: &Blob, named: &Descriptor) -> Result<(), Error> {
    match listed.sha256 == named.sha256 && listed.length == named.length {
        true => Ok(()),
        false => Err(Error::Listed { name: listed.name.to_string(), sha256: named.sha256 }),
    }
}

#[cfg(test)]
mod tests {
    use host::oci::MediaType;

    use super::*;

    fn length(length: u64) -> Length {
        Length::new(length).unwrap()
    }

    #[test]
    fn a_part_that_metadata_lists_otherwise_than_the_manifest_is_refused() {
        let sha256 = Sha256::of(b"layer");
        let named = Descriptor { media_type: MediaType::Layer, sha256, length: length(5) };
        let listed = Blob { name: TargetNameBuf::parse("nav.sha256-0").unwrap(), length: length(5), sha256 };
        assert!(check(&listed, &named).is_ok());
        for other in [Blob { length: length(6), ..listed }, Blob { sha256: Sha256::of(b"other"), ..listed }] {
            assert!(matches!(check(&other, &named), Err(Error::Listed { .. })), "{other:?}");
        }
    }

    #[test]
    fn a_blob_is_fetched_with_its_digest_before_the_last_part_of_its_name() {
        let sha256 = Sha256::of(b"x");
        let blob = |name| Blob { name: TargetNameBuf::parse(name).unwrap(), length: length(1), sha256 };
        assert_eq!(blob("nav/app").path(), format!("nav/{sha256}.app"));
        assert_eq!(blob("app").path(), format!("{sha256}.app"));
    }
}
