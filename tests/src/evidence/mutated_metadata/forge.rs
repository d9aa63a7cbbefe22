//! Files as somebody makes them who has the keys: changed, signed again, and listed by their parents again.

use sha2::{Digest as _, Sha512};

use super::chance::Chance;
use super::keys::Key;
use super::tree::{Spelling, Tree};
use super::world::{Side, Which};
use crate::oracle::json::Json;
use crate::oracle::{Served, sha256};

/// The bytes a signature is over; of what has no canonical form, the bytes themselves.
pub(super) fn message(signed: &[u8]) -> Vec<u8> {
    Json::read(signed).map_or_else(|_| signed.to_vec(), |json| json.canonical())
}

/// An entry of `signatures`.
pub(super) fn entry(id: &str, sig: &str) -> Tree {
    Tree::object([("keyid", Tree::text(id)), ("sig", Tree::text(sig))])
}

/// Good signatures of these keys.
pub(super) fn signatures(signed: &[u8], keys: &[Key]) -> Vec<Tree> {
    let message = message(signed);
    keys.iter().map(|key| entry(&key.id, &key.sign(&message))).collect()
}

/// A file of these bytes, signed by these keys.
pub(super) fn file(signed: &[u8], keys: &[Key]) -> Vec<u8> {
    envelope(Tree::List(signatures(signed, keys)), Tree::Raw(signed.to_vec())).write(Spelling::Wire)
}

/// The frame of a file.
pub(super) fn envelope(signatures: Tree, signed: Tree) -> Tree {
    Tree::object([("signatures", signatures), ("signed", signed)])
}

/// Has the parents of a changed file list it again, and signs them again.
pub(super) fn list_again(side: &Side, served: &mut Served, which: Which, name: &str, chance: &mut Chance) {
    let child = match which {
        Which::Root | Which::Timestamp => return,
        Which::Snapshot => None,
        Which::Targets => Some(&served.targets),
        Which::Delegated => served.delegated.get(name),
    };
    if let Some(child) = child {
        let listed = if which == Which::Targets { "targets.json".to_owned() } else { format!("{name}.json") };
        let snapshot = listing(&served.snapshot, &listed, child, chance);
        served.snapshot = file(&snapshot, side.keys.role(Which::Snapshot, ""));
    }
    let timestamp = listing(&served.timestamp, "snapshot.json", &served.snapshot, chance);
    served.timestamp = file(&timestamp, side.keys.role(Which::Timestamp, ""));
}

/// The `signed` of a parent that lists the child, at times in a later version.
fn listing(parent: &[u8], name: &str, child: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut signed = signed_of(parent).unwrap_or(Tree::List(Vec::new()));
    let meta = ["meta", name];
    if let Some(version) = Json::read(child).ok().as_ref().and_then(version_of) {
        signed.set(&meta, "version", Tree::raw(&version.to_string()));
    }
    signed.set(&meta, "length", Tree::raw(&child.len().to_string()));
    let hashes = match chance.below(8) {
        0 => Tree::object([("sha512", Tree::text(&sha512(child)))]),
        1 => Tree::object([("sha256", Tree::text(&sha256(child))), ("sha512", Tree::text(&sha512(child)))]),
        _ => Tree::object([("sha256", Tree::text(&sha256(child)))]),
    };
    signed.set(&meta, "hashes", hashes);
    let later = u64::from(chance.percent(50));
    if let Some(version) = signed.at(&["version"]).and_then(|version| version.number()) {
        signed.set(&[], "version", Tree::raw(&(version + later).to_string()));
    }
    signed.write(Spelling::Wire)
}

/// The `signed` of a good file.
pub(super) fn signed_of(file: &[u8]) -> Option<Tree> {
    Json::read(file).ok()?.member("signed").map(Tree::of)
}

fn version_of(file: &Json) -> Option<u64> {
    file.member("signed")?.member("version")?.unsigned()
}

/// SHA-512 in lower-case hex digits.
pub(super) fn sha512(bytes: &[u8]) -> String {
    Sha512::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
