//! The Director's data folder.
//!
//! | path | what |
//! |---|---|
//! | `config.toml` | where the Image repository is ([`Config`]) |
//! | `director.db`, `director.db-wal` | the store, mode 0600; made last by `init`. A backup takes both |
//! | `keys/root.pem` | the Root key, encrypted PKCS#8; only `init` and `root` read it, so it may be kept elsewhere |
//! | `keys/timestamp.pem`, `keys/snapshot.pem`, `keys/targets.pem`, `keys/time.pem` | the online keys, plain PKCS#8, mode 0600 |
//! | `keys/ROLE.next.pem` | the key of a rotation under way |
//! | `keys/*.pub` | the public half of each |
//! | `ca/ca.pem`, `ca/key.pem` | the authority that issues every certificate |
//! | `tls/server.pem`, `tls/key.pem` | what the server shows |

use std::path::{Path, PathBuf};

use host::keys::KeyFile;
use host::tls::Authority;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::keys::{AnySigner, OnlineKeys};

/// `config.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The Image repository's address.
    pub image_url: String,
}

/// The roles whose keys are online, by the name of their key file.
pub const ONLINE_ROLES: [&str; 4] = ["timestamp", "snapshot", "targets", "time"];

/// The store's file.
pub fn database(folder: &Path) -> PathBuf {
    folder.join("director.db")
}

/// The configuration file.
pub fn config(folder: &Path) -> PathBuf {
    folder.join("config.toml")
}

/// A role's key file.
pub fn key(folder: &Path, role: &str) -> PathBuf {
    folder.join("keys").join(format!("{role}.pem"))
}

/// Where a rotation puts a role's next key until Root names it.
pub fn next_key(folder: &Path, role: &str) -> PathBuf {
    folder.join("keys").join(format!("{role}.next.pem"))
}

/// Makes a role's next key the current one.
pub fn promote_key(folder: &Path, role: &str, next: KeyFile) -> Result<(), Error> {
    next.rename(&key(folder, role))?;
    Ok(())
}

/// Every online key of the folder, also those of a rotation under way.
pub fn online_keys(folder: &Path) -> Result<OnlineKeys, Error> {
    let mut keys: Vec<AnySigner> = Vec::new();
    for role in ONLINE_ROLES {
        keys.push(Box::new(KeyFile::open_plain(&key(folder, role))?));
        let next = next_key(folder, role);
        if next.exists() {
            keys.push(Box::new(KeyFile::open_plain(&next)?));
        }
    }
    Ok(OnlineKeys::new(keys))
}

/// The authority's certificate and key.
pub fn authority_paths(folder: &Path) -> (PathBuf, PathBuf) {
    (folder.join("ca/ca.pem"), folder.join("ca/key.pem"))
}

/// The server's certificate and key.
pub fn server_paths(folder: &Path) -> (PathBuf, PathBuf) {
    (folder.join("tls/server.pem"), folder.join("tls/key.pem"))
}

/// The authority.
pub fn authority(folder: &Path) -> Result<Authority, Error> {
    let (certificate, key) = authority_paths(folder);
    let pair = host::tls::Identity::open(&certificate, &key)?;
    Ok(Authority::from_pem(pair.certificate(), pair.key())?)
}
