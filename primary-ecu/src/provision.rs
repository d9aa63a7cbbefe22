//! What makes a disk that of a Primary (§5.4.1): the image it leaves the factory with, then whom it trusts.
//!
//! Left to the caller: the ECU's key, its certificate and the addresses of others, which are no matter of the disk's rules;
//! and whether the bundle comes from whom it must: whoever provisions vouches for it.

use std::path::PathBuf;

use host::disk::Bulk;
use uptane::metadata::{Envelope, TimeAttestation};
use uptane::verify::{Trusted, threshold};
use uptane::{Director, EcuId, Image, Repository, RepositoryName, Role, Time, Version};

use crate::Error;
use crate::machine::transaction::MemberImage;
use crate::slots::Slots;
use crate::store::Store;

/// A new Primary: `image` runs, and no older release of it ever will. Its bytes come from `source`, as
/// [`Slots::create`] says.
pub fn make<D: Bulk + Clone>(
    disk: &D,
    ecu: EcuId,
    image: &MemberImage,
    source: impl FnMut(&mut [u8]) -> Result<usize, Error>,
) -> Result<(), Error> {
    Slots::create(disk.clone(), image, source)?;
    Store::open(disk.clone())?.raise([(ecu, image.line, image.counter)])
}

/// What a Primary trusts from now on.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Director Roots before the newest, as far as they are known: Secondaries may need them.
    pub older: Vec<(Version, Vec<u8>)>,
    /// The newest Director Root.
    pub director: BundleFile,
    /// A Root of each Image repository of the mapping.
    pub images: Vec<(RepositoryName, BundleFile)>,
    /// A time attestation, which nobody needs to have asked for.
    pub time: BundleFile,
}

/// A file of a bundle.
#[derive(Clone, Debug)]
pub struct BundleFile {
    /// Where it is, as messages say it.
    pub path: PathBuf,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Bundle {
    /// Puts it on the disk of a Primary. Everything is verified before anything is written.
    pub fn keep<D: Bulk + Clone>(&self, disk: &D) -> Result<(), Error> {
        let Self { older, director, images, time } = self;
        let trusted = director.provisioned::<Director>()?;
        let image = |(name, file): &(RepositoryName, BundleFile)| Ok((*name, file.provisioned::<Image>()?));
        let images = images.iter().map(image).collect::<Result<Vec<_>, Error>>()?;
        let told = attested(&trusted, &time.bytes).map_err(|error| Error::damaged(&time.path, error))?;
        let mut store = Store::open(disk.clone())?;
        for (version, root) in older {
            store.keep("director", &format!("{version}.root.json"), root)?;
        }
        let newest = trusted.root().version();
        store.keep("director", &format!("{newest}.root.json"), trusted.root().bytes())?;
        for (name, image) in &images {
            store.keep(name.as_str(), &format!("{}.root.json", image.root().version()), image.root().bytes())?;
        }
        store.keep("director", "time.json", &time.bytes)?;
        match told > store.time() {
            true => store.attested(told, newest),
            false => Ok(()),
        }
    }
}

impl BundleFile {
    /// The version of a Director Root.
    pub(crate) fn version(&self) -> Result<Version, Error> {
        Ok(self.provisioned::<Director>()?.root().version())
    }

    fn provisioned<R: Repository>(&self) -> Result<Trusted<R>, Error> {
        Trusted::provision(&self.bytes).map_err(|error| Error::damaged(&self.path, error))
    }
}

/// The time an attestation tells, if the time keys of this Root signed it.
pub(crate) fn attested(director: &Trusted<Director>, file: &[u8]) -> Result<Time, uptane::Error> {
    let keys = director.root().view().time_keys().ok_or(uptane::Error::Schema { field: "uptane.time" })?;
    let envelope = Envelope::decode(file)?;
    threshold::check(Role::Time, &keys, &envelope)?;
    Ok(TimeAttestation::decode(envelope.signed())?.time())
}
