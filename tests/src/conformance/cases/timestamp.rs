//! Timestamp (§5.4).

use serde_json::json;

use crate::conformance::Case;
use crate::conformance::repository::{OVER, forged, in_seconds};
use crate::conformance::server::Answer;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = fetching();
    cases.extend(rollback());
    cases.extend(expiry());
    cases
}

fn fetching() -> Vec<Case> {
    vec![
        Case::new("a repository without Timestamp is refused", &["5.4.1", "C.14"], |s| {
            s.start()?;
            s.repo.server().remove("metadata/timestamp.json");
            s.refuses_and_keeps_all()?;
            s.asked_for(&["2.root.json", "timestamp.json"])
        }),
        Case::new("a Timestamp without end is not read to its end", &["5.4.1"], |s| {
            s.start()?;
            s.repo.serve("timestamp.json", Answer::Endless);
            s.refuses_and_keeps_all()
        }),
        Case::new("a Timestamp longer than our limit is refused", &["5.4.1", "C.19"], |s| {
            s.start()?;
            s.repo.signed("timestamp")["padding"] = json!("x".repeat(100 * 1024));
            s.repo.publish(&["timestamp"])?;
            s.refuses_and_keeps_all()
        }),
        Case::new("a Timestamp with a forged signature is refused, and nothing more is asked for", &["5.4.2"], |s| {
            s.init()?;
            s.repo.tamper("timestamp.json", |file| file["signatures"][0]["sig"] = json!(forged()))?;
            s.refuses_and_keeps_all()?;
            s.asked_for(&["2.root.json", "timestamp.json"])
        }),
        Case::new("a Timestamp that was changed after it was signed is refused", &["5.4.2"], |s| {
            s.start()?;
            s.repo.tamper("timestamp.json", |file| file["signed"]["version"] = json!(2))?;
            s.refuses_and_keeps_all()
        }),
        Case::new("a Timestamp signed with the key of Snapshot is refused", &["5.4.2"], |s| {
            s.start()?;
            s.repo.role("timestamp").signers = s.repo.role("snapshot").signers.clone();
            s.repo.publish(&["timestamp"])?;
            s.refuses_and_keeps_all()
        }),
        Case::new("a Timestamp is stored before Snapshot is asked for", &["5.4.5", "5.5.1", "C.14"], |s| {
            s.start()?;
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.repo.server().remove("metadata/2.snapshot.json");
            s.refuses()?;
            s.asked_for(&["2.root.json", "timestamp.json", "2.snapshot.json"])?;
            s.trusts(&[("root", 1), ("snapshot", 1), ("targets", 1), ("timestamp", 2)])
        }),
    ]
}

fn rollback() -> Vec<Case> {
    vec![
        Case::new("a Timestamp of a lower version is refused", &["5.4.3.1a"], |s| {
            s.repo.publish(&["timestamp"])?;
            s.start()?;
            s.repo.signed("timestamp")["version"] = json!(1);
            s.repo.publish_as_is("timestamp")?;
            s.refuses_and_keeps_all()?;
            s.asked_for(&["2.root.json", "timestamp.json"])
        }),
        Case::new("a Timestamp of the same version is passed over, whatever it says", &["5.4.3.1b", "5.4.5"], |s| {
            s.start()?;
            let before = s.repo.file("timestamp.json")?;
            s.repo.signed("timestamp")["meta"]["snapshot.json"]["version"] = json!(100);
            s.repo.publish_as_is("timestamp")?;
            s.accepts()?;
            s.asked_for(&["2.root.json", "timestamp.json"])?;
            s.repo.serve("timestamp.json", Answer::File(before));
            s.keeps_as_served("timestamp", "timestamp.json")
        }),
        Case::new("a Timestamp that lists an older Snapshot is refused", &["5.4.3.2", "5.4.5"], |s| {
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.start()?;
            s.repo.signed("timestamp")["meta"]["snapshot.json"]["version"] = json!(1);
            s.repo.publish(&["timestamp"])?;
            s.refuses_and_keeps_all()?;
            s.asked_for(&["2.root.json", "timestamp.json"])
        }),
        Case::new("a Timestamp with digests that lists an older Snapshot is refused", &["5.4.3.2", "C.19"], |s| {
            s.repo.lists_digests = true;
            s.repo.publish_targets(&["targets"])?;
            s.start()?;
            s.repo.signed("snapshot")["version"] = json!(1);
            s.repo.publish_as_is("snapshot")?;
            s.repo.publish(&["timestamp"])?;
            s.refuses_and_keeps_all()
        }),
        Case::new("a newer Timestamp that lists the same Snapshot is enough", &["5.4.3.2", "5.4.5"], |s| {
            s.start()?;
            s.repo.publish(&["timestamp", "timestamp"])?;
            s.accepts()?;
            s.asked_for(&["2.root.json", "timestamp.json"])?;
            s.trusts(&[("root", 1), ("snapshot", 1), ("targets", 1), ("timestamp", 3)])
        }),
    ]
}

fn expiry() -> Vec<Case> {
    vec![
        Case::new("a Timestamp that has expired is refused and not stored", &["5.4.4", "5.4.5"], |s| {
            s.start()?;
            s.repo.signed("timestamp")["expires"] = json!(OVER);
            s.repo.publish(&["timestamp"])?;
            s.refuses_and_keeps_all()?;
            s.asked_for(&["2.root.json", "timestamp.json"])
        }),
        Case::new("a repository that offers the same Timestamp for ever is refused once it expires", &["5.4.4"], |s| {
            s.repo.signed("timestamp")["expires"] = json!(in_seconds(1_000));
            s.repo.publish(&["timestamp"])?;
            s.start()?;
            s.accepts()?;
            s.client.wait(2_000);
            s.refuses_and_keeps_all()
        }),
        Case::new("a stored Timestamp that has expired still forbids to go back", &["5.4.3.1a", "5.4.3.2"], |s| {
            s.repo.signed("timestamp")["expires"] = json!(in_seconds(1_000));
            s.repo.publish(&["snapshot", "timestamp", "timestamp"])?;
            s.start()?;
            s.client.wait(2_000);
            s.repo.signed("timestamp")["expires"] = json!(in_seconds(9_000));
            s.repo.signed("timestamp")["version"] = json!(2);
            s.repo.publish_as_is("timestamp")?;
            s.refuses_and_keeps_all()?;
            s.repo.signed("timestamp")["version"] = json!(4);
            s.repo.publish_as_is("timestamp")?;
            s.accepts()
        }),
    ]
}
