//! Snapshot (§5.5).

use serde_json::json;

use crate::conformance::Case;
use crate::conformance::keys::sha256;
use crate::conformance::repository::{OVER, forged, in_seconds};
use crate::conformance::server::Answer;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = fetching();
    cases.extend(listing());
    cases.extend(bytes());
    cases.extend(rollback());
    cases.extend(expiry());
    cases
}

/// What is trusted when a new Timestamp was taken and nothing after it.
const TIMESTAMP_ALONE: [(&str, u64); 4] = [("root", 1), ("snapshot", 1), ("targets", 1), ("timestamp", 2)];

fn fetching() -> Vec<Case> {
    vec![
        Case::new("a Snapshot without end is not read to its end", &["5.5.1"], |s| {
            s.init()?;
            s.repo.serve("1.snapshot.json", Answer::Endless);
            s.refuses()?;
            s.trusts(&[("root", 1), ("timestamp", 1)])
        }),
        Case::new(
            "a Snapshot with a forged signature is refused and Targets not asked for",
            &["5.5.3", "5.5.7"],
            |s| {
                s.init()?;
                s.repo.tamper("1.snapshot.json", |file| file["signatures"][0]["sig"] = json!(forged()))?;
                s.refuses()?;
                s.trusts(&[("root", 1), ("timestamp", 1)])?;
                s.asked_for(&["2.root.json", "timestamp.json", "1.snapshot.json"])
            },
        ),
        Case::new("a Snapshot signed with the key of Timestamp is refused", &["5.5.3"], |s| {
            s.start()?;
            s.repo.role("snapshot").signers = s.repo.role("timestamp").signers.clone();
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()?;
            s.trusts(&TIMESTAMP_ALONE)
        }),
        Case::new("a Snapshot of a higher version than is listed is refused", &["5.5.4", "5.5.7"], |s| {
            s.start()?;
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.repo.signed("snapshot")["version"] = json!(3);
            s.repo.publish_at("snapshot", 2)?;
            s.refuses()?;
            s.trusts(&TIMESTAMP_ALONE)
        }),
        Case::new("a Snapshot of a lower version than is listed is refused", &["5.5.4"], |s| {
            s.start()?;
            s.repo.publish(&["snapshot", "timestamp"])?;
            let older = s.repo.file("1.snapshot.json")?;
            s.repo.serve("2.snapshot.json", Answer::File(older));
            s.refuses()?;
            s.trusts(&TIMESTAMP_ALONE)
        }),
    ]
}

fn listing() -> Vec<Case> {
    vec![
        Case::new("a Snapshot is stored before Targets is asked for", &["5.5.7", "5.6.1", "C.14"], |s| {
            s.start()?;
            s.repo.publish_targets(&["targets"])?;
            s.repo.server().remove("metadata/2.targets.json");
            s.refuses()?;
            s.asked_for(&["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"])?;
            s.trusts(&[("root", 1), ("snapshot", 2), ("targets", 1), ("timestamp", 2)])
        }),
        Case::new("a Snapshot nobody lists is not asked for", &["5.5.1", "5.5.4"], |s| {
            s.start()?;
            s.repo.publish(&["snapshot"])?;
            s.accepts()?;
            s.asked_for(&["2.root.json", "timestamp.json"])
        }),
        Case::new("a Snapshot that does not list Targets is refused", &["F.8", "5.6.1"], |s| {
            s.init()?;
            s.repo.signed("snapshot")["meta"] = json!({});
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()
        }),
    ]
}

fn bytes() -> Vec<Case> {
    vec![
        Case::new("lengths and digests are checked where they are listed", &["C.19", "5.5.2", "5.6.2"], |s| {
            s.repo.lists_digests = true;
            s.repo.publish_targets(&["targets"])?;
            s.init()?;
            s.accepts()?;
            s.trusts(&[("root", 1), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])
        }),
        Case::new("a Snapshot with another digest than is listed is refused", &["5.5.2", "5.5.7"], |s| {
            s.start()?;
            s.repo.lists_digests = true;
            s.repo.publish(&["snapshot"])?;
            s.repo.signed("timestamp")["meta"]["snapshot.json"]["hashes"]["sha256"] = json!(sha256(b"another"));
            s.repo.publish(&["timestamp"])?;
            s.refuses()?;
            s.trusts(&TIMESTAMP_ALONE)
        }),
        Case::new("a Snapshot with one right digest and one wrong one is refused", &["5.5.2"], |s| {
            s.start()?;
            s.repo.lists_digests = true;
            s.repo.publish(&["snapshot"])?;
            s.repo.signed("timestamp")["meta"]["snapshot.json"]["hashes"]["sha512"] = json!("0".repeat(128));
            s.repo.publish(&["timestamp"])?;
            s.refuses()?;
            s.trusts(&TIMESTAMP_ALONE)
        }),
        Case::new("a Snapshot longer than is listed is refused", &["5.5.1"], |s| {
            s.start()?;
            s.repo.lists_digests = true;
            s.repo.publish(&["snapshot"])?;
            let listed = &mut s.repo.signed("timestamp")["meta"]["snapshot.json"];
            listed["length"] = json!(listed["length"].as_u64().unwrap_or_default() - 1);
            listed["hashes"].take();
            listed.as_object_mut().and_then(|listed| listed.remove("hashes"));
            s.repo.publish(&["timestamp"])?;
            s.refuses()?;
            s.trusts(&TIMESTAMP_ALONE)
        }),
    ]
}

fn rollback() -> Vec<Case> {
    vec![
        Case::new("a Snapshot that lists older Targets is refused", &["5.5.5a", "5.5.7"], |s| {
            s.repo.publish_targets(&["targets"])?;
            s.start()?;
            s.repo.signed("snapshot")["meta"]["targets.json"]["version"] = json!(1);
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()?;
            s.trusts(&[("root", 1), ("snapshot", 2), ("targets", 2), ("timestamp", 3)])?;
            s.asked_for(&["2.root.json", "timestamp.json", "3.snapshot.json"])
        }),
        Case::new("a Snapshot with digests that lists older Targets is refused", &["5.5.5a", "C.19"], |s| {
            s.repo.lists_digests = true;
            s.repo.publish_targets(&["targets"])?;
            s.start()?;
            s.repo.signed("targets")["version"] = json!(1);
            s.repo.publish_as_is("targets")?;
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()?;
            s.trusts(&[("root", 1), ("snapshot", 2), ("targets", 2), ("timestamp", 3)])
        }),
        Case::new("a Snapshot that lists an older delegated role is refused", &["5.5.5a"], |s| {
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.publish(&["fruit", "fruit"])?;
            s.repo.publish_targets(&["targets"])?;
            s.start()?;
            s.repo.signed("snapshot")["meta"]["fruit.json"]["version"] = json!(1);
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()
        }),
        Case::new("a Snapshot that no longer lists a delegated role is refused", &["5.5.5b", "5.5.7"], |s| {
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.start()?;
            let meta = s.repo.signed("snapshot")["meta"].as_object_mut();
            meta.and_then(|meta| meta.remove("fruit.json"));
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()?;
            s.trusts(&[("root", 1), ("snapshot", 2), ("targets", 2), ("timestamp", 3)])
        }),
        Case::new("a Snapshot may list more than before", &["5.5.5b"], |s| {
            s.start()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.accepts()?;
            s.trusts(&[("root", 1), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])
        }),
    ]
}

fn expiry() -> Vec<Case> {
    vec![
        Case::new("a Snapshot that has expired is refused and not stored", &["5.5.6", "5.5.7"], |s| {
            s.start()?;
            s.repo.signed("snapshot")["expires"] = json!(OVER);
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()?;
            s.trusts(&TIMESTAMP_ALONE)
        }),
        Case::new("a stored Snapshot that has expired is not used", &["5.5.6"], |s| {
            s.repo.signed("snapshot")["expires"] = json!(in_seconds(1_000));
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.start()?;
            s.client.wait(2_000);
            s.refuses()
        }),
        Case::new("a stored Snapshot that has expired still forbids to go back", &["5.5.5a", "5.5.6"], |s| {
            s.repo.publish(&["targets"])?;
            s.repo.signed("snapshot")["expires"] = json!(in_seconds(1_000));
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.start()?;
            s.client.wait(2_000);
            s.repo.signed("snapshot")["expires"] = json!(in_seconds(9_000));
            s.repo.signed("snapshot")["meta"]["targets.json"]["version"] = json!(1);
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()?;
            s.repo.signed("snapshot")["meta"]["targets.json"]["version"] = json!(2);
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.accepts()
        }),
    ]
}
