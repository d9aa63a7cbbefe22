//! What is trusted of the Image repository (attack A20): the Director is one of its clients, and verifies as a vehicle does.

use uptane::Image;
use uptane::verify::{StoredFiles, Trusted};

use crate::Error;
use crate::desired::Catalogue;
use crate::facts::ImageFiles;

/// Refuses a file that is not a Root of an Image repository, signed by its own keys.
pub fn check_root(file: &[u8]) -> Result<(), Error> {
    Trusted::<Image>::provision(file)?;
    Ok(())
}

/// The stored files, their signatures verified again.
pub fn trusted(files: &ImageFiles) -> Result<Trusted<Image>, Error> {
    let ImageFiles { root, timestamp, snapshot, targets } = files;
    Ok(Trusted::reload(StoredFiles {
        root,
        former_root: None,
        timestamp: timestamp.as_deref(),
        snapshot: snapshot.as_deref(),
        targets: targets.as_deref(),
        delegated: &[],
    })?
    .trusted)
}

/// The images it vouches for; none before its first refresh.
pub fn catalogue(files: &ImageFiles) -> Result<Catalogue, Error> {
    let trusted = trusted(files)?;
    trusted.targets().map_or_else(|| Ok(Catalogue::default()), |targets| Ok(Catalogue::of(&targets.view())?))
}
