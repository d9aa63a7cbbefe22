//! The keys of the test repositories, made from their published seeds (`docs/pouf.md` §15).

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use ed25519_dalek::{Signer as _, SigningKey};
use p256::pkcs8::EncodePublicKey as _;
use sha2::{Digest as _, Sha256};

use super::delegated;
use super::world::Which;
use crate::oracle::Served;
use crate::oracle::json::Json;

/// A key and the id it has.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) id: String,
    signing: Signing,
}

#[derive(Clone, Debug)]
enum Signing {
    Ed25519(SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl Key {
    /// Its signature, in hex digits.
    pub(super) fn sign(&self, message: &[u8]) -> String {
        match &self.signing {
            Signing::Ed25519(key) => hex(&key.sign(message).to_bytes()),
            Signing::P256(key) => {
                let signature: p256::ecdsa::DerSignature = key.sign(message);
                hex(signature.as_bytes())
            }
        }
    }
}

/// Who may sign what in one repository.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    root: Vec<Key>,
    timestamp: Vec<Key>,
    snapshot: Vec<Key>,
    targets: Vec<Key>,
    delegated: BTreeMap<String, Vec<Key>>,
}

impl Keys {
    /// The keys of the newest Root; Root itself is signed by those of the first as well, and of all between.
    pub(super) fn of(first: &[u8], newest: &[u8], served: &Served) -> Result<Self> {
        let known = known()?;
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
            delegated: delegated(served, &known)?,
        })
    }

    /// The keys of a role; of the delegated one of this name.
    pub(super) fn role(&self, which: Which, name: &str) -> &[Key] {
        match which {
            Which::Root => &self.root,
            Which::Timestamp => &self.timestamp,
            Which::Snapshot => &self.snapshot,
            Which::Targets => &self.targets,
            Which::Delegated => self.delegated.get(name).map(Vec::as_slice).unwrap_or_default(),
        }
    }
}

/// Every key the test repositories may have, by its public half.
fn known() -> Result<BTreeMap<String, Signing>> {
    let top = ["director", "image"].into_iter().flat_map(|repository| {
        ["root", "timestamp", "snapshot", "targets"].into_iter().flat_map(move |role| {
            (0..3).flat_map(move |index| ["", "'", "''"].map(|rotated| format!("{repository} {role} {index}{rotated}")))
        })
    });
    let labels = top.chain(delegated::LABELS.map(|role| format!("image {role} 0")));
    let keys = labels.map(|label| Ok([ed25519(&label), p256(&format!("ecdsa {label}"))?]));
    let keys: Vec<_> = keys.collect::<Result<_>>()?;
    Ok(keys.into_iter().flatten().collect())
}

fn seed(label: &str) -> [u8; 32] {
    Sha256::digest(format!("convoy test key: {label}")).into()
}

fn ed25519(label: &str) -> (String, Signing) {
    let key = SigningKey::from_bytes(&seed(label));
    (hex(&key.verifying_key().to_bytes()), Signing::Ed25519(key))
}

fn p256(label: &str) -> Result<(String, Signing)> {
    let key = p256::ecdsa::SigningKey::from_slice(&seed(label))?;
    let public = p256::PublicKey::from(key.verifying_key()).to_public_key_pem(p256::pkcs8::LineEnding::LF)?;
    Ok((public, Signing::P256(key)))
}

/// Who signed each delegated file: those under whose ids its signatures stand.
fn delegated(served: &Served, known: &BTreeMap<String, Signing>) -> Result<BTreeMap<String, Vec<Key>>> {
    let mut by_id = BTreeMap::new();
    for file in served.delegated.values().chain([&served.targets]) {
        let file = read(file)?;
        let keys = file.member("signed").and_then(|signed| signed.member("delegations")?.member("keys")?.object());
        for (id, key) in keys.into_iter().flatten() {
            let public = key.member("keyval").and_then(|value| value.member("public")?.text()).context("public")?;
            let signing = known.get(public).context("a key of the test repositories")?.clone();
            by_id.insert(id.clone(), Key { id: id.clone(), signing });
        }
    }
    let keys = |(role, file): (&String, &Vec<u8>)| {
        let file = read(file)?;
        let signatures = file.member("signatures").and_then(Json::list).context("signatures")?;
        let ids = signatures.iter().filter_map(|entry| entry.member("keyid")?.text());
        let keys: Option<Vec<Key>> = ids.map(|id| by_id.get(id).cloned()).collect();
        Ok((role.clone(), keys.context("a key that somebody delegates to")?))
    };
    served.delegated.iter().map(keys).collect()
}

fn read(file: &[u8]) -> Result<Json> {
    Json::read(file).map_err(|refused| anyhow::anyhow!("{refused:?}"))
}

fn keys(root: &[u8], role: &str, known: &BTreeMap<String, Signing>) -> Result<Vec<Key>> {
    let root = read(root)?;
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
