//! Top-level Targets (§5.6.1 to §5.6.6).

use serde_json::json;

use crate::conformance::Case;
use crate::conformance::keys::sha256;
use crate::conformance::repository::{OVER, forged, in_seconds};
use crate::conformance::server::Answer;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = fetching();
    cases.extend(listing());
    cases.extend(bytes());
    cases.extend(expiry());
    cases
}

/// What is trusted when new Timestamp and Snapshot were taken and Targets not.
const ALL_BUT_TARGETS: [(&str, u64); 4] = [("root", 1), ("snapshot", 2), ("targets", 1), ("timestamp", 2)];

fn fetching() -> Vec<Case> {
    vec![
        Case::new("Targets with a forged signature are refused and not stored", &["5.6.3", "5.6.6"], |s| {
            s.init()?;
            s.repo.tamper("1.targets.json", |file| file["signatures"][0]["sig"] = json!(forged()))?;
            s.refuses()?;
            s.trusts(&[("root", 1), ("snapshot", 1), ("timestamp", 1)])
        }),
        Case::new("Targets signed with the key of Snapshot are refused", &["5.6.3"], |s| {
            s.start()?;
            s.repo.role("targets").signers = s.repo.role("snapshot").signers.clone();
            s.repo.publish_targets(&["targets"])?;
            s.refuses()?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
        Case::new("a target that was added after signing is refused with its file", &["5.6.3"], |s| {
            s.start()?;
            s.repo.publish_targets(&["targets"])?;
            let planted = json!({ "length": 1, "hashes": { "sha256": sha256(b"x") } });
            s.repo.tamper("2.targets.json", |file| file["signed"]["targets"]["planted"] = planted)?;
            s.does_not_download(&["planted"])?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
        Case::new("Targets of a higher version than is listed are refused", &["5.6.4", "5.6.6"], |s| {
            s.start()?;
            s.repo.publish_targets(&["targets"])?;
            s.repo.signed("targets")["version"] = json!(3);
            s.repo.publish_at("targets", 2)?;
            s.refuses()?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
        Case::new("Targets of a lower version than is listed are refused", &["5.6.4"], |s| {
            s.start()?;
            s.repo.publish_targets(&["targets"])?;
            let older = s.repo.file("1.targets.json")?;
            s.repo.serve("2.targets.json", Answer::File(older));
            s.refuses()?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
    ]
}

fn listing() -> Vec<Case> {
    vec![
        Case::new("Targets nobody lists are not asked for", &["5.6.1", "5.6.4"], |s| {
            s.start()?;
            s.repo.publish(&["targets"])?;
            s.accepts()?;
            s.asked_for(&["2.root.json", "timestamp.json"])
        }),
        Case::new("a refresh that broke off before Targets goes on there", &["5.6.1", "5.5.7"], |s| {
            s.start()?;
            s.repo.publish_targets(&["targets"])?;
            let file = s.repo.file("2.targets.json")?;
            s.repo.server().remove("metadata/2.targets.json");
            s.refuses()?;
            s.repo.server().requests();
            s.repo.serve("2.targets.json", Answer::File(file));
            s.accepts()?;
            s.asked_for(&["2.root.json", "timestamp.json", "2.targets.json"])
        }),
        Case::new("ten thousand targets are taken and one of them found", &["5.6.1", "5.6.7.1c"], |s| {
            s.init()?;
            for number in 0..10_000 {
                let listed = json!({ "length": 7, "hashes": { "sha256": sha256(b"content") } });
                s.repo.signed("targets")["targets"][format!("folder/{number:05}.bin")] = listed;
            }
            s.repo.add_target("targets", "folder/05000.bin", b"content");
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["folder/05000.bin"])?;
            s.has(&[b"content"])
        }),
    ]
}

fn bytes() -> Vec<Case> {
    vec![
        Case::new("Targets without end are not read to their end", &["5.6.1"], |s| {
            s.init()?;
            s.repo.serve("1.targets.json", Answer::Endless);
            s.refuses()?;
            s.trusts(&[("root", 1), ("snapshot", 1), ("timestamp", 1)])
        }),
        Case::new("Targets with another digest than is listed are refused", &["5.6.2", "5.6.6"], |s| {
            s.start()?;
            s.repo.lists_digests = true;
            s.repo.publish(&["targets"])?;
            s.repo.signed("snapshot")["meta"]["targets.json"]["hashes"]["sha256"] = json!(sha256(b"another"));
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.refuses()?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
        Case::new("Targets shorter than is listed are refused", &["5.6.1", "5.6.2"], |s| {
            s.start()?;
            s.repo.lists_digests = true;
            s.repo.publish_targets(&["targets"])?;
            let file = s.repo.file("2.targets.json")?;
            s.repo.serve("2.targets.json", Answer::File(file.trim_ascii_end()[..file.len() - 2].to_vec()));
            s.refuses()?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
        Case::new("Targets longer than is listed are refused", &["5.6.1"], |s| {
            s.start()?;
            s.repo.lists_digests = true;
            s.repo.publish_targets(&["targets"])?;
            let mut file = s.repo.file("2.targets.json")?;
            file.extend([b' '; 100]);
            s.repo.serve("2.targets.json", Answer::File(file));
            s.refuses()?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
        Case::new("white space that is added to a file with a digest is noticed", &["5.6.2"], |s| {
            s.start()?;
            s.repo.lists_digests = true;
            s.repo.publish(&["targets"])?;
            let listed = &mut s.repo.signed("snapshot")["meta"]["targets.json"];
            listed["length"] = json!(listed["length"].as_u64().unwrap_or_default() + 1);
            s.repo.publish(&["snapshot", "timestamp"])?;
            let mut file = s.repo.file("2.targets.json")?;
            file.push(b'\n');
            s.repo.serve("2.targets.json", Answer::File(file));
            s.refuses()?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
    ]
}

fn expiry() -> Vec<Case> {
    vec![
        Case::new("Targets that have expired are refused and not stored", &["5.6.5", "5.6.6"], |s| {
            s.start()?;
            s.repo.signed("targets")["expires"] = json!(OVER);
            s.repo.publish_targets(&["targets"])?;
            s.refuses()?;
            s.trusts(&ALL_BUT_TARGETS)
        }),
        Case::new("stored Targets that have expired are not used", &["5.6.5"], |s| {
            s.repo.signed("targets")["expires"] = json!(in_seconds(1_000));
            s.repo.add_target("targets", "apple", b"apple");
            s.repo.publish_targets(&["targets"])?;
            s.start()?;
            s.client.wait(2_000);
            s.does_not_download(&["apple"])?;
            s.has(&[])
        }),
        Case::new("newer Targets take the place of stored ones that have expired", &["5.6.5", "5.6.6"], |s| {
            s.repo.signed("targets")["expires"] = json!(in_seconds(1_000));
            s.repo.publish_targets(&["targets"])?;
            s.start()?;
            s.client.wait(2_000);
            s.repo.signed("targets")["expires"] = json!(in_seconds(9_000));
            s.repo.publish_targets(&["targets"])?;
            s.accepts()?;
            s.trusts(&[("root", 1), ("snapshot", 3), ("targets", 3), ("timestamp", 3)])
        }),
    ]
}
