//! What a metadata file says.

use host::cli::{counted, table};
use serde_json::{Value, json};
use uptane::metadata::{Root, RootRole, Snapshot, Target, Timestamp};
use uptane::sign::{KeySet, SignError};
use uptane::{HardwareId, KeyId, PublicKey};

use crate::commands::{delegate, key};
use crate::error::Error;
use crate::role::RoleId;
use crate::staged::RoleFile;
use crate::staged::catalogue::Catalogue;

/// For people.
pub(super) fn as_text(file: &RoleFile) -> Result<String, Error> {
    match file.role() {
        RoleId::Root => Ok(table(["role", "must sign", "keys"], &appointed(&file.root()?)?)),
        RoleId::Targets | RoleId::Delegated(_) => listed(file),
        RoleId::Snapshot | RoleId::Timestamp => {
            let rows = files(file)?.into_iter().map(|(name, version)| [name, version.to_string()]);
            Ok(table(["file", "version"], &rows.collect::<Vec<_>>()))
        }
    }
}

/// For programs.
pub(super) fn as_json(file: &RoleFile) -> Result<Value, Error> {
    match file.role() {
        RoleId::Root => root_json(&file.root()?),
        RoleId::Targets | RoleId::Delegated(_) => {
            let targets = file.targets()?;
            let images = targets.targets().map(|target| image_json(&target?)).collect::<Result<Vec<_>, Error>>()?;
            Ok(json!({ "images": images, "delegations": delegate::as_json(file)? }))
        }
        RoleId::Snapshot | RoleId::Timestamp => {
            let files = files(file)?.into_iter().map(|(name, version)| json!({ "file": name, "version": version }));
            Ok(json!({ "files": files.collect::<Vec<_>>() }))
        }
    }
}

const ROLES: [(&str, RootRole); 4] = [
    ("root", RootRole::Root),
    ("targets", RootRole::Targets),
    ("snapshot", RootRole::Snapshot),
    ("timestamp", RootRole::Timestamp),
];

/// One line for each key of each role.
fn appointed(root: &Root<'_>) -> Result<Vec<[String; 3]>, SignError> {
    let mut rows = Vec::new();
    for (word, role) in ROLES {
        let keys = KeySet::of_role(root, role)?;
        let needed = format!("{} of {}", keys.threshold(), keys.keys().count());
        let first = [word.to_owned(), needed];
        let heads = std::iter::once(first).chain(std::iter::repeat([String::new(), String::new()]));
        rows.extend(heads.zip(keys.keys()).map(|([role, needed], (id, key))| [role, needed, named(&id, &key)]));
    }
    Ok(rows)
}

fn named(id: &KeyId, public: &PublicKey) -> String {
    format!("{id} ({})", key::word(public))
}

fn root_json(root: &Root<'_>) -> Result<Value, Error> {
    let mut roles = serde_json::Map::new();
    for (word, role) in ROLES {
        let keys = KeySet::of_role(root, role)?;
        let ids: Vec<_> = keys.keys().map(|(id, _)| id.to_string()).collect();
        roles.insert(word.to_owned(), json!({ "threshold": keys.threshold(), "keys": ids }));
    }
    Ok(json!({ "roles": roles }))
}

fn listed(file: &RoleFile) -> Result<String, Error> {
    let targets = file.targets()?;
    let rows = targets.targets().map(|target| Ok(row(&target?))).collect::<Result<Vec<_>, Error>>()?;
    let images = match rows.len() {
        0 => "no images".to_owned(),
        count => {
            let images = table(["image", "line", "release", "hardware", "bytes", "sha256"], &rows);
            format!("{images}\n{}", counted(count, "image"))
        }
    };
    match targets.delegates() {
        true => Ok(format!("{images}\n\n{}", delegate::as_text(file)?)),
        false => Ok(images),
    }
}

fn row(target: &Target<'_>) -> [String; 6] {
    let matching = target.matching();
    let digest = target.hashes().sha256().map(|digest| format!("{:.12}", digest.to_string()));
    [
        target.name().to_string(),
        matching.line().to_string(),
        matching.release_counter().to_string(),
        hardware(target).join(","),
        target.length().to_string(),
        digest.unwrap_or_default(),
    ]
}

fn hardware(target: &Target<'_>) -> Vec<String> {
    target.matching().hardware_ids().map(|id: HardwareId| id.to_string()).collect()
}

fn image_json(target: &Target<'_>) -> Result<Value, Error> {
    // What others wrote into `info` is theirs, and no reason to show nothing.
    let (matching, said) = (target.matching(), Catalogue::read(target).unwrap_or_default());
    let notes: serde_json::Map<_, _> =
        said.notes.iter().map(|(language, text)| (language.as_str().to_owned(), json!(text))).collect();
    let sbom = said.sbom.as_ref().map(|sbom| {
        json!({ "format": sbom.format.word(), "sha256": sbom.sha256.to_string(), "target": sbom.target.as_str() })
    });
    Ok(json!({
        "name": target.name().as_str(),
        "line": matching.line().as_str(),
        "release_counter": matching.release_counter().get(),
        "hardware_ids": hardware(target),
        "length": target.length().get(),
        "sha256": target.hashes().sha256().map(|digest| digest.to_string()),
        "requires": said.requires.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        "conflicts": said.conflicts.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        "order": said.order,
        "notes": notes,
        "sbom": sbom,
        "test_evidence_sha256": said.test_evidence.map(|digest| digest.to_string()),
    }))
}

/// The files that Snapshot or Timestamp lists.
fn files(file: &RoleFile) -> Result<Vec<(String, u64)>, Error> {
    let signed = file.partly().signed();
    if file.role() == RoleId::Timestamp {
        return Ok(vec![("snapshot.json".to_owned(), Timestamp::decode(signed)?.snapshot().version.get())]);
    }
    let snapshot = Snapshot::decode(signed)?;
    Ok(snapshot.files().map(|(name, meta)| (name.to_owned(), meta.version.get())).collect())
}
