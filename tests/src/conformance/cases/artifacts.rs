//! Targets themselves (§5.7, rules C.3 to C.5, C.12, C.13 and C.18).

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use crate::conformance::keys::{hex, sha256};
use crate::conformance::server::Answer;
use crate::conformance::{Case, Scene};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = commands();
    cases.extend(contents());
    cases.extend(digests());
    cases.extend(again());
    cases
}

const CONTENT: &[u8] = b"content of the target";

/// Where a consistent repository has a target without folders.
fn prefixed(name: &str, content: &[u8]) -> String {
    format!("targets/{}.{name}", sha256(content))
}

fn commands() -> Vec<Case> {
    vec![
        Case::new("download refreshes first and brings what is listed", &["C.3", "C.5", "5.7.1", "5.7.3c"], |s| {
            s.init()?;
            s.repo.add_target("targets", "apple", CONTENT);
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["apple"])?;
            s.asked_for(&[
                "2.root.json",
                "timestamp.json",
                "2.snapshot.json",
                "2.targets.json",
                &prefixed("apple", CONTENT),
            ])?;
            s.has(&[CONTENT])?;
            s.trusts(&[("root", 1), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])
        }),
        Case::new("several targets come in the order in which they are named", &["C.3"], |s| {
            s.init()?;
            for name in ["a", "b", "c"] {
                s.repo.add_target("targets", name, name.as_bytes());
            }
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["c", "a", "b"])?;
            s.then_asked_for(&[&prefixed("c", b"c"), &prefixed("a", b"a"), &prefixed("b", b"b")])?;
            s.has(&[b"a", b"b", b"c"])
        }),
        Case::new("download ends at the first target that nobody lists", &["C.4", "5.7.2"], |s| {
            s.init()?;
            s.repo.add_target("targets", "a", b"a");
            s.repo.add_target("targets", "b", b"b");
            s.repo.publish_targets(&["targets"])?;
            s.does_not_download(&["a", "missing", "b"])?;
            s.then_asked_for(&[&prefixed("a", b"a")])?;
            s.has(&[b"a"])
        }),
        Case::new("a refresh downloads no target", &["C.2"], |s| {
            s.init()?;
            s.repo.add_target("targets", "a", b"a");
            s.repo.publish_targets(&["targets"])?;
            s.accepts()?;
            s.has(&[])
        }),
        Case::new("nothing is downloaded when the refresh fails", &["C.5", "5.7.1"], |s| {
            s.init()?;
            s.repo.add_target("targets", "a", b"a");
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["a"])?;
            s.repo.server().remove("metadata/timestamp.json");
            s.repo.server().requests();
            s.does_not_download(&["a"])?;
            s.asked_for(&["2.root.json", "timestamp.json"])
        }),
    ]
}

/// A case in which the server sends `answer` for a target.
fn sent(name: &str, rules: &'static [&'static str], answer: Answer) -> Case {
    Case::new(name, rules, move |s| {
        s.init()?;
        s.repo.add_target("targets", "apple", CONTENT);
        s.repo.serve_target("apple", &sha256(CONTENT), answer.clone());
        s.repo.publish_targets(&["targets"])?;
        s.does_not_download(&["apple"])?;
        s.has(&[])
    })
}

fn contents() -> Vec<Case> {
    let other = CONTENT.to_ascii_uppercase();
    let longer = [CONTENT, b"!"].concat();
    vec![
        sent("a target of the right length and other content is refused", &["5.7.3b", "C.12"], Answer::File(other)),
        sent("a target that is too long is refused", &["5.7.3a", "C.12"], Answer::File(longer)),
        sent("a target that is too short is refused", &["5.7.3b", "C.12"], Answer::File(CONTENT[1..].to_vec())),
        sent("a target without end is not read to its end", &["5.7.3a", "C.12"], Answer::Endless),
        sent("a target that breaks off is not kept", &["C.12", "C.14"], Answer::CutOff(CONTENT.to_vec())),
        sent("a target that the server fails to send is an error", &["C.14"], Answer::Status(500)),
        sent("a target that is not there is an error", &["C.14", "5.7.2"], Answer::Status(404)),
        Case::new("a target of no bytes arrives", &["5.7.3a", "5.7.3b"], |s| {
            s.init()?;
            s.repo.add_target("targets", "empty", b"");
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["empty"])?;
            s.has(&[b""])
        }),
        Case::new("a target of some megabytes arrives", &["5.7.3a", "5.7.3b"], |s| {
            let content: Vec<u8> = (0..5_000_000_u32).map(|at| at.to_le_bytes().iter().fold(0, |a, b| a ^ b)).collect();
            s.init()?;
            s.repo.add_target("targets", "large", &content);
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["large"])?;
            s.has(&[&content])
        }),
    ]
}

/// Lists a target with these digests, and serves it under each.
fn list(s: &mut Scene, hashes: &Value) -> Result<()> {
    s.init()?;
    s.repo.signed("targets")["targets"]["apple"] = json!({ "length": CONTENT.len(), "hashes": hashes });
    for digest in hashes.as_object().into_iter().flat_map(|hashes| hashes.values()) {
        s.repo.serve_target("apple", digest.as_str().unwrap_or_default(), Answer::File(CONTENT.to_vec()));
    }
    s.repo.publish_targets(&["targets"])
}

fn digests() -> Vec<Case> {
    let good = |name: &str, hashes: Value| {
        Case::new(name, &["C.18", "5.7.3b"], move |s: &mut Scene| {
            list(s, &hashes)?;
            s.downloads(&["apple"])?;
            s.has(&[CONTENT])
        })
    };
    let bad = |name: &str, hashes: Value| {
        Case::new(name, &["C.18", "5.7.3b"], move |s: &mut Scene| {
            list(s, &hashes)?;
            s.does_not_download(&["apple"])?;
            s.has(&[])
        })
    };
    let sha512 = || hex(&Sha512::digest(CONTENT));
    vec![
        good("a target may be listed with SHA-256", json!({ "sha256": sha256(CONTENT) })),
        good("a target may be listed with SHA-512", json!({ "sha512": sha512() })),
        good("a target may be listed with both", json!({ "sha256": sha256(CONTENT), "sha512": sha512() })),
        good("an unknown digest beside a known one does no harm", json!({ "sha256": sha256(CONTENT), "md9": "00" })),
        bad("a target with unknown digests alone is refused", json!({ "md9": sha512() })),
        bad("a target without digests is refused", json!({})),
        bad("both digests must hold, SHA-512 too", json!({ "sha256": sha256(CONTENT), "sha512": "0".repeat(128) })),
        bad("both digests must hold, SHA-256 too", json!({ "sha256": "0".repeat(64), "sha512": sha512() })),
    ]
}

fn again() -> Vec<Case> {
    vec![
        Case::new("a target that is there is not downloaded again", &["C.13"], |s| {
            s.init()?;
            s.repo.add_target("targets", "apple", CONTENT);
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["apple"])?;
            s.repo.server().requests();
            s.downloads(&["apple"])?;
            s.asked_for(&["2.root.json", "timestamp.json"])?;
            s.has(&[CONTENT])
        }),
        Case::new("a target that was changed on the disk is downloaded again", &["C.13", "C.12"], |s| {
            s.init()?;
            s.repo.add_target("targets", "apple", CONTENT);
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["apple"])?;
            for entry in std::fs::read_dir(s.client.targets())? {
                std::fs::write(entry?.path(), CONTENT.to_ascii_uppercase())?;
            }
            s.downloads(&["apple"])?;
            s.has(&[CONTENT])
        }),
        Case::new("a newer target takes the place of the older one, again and again", &["C.12"], |s| {
            s.init()?;
            for version in 0..4 {
                let content = format!("version {version}");
                s.repo.add_target("targets", "apple", content.as_bytes());
                s.repo.publish_targets(&["targets"])?;
                s.downloads(&["apple"])?;
                s.has(&[content.as_bytes()])?;
            }
            Ok(())
        }),
        Case::new("a newer target that is refused leaves the older one", &["C.12", "5.7.3b"], |s| {
            s.init()?;
            s.repo.add_target("targets", "apple", CONTENT);
            s.repo.publish_targets(&["targets"])?;
            s.downloads(&["apple"])?;
            s.repo.add_target("targets", "apple", b"newer");
            s.repo.serve_target("apple", &sha256(b"newer"), Answer::File(b"wrong".to_vec()));
            s.repo.publish_targets(&["targets"])?;
            s.does_not_download(&["apple"])?;
            s.has(&[CONTENT])
        }),
        Case::new("a target that is listed no more is not downloaded, though it is served", &["5.7.2"], |s| {
            s.init()?;
            s.repo.add_target("targets", "apple", CONTENT);
            s.repo.publish_targets(&["targets"])?;
            s.accepts()?;
            s.repo.signed("targets")["targets"] = json!({});
            s.repo.publish_targets(&["targets"])?;
            s.does_not_download(&["apple"])?;
            let asked = s.repo.server().requests().iter().any(|path| path.starts_with("targets/"));
            ensure!(!asked, "the target was asked for");
            s.has(&[])
        }),
    ]
}
