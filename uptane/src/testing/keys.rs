//! Keys for tests: everybody can derive them, so nothing real may ever trust them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::sign::{KeySet, MemorySigner, RootRoles, Signer as _};
use crate::{Role, Sha256};

/// The key of a label. Labels of a repository's roles are like `director targets 0`, those of ECUs `ecu brake`. One that
/// begins with `ecdsa ` or `rsa ` is of that algorithm, where the feature of that name is on; any other of Ed25519.
pub fn signer(label: &str) -> MemorySigner {
    let seed = Sha256::of(format!("convoy test key: {label}").as_bytes()).0;
    #[cfg(feature = "ecdsa")]
    if label.starts_with("ecdsa ") {
        return MemorySigner::from_p256_scalar(&seed).unwrap_or_else(|| panic!("one seed of 2^32 is no scalar"));
    }
    #[cfg(feature = "rsa")]
    if label.starts_with("rsa ") {
        return MemorySigner::rsa_from_seed(&seed);
    }
    MemorySigner::from_seed(&seed)
}

/// The keys a repository's Root names at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoleLabels {
    pub(crate) root: Vec<String>,
    pub(crate) snapshot: Vec<String>,
    pub(crate) targets: Vec<String>,
    pub(crate) time: Vec<String>,
    pub(crate) timestamp: Vec<String>,
}

impl RoleLabels {
    /// Two of three keys for Root, two for Targets of the Image repository, one for what is signed online.
    pub(crate) fn of(repository: &str) -> Self {
        let labels = |role: Role, count: usize| {
            (0..count).map(|index| format!("{repository} {} {index}", role.type_name())).collect()
        };
        Self {
            root: labels(Role::Root, 3),
            snapshot: labels(Role::Snapshot, 1),
            targets: labels(Role::Targets, if repository == "image" { 3 } else { 1 }),
            time: labels(Role::Time, 1),
            timestamp: labels(Role::Timestamp, 1),
        }
    }

    /// The labels of a role; none for roles no Root names.
    pub(crate) fn role(&self, role: Role) -> &[String] {
        match role {
            Role::Root => &self.root,
            Role::Snapshot => &self.snapshot,
            Role::Targets => &self.targets,
            Role::Time => &self.time,
            Role::Timestamp => &self.timestamp,
            Role::Report | Role::Manifest | Role::CheckIn | Role::Command => &[],
        }
    }

    /// Gives a role other keys.
    pub(crate) fn rotate(&mut self, role: Role) {
        let labels = match role {
            Role::Root => &mut self.root,
            Role::Snapshot => &mut self.snapshot,
            Role::Targets => &mut self.targets,
            Role::Time => &mut self.time,
            Role::Timestamp => &mut self.timestamp,
            Role::Report | Role::Manifest | Role::CheckIn | Role::Command => return,
        };
        labels.iter_mut().for_each(|label| label.push('\''));
    }

    pub(crate) fn root_roles(&self) -> RootRoles {
        RootRoles {
            root: key_set(&self.root),
            snapshot: key_set(&self.snapshot),
            targets: key_set(&self.targets),
            timestamp: key_set(&self.timestamp),
        }
    }
}

/// All but one of the keys, where there is more than one.
pub(crate) fn key_set(labels: &[String]) -> KeySet {
    let threshold = labels.len().saturating_sub(1).max(1);
    let keys = labels.iter().map(|label| signer(label).public_key());
    KeySet::new(keys, threshold).unwrap_or_else(|error| panic!("test keys are distinct: {error}"))
}
