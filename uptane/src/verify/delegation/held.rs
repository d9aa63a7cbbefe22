//! The delegated files that were good once.

use alloc::collections::BTreeMap;

use super::super::file::FileBytes;
use super::super::kept::Kept;
use super::super::kind::TargetsFile;
use super::super::offered::Offered;
use crate::limits::{MAX_DELEGATED_FILES, MAX_TARGETS};
use crate::metadata::RoleKeys;
use crate::{Length, RoleName};

/// Delegated files of earlier cycles. None of them is trusted: who vouches for a role is known only once a look-up has
/// come to it, and then it is judged like one that was fetched. So a damaged one is worth nothing, and no more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held(BTreeMap<RoleName, HeldFile>);

#[derive(Clone, Debug)]
enum HeldFile {
    /// Accepted since the process began.
    Kept(Kept<TargetsFile>),
    /// Stored before it did.
    Stored(FileBytes),
}

impl Held {
    /// What was stored.
    pub(crate) fn stored(files: &[(RoleName, &[u8])]) -> Self {
        let held = |(role, bytes): &(RoleName, &[u8])| (*role, HeldFile::Stored((*bytes).into()));
        Self(files.iter().take(MAX_DELEGATED_FILES).map(held).collect())
    }

    /// Every file, as it is stored.
    pub(crate) fn files(&self) -> impl Iterator<Item = (RoleName, &[u8])> {
        self.0.iter().map(|(role, file)| (*role, file.bytes()))
    }

    /// The file of a role, if these keys vouch for it.
    pub(super) fn get(&self, role: RoleName, keys: &RoleKeys) -> Option<Kept<TargetsFile>> {
        match self.0.get(&role)? {
            HeldFile::Kept(file) => file.check_still_signed(keys).ok().map(|()| file.clone()),
            HeldFile::Stored(bytes) => {
                Offered::read(bytes.clone(), Length::new(MAX_TARGETS).ok()?).ok()?.signed_by(keys).ok()
            }
        }
    }

    /// Whether the file of a role is this one, byte for byte.
    pub(crate) fn is(&self, role: RoleName, file: &Kept<TargetsFile>) -> bool {
        self.0.get(&role).is_some_and(|held| held.bytes() == file.bytes())
    }

    /// Holds the file of a role in place of what was held of it.
    pub(crate) fn hold(&mut self, role: RoleName, file: &Kept<TargetsFile>) {
        if self.0.len() >= MAX_DELEGATED_FILES && !self.0.contains_key(&role) {
            // Whichever it is, it can be fetched again.
            self.0.pop_first();
        }
        self.0.insert(role, HeldFile::Kept(file.clone()));
    }
}

impl HeldFile {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Kept(file) => file.bytes(),
            Self::Stored(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;
    use crate::testing::{Repo, Vehicle};

    #[test]
    fn no_more_files_are_held_than_the_limit() {
        let names = (0..=MAX_DELEGATED_FILES).map(|index| RoleName::parse(&format!("role-{index:04}")).unwrap());
        let stored: Vec<_> = names.map(|name| (name, b"file".as_slice())).collect();
        let mut held = Held::stored(&stored);
        assert_eq!(held.files().count(), MAX_DELEGATED_FILES);
        let repo = Repo::seeded(1);
        let mut vehicle = Vehicle::provisioned(&repo);
        vehicle.update(&repo).unwrap();
        let file = vehicle.image.targets().unwrap();
        let [known, new] = ["role-0007", "role-new"].map(|name| RoleName::parse(name).unwrap());
        held.hold(known, file);
        assert_eq!(held.files().count(), MAX_DELEGATED_FILES);
        assert!(held.is(known, file) && !held.is(new, file));
        held.hold(new, file);
        assert_eq!(held.files().count(), MAX_DELEGATED_FILES);
        assert!(held.is(new, file));
    }
}
