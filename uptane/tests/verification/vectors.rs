//! The files in `tests/vectors/` are what the builders write (docs/pouf.md §15).

use std::path::PathBuf;

use uptane::sign::{CheckInBuilder, CommandBuilder, InstalledImage, ManifestBuilder, ReportBuilder, ReportedVersions};
use uptane::testing::{Files, Repo, TestEcu};
use uptane::{
    Action, Counter, Length, Nonce, ReleaseCounter, ResultCode, Role, Sha256, TargetName, TransactionId, Version,
};

#[test]
fn the_vectors_are_what_the_builders_write() {
    for (name, bytes) in vectors() {
        let path = folder().join(&name);
        if std::env::var_os("WRITE_VECTORS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(kept == bytes, "{name} differs; WRITE_VECTORS=1 writes it, docs/pouf.md must say the same");
    }
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors"))
}

fn vectors() -> Vec<(String, Vec<u8>)> {
    let repo = repo();
    let [primary, secondary] = repo.ecus() else { panic!("the vehicle has two ECUs") };
    let own = report(&repo, primary, None);
    let other = report(&repo, secondary, Some(TransactionId([3; 16])));
    let manifest = manifest(&repo, own.clone(), other);
    let mut vectors = vec![
        ("time.json".into(), repo.time(repo.now(), [Nonce([2; 16]), Nonce([1; 16])])),
        ("report.json".into(), own),
        ("check-in.json".into(), check_in(&repo, &manifest)),
        ("command.json".into(), command(&repo, secondary)),
        ("manifest.json".into(), manifest),
    ];
    vectors.extend(files("director", repo.director()));
    vectors.extend(files("image", repo.image()));
    vectors
}

/// Version 2 of everything but Root, with control characters in a text nobody looks at.
fn repo() -> Repo {
    let mut repo = Repo::seeded(2);
    repo.publish(|next| {
        let name = "fw/ecu-000-1.bin";
        let info = r#"{"note":"first line\nsecond\u0001line, \"quoted\", grün"}"#;
        next.image.set(Role::Targets, &["targets", name, "custom", "uptane", "info"], info);
    });
    repo
}

fn files(repository: &str, files: &Files) -> Vec<(String, Vec<u8>)> {
    [
        ("1.root.json", files.root()),
        ("timestamp.json", files.timestamp()),
        ("2.snapshot.json", files.snapshot()),
        ("2.targets.json", files.targets()),
    ]
    .map(|(name, bytes)| (format!("{repository}/{name}"), bytes.to_vec()))
    .into()
}

fn report(repo: &Repo, ecu: &TestEcu, transaction: Option<TransactionId>) -> Vec<u8> {
    let image = ecu.image(1);
    let report = ReportBuilder {
        ecu: ecu.ecu,
        hardware_id: ecu.hardware,
        vehicle: repo.vehicle(),
        counter: Counter::new(5).unwrap(),
        time: repo.now(),
        image: InstalledImage {
            name: TargetName::parse(&ecu.image_name(1)).unwrap().to_buf(),
            length: Length::new(image.len().try_into().unwrap()).unwrap(),
            sha256: Sha256::of(&image),
            release_counter: ReleaseCounter::new(1).unwrap(),
        },
        result: ResultCode::Installed,
        attack: None,
        targets_version: Some(Version::FIRST),
        nonce: Some(Nonce([9; 16])),
        transaction,
        campaign: None,
    };
    report.sign(&ecu.signer()).unwrap()
}

fn manifest(repo: &Repo, own: Vec<u8>, other: Vec<u8>) -> Vec<u8> {
    let first = Some(Version::FIRST);
    let versions = ReportedVersions { root: first, timestamp: first, snapshot: first, targets: first };
    let [primary, secondary] = repo.ecus() else { panic!("the vehicle has two ECUs") };
    let manifest = ManifestBuilder::new(repo.vehicle(), Counter::new(7).unwrap(), versions, primary.ecu, own);
    manifest.report(secondary.ecu, other).unwrap().sign(&primary.signer()).unwrap()
}

fn check_in(repo: &Repo, manifest: &[u8]) -> Vec<u8> {
    let primary = repo.ecus()[0];
    let (counter, manifest) = (Counter::new(8).unwrap(), Sha256::of(manifest));
    let check_in = CheckInBuilder { vehicle: repo.vehicle(), primary: primary.ecu, counter, manifest };
    check_in.sign(&primary.signer()).unwrap()
}

fn command(repo: &Repo, secondary: &TestEcu) -> Vec<u8> {
    let command = CommandBuilder {
        vehicle: repo.vehicle(),
        ecu: secondary.ecu,
        action: Action::Activate,
        transaction: TransactionId([3; 16]),
        targets: Sha256::of(repo.director().targets()),
    };
    command.sign(&repo.ecus()[0].signer()).unwrap()
}
