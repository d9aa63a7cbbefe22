//! Keys and thresholds of every role, and what follows when they change (§5.3.4, §5.3.11, §5.4.2, §5.5.3, §5.6.3).

use anyhow::{Result, ensure};
use serde_json::json;

use crate::conformance::keys::Key;
use crate::conformance::{Case, Scene};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = ROOTS.iter().map(chain_of_roots).collect();
    cases.extend(OTHERS.iter().map(other_roles));
    cases.extend(recovery());
    cases.extend(["timestamp", "snapshot"].map(deleted));
    cases
}

/// One version of a role: which of ten keys Root lists for it, how many must sign, and which do.
type Version = (&'static [usize], u64, &'static [usize]);

/// A sentence, the versions of Root, and whether the last is taken.
type Roots = (&'static str, &'static [Version], bool);

const ROOTS: [Roots; 13] = [
    ("one key of one is replaced", &[(&[1], 1, &[1]), (&[2], 1, &[2, 1]), (&[2], 1, &[2])], true),
    ("a key is replaced and strangers sign, too", &[(&[1], 1, &[3, 1, 4]), (&[2], 1, &[3, 2, 1, 4])], true),
    (
        "three of five sign, others each time",
        &[(&[0, 1, 2, 3, 4], 3, &[0, 2, 4]), (&[0, 1, 2, 3, 4], 3, &[4, 1, 0]), (&[0, 1, 2, 3, 4], 3, &[1, 2, 3])],
        true,
    ),
    ("one key of five is replaced", &[(&[0, 1, 2, 3, 4], 3, &[0, 2, 4]), (&[0, 1, 3, 4, 5], 3, &[0, 4, 1])], true),
    (
        "all keys are replaced, and both sides sign",
        &[(&[0, 1, 2, 3], 3, &[0, 2, 3]), (&[5, 6, 7, 8], 3, &[0, 2, 3, 5, 6, 7]), (&[5, 6, 7, 8], 3, &[5, 6, 8])],
        true,
    ),
    ("the threshold rises and is met", &[(&[1, 2, 3], 1, &[1]), (&[1, 2, 3], 2, &[1, 2])], true),
    ("the threshold falls and both are met", &[(&[1, 2, 3], 2, &[1, 2]), (&[1, 2, 3], 1, &[1, 2])], true),
    ("the old key did not sign", &[(&[1], 1, &[1]), (&[2], 1, &[2, 3, 4])], false),
    ("the new key did not sign", &[(&[1], 1, &[1]), (&[2], 1, &[1, 3, 4])], false),
    ("too few of the new keys signed", &[(&[0, 1, 2, 3, 4], 3, &[0, 2, 4]), (&[0, 1, 3, 4, 5], 3, &[0, 2, 4])], false),
    ("too few of the old keys signed", &[(&[0, 1, 2, 3, 4], 3, &[0, 2, 4]), (&[0, 1, 3, 4, 5], 3, &[0, 4, 5])], false),
    ("the threshold rises and is not met", &[(&[1, 2, 3], 1, &[1]), (&[1, 2, 3], 2, &[2])], false),
    ("the threshold falls and the old one is not met", &[(&[1, 2, 3], 2, &[1, 2]), (&[1, 2, 3], 1, &[1])], false),
];

fn keys(s: &mut Scene) -> Result<Vec<Key>> {
    (0..10).map(|_| s.repo.key()).collect()
}

fn set(s: &mut Scene, role: &str, keys: &[Key], (listed, threshold, signing): Version) {
    s.repo.signed("root")["roles"][role] = json!({ "keyids": [], "threshold": threshold });
    for key in listed {
        s.repo.list_key(role, &keys[*key]);
    }
    s.repo.role(role).signers = signing.iter().map(|key| keys[*key].clone()).collect();
}

fn chain_of_roots((name, versions, taken): &'static Roots) -> Case {
    let rules: &[&str] = &["5.3.4a", "5.3.4b", "5.3.7"];
    let outcome = if *taken { "is followed" } else { "is refused" };
    Case::new(format!("a chain of Roots in which {name} {outcome}"), rules, move |s| {
        let keys = keys(s)?;
        let mut versions = versions.iter();
        let first = versions.next().copied().unwrap_or_default();
        set(s, "root", &keys, first);
        s.repo.publish_as_is("root")?;
        s.init()?;
        for version in versions.clone() {
            set(s, "root", &keys, *version);
            s.repo.publish(&["root"])?;
        }
        let last = 1 + u64::try_from(versions.len())?;
        match taken {
            true => s.accepts()?,
            false => s.refuses()?,
        }
        let kept = if *taken { last } else { last - 1 };
        s.keeps_as_served("root", &format!("{kept}.root.json"))
    })
}

/// A sentence, a version of a role, and whether it is taken.
type Other = (&'static str, Version, bool);

const OTHERS: [Other; 7] = [
    ("is signed by its new key", (&[2], 1, &[2]), true),
    ("is signed by its key and by strangers", (&[1], 1, &[3, 1, 4]), true),
    ("is signed by three of five", (&[0, 1, 2, 3, 4], 3, &[4, 0, 2]), true),
    ("is signed by strangers alone", (&[2], 1, &[1, 3, 4]), false),
    ("is signed by two of three and a stranger", (&[0, 1, 3, 4, 5], 3, &[0, 2, 4]), false),
    ("is signed by two of the three it needs", (&[0, 1, 3, 4, 5], 3, &[0, 4]), false),
    ("needs more signatures than it has keys", (&[0, 1], 3, &[0, 1]), false),
];

fn other_roles((name, version, taken): &'static Other) -> Case {
    let rules: &[&str] = &["5.4.2", "5.5.3", "5.6.3", "5.4.5", "5.5.7", "5.6.6"];
    let outcome = if *taken { "is taken" } else { "is refused" };
    Case::new(format!("a role that {name} {outcome}"), rules, move |s| {
        let keys = keys(s)?;
        for role in ["timestamp", "snapshot", "targets"] {
            let (s, before) = (&mut Scene::new(s.client.program().clone(), 2)?, role);
            s.init()?;
            set(s, role, &keys, *version);
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            match taken {
                true => s.accepts()?,
                false => s.refuses()?,
            }
            let is_kept = s.client.files()?.contains_key(&format!("{before}.json"));
            ensure!(is_kept == *taken, "{before} is kept: {is_kept}");
        }
        Ok(())
    })
}

fn recovery() -> Vec<Case> {
    vec![
        Case::new("a Timestamp of a high version is recovered from by rotating its key", &["5.3.11"], |s| {
            s.repo.signed("timestamp")["version"] = json!(99_999);
            s.repo.publish_as_is("timestamp")?;
            s.start()?;
            s.repo.signed("timestamp")["version"] = json!(1);
            s.repo.publish(&["timestamp"])?;
            s.refuses_and_keeps_all()?;
            s.repo.rotate("timestamp")?;
            s.repo.publish(&["root", "timestamp"])?;
            s.accepts()?;
            s.trusts(&[("root", 2), ("snapshot", 1), ("targets", 1), ("timestamp", 3)])
        }),
        Case::new("a Snapshot of a high version is recovered from by rotating its key", &["5.3.11"], |s| {
            s.repo.signed("snapshot")["version"] = json!(99_999);
            s.repo.publish_as_is("snapshot")?;
            s.repo.publish(&["timestamp"])?;
            s.start()?;
            s.repo.signed("snapshot")["version"] = json!(1);
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses_and_keeps_all()?;
            s.repo.rotate("snapshot")?;
            s.repo.publish(&["root", "snapshot", "timestamp"])?;
            s.accepts()?;
            s.trusts(&[("root", 2), ("snapshot", 3), ("targets", 1), ("timestamp", 4)])
        }),
        Case::new("Targets of a high version are recovered from by rotating Snapshot's key", &["5.3.11"], |s| {
            s.repo.signed("targets")["version"] = json!(99_999);
            s.repo.publish_as_is("targets")?;
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.start()?;
            s.repo.signed("targets")["version"] = json!(1);
            s.repo.publish_targets(&["targets"])?;
            s.refuses()?;
            s.repo.rotate("snapshot")?;
            s.repo.publish(&["root", "snapshot", "timestamp"])?;
            s.accepts()?;
            let trusted = s.client.trusted()?;
            ensure!(trusted.contains(&("targets".to_owned(), 2)), "trusted is {trusted:?}");
            Ok(())
        }),
        Case::new("new keys of Root alone forget nothing", &["5.3.11", "5.4.3.1a"], |s| {
            s.repo.publish(&["timestamp", "timestamp"])?;
            s.start()?;
            let old = s.repo.role("root").signers[0].clone();
            s.repo.rotate("root")?;
            s.repo.role("root").signers.push(old);
            s.repo.signed("timestamp")["version"] = json!(1);
            s.repo.publish(&["root", "timestamp"])?;
            s.refuses()?;
            s.trusts(&[("root", 2), ("snapshot", 1), ("targets", 1), ("timestamp", 3)])
        }),
    ]
}

fn deleted(role: &'static str) -> Case {
    let sentence = format!("when the key of {role} is rotated both files are deleted at once");
    Case::new(sentence, &["5.3.11", "5.3.8", "C.10"], move |s| {
        s.start()?;
        s.repo.rotate(role)?;
        s.repo.publish(&["root"])?;
        s.repo.server().remove("metadata/timestamp.json");
        s.refuses()?;
        let files = s.client.files()?;
        let stale = ["timestamp.json", "snapshot.json"].iter().any(|file| files.contains_key(*file));
        ensure!(!stale, "kept are {:?}", files.keys());
        Ok(())
    })
}
