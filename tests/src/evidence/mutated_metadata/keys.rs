//! The keys of the test repositories, made from their published seeds (`docs/pouf.md` §15).

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use super::world::Which;
use crate::oracle::json::Json;

/// A key and the id it has.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: String,
    signing: SigningKey,
}

impl Key {
    /// Its signature, in hex digits.
    pub(super) fn sign(&self, message: &[u8]) -> String {
        hex(&self.signing.sign(message).to_bytes())
    }
}

/// Who may sign what in one repository.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    root: Vec<Key>,
    timestamp: Vec<Key>,
    snapshot: Vec<Key>,
    targets: Vec<Key>,
}

impl Keys {
    /// The keys of the newest Root; Root itself is signed by those of the first as well, and of all between.
    pub(super) fn of(first: &[u8], newest: &[u8]) -> Result<Self> {
        let known = known();
        let role = |root: &[u8], role: &str| keys(root, role, &known);
        let mut root = role(first, "root")?;
        root.extend(role(newest, "root")?);
        root.sort_by(|one, other| one.id.cmp(&other.id));
        root.dedup_by(|one, other| one.id == other.id);
        Ok(Self {
            root,
            timestamp: role(newest, "timestamp")?,
            snapshot: role(newest, "snapshot")?,
            targets: role(newest, "targets")?,
        })
    }

    /// The keys of a role.
    pub(super) fn role(&self, which: Which) -> &[Key] {
        match which {
            Which::Root => &self.root,
            Which::Timestamp => &self.timestamp,
            Which::Snapshot => &self.snapshot,
            Which::Targets => &self.targets,
        }
    }
}

/// Every key the test repositories may have, by its public half.
fn known() -> BTreeMap<String, SigningKey> {
    let labels = ["director", "image"].into_iter().flat_map(|repository| {
        ["root", "timestamp", "snapshot", "targets"].into_iter().flat_map(move |role| {
            (0..3).flat_map(move |index| ["", "'", "''"].map(|rotated| format!("{repository} {role} {index}{rotated}")))
        })
    });
    let key = |label: String| SigningKey::from_bytes(&Sha256::digest(format!("convoy test key: {label}")).into());
    labels.map(key).map(|key| (hex(&key.verifying_key().to_bytes()), key)).collect()
}

fn keys(root: &[u8], role: &str, known: &BTreeMap<String, SigningKey>) -> Result<Vec<Key>> {
    let root = Json::read(root).map_err(|refused| anyhow::anyhow!("{refused:?}"))?;
    let signed = root.member("signed").context("signed")?;
    let ids =
        signed.member("roles").and_then(|roles| roles.member(role)?.member("keyids")?.list()).context("keyids")?;
    let key = |id: &Json| {
        let id = id.text()?;
        let public = signed.member("keys")?.member(id)?.member("keyval")?.member("public")?.text()?;
        Some(Key { id: id.to_owned(), signing: known.get(public)?.clone() })
    };
    ids.iter().map(|id| key(id).context("a key of the test repositories")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
