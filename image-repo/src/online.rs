//! The keys a repository signs with itself: whichever of them Root appoints.

use std::fmt;
use std::path::Path;

use host::keys::KeyFile;
use uptane::metadata::{Envelope, Root, RootRole};
use uptane::sign::{KeySet, Signer};

use crate::error::Error;
use crate::make::RoleSigners;

/// Keys that are at hand without a person beside them.
#[derive(Default)]
pub struct OnlineKeys(Vec<Box<dyn Signer + Send + Sync>>);

impl OnlineKeys {
    /// These keys.
    pub fn of<K: Signer + Send + Sync + 'static>(keys: impl IntoIterator<Item = K>) -> Self {
        let boxed = |key| -> Box<dyn Signer + Send + Sync> { Box::new(key) };
        Self(keys.into_iter().map(boxed).collect())
    }

    /// Every key file of a folder that is not encrypted. Those of offline roles, which are, stay closed.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let failed = |source| host::Error::io("read", folder, source);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "pem") && !KeyFile::is_encrypted(&path)? {
                paths.push(path);
            }
        }
        paths.sort();
        let keys = paths.iter().map(|path| KeyFile::open_plain(path)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::of(keys))
    }

    /// The keys that a Root appoints for a role, and those of them that are here.
    pub fn of_role(&self, root: &[u8], role: RootRole) -> Result<RoleSigners<'_>, Error> {
        let envelope = Envelope::decode(root)?;
        let keys = KeySet::of_role(&Root::decode(envelope.signed())?, role)?;
        let mut signers: Vec<&dyn Signer> = Vec::new();
        for key in self.0.iter().filter(|key| keys.id_of(&key.public_key()).is_some()) {
            signers.push(&**key);
        }
        match signers.len() >= keys.threshold() {
            true => Ok(RoleSigners { keys, signers }),
            false => Err(Error::NoOnlineKey { role, here: signers.len(), needed: keys.threshold() }),
        }
    }
}

impl fmt::Debug for OnlineKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| key.key_id())).finish()
    }
}
