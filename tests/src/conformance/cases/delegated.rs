//! How delegated roles are judged and kept (§5.6.7).

use anyhow::ensure;
use serde_json::json;

use crate::conformance::keys::sha256;
use crate::conformance::repository::{OVER, forged, in_seconds};
use crate::conformance::server::Answer;
use crate::conformance::{Case, Scene};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = refused();
    cases.extend(kept());
    cases.extend(diamonds());
    cases
}

/// A case in which `wrong` is done to a role that lists a target, after which it is not found.
fn wrong(
    name: &str,
    rules: &'static [&'static str],
    wrong: impl Fn(&mut Scene) -> anyhow::Result<()> + Send + Sync + 'static,
) -> Case {
    Case::new(name, rules, move |s| {
        s.init()?;
        s.repo.lists_digests = true;
        s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
        s.repo.delegate("targets", "all", json!({ "paths": ["*/*"] }))?;
        s.repo.add_target("fruit", "fruit/apple", b"apple");
        s.repo.add_target("all", "fruit/apple", b"another apple");
        s.repo.publish_targets(&["fruit", "all", "targets"])?;
        wrong(s)?;
        s.does_not_download(&["fruit/apple"])?;
        s.has(&[])?;
        ensure!(!s.client.files()?.contains_key("fruit.json"), "the role was kept");
        s.then_asked_for(&["1.fruit.json"])
    })
}

fn refused() -> Vec<Case> {
    vec![
        wrong("a delegated role that is not there ends the search", &["5.6.7b", "C.14"], |s| {
            s.repo.server().remove("metadata/1.fruit.json");
            Ok(())
        }),
        wrong("a delegated role that the server fails to send ends the search", &["5.6.7b", "C.14"], |s| {
            s.repo.serve("1.fruit.json", Answer::Status(500));
            Ok(())
        }),
        wrong("a delegated role with a forged signature ends the search", &["5.6.7b", "5.6.7c"], |s| {
            forget_digests(s)?;
            s.repo.tamper("1.fruit.json", |file| file["signatures"][0]["sig"] = json!(forged()))
        }),
        wrong("a delegated role signed by its delegator is refused", &["5.6.7c"], |s| {
            forget_digests(s)?;
            s.repo.role("fruit").signers = s.repo.role("targets").signers.clone();
            s.repo.lists_digests = false;
            s.repo.publish_as_is("fruit")
        }),
        wrong("a delegated role of another version than is listed is refused", &["5.6.7c"], |s| {
            forget_digests(s)?;
            s.repo.lists_digests = false;
            s.repo.signed("fruit")["version"] = json!(7);
            s.repo.publish_at("fruit", 1)
        }),
        wrong("a delegated role with another digest than is listed is refused", &["5.6.7c"], |s| {
            let mut file = s.repo.file("1.fruit.json")?;
            file.pop();
            file.extend(b" }");
            s.repo.serve("1.fruit.json", Answer::File(file));
            s.repo.signed("snapshot")["meta"]["fruit.json"]["length"].take();
            Ok(())
        }),
        wrong("a delegated role longer than is listed is refused", &["5.6.7c"], |s| {
            s.repo.serve("1.fruit.json", Answer::Endless);
            Ok(())
        }),
        wrong("a delegated role that has expired is refused", &["5.6.7c"], |s| {
            forget_digests(s)?;
            s.repo.lists_digests = false;
            s.repo.signed("fruit")["expires"] = json!(OVER);
            s.repo.publish_as_is("fruit")
        }),
        wrong("a delegated role of another type is refused", &["5.6.7c", "F.5"], |s| {
            forget_digests(s)?;
            s.repo.lists_digests = false;
            s.repo.signed("fruit")["_type"] = json!("snapshot");
            s.repo.publish_as_is("fruit")
        }),
        Case::new("a delegated role that Snapshot does not list ends the search", &["5.6.7b", "5.6.7c"], |s| {
            s.init()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.add_target("fruit", "fruit/apple", b"apple");
            s.repo.publish_targets(&["fruit", "targets"])?;
            let meta = s.repo.signed("snapshot")["meta"].as_object_mut();
            meta.and_then(|meta| meta.remove("fruit.json"));
            s.repo.publish(&["snapshot", "timestamp"])?;
            s.does_not_download(&["fruit/apple"])?;
            s.has(&[])
        }),
        Case::new("a delegated role needs the threshold its delegator names", &["5.6.7c"], |s| {
            s.init()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"], "threshold": 2 }))?;
            s.repo.add_target("fruit", "fruit/apple", b"apple");
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.does_not_download(&["fruit/apple"])?;
            let key = s.repo.key()?;
            let delegations = &mut s.repo.signed("targets")["delegations"];
            delegations["keys"][&key.id] = key.public.clone();
            delegations["roles"][0]["keyids"].as_array_mut().into_iter().for_each(|ids| ids.push(json!(key.id)));
            s.repo.role("fruit").signers.push(key);
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.downloads(&["fruit/apple"])?;
            s.has(&[b"apple"])
        }),
    ]
}

/// Publishes a Snapshot that lists versions alone.
fn forget_digests(s: &mut Scene) -> anyhow::Result<()> {
    let meta = s.repo.signed("snapshot")["meta"].as_object_mut();
    for listed in meta.into_iter().flat_map(|meta| meta.values_mut()) {
        *listed = json!({ "version": listed["version"] });
    }
    s.repo.publish(&["snapshot", "timestamp"])
}

fn kept() -> Vec<Case> {
    vec![
        Case::new("a delegated role is kept, and not asked for again", &["C.8", "C.9", "5.6.7d"], |s| {
            s.init()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.add_target("fruit", "fruit/apple", b"apple");
            s.repo.add_target("fruit", "fruit/pear", b"pear");
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.downloads(&["fruit/apple"])?;
            s.trusts(&[("fruit", 1), ("root", 1), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])?;
            s.keeps_as_served("fruit", "1.fruit.json")?;
            s.repo.server().requests();
            s.downloads(&["fruit/pear"])?;
            let pear = format!("targets/fruit/{}.pear", sha256(b"pear"));
            s.asked_for(&["2.root.json", "timestamp.json", &pear])
        }),
        Case::new("a refresh alone asks for no delegated role", &["5.6.7a", "C.2"], |s| {
            s.init()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["*"] }))?;
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.accepts()?;
            s.then_asked_for(&[])
        }),
        Case::new("a newer delegated role takes the place of the stored one", &["C.8", "5.6.7c"], |s| {
            s.init()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.add_target("fruit", "fruit/apple", b"apple");
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.downloads(&["fruit/apple"])?;
            s.repo.add_target("fruit", "fruit/apple", b"riper apple");
            s.repo.publish_targets(&["fruit"])?;
            s.downloads(&["fruit/apple"])?;
            s.has(&[b"riper apple"])?;
            s.keeps_as_served("fruit", "2.fruit.json")
        }),
        Case::new("a stored delegated role that has expired is not used", &["5.6.7c", "5.6.7d"], |s| {
            s.init()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.signed("fruit")["expires"] = json!(in_seconds(1_000));
            s.repo.add_target("fruit", "fruit/apple", b"apple");
            s.repo.add_target("fruit", "fruit/pear", b"pear");
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.downloads(&["fruit/apple"])?;
            s.client.wait(2_000);
            s.does_not_download(&["fruit/pear"])?;
            s.has(&[b"apple"])?;
            s.repo.signed("fruit")["expires"] = json!(in_seconds(9_000));
            s.repo.publish_targets(&["fruit"])?;
            s.downloads(&["fruit/pear"])?;
            s.has(&[b"apple", b"pear"])
        }),
        Case::new("a stored delegated role that was damaged is fetched anew", &["C.10", "5.6.7d"], |s| {
            s.init()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.add_target("fruit", "fruit/apple", b"apple");
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.downloads(&["fruit/apple"])?;
            s.repo.server().requests();
            for damaged in [&b"{}"[..], b"", b"\xff\xfe"] {
                std::fs::write(s.client.metadata().join("fruit.json"), damaged)?;
                s.downloads(&["fruit/apple"])?;
                s.asked_for(&["2.root.json", "timestamp.json", "1.fruit.json"])?;
                s.keeps_as_served("fruit", "1.fruit.json")?;
            }
            Ok(())
        }),
    ]
}

fn diamonds() -> Vec<Case> {
    vec![
        Case::new("a stored role is verified by the keys its delegator names now", &["5.6.7d"], |s| {
            s.init()?;
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.add_target("fruit", "fruit/apple", b"apple");
            s.repo.publish_targets(&["fruit", "targets"])?;
            s.downloads(&["fruit/apple"])?;
            s.repo.signed("targets")["delegations"] = json!({});
            s.repo.delegate("targets", "fruit", json!({ "paths": ["fruit/*"] }))?;
            s.repo.publish_targets(&["targets"])?;
            std::fs::remove_dir_all(s.client.targets())?;
            std::fs::create_dir(s.client.targets())?;
            s.does_not_download(&["fruit/apple"])?;
            s.has(&[])?;
            s.repo.role("fruit").signers.remove(0);
            s.repo.publish_targets(&["fruit"])?;
            s.downloads(&["fruit/apple"])?;
            s.has(&[b"apple"])
        }),
        Case::new("a role reached on two ways is verified by the keys of each", &["5.6.7d", "5.6.7b"], |s| {
            s.init()?;
            s.repo.delegate("targets", "left", json!({ "paths": ["left/*"] }))?;
            s.repo.delegate("targets", "right", json!({ "paths": ["right/*"] }))?;
            s.repo.delegate("left", "shared", json!({ "paths": ["*/*"] }))?;
            s.repo.delegate("right", "shared", json!({ "paths": ["*/*"] }))?;
            // The key that `left` names signs, the one that `right` names does not.
            s.repo.role("shared").signers.truncate(1);
            s.repo.add_target("shared", "left/apple", b"left");
            s.repo.add_target("shared", "right/apple", b"right");
            s.repo.publish_targets(&["shared", "left", "right", "targets"])?;
            s.downloads(&["left/apple"])?;
            s.does_not_download(&["right/apple"])?;
            s.has(&[b"left"])?;
            s.downloads(&["left/apple"])
        }),
        Case::new("in one run, too, a role is verified by the keys of each way", &["5.6.7d", "C.4"], |s| {
            s.init()?;
            s.repo.delegate("targets", "left", json!({ "paths": ["left/*"] }))?;
            s.repo.delegate("targets", "right", json!({ "paths": ["right/*"] }))?;
            s.repo.delegate("left", "shared", json!({ "paths": ["*/*"] }))?;
            s.repo.delegate("right", "shared", json!({ "paths": ["*/*"] }))?;
            s.repo.role("shared").signers.truncate(1);
            s.repo.add_target("shared", "left/apple", b"left");
            s.repo.add_target("shared", "right/apple", b"right");
            s.repo.publish_targets(&["shared", "left", "right", "targets"])?;
            s.does_not_download(&["left/apple", "right/apple"])?;
            s.has(&[b"left"])
        }),
    ]
}
