//! Names of roles and targets, in addresses and in folders (rules C.11 and C.15).

use anyhow::{Result, ensure};
use serde_json::json;

use crate::conformance::keys::sha256;
use crate::conformance::{Case, Scene};

pub(super) fn cases() -> Vec<Case> {
    let roles = [
        ("?", "%3F"),
        ("#", "%23"),
        ("/delegatedrole", "%2Fdelegatedrole"),
        ("../delegatedrole", "..%2Fdelegatedrole"),
        ("../../../tmp/delegatedrole", "..%2F..%2F..%2Ftmp%2Fdelegatedrole"),
        ("..", ".."),
        ("two words", "two%20words"),
        ("%2Fquoted", "%252Fquoted"),
        ("rôle", "r%C3%B4le"),
    ];
    let mut cases: Vec<Case> = roles.into_iter().map(|(name, escaped)| role(name, escaped)).collect();
    cases.extend(targets());
    cases
}

fn role(name: &'static str, escaped: &'static str) -> Case {
    let sentence = format!("a role called {name:?} is asked for escaped and kept as one file");
    Case::new(sentence, &["C.11", "C.15", "C.8", "C.9"], move |s| {
        s.init()?;
        s.repo.delegate("targets", name, json!({ "paths": ["*"] }))?;
        s.repo.add_target(name, "listed", b"content");
        s.repo.publish_targets(&[name, "targets"])?;
        s.does_not_download(&["nothing of this name"])?;
        s.then_asked_for(&[&format!("1.{escaped}.json")])?;
        let expected = s.repo.file(&format!("1.{name}.json"))?;
        let files = s.client.files()?;
        ensure!(files.keys().filter(|file| file.ends_with(".json")).count() == 5, "kept are {:?}", files.keys());
        ensure!(files.values().any(|bytes| *bytes == expected), "the role is not kept as it came");
        s.downloads(&["listed"])?;
        s.has(&[b"content"])
    })
}

fn targets() -> Vec<Case> {
    let names = ["two words", "a?b=c&d#e", "100%", "%2e%2e", ".hidden", "deep/er/still.bin", "ü/ö.bin", "a:b;c,d"];
    let mut cases: Vec<Case> = names.into_iter().map(target).collect();
    cases.push(Case::new("targets whose names are alike are different files", &["C.11", "C.12"], |s| {
        s.init()?;
        let alike = ["a/b", "a%2Fb", "a_b", "A/b"];
        for name in alike {
            s.repo.add_target("targets", name, name.as_bytes());
        }
        s.repo.publish_targets(&["targets"])?;
        s.downloads(&alike)?;
        s.has(&alike.map(str::as_bytes))
    }));
    for name in ["../../climbs", "/etc/absolute", "a/../../climbs"] {
        cases.push(Case::new(
            format!("a target called {name:?} is not written outside the folder"),
            &["C.11"],
            move |s| {
                s.init()?;
                s.repo.add_target("targets", name, b"content");
                s.repo.publish_targets(&["targets"])?;
                let status = s.client.download(&s.url(), &s.repo.server().url("targets"), &[name])?;
                ensure!(matches!(status, Some(0 | 1)), "download ended with {status:?}");
                outside(s)
            },
        ));
    }
    cases
}

fn outside(s: &Scene) -> Result<()> {
    let beside = s.client.beside()?;
    ensure!(beside.is_empty(), "{beside:?} lies beside the client's folders");
    ensure!(!std::path::Path::new("/etc/absolute").exists(), "a target was written to /etc");
    Ok(())
}

fn target(name: &'static str) -> Case {
    Case::new(format!("a target called {name:?} arrives"), &["C.11", "C.15", "5.7.3c"], move |s| {
        s.init()?;
        s.repo.add_target("targets", name, b"content");
        s.repo.publish_targets(&["targets"])?;
        s.downloads(&[name])?;
        s.has(&[b"content"])?;
        let requests = s.repo.server().requests();
        let digest = sha256(b"content");
        let asked = requests.iter().any(|path| path.starts_with("targets/") && path.contains(&format!("{digest}.")));
        ensure!(asked, "asked for {requests:?}");
        Ok(())
    })
}
