//! What can be found in a signer's folder, from what lies there. No file is read twice for it.

use std::time::Duration;

use uptane::sign::KeySet;
use uptane::{PublicKey, Time};

use crate::commands::signatures;
use crate::error::Error;
use crate::expiry;
use crate::staged::{Asked, RoleFile, Signing, Staged};

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// How much it matters.
    pub weight: Weight,
    /// What it is.
    pub text: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// As it should be.
    Good,
    /// Somebody should look at it.
    Warning,
    /// Vehicles are, or will be, cut off.
    Wrong,
}

impl Weight {
    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
        }
    }
}

/// How many keys of each role lie here. A signer among several has one of them or none, and that is as it should be.
pub(super) fn keys(keys: &[(String, PublicKey)], appointed: &[(&'static str, KeySet)]) -> Vec<Finding> {
    let here = |set: &KeySet| keys.iter().filter(|(_, key)| set.id_of(key).is_some()).count();
    let row = |(role, set): &(&'static str, KeySet)| {
        let (here, all, needed) = (here(set), set.keys().count(), set.threshold());
        Finding { weight: Weight::Good, text: format!("{here} of {all} keys of {role} in keys/, {needed} must sign") }
    };
    appointed.iter().map(row).collect()
}

/// Keys that are missing: where there is a public half, the private one was too.
pub(super) fn missing_keys(halves: &[String]) -> Vec<Finding> {
    let row = |name: &String| {
        let text = format!("keys/{name}.pub has no private key beside it");
        Finding { weight: Weight::Warning, text }
    };
    halves.iter().map(row).collect()
}

/// What is to be said of a staged file.
pub(super) fn of_file(file: &RoleFile, signing: &Signing, warn_days: u32, now: Time) -> Vec<Finding> {
    let (role, version) = (file.role(), file.version());
    let life = expiry::in_words(file.expires(), now);
    let warn = now.saturating_add(Duration::from_secs(u64::from(warn_days) * DAY));
    let mut found = Vec::new();
    if now >= file.expires() {
        found.push(Finding { weight: Weight::Wrong, text: format!("{role} {version} {life}") });
    } else if warn >= file.expires() {
        found.push(Finding { weight: Weight::Warning, text: format!("{role} {version} {life}") });
    }
    let lacks = signing.asked.iter().filter(|asked| asked.lacks() > 0);
    found.extend(lacks.map(|asked| Finding { weight: Weight::Warning, text: lacking(file, signing, asked) }));
    found.extend(signing.unknown.iter().map(|id| {
        let text = format!("{role} {version} has a signature of {id}, which is no key of the role");
        Finding { weight: Weight::Warning, text }
    }));
    found
}

fn lacking(file: &RoleFile, signing: &Signing, asked: &Asked) -> String {
    let (role, version, state) = (file.role(), file.version(), signatures::state(file, signing));
    format!("{role} {version} ({state}) waits for {} more of {}", asked.lacks(), asked.whose)
}

/// Images of a draft that are not here. Those of a signed file may be published already, and need not be.
pub(super) fn missing_images(staged: &Staged, file: &RoleFile) -> Result<Vec<Finding>, Error> {
    if !file.role().lists_images() || !file.is_draft() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for target in file.targets()?.targets() {
        let target = target?;
        let is_here = target.hashes().sha256().map(|digest| staged.has_image(digest)).transpose()?;
        if is_here != Some(true) {
            let text =
                format!("{} of {} is not in staged/images: it must be published already", target.name(), file.role());
            found.push(Finding { weight: Weight::Good, text });
        }
    }
    Ok(found)
}

/// Seconds of a day.
const DAY: u64 = 86_400;
