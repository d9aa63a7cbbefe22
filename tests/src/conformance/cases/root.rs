//! The start of an update and the chain of Roots (§5.1 to §5.3).

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;

use crate::conformance::keys::Algorithm;
use crate::conformance::repository::{OVER, in_seconds};
use crate::conformance::server::Answer;
use crate::conformance::{Case, Scene};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = chain();
    cases.extend(judging());
    cases.extend(versions());
    cases.extend(bounds());
    cases.extend(expiry());
    cases.extend(consistency());
    cases
}

fn chain() -> Vec<Case> {
    vec![
        Case::new(
            "Roots are fetched one after the other until there is no newer one",
            &["5.3.1", "5.3.2", "5.3.3a", "5.3.7", "5.3.9"],
            |s| {
                s.init()?;
                s.repo.publish(&["root", "root", "root", "root"])?;
                s.accepts()?;
                s.asked_for(&[
                    "2.root.json",
                    "3.root.json",
                    "4.root.json",
                    "5.root.json",
                    "6.root.json",
                    "timestamp.json",
                    "1.snapshot.json",
                    "1.targets.json",
                ])?;
                s.keeps_as_served("root", "5.root.json")?;
                s.repo.publish(&["root"])?;
                s.accepts()?;
                s.asked_for(&["6.root.json", "7.root.json", "timestamp.json"])
            },
        ),
        Case::new("a gap ends the chain", &["5.3.1", "5.3.3a"], |s| {
            s.init()?;
            s.repo.publish(&["root", "root", "root"])?;
            s.repo.server().remove("metadata/3.root.json");
            s.accepts()?;
            s.keeps_as_served("root", "2.root.json")?;
            s.asked_for(&["2.root.json", "3.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"])
        }),
        Case::new("a Root is stored whatever comes after it", &["5.3.8", "C.14"], |s| {
            s.start()?;
            s.repo.publish(&["root"])?;
            s.repo.server().remove("metadata/timestamp.json");
            s.refuses()?;
            s.keeps_as_served("root", "2.root.json")?;
            s.trusts(&[("root", 2), ("snapshot", 1), ("targets", 1), ("timestamp", 1)])
        }),
    ]
}

fn judging() -> Vec<Case> {
    vec![
        Case::new("Roots before the one that is refused are stored", &["5.3.7", "5.3.8", "5.3.4a"], |s| {
            s.init()?;
            s.repo.publish(&["root", "root", "root"])?;
            s.repo.tamper("3.root.json", |file| file["signatures"] = json!([]))?;
            s.refuses()?;
            s.trusts(&[("root", 2)])?;
            s.keeps_as_served("root", "2.root.json")?;
            s.asked_for(&["2.root.json", "3.root.json"])
        }),
        Case::new("a Root is judged by the one before it, not by the first", &["5.3.7", "5.3.4a"], |s| {
            s.init()?;
            let first = s.repo.role("root").signers[0].clone();
            s.repo.rotate("root")?;
            s.repo.role("root").signers.push(first.clone());
            s.repo.publish(&["root"])?;
            s.repo.rotate("root")?;
            s.repo.role("root").signers.push(first);
            s.repo.publish(&["root"])?;
            s.refuses()?;
            s.trusts(&[("root", 2)])
        }),
    ]
}

fn versions() -> Vec<Case> {
    let version = |name: &str, version: u64| {
        Case::new(name, &["5.3.5"], move |s: &mut Scene| {
            s.repo.publish(&["root", "root"])?;
            s.init()?;
            s.repo.signed("root")["version"] = json!(version);
            s.repo.publish_at("root", 2)?;
            s.refuses_and_keeps_all()?;
            s.trusts(&[("root", 1)])?;
            s.asked_for(&["2.root.json"])
        })
    };
    vec![
        version("a Root that says it is the trusted one again is refused", 1),
        version("a Root that leaves a version out is refused", 3),
        version("a Root that leaves many versions out is refused", 9_007_199_254_740_990),
    ]
}

fn bounds() -> Vec<Case> {
    vec![
        Case::new("a Root without end is not read to its end", &["5.3.3b"], |s| {
            s.init()?;
            s.repo.serve("2.root.json", Answer::Endless);
            s.refuses_and_keeps_all()
        }),
        Case::new("a Root longer than our limit is refused", &["5.3.3b", "C.19"], |s| {
            s.init()?;
            s.repo.signed("root")["padding"] = json!("x".repeat(600 * 1024));
            s.repo.publish(&["root"])?;
            s.refuses_and_keeps_all()
        }),
        Case::new("of 1100 Roots no more than a limit is fetched in one update", &["5.3.3c"], |s| {
            s.with_keys(Algorithm::Ed25519)?;
            s.init()?;
            s.repo.publish(&["root"; 1_100])?;
            let before = s.client.refresh(&s.url())?;
            ensure!(matches!(before, Some(0 | 1)), "refresh ended with {before:?}");
            let asked = s.repo.server().requests().iter().filter(|path| path.ends_with(".root.json")).count();
            ensure!((256..=1_025).contains(&asked), "asked for {asked} Roots");
            s.accepts()?;
            s.keeps_as_served("root", "1101.root.json")
        }),
    ]
}

fn expiry() -> Vec<Case> {
    vec![
        Case::new("Roots on the way may have expired", &["5.3.6", "5.3.10"], |s| {
            s.init()?;
            let expires = s.repo.signed("root")["expires"].clone();
            s.repo.signed("root")["expires"] = json!(OVER);
            s.repo.publish(&["root", "root"])?;
            s.repo.signed("root")["expires"] = expires;
            s.repo.publish(&["root"])?;
            s.accepts()?;
            s.keeps_as_served("root", "4.root.json")
        }),
        Case::new("a Root that expired at the end is kept, and nothing more is asked for", &["5.3.10", "5.3.8"], |s| {
            s.start()?;
            s.repo.signed("root")["expires"] = json!(OVER);
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            s.refuses()?;
            s.asked_for(&["2.root.json", "3.root.json"])?;
            s.trusts(&[("root", 2), ("snapshot", 1), ("targets", 1), ("timestamp", 1)])
        }),
        Case::new("a trusted Root that has expired since leads to a newer one", &["5.3.10", "5.3.6", "5.2"], |s| {
            s.repo.signed("root")["expires"] = json!(in_seconds(1_000));
            s.repo.publish(&["root"])?;
            s.start()?;
            s.client.wait(2_000);
            s.refuses_and_keeps_all()?;
            s.repo.signed("root")["expires"] = json!(in_seconds(9_000));
            s.repo.publish(&["root"])?;
            s.accepts()?;
            s.keeps_as_served("root", "3.root.json")
        }),
        Case::new("an update is judged by the time at its beginning", &["5.1"], |s| {
            s.init()?;
            for role in ["root", "targets", "snapshot", "timestamp"] {
                s.repo.signed(role)["expires"] = json!(in_seconds(4));
                s.repo.publish(&[role])?;
            }
            let file = s.repo.file("timestamp.json")?;
            s.repo.serve("timestamp.json", Answer::Late(Duration::from_secs(5), file.clone()));
            s.accepts()?;
            s.trusts(&[("root", 2), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])?;
            s.repo.serve("timestamp.json", Answer::File(file));
            s.refuses_and_keeps_all()
        }),
    ]
}

fn consistency() -> Vec<Case> {
    vec![
        Case::new(
            "a repository that is not consistent has no versions in its names, but for Root",
            &["5.3.12", "5.3.1", "5.5.1", "5.6.1", "5.7.3c"],
            |s| {
                s.init()?;
                s.repo.signed("root")["consistent_snapshot"] = json!(false);
                s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
                s.repo.add_target("fruit", "fruit/apple", b"apple");
                s.repo.server().put("targets/fruit/apple", Answer::File(b"apple".to_vec()));
                s.repo.publish(&["root", "fruit", "targets", "snapshot", "timestamp"])?;
                s.downloads(&["fruit/apple"])?;
                s.asked_for(&[
                    "2.root.json",
                    "3.root.json",
                    "timestamp.json",
                    "snapshot.json",
                    "targets.json",
                    "fruit.json",
                    "targets/fruit/apple",
                ])?;
                s.has(&[b"apple"])
            },
        ),
        Case::new("the newest Root says whether the repository is consistent", &["5.3.12"], |s| {
            s.repo.signed("root")["consistent_snapshot"] = json!(false);
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            s.init()?;
            s.accepts()?;
            s.repo.signed("root")["consistent_snapshot"] = json!(true);
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            s.repo.server().requests();
            s.accepts()?;
            s.asked_for(&["3.root.json", "4.root.json", "timestamp.json", "3.snapshot.json", "3.targets.json"])
        }),
        Case::new("a Root that does not say so is not of a consistent repository", &["5.3.12"], |s| {
            let root = s.repo.signed("root").as_object_mut();
            root.and_then(|root| root.remove("consistent_snapshot"));
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            s.init()?;
            s.accepts()?;
            s.asked_for(&["2.root.json", "3.root.json", "timestamp.json", "snapshot.json", "targets.json"])
        }),
    ]
}
