//! The command line, the two folders and the server (rules C).

use std::ffi::OsString;
use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::conformance::keys::Algorithm;
use crate::conformance::repository::{OVER, in_seconds};
use crate::conformance::server::Answer;
use crate::conformance::{Case, Scene};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = starting();
    cases.extend(command_lines());
    cases.extend(damage());
    cases.extend(servers());
    cases.extend(algorithms());
    cases
}

fn starting() -> Vec<Case> {
    vec![
        Case::new("init trusts a Root and asks for nothing", &["C.1", "C.8", "C.9"], |s| {
            s.init()?;
            s.asked_for(&[])?;
            s.trusts(&[("root", 1)])?;
            s.keeps_as_served("root", "1.root.json")
        }),
        Case::new(
            "a first refresh asks for each file once, in the order of the roles",
            &["C.2", "C.8", "C.20", "5.3.2", "5.3.3a", "5.3.9", "5.4.1", "5.5.1", "5.6.1"],
            |s| {
                s.init()?;
                s.accepts()?;
                s.asked_for(&["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"])?;
                s.trusts(&[("root", 1), ("snapshot", 1), ("targets", 1), ("timestamp", 1)])
            },
        ),
        Case::new("an idle refresh asks for no more than the next Root and Timestamp", &["C.2", "5.4.3.1b"], |s| {
            s.start()?;
            let before = s.client.files()?;
            s.accepts()?;
            s.asked_for(&["2.root.json", "timestamp.json"])?;
            ensure!(s.client.files()? == before, "the trusted metadata changed");
            Ok(())
        }),
        Case::new("files are kept byte for byte", &["C.9", "5.4.5", "5.5.7", "5.6.6"], |s| {
            let mut file = s.repo.file("timestamp.json")?;
            file.extend(b" \n\t");
            s.repo.serve("timestamp.json", Answer::File(file));
            s.init()?;
            s.accepts()?;
            s.keeps_as_served("timestamp", "timestamp.json")?;
            s.keeps_as_served("snapshot", "1.snapshot.json")?;
            s.keeps_as_served("targets", "1.targets.json")
        }),
        Case::new("a library that is preloaded shifts the time", &["C.16", "5.3.10"], |s| {
            s.repo.signed("root")["expires"] = json!(in_seconds(86_400));
            s.repo.publish(&["root"])?;
            s.start()?;
            s.client.wait(3_600);
            s.accepts()?;
            s.client.wait(86_400);
            s.refuses()
        }),
    ]
}

/// Runs the client with arguments in which `DIR` and `URL` stand for what they say.
fn ends_with_one(s: &Scene, arguments: &str) -> Result<()> {
    let (dir, url) = (s.client.metadata().display().to_string(), s.url());
    let arguments: Vec<OsString> =
        arguments.split(' ').map(|word| word.replace("DIR", &dir).replace("URL", &url).into()).collect();
    let status = s.client.run(&arguments)?;
    ensure!(status == Some(1), "{arguments:?} ended with {status:?} instead of 1");
    Ok(())
}

fn command_lines() -> Vec<Case> {
    vec![
        Case::new("options after the command are refused", &["C.6", "C.7"], |s| {
            s.init()?;
            ends_with_one(s, "refresh --metadata-dir DIR --metadata-url URL")?;
            ends_with_one(s, "--metadata-dir DIR refresh --metadata-url URL")?;
            s.asked_for(&[])
        }),
        Case::new("a wrong command line ends with 1", &["C.7"], |s| {
            s.init()?;
            for arguments in [
                "",
                "refresh",
                "--metadata-dir DIR",
                "--metadata-dir DIR dance",
                "--metadata-dir DIR refresh",
                "--metadata-url URL refresh",
                "--metadata-dir DIR init",
                "--unknown --metadata-dir DIR --metadata-url URL refresh",
                "--metadata-dir DIR --metadata-url no-address refresh",
                "--metadata-dir DIR --metadata-url file:///etc refresh",
            ] {
                ends_with_one(s, arguments)?;
            }
            s.asked_for(&[])
        }),
        Case::new("download needs a name, a folder and an address", &["C.3", "C.7"], |s| {
            s.init()?;
            for arguments in [
                "--metadata-url URL --metadata-dir DIR download",
                "--metadata-url URL --metadata-dir DIR --target-name a --target-dir DIR/t download",
                "--metadata-url URL --metadata-dir DIR --target-name a --target-base-url URL download",
                "--metadata-url URL --metadata-dir DIR --target-dir DIR/t --target-base-url URL download",
            ] {
                ends_with_one(s, arguments)?;
            }
            s.asked_for(&[])
        }),
        Case::new("init refuses what is no Root and keeps nothing of it", &["C.1", "C.7", "C.10", "F.5"], |s| {
            for file in [&b"{}"[..], b"", b"no JSON", &s.repo.file("timestamp.json")?] {
                let status = s.client.init(file)?;
                ensure!(status == Some(1), "init ended with {status:?} instead of 1");
            }
            ends_with_one(s, "--metadata-dir DIR init /nowhere/root.json")?;
            s.trusts(&[])
        }),
    ]
}

fn damage() -> Vec<Case> {
    let damage = |role: &'static str, asked: &'static [&'static str]| {
        Case::new(format!("a stored {role} that was damaged is fetched anew"), &["C.10"], move |s: &mut Scene| {
            s.start()?;
            let before = s.client.files()?;
            let path = s.client.metadata().join(format!("{role}.json"));
            for damaged in [&b"{}"[..], b"", b"\xff", b"{\"signatures\":[],\"signed\":{}}"] {
                fs::write(&path, damaged)?;
                s.accepts()?;
                s.asked_for(asked)?;
                ensure!(s.client.files()? == before, "the file did not come back");
            }
            Ok(())
        })
    };
    vec![
        damage("timestamp", &["2.root.json", "timestamp.json"]),
        damage("snapshot", &["2.root.json", "timestamp.json", "1.snapshot.json"]),
        damage("targets", &["2.root.json", "timestamp.json", "1.targets.json"]),
        Case::new("without a Root that holds nothing is asked for", &["5.2", "C.7"], |s| {
            s.refuses()?;
            s.init()?;
            let path = s.client.metadata().join("root.json");
            let root = fs::read_to_string(&path)?;
            for damaged in ["", "{}", &root.replace("\"version\"", "\"noisrev\""), &root.replacen("2999", "2998", 1)] {
                fs::write(&path, damaged)?;
                s.refuses()?;
            }
            s.asked_for(&[])
        }),
        Case::new("a Root that its own keys did not sign is no beginning", &["5.2"], |s| {
            let stranger = s.repo.key()?;
            s.repo.role("root").signers = vec![stranger];
            let root = s.repo.sign("root");
            s.client.init(&s.repo.write(&root))?;
            s.refuses()?;
            s.asked_for(&[])
        }),
        Case::new("a stored file that a stranger signed is fetched anew", &["C.10"], |s| {
            s.start()?;
            let before = s.client.files()?;
            let stranger = s.repo.key()?;
            for role in ["timestamp", "snapshot", "targets"] {
                s.repo.role(role).signers = vec![stranger.clone()];
                s.repo.signed(role)["version"] = json!(99);
                let file = s.repo.sign(role);
                fs::write(s.client.metadata().join(format!("{role}.json")), s.repo.write(&file))?;
            }
            s.accepts()?;
            ensure!(s.client.files()? == before, "the files did not come back");
            Ok(())
        }),
    ]
}

fn servers() -> Vec<Case> {
    let failing = |path: &'static str, name: &str| {
        Case::new(name, &["C.14", "C.7"], move |s: &mut Scene| {
            s.init()?;
            for status in [400, 403, 410, 500, 503] {
                s.repo.serve(path, Answer::Status(status));
                s.refuses()?;
            }
            Ok(())
        })
    };
    vec![
        Case::new("a Root that the server only fails to send does not end the chain", &["C.14", "5.3.3a"], |s| {
            s.init()?;
            for status in [400, 403, 410, 500, 503] {
                s.repo.serve("2.root.json", Answer::Status(status));
                s.refuses_and_keeps_all()?;
                s.asked_for(&["2.root.json"])?;
            }
            Ok(())
        }),
        failing("timestamp.json", "a server that fails to send Timestamp is an error"),
        failing("1.snapshot.json", "a server that fails to send Snapshot is an error"),
        failing("1.targets.json", "a server that fails to send Targets is an error"),
        Case::new("a server that hangs up in the middle of a file is an error", &["C.14", "C.20"], |s| {
            s.init()?;
            let file = s.repo.file("timestamp.json")?;
            s.repo.serve("timestamp.json", Answer::CutOff(file));
            s.refuses_and_keeps_all()
        }),
        Case::new("a server that is not there is an error", &["C.14", "C.7"], |s| {
            s.init()?;
            let status = s.client.refresh("http://127.0.0.1:1/metadata/")?;
            ensure!(status == Some(1), "refresh ended with {status:?} instead of 1");
            s.trusts(&[("root", 1)])
        }),
    ]
}

fn algorithms() -> Vec<Case> {
    let whole = |name: &str, algorithm: Algorithm| {
        Case::new(name, &["C.17"], move |s: &mut Scene| {
            s.with_keys(algorithm)?;
            s.start()?;
            s.repo.publish(&["root", "targets", "snapshot", "timestamp"])?;
            s.accepts()?;
            s.trusts(&[("root", 2), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])?;
            s.repo.signed("root")["expires"] = json!(OVER);
            s.repo.publish(&["root"])?;
            s.repo.tamper("3.root.json", |file| file["signed"]["expires"] = json!("2998-01-01T00:00:00Z"))?;
            s.refuses_and_keeps_all()
        })
    };
    let needed = |name: &str, algorithm: Algorithm| {
        Case::new(name, &["C.17", "5.3.4b"], move |s: &mut Scene| {
            s.start()?;
            let key = s.repo.key_of(algorithm)?;
            s.repo.add_key("root", &key);
            s.set_threshold("root", 2);
            s.repo.publish(&["root"])?;
            s.accepts()?;
            s.repo.publish(&["root"])?;
            s.repo.tamper("3.root.json", |file| {
                let signatures = file["signatures"].as_array_mut().into_iter().flatten();
                for signature in signatures.filter(|signature| signature["keyid"] == json!(key.id)) {
                    let text = signature["sig"].as_str().unwrap_or_default();
                    let (head, tail) = text.split_at(text.len() - 2);
                    signature["sig"] = json!(format!("{head}{}", if tail == "00" { "01" } else { "00" }));
                }
            })?;
            s.refuses_and_keeps_all()
        })
    };
    vec![
        whole("a repository may be signed with ECDSA", Algorithm::Ecdsa),
        whole("a repository may be signed with ECDSA under its longer name", Algorithm::EcdsaNamed),
        whole("a repository may be signed with Ed25519", Algorithm::Ed25519),
        whole("a repository may be signed with RSA", Algorithm::RsaPss),
        needed("a wrong signature of ECDSA does not count", Algorithm::Ecdsa),
        needed("a wrong signature of Ed25519 does not count", Algorithm::Ed25519),
        needed("a wrong signature of RSA does not count", Algorithm::RsaPss),
        Case::new("a key of an unknown kind does no harm and counts nothing", &["C.17"], |s| {
            s.start()?;
            let strange = s.repo.key()?.with("keytype", json!("hash-ladder")).with("scheme", json!("hash-ladder-1"));
            s.repo.add_key("timestamp", &strange);
            s.repo.publish(&["root", "timestamp"])?;
            s.accepts()?;
            s.set_threshold("timestamp", 2);
            s.repo.publish(&["root", "timestamp"])?;
            s.refuses()?;
            let trusted = s.client.trusted()?;
            ensure!(!trusted.contains(&("timestamp".to_owned(), 3)), "trusted is {trusted:?}");
            Ok(())
        }),
    ]
}
