//! What is trusted of the Image repository (attack A20): the Director is one of its clients, and verifies as a vehicle does.

use uptane::verify::{Commit, Damaged, FileBytes, Keep, MetadataFile, Refresh, Reloaded, Step, StoredFiles, Trusted};
use uptane::{Image, Time};

use crate::Error;
use crate::desired::Catalogue;
use crate::facts::{Change, ImageFiles};

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

/// A refresh of what is stored of the Image repository, without I/O: fetch what [`next`](Self::next) wants, give it to
/// [`supply`](Self::supply), and at the end, or when it failed, apply [`change`](Self::change).
#[derive(Debug)]
pub struct Refreshing {
    expected: u64,
    before: ImageFiles,
    files: ImageFiles,
    refresh: Refresh<Image>,
}

impl Refreshing {
    /// Begins with what a store holds.
    pub fn begin((expected, files): (u64, ImageFiles), now: Time) -> Result<Self, Error> {
        let refresh = Refresh::image(trusted(&files)?, now);
        Ok(Self { expected, before: files.clone(), files, refresh })
    }

    /// What to fetch, or that it is over.
    pub fn next(&self) -> Step {
        self.refresh.next()
    }

    /// Takes the file that was wanted; `None` if there is none.
    pub fn supply(&mut self, file: Option<Vec<u8>>) -> Result<(), Error> {
        let supplied = self.refresh.supply(file.map(Into::into));
        self.refresh.keep().into_iter().for_each(|keep| remember(&mut self.files, keep));
        Ok(supplied?)
    }

    /// The change that keeps whatever was verified, also if a later file failed; none if there is nothing new. One change,
    /// for in between another process must not see an Image repository that vouches for nothing.
    pub fn change(self) -> Option<Change> {
        let Self { expected, before, mut files, refresh } = self;
        if let Ok(refreshed) = refresh.finish() {
            // Nothing is looked for through delegations here, so there are no files of theirs.
            let Commit { snapshot, targets, delegated: _ } = refreshed.commit().clone();
            let bytes = |file: FileBytes| file.to_vec();
            files.snapshot = snapshot.map(bytes).or(files.snapshot.take());
            files.targets = targets.map(bytes).or(files.targets.take());
        }
        (files != before).then_some(Change::Image { expected, files })
    }
}

fn remember(files: &mut ImageFiles, keep: Keep) {
    match keep {
        Keep::Store { file, bytes } => match file {
            MetadataFile::Root(_) => files.root = bytes.to_vec(),
            MetadataFile::Timestamp => files.timestamp = Some(bytes.to_vec()),
            MetadataFile::Snapshot(_) => files.snapshot = Some(bytes.to_vec()),
            MetadataFile::Targets(_) => files.targets = Some(bytes.to_vec()),
            // Only a TUF client stores these one by one.
            MetadataFile::Delegated(..) => {}
        },
        Keep::Forget => (files.timestamp, files.snapshot, files.targets) = (None, None, None),
    }
}

#[cfg(test)]
mod tests {
    use uptane::testing::Repo;

    use super::*;

    #[test]
    fn what_is_published_is_read_without_a_runtime_and_kept_once() {
        let mut repo = Repo::seeded(1);
        let mut stored = (0, ImageFiles { root: repo.image().first_root().to_vec(), ..ImageFiles::default() });
        for release in 1..3 {
            let mut refreshing = Refreshing::begin(stored.clone(), repo.now()).unwrap();
            while let Step::Fetch { file, .. } = refreshing.next() {
                refreshing.supply(repo.image().get(file).map(<[u8]>::to_vec)).unwrap();
            }
            let Some(Change::Image { expected, files }) = refreshing.change() else { panic!("nothing new") };
            assert_eq!(expected, stored.0);
            let name = uptane::TargetNameBuf::parse(&repo.ecus()[0].image_name(release)).unwrap();
            assert!(catalogue(&files).unwrap().find(name).is_some());
            stored = (expected + 1, files);
            repo.publish(|next| next.release());
        }
    }

    #[test]
    fn what_was_verified_before_a_file_failed_is_kept() {
        let repo = Repo::seeded(1);
        let stored = (4, ImageFiles { root: repo.image().first_root().to_vec(), ..ImageFiles::default() });
        let mut refreshing = Refreshing::begin(stored, repo.now()).unwrap();
        let failed = loop {
            let Step::Fetch { file, .. } = refreshing.next() else { panic!("nothing failed") };
            let bytes = repo.image().get(file).map(<[u8]>::to_vec);
            let bytes = if matches!(file, MetadataFile::Targets(_)) { Some(b"{}".to_vec()) } else { bytes };
            if let Err(error) = refreshing.supply(bytes) {
                break error;
            }
        };
        assert!(failed.to_string().contains("Targets"), "{failed}");
        let Some(Change::Image { files, .. }) = refreshing.change() else { panic!("nothing was kept") };
        assert!(files.timestamp.is_some() && files.targets.is_none());
    }

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
