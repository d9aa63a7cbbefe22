//! Who must sign a file, who has, and signing.

use uptane::KeyId;
use uptane::metadata::RootRole;
use uptane::sign::{KeySet, Signer};

use super::file::delegated;
use super::{Error, RoleFile, Staged};
use crate::role::RoleId;

/// Who must sign a file, and who has.
#[derive(Debug)]
pub(crate) struct Signing {
    /// Every set of keys that must reach its threshold. None if no file here says who speaks for the role.
    pub asked: Vec<Asked>,
    /// Signatures of keys that nobody here knows for this role.
    pub unknown: Vec<KeyId>,
}

/// A set of keys that is asked to sign.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Which keys these are.
    pub whose: String,
    /// How many must sign.
    pub needed: usize,
    /// Whose signature is here and verifies.
    pub signed: Vec<KeyId>,
    /// Who has not signed.
    pub open: Vec<KeyId>,
}

impl Asked {
    fn of(file: &RoleFile, whose: String, keys: &KeySet) -> Self {
        let signed = file.partly().verified(keys);
        let open = keys.keys().map(|(id, _)| id).filter(|id| !signed.contains(id)).collect();
        Self { whose, needed: keys.threshold(), signed, open }
    }

    /// How many more must sign.
    pub(crate) fn lacks(&self) -> usize {
        self.needed.saturating_sub(self.signed.len())
    }
}

impl Signing {
    /// What the keys of these sets have signed of the file.
    pub(crate) fn of(file: &RoleFile, sets: Vec<(String, KeySet)>) -> Self {
        let is_known = |id: &KeyId| sets.iter().any(|(_, keys)| keys.keys().any(|(known, _)| known == *id));
        let unknown = file.partly().signers().filter(|id| !is_known(id)).collect();
        Self { asked: sets.into_iter().map(|(whose, keys)| Asked::of(file, whose, &keys)).collect(), unknown }
    }

    /// Whether everybody who must has signed.
    pub(crate) fn is_complete(&self) -> bool {
        !self.asked.is_empty() && self.asked.iter().all(|asked| asked.lacks() == 0)
    }
}

impl Staged {
    /// Who must sign this file, and who has.
    pub(crate) fn signing(&self, file: &RoleFile) -> Result<Signing, Error> {
        Ok(Signing::of(file, self.key_sets(file)?))
    }

    /// The sets of keys that must sign this file. Of a role that nobody here delegates to, none is known.
    pub(super) fn key_sets(&self, file: &RoleFile) -> Result<Vec<(String, KeySet)>, Error> {
        match delegated(file.role()) {
            Some(role) => self.delegated_keys(role),
            None if file.role() == RoleId::Root => self.root_keys(file),
            None => match self.find(RoleId::Root)? {
                Some(root) => Ok(vec![(
                    format!("the Targets keys of Root {}", root.version()),
                    KeySet::of_role(&root.root()?, RootRole::Targets)?,
                )]),
                None => Ok(Vec::new()),
            },
        }
    }

    /// §5.4.4.3 step 2.3: a Root is signed by the keys of the Root before it and by its own.
    fn root_keys(&self, file: &RoleFile) -> Result<Vec<(String, KeySet)>, Error> {
        let own = KeySet::of_role(&file.root()?, RootRole::Root)?;
        let version = file.version();
        let mut sets = vec![(format!("the keys of Root {version}"), own)];
        if let Ok(former) = uptane::Version::new(version.get().saturating_sub(1)) {
            let before = self.root(former)?.ok_or(Error::NoPredecessor { version: former })?;
            sets.insert(0, (format!("the keys of Root {former}"), KeySet::of_role(&before.root()?, RootRole::Root)?));
        }
        Ok(sets)
    }

    /// Signs the file with a key, and says who must sign it still.
    pub(crate) fn sign(&self, file: RoleFile, signer: &dyn Signer) -> Result<RoleFile, Error> {
        let sets = self.key_sets(&file)?;
        let sets: Vec<_> = sets.iter().map(|(_, keys)| keys).collect();
        let partly = file.partly().clone();
        let partly = match sets.as_slice() {
            // A supplier may have nothing but its own file; whoever takes that in knows the keys.
            [] => partly.signed_by(signer)?,
            sets => partly.signed_for(sets, signer)?,
        };
        Ok(file.signed_as(partly))
    }
}
