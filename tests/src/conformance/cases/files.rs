//! How files are written and signed (rules F).

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::conformance::keys::canonical;
use crate::conformance::repository::{Form, forged};
use crate::conformance::server::Answer;
use crate::conformance::{Case, Scene};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = members();
    cases.extend(types());
    cases.extend(signatures());
    cases.extend(writing());
    cases.extend(broken());
    cases
}

fn members() -> Vec<Case> {
    vec![
        Case::new("members nobody knows are tolerated in every file", &["F.1"], |s| {
            s.start()?;
            let key = s.repo.key()?.with("extra", json!({ "a": 1, "b": [null, true] }));
            s.repo.add_key("root", &key);
            s.repo.signed("root")["roles"]["root"]["another"] = json!("value");
            for role in ["root", "targets", "snapshot", "timestamp"] {
                s.repo.signed(role)["x-unknown"] = json!({ "nested": [{ "deep": "er" }], "n": -1 });
            }
            s.repo.signed("snapshot")["meta"]["targets.json"]["unknown"] = json!("value");
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            s.accepts()?;
            s.trusts(&[("root", 2), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])
        }),
        Case::new("a member nobody knows is part of what is signed", &["F.1", "5.4.2"], |s| {
            s.start()?;
            s.repo.signed("timestamp")["x-unknown"] = json!("signed");
            s.repo.publish(&["timestamp"])?;
            s.repo.tamper("timestamp.json", |file| file["signed"]["x-unknown"] = json!("changed"))?;
            s.refuses_and_keeps_all()?;
            s.repo.tamper("timestamp.json", |file| file["signed"]["x-unknown"] = json!("signed"))?;
            s.accepts()
        }),
        Case::new("a member beside what is signed is tolerated", &["F.1"], |s| {
            s.init()?;
            s.repo.tamper("timestamp.json", |file| file["comment"] = json!("not signed"))?;
            s.accepts()
        }),
        Case::new("a misleading keyid_hash_algorithms is a member like any other", &["F.1", "F.6"], |s| {
            s.start()?;
            s.repo.rotate("snapshot")?;
            let key = s.repo.key()?.with("keyid_hash_algorithms", json!("md5"));
            s.repo.signed("root")["roles"]["snapshot"]["keyids"] = json!([]);
            s.repo.role("snapshot").signers.clear();
            s.repo.add_key("snapshot", &key);
            s.repo.publish(&["root", "snapshot", "timestamp"])?;
            s.accepts()?;
            s.trusts(&[("root", 2), ("snapshot", 2), ("targets", 1), ("timestamp", 2)])
        }),
    ]
}

fn types() -> Vec<Case> {
    vec![
        Case::new("a key id is whatever Root calls the key", &["F.6"], |s| {
            s.start()?;
            let key = s.repo.key()?.called("our timestamp key no. 7".replace(' ', "-").as_str());
            s.repo.signed("root")["roles"]["timestamp"]["keyids"] = json!([]);
            s.repo.role("timestamp").signers.clear();
            s.repo.add_key("timestamp", &key);
            s.repo.publish(&["root", "timestamp"])?;
            s.accepts()?;
            s.trusts(&[("root", 2), ("snapshot", 1), ("targets", 1), ("timestamp", 2)])
        }),
        Case::new("a Snapshot in the place of Timestamp is refused, whoever signed it", &["F.5", "5.4.2"], |s| {
            s.init()?;
            let key = s.repo.role("timestamp").signers[0].clone();
            s.repo.add_key("snapshot", &key);
            s.repo.signed("snapshot")["meta"] = json!({ "snapshot.json": { "version": 1 } });
            s.repo.publish(&["root"])?;
            let file = s.repo.sign("snapshot");
            s.repo.serve("timestamp.json", Answer::File(s.repo.write(&file)));
            s.refuses()?;
            s.trusts(&[("root", 2)])
        }),
        Case::new("a file of another type in the place of Snapshot or Targets is refused", &["F.5"], |s| {
            s.start()?;
            for role in ["snapshot", "targets"] {
                s.repo.signed(role)["_type"] = json!("mirrors");
                s.repo.publish_targets(&["targets"])?;
                s.refuses()?;
                s.repo.signed(role)["_type"] = json!(role);
            }
            s.repo.publish_targets(&["targets"])?;
            s.accepts()
        }),
    ]
}

/// A case in which one of two signatures is another text.
fn wrong(name: &str, signature: String) -> Case {
    Case::new(name, &["F.4"], move |s: &mut Scene| {
        s.start()?;
        let key = s.repo.key()?;
        s.repo.add_key("timestamp", &key);
        s.repo.publish(&["root", "timestamp"])?;
        s.repo.tamper("timestamp.json", |file| file["signatures"][0]["sig"] = json!(signature))?;
        s.accepts()?;
        s.trusts(&[("root", 2), ("snapshot", 1), ("targets", 1), ("timestamp", 2)])
    })
}

fn signatures() -> Vec<Case> {
    vec![
        Case::new("a file that names a key id twice is refused though it is signed", &["F.2", "5.5.3"], |s| {
            s.init()?;
            s.repo.tamper("1.snapshot.json", |file| {
                let again = file["signatures"][0].clone();
                file["signatures"].as_array_mut().into_iter().for_each(|list| list.push(again.clone()));
            })?;
            s.refuses()?;
            s.trusts(&[("root", 1), ("timestamp", 1)])
        }),
        Case::new("one key under two ids counts once", &["F.3", "5.5.3"], |s| {
            s.start()?;
            let key = s.repo.role("snapshot").signers[0].clone();
            s.repo.add_key("snapshot", &key.called("the-same-again"));
            s.set_threshold("snapshot", 2);
            s.repo.publish(&["root", "snapshot", "timestamp"])?;
            s.refuses()?;
            ensure!(!s.client.trusted()?.contains(&("snapshot".to_owned(), 2)), "Snapshot was taken");
            Ok(())
        }),
        Case::new("one key listed nine times and signing nine times counts once", &["F.2", "F.3"], |s| {
            s.init()?;
            let key = s.repo.key()?;
            for _ in 0..9 {
                s.repo.list_key("snapshot", &key);
            }
            s.repo.role("snapshot").signers.push(key.clone());
            s.set_threshold("snapshot", 6);
            s.repo.publish(&["root", "snapshot", "timestamp"])?;
            s.repo.tamper("2.snapshot.json", |file| {
                let again = file["signatures"][1].clone();
                file["signatures"].as_array_mut().into_iter().for_each(|list| list.extend(vec![again.clone(); 8]));
            })?;
            s.refuses()?;
            ensure!(!s.client.files()?.contains_key("snapshot.json"), "Snapshot was taken");
            Ok(())
        }),
        wrong("a wrong signature beside a right one does no harm", forged()),
        wrong("an empty signature beside a right one does no harm", String::new()),
        wrong("a signature that is no hex beside a right one does no harm", "not even hex".to_owned()),
        Case::new("signatures by keys nobody listed do no harm", &["F.4"], |s| {
            s.start()?;
            for _ in 0..3 {
                let stranger = s.repo.key()?;
                s.repo.role("timestamp").signers.insert(0, stranger);
            }
            s.repo.publish(&["timestamp"])?;
            s.accepts()?;
            s.repo.role("timestamp").signers.pop();
            s.repo.publish(&["timestamp"])?;
            s.refuses_and_keeps_all()
        }),
    ]
}

/// JSON with members in descending order and every character of a string escaped.
fn backwards(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => escaped(text),
        Value::Array(elements) => format!("[ {} ]", elements.iter().map(backwards).collect::<Vec<_>>().join(" ,\t")),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| std::cmp::Reverse(*name));
            let members = members.into_iter().map(|(name, value)| format!("{} : {}", escaped(name), backwards(value)));
            format!("{{\r\n{}\r\n}}", members.collect::<Vec<_>>().join(" ,\r\n"))
        }
    }
}

fn escaped(text: &str) -> String {
    let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
    format!("\"{}\"", units.collect::<String>())
}

fn writing() -> Vec<Case> {
    vec![
        Case::new("a file without white space is as good", &["F.7"], |s| {
            s.init()?;
            s.repo.form = Form::Compact;
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            s.accepts()?;
            s.trusts(&[("root", 2), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])
        }),
        Case::new("a file in another order with every character escaped is as good", &["F.7", "C.9"], |s| {
            s.init()?;
            s.repo.signed("targets")["targets"]["ü\"\\\n😀"] =
                json!({ "length": 1, "hashes": { "sha256": "0".repeat(64) } });
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            for path in ["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"] {
                let file: Value = serde_json::from_slice(&s.repo.file(path)?)?;
                s.repo.serve(path, Answer::File(backwards(&file).into_bytes()));
            }
            s.accepts()?;
            s.keeps_as_served("root", "2.root.json")?;
            s.keeps_as_served("targets", "2.targets.json")?;
            s.accepts()
        }),
        Case::new("what is signed is the canonical form, not the bytes that are sent", &["F.7"], |s| {
            s.start()?;
            s.repo.publish(&["timestamp"])?;
            let mut file: Value = serde_json::from_slice(&s.repo.file("timestamp.json")?)?;
            let as_sent = serde_json::to_vec_pretty(&file["signed"])?;
            ensure!(as_sent != canonical(&file["signed"]), "the two are the same");
            let key = s.repo.role("timestamp").signers[0].clone();
            file["signatures"] = json!([key.sign(&as_sent)]);
            s.repo.serve("timestamp.json", Answer::File(serde_json::to_vec_pretty(&file)?));
            s.refuses_and_keeps_all()
        }),
    ]
}

/// A Timestamp that is signed as it should be and says `change`.
fn signed_but(s: &mut Scene, change: impl FnOnce(&mut Value)) -> Result<()> {
    let whole = s.repo.signed("timestamp").clone();
    s.repo.signed("timestamp")["version"] = json!(2);
    change(s.repo.signed("timestamp"));
    let file = s.repo.sign("timestamp");
    *s.repo.signed("timestamp") = whole;
    s.repo.serve("timestamp.json", Answer::File(s.repo.write(&file)));
    s.refuses_and_keeps_all()
}

fn broken() -> Vec<Case> {
    let lacking = |member: &'static str| {
        Case::new(format!("a signed file without {member:?} is refused"), &["F.8"], move |s: &mut Scene| {
            s.start()?;
            signed_but(s, |signed| drop(signed.as_object_mut().and_then(|members| members.remove(member))))
        })
    };
    vec![
        lacking("version"),
        lacking("expires"),
        lacking("meta"),
        lacking("_type"),
        Case::new("a version that is no positive whole number is refused", &["F.8"], |s| {
            s.start()?;
            for version in [json!(-1), json!(0), json!("2"), json!(null), json!(1_u64 << 60)] {
                signed_but(s, |signed| signed["version"] = version)?;
            }
            Ok(())
        }),
        Case::new("an expiry that is no time is refused", &["F.8"], |s| {
            s.start()?;
            for expires in ["tomorrow", "2999-02-30T00:00:00Z", "2999-01-01", "2999-01-01T00:00:00+00:00", ""] {
                signed_but(s, |signed| signed["expires"] = json!(expires))?;
            }
            Ok(())
        }),
        Case::new("what is no JSON, or too deep, or names a member twice, is refused", &["F.8"], |s| {
            s.start()?;
            let good = String::from_utf8(s.repo.file("timestamp.json")?)?;
            let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
            for broken in [
                String::new(),
                "null".to_owned(),
                "[]".to_owned(),
                good.trim_end().trim_end_matches('}').to_owned(),
                format!("{good}{good}"),
                good.replacen("\"version\"", "\"version\": 1, \"version\"", 1),
                good.replacen("\"signatures\"", "\"signatures\": [], \"signatures\"", 1),
                good.replace('"', "'"),
                deep,
            ] {
                s.repo.serve("timestamp.json", Answer::File(broken.into_bytes()));
                s.refuses_and_keeps_all()?;
            }
            s.repo.serve("timestamp.json", Answer::File(vec![0xff; 64]));
            s.refuses_and_keeps_all()
        }),
    ]
}
