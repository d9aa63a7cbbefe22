//! Makes a repository: the same bytes for the same seed, whoever asks.
//!
//! Consistent snapshots, one key a role, threshold 1, one SHA-256 and the length of every target, digests and lengths in
//! Snapshot and Timestamp. `spec_version` is `1.0.0` because rust-tuf reads nothing else.

mod encode;
mod keys;

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::cases::{Form, Repository};
use keys::{Key, sha256};

const EXPIRES: &str = "2040-01-01T00:00:00Z";

/// Writes the metadata of `repository` into `folder`.
pub(crate) fn generate(repository: Repository, seed: u64, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let role = |name: &str| Key::derive(repository.scheme, seed, name);
    let online = Online { timestamp: role("timestamp")?, snapshot: role("snapshot")?, targets: role("targets")? };

    let mut previous: Option<Key> = None;
    for version in 1..=1 + repository.rotations() {
        let root = role(&format!("root {version}"))?;
        // §5.3.4 of TUF: signed by the keys of the Root before it as well.
        let signers: Vec<&Key> = previous.iter().chain([&root]).collect();
        let file = envelope(&online.root(version, &root), &signers, repository.form)?;
        fs::write(folder.join(format!("{version}.root.json")), file)?;
        previous = Some(root);
    }
    let targets = envelope(&targets(repository.targets()), &[&online.targets], repository.form)?;
    let snapshot = listing("snapshot", "targets.json", &targets);
    let snapshot = envelope(&snapshot, &[&online.snapshot], repository.form)?;
    let timestamp = listing("timestamp", "snapshot.json", &snapshot);
    fs::write(folder.join("timestamp.json"), envelope(&timestamp, &[&online.timestamp], repository.form)?)?;
    fs::write(folder.join("1.snapshot.json"), snapshot)?;
    fs::write(folder.join("1.targets.json"), targets)?;
    Ok(())
}

/// The keys that never change.
struct Online {
    timestamp: Key,
    snapshot: Key,
    targets: Key,
}

impl Online {
    fn root(&self, version: u64, root: &Key) -> Value {
        let Self { timestamp, snapshot, targets } = self;
        let roles = [("root", root), ("timestamp", timestamp), ("snapshot", snapshot), ("targets", targets)];
        let keys: Map<String, Value> = roles.iter().map(|(_, key)| (key.id.clone(), key.public.clone())).collect();
        let roles: Map<String, Value> = roles
            .iter()
            .map(|(name, key)| ((*name).to_owned(), json!({ "keyids": [key.id], "threshold": 1 })))
            .collect();
        json!({
            "_type": "root", "spec_version": "1.0.0", "version": version, "expires": EXPIRES,
            "consistent_snapshot": true, "keys": keys, "roles": roles,
        })
    }
}

fn targets(count: u32) -> Value {
    let target = |index: u32| {
        let digest = sha256(&index.to_be_bytes());
        let length = 10_000 + u64::from(index) % 90_000;
        (target_name(index), json!({ "hashes": { "sha256": digest }, "length": length }))
    };
    let targets: Map<String, Value> = (0..count).map(target).collect();
    json!({ "_type": "targets", "spec_version": "1.0.0", "version": 1, "expires": EXPIRES, "targets": targets })
}

/// As long as makes an entry of 160 bytes.
pub(crate) fn target_name(index: u32) -> String {
    format!("images/line-{:03}/unit-{index:07}/firmware-{:011x}.bin", index % 100, u64::from(index) * 7_919)
}

/// A role that lists one file.
fn listing(role: &str, name: &str, file: &[u8]) -> Value {
    let listed = json!({ "hashes": { "sha256": sha256(file) }, "length": file.len(), "version": 1 });
    json!({ "_type": role, "spec_version": "1.0.0", "version": 1, "expires": EXPIRES, "meta": { name: listed } })
}

fn envelope(signed: &Value, signers: &[&Key], form: Form) -> Result<Vec<u8>> {
    let message = encode::signed(signed);
    let signatures: Vec<Value> = signers.iter().map(|key| key.sign(&message)).collect();
    encode::sent(&json!({ "signatures": signatures, "signed": signed }), form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{Scheme, Size};

    #[test]
    fn a_target_takes_160_bytes() {
        let length = |count| encode::signed(&targets(count)).len();
        assert_eq!(length(12) - length(11), 160);
    }

    #[test]
    fn the_same_seed_makes_the_same_files() {
        let made = |seed| {
            let folder = tempfile::tempdir().unwrap();
            let repository = Repository { scheme: Scheme::Ecdsa, form: Form::Pretty, size: Size::Rotations(2) };
            generate(repository, seed, folder.path()).unwrap();
            ["3.root.json", "timestamp.json"].map(|name| fs::read(folder.path().join(name)).unwrap())
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }
}
