//! Changes that know what a role's file means: what an attacker, or a repository gone wrong, would say.

use super::chance::Chance;
use super::delegating;
use super::tree::Tree;
use super::world::Which;

/// Changes what `signed` says; the name of what was done.
pub(super) fn mutate(signed: &mut Tree, which: Which, chance: &mut Chance) -> &'static str {
    match (chance.below(3), which) {
        (0, _) => header(signed, chance),
        (_, Which::Root) => root(signed, chance),
        (_, Which::Timestamp | Which::Snapshot) => list(signed, chance),
        (_, Which::Targets | Which::Delegated) => {
            let delegating = if chance.percent(60) { delegating::mutate(signed, chance) } else { None };
            delegating.unwrap_or_else(|| targets(signed, chance))
        }
    }
}

fn header(signed: &mut Tree, chance: &mut Chance) -> &'static str {
    match chance.below(6) {
        0 | 1 => {
            bump(signed.at(&["version"]), chance);
            "meaning: version"
        }
        2 => {
            // The worlds' time is the first of December; files live for ninety days from then.
            let expires = chance.word(&[
                "2026-11-30T23:59:59Z",
                "2026-12-01T00:00:00Z",
                "2026-12-01T00:00:01Z",
                "1970-01-01T00:00:00Z",
                "9999-12-31T23:59:59Z",
                "2027-02-28T00:00:00Z",
                "2026-12-01T00:00:60Z",
                "2026-12-01 00:00:00Z",
            ]);
            signed.set(&[], "expires", Tree::text(expires));
            "meaning: expiry"
        }
        3 => {
            let vehicle = chance.word(&["00000000000000000000000000000000", "74657374", "TEST", ""]);
            match chance.percent(70) {
                true => signed.set(&["uptane"], "vehicle", Tree::text(vehicle)),
                false => signed.remove(&["uptane"], "vehicle"),
            }
            "meaning: vehicle"
        }
        4 => {
            match chance.below(4) {
                0 => signed.remove(&["uptane"], "repository"),
                1 => signed.remove(&[], "uptane"),
                _ => signed.set(&["uptane"], "repository", Tree::text(chance.word(&["director", "image", "map"]))),
            }
            "meaning: repository"
        }
        _ => {
            let role = chance.word(&["root", "timestamp", "snapshot", "targets", "Root", "uptane-time"]);
            match chance.percent(60) {
                true => signed.set(&[], "_type", Tree::text(role)),
                false => {
                    signed.set(&[], "spec_version", Tree::text(chance.word(&["1.0", "1.", "1.9.9", "2.0.0", "1", ""])))
                }
            }
            "meaning: type and edition"
        }
    }
}

fn root(signed: &mut Tree, chance: &mut Chance) -> &'static str {
    let role = chance.word(&["root", "timestamp", "snapshot", "targets"]);
    let ids = signed.at(&["keys"]).map(|keys| keys.names()).unwrap_or_default();
    let id = chance.one(&ids).cloned().unwrap_or_default();
    match chance.below(6) {
        0 => {
            signed.set(
                &["roles", role],
                "threshold",
                Tree::raw(chance.word(&["0", "1", "2", "3", "4", "255", "256", "-1"])),
            );
            "meaning: threshold"
        }
        1 => {
            let key = signed.at(&["keys", &id]).cloned().unwrap_or(Tree::raw("{}"));
            signed.set(&["keys"], chance.word(&["other", "zz", "x/y", "a b"]), key);
            "meaning: a key under two ids"
        }
        2 => {
            signed.remove(&["keys"], &id);
            "meaning: a key withdrawn"
        }
        3 => {
            let word = chance.word(&["ed25519", "ecdsa", "ecdsa-sha2-nistp256", "ed448", "ml-dsa-65", ""]);
            signed.set(&["keys", &id], chance.word(&["keytype", "scheme"]), Tree::text(word));
            "meaning: another algorithm"
        }
        4 => {
            let place =
                if chance.percent(20) { vec!["uptane", "time", "keyids"] } else { vec!["roles", role, "keyids"] };
            key_ids(signed.at(&place), &id, chance);
            "meaning: key ids of a role"
        }
        _ => {
            let public = chance.word(&[
                "0000000000000000000000000000000000000000000000000000000000000000",
                "0100000000000000000000000000000000000000000000000000000000000000",
                "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                "EDFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF7F",
                "00",
            ]);
            signed.set(&["keys", &id, "keyval"], "public", Tree::text(public));
            "meaning: keys that are none"
        }
    }
}

fn key_ids(ids: Option<&mut Tree>, other: &str, chance: &mut Chance) {
    let Some(ids) = ids.and_then(Tree::elements) else { return };
    match chance.below(4) {
        0 => ids.push(Tree::text(other)),
        1 => ids.push(Tree::text("unheard-of")),
        2 => {
            ids.pop();
        }
        _ => ids.reverse(),
    }
}

fn list(signed: &mut Tree, chance: &mut Chance) -> &'static str {
    let names = signed.at(&["meta"]).map(|meta| meta.names()).unwrap_or_default();
    let name = chance.one(&names).cloned().unwrap_or_default();
    match chance.below(6) {
        0 => {
            bump(signed.at(&["meta", &name, "version"]), chance);
            "meaning: listed version"
        }
        1 => {
            match chance.percent(50) {
                true => bump(signed.at(&["meta", &name, "length"]), chance),
                false => signed.remove(&["meta", &name], "length"),
            }
            "meaning: listed length"
        }
        2 | 3 => {
            hashes(signed, &["meta", &name], chance);
            "meaning: listed hashes"
        }
        4 => {
            signed.remove(&["meta"], &name);
            "meaning: a listed file withdrawn"
        }
        _ => {
            let name = chance.word(&["brakes.json", "a/../b.json", "/b.json", "x y.json", "root.json", "targets.json"]);
            let version = Tree::object([("version", Tree::raw(chance.word(&["1", "2", "3", "0"])))]);
            signed.set(&["meta"], name, version);
            "meaning: another listed file"
        }
    }
}

fn hashes(signed: &mut Tree, of: &[&str], chance: &mut Chance) {
    let within: Vec<&str> = of.iter().copied().chain(["hashes"]).collect();
    let digest = |digits| Tree::text(&"5".repeat(digits));
    match chance.below(6) {
        0 => signed.remove(of, "hashes"),
        1 => signed.remove(&within, "sha256"),
        2 => signed.set(&within, "sha256", digest(64)),
        3 => signed.set(&within, "sha512", digest(128)),
        4 => signed.set(&within, "md5", digest(32)),
        _ => signed.set(&within, "sha512", digest(127)),
    }
}

fn targets(signed: &mut Tree, chance: &mut Chance) -> &'static str {
    let names = signed.at(&["targets"]).map(|targets| targets.names()).unwrap_or_default();
    let name = chance.one(&names).cloned().unwrap_or_default();
    match chance.below(8) {
        0 => {
            bump(signed.at(&["targets", &name, "length"]), chance);
            "meaning: length of an image"
        }
        1 => {
            hashes(signed, &["targets", &name], chance);
            "meaning: hashes of an image"
        }
        2 => {
            bump(signed.at(&["targets", &name, "custom", "uptane", "match", "release_counter"]), chance);
            "meaning: release counter"
        }
        3 => {
            let ids = ["hw-0", "hw-1", "hw-9", ".hw", ""].map(Tree::text);
            let count = chance.below(4);
            let ids = Tree::List(ids.into_iter().cycle().skip(count).take(count).collect());
            signed.set(&["targets", &name, "custom", "uptane", "match"], "hardware_ids", ids);
            "meaning: hardware of an image"
        }
        4 => {
            rename(signed, &name, chance);
            "meaning: another name for an image"
        }
        5 => {
            let delegations = chance.word(&["{}", "null", "[]", r#"{"keys":{},"roles":[]}"#]);
            signed.set(&[], "delegations", Tree::raw(delegations));
            "meaning: delegations"
        }
        6 => {
            withdraw(signed, &name, chance);
            "meaning: images withdrawn"
        }
        _ => {
            assignment(signed, &name, chance);
            "meaning: what an ECU shall run"
        }
    }
}

fn rename(signed: &mut Tree, name: &str, chance: &mut Chance) {
    let image = signed.at(&["targets", name]).cloned().unwrap_or(Tree::raw("{}"));
    if chance.percent(50) {
        signed.remove(&["targets"], name);
    }
    let names = [
        "fw/other.bin",
        "fw/ecu-000-1.bin",
        "fw/ecu-001-1.bin",
        "fw/ecu-002-1.bin",
        "../fw.bin",
        "fw//x",
        "fw/\u{fc}",
        "fw/u\u{308}",
    ];
    signed.set(&["targets"], chance.word(&names), image);
}

fn withdraw(signed: &mut Tree, name: &str, chance: &mut Chance) {
    match chance.below(4) {
        0 => signed.remove(&["targets"], name),
        1 => signed.remove(&["targets", name, "custom", "uptane"], "ecus"),
        2 => signed.remove(&["targets", name], "custom"),
        _ => signed.set(&[], "targets", Tree::Object(Vec::new())),
    }
}

fn assignment(signed: &mut Tree, name: &str, chance: &mut Chance) {
    let ecus = ["targets", name, "custom", "uptane", "ecus"];
    let ecu = chance.word(&["ecu-000", "ecu-001", "ecu-002", ".ecu"]);
    let own: Vec<&str> = ecus.iter().copied().chain([ecu]).collect();
    match chance.below(6) {
        0 => signed.set(&ecus, ecu, Tree::object([("hardware_id", Tree::text(chance.word(&["hw-0", "hw-1"])))])),
        1 => signed.remove(&ecus, ecu),
        2 => signed.set(&own, "order", Tree::raw(chance.word(&["0", "7", "4294967295", "4294967296"]))),
        3 => signed.set(&own, "hardware_id", Tree::text(chance.word(&["hw-0", "hw-1", "hw-9"]))),
        4 => signed.set(&own, "encryption", Tree::raw(chance.word(&["null", "{}", r#"{"method":"x"}"#]))),
        _ => {
            let fallback = ["fw/ecu-000-1.bin", "fw/ecu-001-1.bin", "fw/none.bin", "../x"];
            signed.set(&own, "fallback", Tree::text(chance.word(&fallback)));
        }
    }
}

/// Another number, near or far.
fn bump(number: Option<&mut Tree>, chance: &mut Chance) {
    let Some(number) = number else { return };
    let now = number.number().unwrap_or(1);
    let near = [now.saturating_sub(1), now + 1, now + 2, 0, 1, 1 << 52, (1 << 53) - 1];
    let other = chance.one(&near).copied().unwrap_or(now);
    *number = Tree::raw(&other.to_string());
}

/// Changes who signed; the name of what was done. `stranger` is a key of another role or repository.
pub(super) fn signatures(entries: &mut Vec<Tree>, stranger: Tree, chance: &mut Chance) -> &'static str {
    let at = chance.below(entries.len());
    match chance.below(9) {
        0 => {
            entries.insert(at, stranger);
            "signatures: one of a stranger added"
        }
        1 => {
            let mut wrong = entries.get(at).cloned().unwrap_or(stranger);
            wrong.set(&[], "sig", Tree::text(&"0".repeat(128)));
            entries.insert(at, wrong);
            "signatures: a key id twice, first a wrong one"
        }
        2 => {
            let twice = entries.get(at).cloned();
            entries.extend(twice);
            "signatures: a key id twice, the same signature"
        }
        3 => {
            let word = chance.word(&["", "unheard-of", "a b", "x"]);
            entries.get_mut(at).into_iter().for_each(|entry| entry.set(&[], "keyid", Tree::text(word)));
            "signatures: another key id"
        }
        4 => {
            let length = *chance.one(&[0, 2, 126, 127, 129, 130, 256, 300, 6_618]).unwrap_or(&0);
            entries.get_mut(at).into_iter().for_each(|entry| entry.set(&[], "sig", Tree::text(&"a".repeat(length))));
            "signatures: of another length"
        }
        5 => {
            if at < entries.len() {
                entries.remove(at);
            }
            "signatures: one removed"
        }
        6 => {
            let count = *chance.one(&[15, 16, 17]).unwrap_or(&16);
            let extra = |index: usize| {
                let mut entry = stranger.clone();
                entry.set(&[], "keyid", Tree::text(&format!("{index}")));
                entry
            };
            entries.extend((entries.len()..count).map(extra));
            "signatures: many"
        }
        7 => {
            let field = chance.word(&["keyid", "sig", "method", "hash"]);
            let value = if chance.percent(50) { Tree::raw("1") } else { Tree::raw("[]") };
            entries.get_mut(at).into_iter().for_each(|entry| entry.set(&[], field, value.clone()));
            "signatures: a field of another type"
        }
        _ => {
            entries.reverse();
            "signatures: in another order"
        }
    }
}
