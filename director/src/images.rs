//! What is trusted of the Image repository (attack A20): the Director is one of its clients, and verifies as a vehicle does.

use uptane::Image;
use uptane::verify::{Damaged, Reloaded, StoredFiles, Trusted};

use crate::Error;
use crate::desired::Catalogue;
use crate::facts::ImageFiles;

/// Refuses a file that is not a Root of an Image repository, signed by its own keys.
pub fn check_root(file: &[u8]) -> Result<(), Error> {
    Trusted::<Image>::provision(file)?;
    Ok(())
}

/// The stored files, their signatures verified again. One that is damaged is told to the operator and not trusted; the next
/// refresh fetches it again.
pub fn trusted(files: &ImageFiles) -> Result<Trusted<Image>, Error> {
    let ImageFiles { root, timestamp, snapshot, targets } = files;
    let Reloaded { trusted, damaged } = Trusted::reload(StoredFiles {
        root,
        former_root: None,
        timestamp: timestamp.as_deref(),
        snapshot: snapshot.as_deref(),
        targets: targets.as_deref(),
        delegated: &[],
    })?;
    for Damaged { role, why } in damaged {
        tracing::error!(table = "image_repository", %role, %why, "a stored file of the Image repository is damaged");
    }
    Ok(trusted)
}

/// The images it vouches for; none before its first refresh.
pub fn catalogue(files: &ImageFiles) -> Result<Catalogue, Error> {
    let trusted = trusted(files)?;
    trusted.targets().map_or_else(|| Ok(Catalogue::default()), |targets| Ok(Catalogue::of(&targets.view())?))
}

#[cfg(test)]
mod tests {
    use uptane::testing::Repo;

    use super::*;

    #[test]
    fn a_damaged_file_is_not_trusted_and_the_others_are() {
        let repo = Repo::seeded(1);
        let bytes = |file: &[u8]| Some(file.to_vec());
        let files = ImageFiles {
            root: repo.image().root().to_vec(),
            timestamp: bytes(repo.image().timestamp()),
            snapshot: Some(b"{}".to_vec()),
            targets: bytes(repo.image().targets()),
        };
        let trusted = trusted(&files).unwrap();
        assert!(trusted.snapshot().is_none());
        assert!(trusted.timestamp().is_some() && trusted.targets().is_some());
    }
}
