//! Bad input to every program: one line that says what is wrong and what to do, a failing exit status, no backtrace,
//! nothing overwritten.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use simulator::Error;
use simulator::live::Program;
use uptane::Version;
use uptane::sign::{KeySet, MemorySigner, RootBuilder, RootRoles, Signer as _};

/// What a program said when it must refuse, after making sure that it said it as it must.
fn refusal(program: Program, arguments: &[&str], folder: &Path) -> String {
    let before = files(folder);
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    let Err(Error::Command { message, .. }) = crate::launcher().run(program, &arguments) else {
        panic!("{program} {arguments:?} must fail");
    };
    assert_eq!(message.lines().count(), 1, "one line: {message}");
    assert!(message.starts_with("error: ") && message.contains("; do: "), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(files(folder), before, "nothing may be overwritten");
    message
}

/// Every file below a folder with its content, but for what a database keeps beside itself while it is open.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true => folders.push(path),
                false if name.ends_with("-wal") || name.ends_with("-shm") => {}
                false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    found
}

fn run(program: Program, arguments: &[&str]) {
    let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    crate::launcher().run(program, &arguments).unwrap();
}

/// An Image repository, and the passphrase of its keys.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("passphrase"), "right\n").unwrap();
        fs::write(folder.path().join("wrong"), "wrong\n").unwrap();
        let repository = Self { folder };
        let (repo, passphrase) = (repository.at("repo"), repository.at("passphrase"));
        run(Program::ImageRepo, &["init", "--repo", &repo, "--passphrase-file", &passphrase]);
        repository
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_second_init_overwrites_nothing() {
    let repository = Repository::new();
    let arguments = ["init", "--repo", &repository.at("repo"), "--passphrase-file", &repository.at("passphrase")];
    refusal(Program::ImageRepo, &arguments, repository.folder.path());
}

#[test]
fn a_wrong_passphrase_signs_nothing() {
    let repository = Repository::new();
    let repo = repository.at("repo");
    run(Program::ImageRepo, &["targets", "renew", "--repo", &repo]);
    let arguments = ["sign", "--repo", &repo, "--passphrase-file", &repository.at("wrong")];
    let message = refusal(Program::ImageRepo, &arguments, repository.folder.path());
    assert!(message.contains("passphrase"), "{message}");
}

#[test]
fn a_missing_key_is_named() {
    let repository = Repository::new();
    let repo = repository.at("repo");
    run(Program::ImageRepo, &["targets", "renew", "--repo", &repo]);
    run(Program::ImageRepo, &["sign", "--repo", &repo, "--passphrase-file", &repository.at("passphrase")]);
    let keys = repository.folder.path().join("repo/keys");
    let key = fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path());
    let key = key.into_iter().find(|path| path.to_string_lossy().ends_with("timestamp.pem")).unwrap();
    fs::remove_file(&key).unwrap();
    let message = refusal(Program::ImageRepo, &["publish", "--repo", &repo], repository.folder.path());
    assert!(message.contains("Timestamp"), "{message}");
}

#[test]
fn a_port_in_use_is_named() {
    let repository = Repository::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let arguments = ["serve", "--repo", &repository.at("repo"), "--listen", &address];
    let message = refusal(Program::ImageRepo, &arguments, repository.folder.path());
    assert!(message.contains(&address), "{message}");
}

#[test]
fn a_folder_that_is_none_of_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    refusal(Program::Director, &["serve", "--data", data, "--listen", "127.0.0.1:0"], folder.path());
    refusal(Program::ImageRepo, &["serve", "--repo", data, "--listen", "127.0.0.1:0"], folder.path());
    refusal(Program::PrimaryEcu, &["run", "--data", data, "--once"], folder.path());
    refusal(Program::SecondaryEcu, &["run", "--data", data, "--listen", "127.0.0.1:0"], folder.path());
}

#[test]
fn a_director_takes_no_image_root_that_is_no_root() {
    let repository = Repository::new();
    fs::write(repository.at("no-root.json"), "{}").unwrap();
    let (data, root) = (repository.at("director"), repository.at("no-root.json"));
    let arguments = ["init", "--data", &data, "--passphrase-file", &repository.at("passphrase"), "--image-root", &root];
    let arguments = [arguments.as_slice(), &["--image-url", "http://127.0.0.1:9"]].concat();
    refusal(Program::Director, &arguments, repository.folder.path());
}

#[test]
fn a_primary_whose_configuration_has_an_unknown_word_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gateway");
    let arguments = ["init", "--data", data.to_str().unwrap(), "--ecu", "gateway", "--hardware-id", "gateway-hw"];
    run(Program::PrimaryEcu, &arguments);
    for entry in fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&entry).unwrap();
            fs::write(&entry, format!("unknown_word = 1\n{text}")).unwrap();
        }
    }
    refusal(Program::PrimaryEcu, &["run", "--data", data.to_str().unwrap(), "--once"], folder.path());
}

#[test]
fn an_expired_root_is_named() {
    let repository = Repository::new();
    fs::write(repository.at("repo/published/metadata/1.root.json"), expired_image_root()).unwrap();
    let message = refusal(Program::ImageRepo, &["verify", "--repo", &repository.at("repo")], repository.folder.path());
    assert!(message.contains("Root expired"), "{message}");
}

/// A Root that was good for a day in 2020.
fn expired_image_root() -> Vec<u8> {
    let key = MemorySigner::from_seed(&[7; 32]);
    let keys = || KeySet::new([key.public_key()], 1).unwrap();
    let roles = RootRoles { root: keys(), targets: keys(), snapshot: keys(), timestamp: keys() };
    let (made, expires) = ("2020-01-01T00:00:00Z".parse().unwrap(), "2020-01-02T00:00:00Z".parse().unwrap());
    RootBuilder::image(Version::FIRST, expires, made, roles).sign(&[&key]).unwrap()
}

#[test]
fn a_corrupt_data_folder_is_refused_and_left_as_it_is() {
    let repository = Repository::new();
    let folder = repository.folder.path();
    fs::write(folder.join("repo/state.sqlite"), "no database").unwrap();
    refusal(Program::ImageRepo, &["publish", "--repo", &repository.at("repo")], folder);

    let ecu = repository.at("brakes");
    let arguments = ["init", "--data", &ecu, "--ecu", "brakes", "--hardware-id", "brakes-hw"];
    run(
        Program::SecondaryEcu,
        &[arguments.as_slice(), &["--verification", "partial-plus", "--bank-size", "65536"]].concat(),
    );
    for entry in fs::read_dir(&ecu).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() {
            fs::write(&entry, "no longer what it was").unwrap();
        }
    }
    refusal(Program::SecondaryEcu, &["status", "--data", &ecu], folder);
    refusal(Program::SecondaryEcu, &["run", "--data", &ecu, "--listen", "127.0.0.1:0"], folder);
}
