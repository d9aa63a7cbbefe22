//! What else than the files remembers how new a repository's files were.
//!
//! A file that was lost guards against nothing any more. Where its version is remembered in another place, whatever comes
//! for it is held to that: an ECU that lost its files goes on where it was, and not from what it left the factory with.

use super::Trusted;
use super::kept::Kept;
use super::kind::{RootFile, TargetsFile};
use crate::{Error, Repository, Sha256, Version};

/// The newest files of a repository that were trusted, as far as they are remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Root, and its digest.
    pub root: Option<(Version, Sha256)>,
    /// Top-level Targets.
    pub targets: Option<Version>,
}

impl<R: Repository> Trusted<R> {
    /// The same, and no file will be trusted that is older than what is remembered.
    #[must_use]
    pub fn remembering(self, remembered: Remembered) -> Self {
        Self { remembered, ..self }
    }

    /// What is remembered.
    pub fn remembered(&self) -> Remembered {
        self.remembered
    }

    /// Refuses to go on under a Root that is older than the remembered one: it must have come before (§5.4.4.3 step 1).
    pub fn check_root(&self) -> Result<(), Error> {
        self.root.freshness().check_version(self.remembered.root.map(|(version, _)| version))
    }

    /// Refuses another Root in the place of the remembered one: the keys that were trusted then need not be anybody's now.
    pub(super) fn check_passes(&self, root: &Kept<RootFile>) -> Result<(), Error> {
        let Some((version, sha256)) = self.remembered.root else { return Ok(()) };
        root.freshness().check_content(version, || root.sha256() == sha256)
    }

    /// Refuses Targets that are older than the remembered ones (§5.4.4.6 step 4).
    pub(super) fn check_targets(&self, targets: &Kept<TargetsFile>) -> Result<(), Error> {
        targets.freshness().check_version(self.remembered.targets)
    }

    /// Whether this Root is newer than the remembered one, so that what it changes was not known then.
    pub fn is_news(&self, root: Version) -> bool {
        self.remembered.root.is_none_or(|(version, _)| version < root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Repo;
    use crate::verify::{MetadataFile, Refresh, Step};
    use crate::{Director, Role};

    /// A repository whose Director has three Roots and has published Targets anew.
    fn repo() -> Repo {
        let mut repo = Repo::seeded(1);
        repo.publish(|next| next.director.rotate(Role::Root));
        repo.publish(|next| next.director.rotate(Role::Root));
        repo.publish(|next| next.release());
        repo
    }

    fn root(repo: &Repo, version: u64) -> (Version, Sha256) {
        let version = Version::new(version).unwrap();
        (version, Sha256::of(repo.director().get(MetadataFile::Root(version)).unwrap()))
    }

    /// How an ECU ends that has nothing but the first Root and what it remembers, and is given what `repo` has, up to this
    /// Root.
    fn refreshed(repo: &Repo, remembered: Remembered, newest: u64) -> Result<Version, Error> {
        let trusted = Trusted::<Director>::provision(repo.director().first_root())?.remembering(remembered);
        let mut refresh = Refresh::director(trusted, repo.vehicle(), None, repo.now());
        while let Step::Fetch { file, .. } = refresh.next() {
            let is_kept_back = matches!(file, MetadataFile::Root(version) if version.get() > newest);
            let file = repo.director().get(file).filter(|_| !is_kept_back);
            refresh.supply(file.map(Into::into))?;
        }
        Ok(refresh.finish().unwrap().targets().file().version())
    }

    #[test]
    fn a_chain_of_roots_ends_at_the_remembered_one_or_after_it() {
        let repo = repo();
        for remembered in 1..=3 {
            let remembered = Remembered { root: Some(root(&repo, remembered)), targets: None };
            assert!(refreshed(&repo, remembered, 3).is_ok());
        }
        let (trusted, sha256) = root(&repo, 3);
        let remembered = Remembered { root: Some((trusted, sha256)), targets: None };
        let offered = Version::new(2).unwrap();
        let rollback = Error::Rollback { role: Role::Root, trusted, offered };
        assert_eq!(refreshed(&repo, remembered, 2), Err(rollback));
    }

    #[test]
    fn another_root_in_the_place_of_the_remembered_one_is_refused() {
        let repo = repo();
        let version = Version::new(2).unwrap();
        let remembered = Remembered { root: Some((version, Sha256([7; 32]))), targets: None };
        assert_eq!(refreshed(&repo, remembered, 3), Err(Error::Equivocation { role: Role::Root, version }));
    }

    #[test]
    fn targets_are_held_to_the_remembered_version_though_the_file_is_lost() {
        let repo = repo();
        let now = refreshed(&repo, Remembered::default(), 3).unwrap();
        let remembering = |targets| Remembered { root: Some(root(&repo, 3)), targets: Some(targets) };
        assert_eq!(refreshed(&repo, remembering(now), 3), Ok(now));
        let trusted = now.next().unwrap();
        let rollback = Error::Rollback { role: Role::Targets, trusted, offered: now };
        assert_eq!(refreshed(&repo, remembering(trusted), 3), Err(rollback));
    }

    #[test]
    fn a_root_that_rotates_keys_forgets_targets_only_if_it_is_news() {
        let mut repo = repo();
        let before = root(&repo, 3);
        repo.publish(|next| next.director.rotate(Role::Targets));
        let now = refreshed(&repo, Remembered::default(), 4).unwrap();
        let far = Version::new(now.get() + 1_000).unwrap();
        let remembered = Remembered { root: Some(before), targets: Some(far) };
        assert_eq!(refreshed(&repo, remembered, 4), Ok(now), "it ends a fast-forward attack");
        let remembered = Remembered { root: Some(root(&repo, 4)), targets: Some(far) };
        let rollback = Error::Rollback { role: Role::Targets, trusted: far, offered: now };
        assert_eq!(refreshed(&repo, remembered, 4), Err(rollback), "that was before these Targets");
    }
}
