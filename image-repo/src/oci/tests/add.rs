//! `targets add --oci`, as a signer runs it.

use clap::Parser as _;
use uptane::{TargetName, Time};

use super::*;
use crate::args::{Action, Command};
use crate::error::Error as CommandError;
use crate::staged::{self, Staged};

const NOW: Time = Time::EPOCH;

impl Bench {
    /// Runs a command on images, with words between spaces.
    fn run(&self, line: &str) -> Result<(), CommandError> {
        let words = std::iter::once("image-repo").chain(line.split(' '));
        let action = Command::try_parse_from(words).unwrap().action;
        if let Action::Delegate(action) = &action {
            return crate::commands::delegate(action, NOW);
        }
        let Action::Targets(action) = &action else { panic!("{line} is not for this bench") };
        crate::commands::targets(action, NOW)
    }

    fn add(&self, name: &str, counter: u32) -> Result<(), CommandError> {
        let (repo, layout) = (self.at("signer"), self.at("build"));
        let (repo, layout) = (repo.display(), layout.display());
        self.run(&format!(
            "targets add --repo {repo} --oci {layout} --name {name} --hardware-id nav-hw --line nav --release-counter {counter}"
        ))
    }

    /// What all roles list: name, digest and release.
    fn listed(&self) -> Vec<(String, Sha256, u64)> {
        let staged = Staged::open(&self.at("signer")).unwrap();
        let mut listed = Vec::new();
        for role in staged.roles().unwrap() {
            for target in staged.get(role).unwrap().targets().unwrap().targets() {
                let target = target.unwrap();
                let matching = target.matching();
                assert_eq!((matching.line().as_str(), matching.hardware_ids().count()), ("nav", 1));
                let sha256 = target.hashes().sha256().unwrap();
                listed.push((target.name().to_string(), sha256, matching.release_counter().get()));
            }
        }
        listed.sort();
        listed
    }

    /// The parts of an image as they should be listed.
    fn parts(name: &str, contents: &[&[u8]], release: u64) -> Vec<(String, Sha256, u64)> {
        let image = TargetName::parse(name).unwrap();
        let part = |content: &&[u8]| {
            let sha256 = Sha256::of(content);
            (part_name(image, sha256).unwrap().to_string(), sha256, release)
        };
        let mut parts: Vec<_> = contents.iter().map(part).collect();
        parts.sort();
        parts
    }

    /// Everything in the signer's folder, but for the lock.
    fn kept(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.at("signer")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => found.push((path.clone(), fs::read(&path).unwrap())),
                }
            }
        }
        found.retain(|(path, _)| !path.ends_with("lock"));
        found.sort();
        found
    }
}

#[test]
fn manifest_configuration_and_layers_are_listed_and_taken_in() {
    let bench = Bench::empty();
    let image = bench.image(&[b"base", b"app", b"base"]);
    bench.index(std::slice::from_ref(&image));
    bench.add("nav/app", 1).unwrap();
    let mut expected = Bench::parts("nav/app", &[b"{}", b"base", b"app"], 1);
    expected.insert(0, ("nav/app".to_owned(), digest(&image), 1));
    assert_eq!(bench.listed(), expected);
    for (_, sha256, _) in expected {
        let taken = fs::read(bench.at(&format!("signer/staged/images/{sha256}"))).unwrap();
        assert_eq!(Sha256::of(&taken), sha256);
    }
}

#[test]
fn listing_the_same_image_again_changes_nothing() {
    let bench = Bench::with_image();
    bench.add("nav/app", 1).unwrap();
    let before = bench.kept();
    bench.add("nav/app", 1).unwrap();
    assert_eq!(bench.kept(), before);
}

#[test]
fn a_newer_image_takes_its_layers_along_and_leaves_none_behind() {
    let bench = Bench::with_image();
    bench.add("nav/app", 1).unwrap();
    bench.index(&[bench.image(&[b"base", b"newer app"])]);
    bench.add("nav/app", 2).unwrap();
    let listed = bench.listed();
    assert_eq!(listed[1..], Bench::parts("nav/app", &[b"{}", b"base", b"newer app"], 2));
}

#[test]
fn two_images_may_share_a_layer_whatever_their_releases() {
    let bench = Bench::with_image();
    bench.add("nav/app", 7).unwrap();
    bench.index(&[bench.image(&[b"base", b"maps"])]);
    bench.add("nav/maps", 7).unwrap();
    let listed = bench.listed();
    let shared = listed.iter().filter(|(_, sha256, _)| *sha256 == Sha256::of(b"base"));
    assert_eq!((listed.len(), shared.count()), (8, 2));
}

#[test]
fn an_older_release_of_the_line_is_refused() {
    let bench = Bench::with_image();
    bench.add("nav/app", 2).unwrap();
    bench.index(&[bench.image(&[b"other"])]);
    let before = bench.kept();
    let refused = bench.add("nav/app", 1).unwrap_err();
    assert!(matches!(refused, CommandError::Staged(staged::Error::CounterTaken { .. })), "{refused}");
    assert_eq!(bench.kept(), before);
}

#[test]
fn removing_an_image_removes_its_parts_and_no_other_image() {
    let bench = Bench::with_image();
    bench.add("nav/app", 1).unwrap();
    bench.add("nav/app2", 1).unwrap();
    let repo = bench.at("signer");
    bench.run(&format!("targets remove --repo {} nav/app", repo.display())).unwrap();
    assert!(bench.listed().iter().all(|(name, ..)| name.starts_with("nav/app2")));
    assert_eq!(bench.listed().len(), 4);
}

#[test]
fn each_part_goes_into_its_bin() {
    let bench = Bench::with_image();
    let repo = bench.at("signer");
    fs::create_dir(&repo).unwrap();
    let seed = uptane::sign::MemorySigner::from_seed(&[7; 32]);
    let public = bench.at("bins.pub");
    fs::write(&public, host::keys::public_pem(&uptane::sign::Signer::public_key(&seed))).unwrap();
    bench
        .run(&format!("delegate bins --repo {} --count 16 --prefix bin --key {}", repo.display(), public.display()))
        .unwrap();
    bench.add("nav/app", 1).unwrap();
    assert_eq!(bench.listed().len(), 4);
    bench.index(&[bench.image(&[b"another"])]);
    bench.add("nav/app", 2).unwrap();
    assert_eq!(bench.listed()[1..], Bench::parts("nav/app", &[b"{}", b"another"], 2));
}

/// What becomes of adding an image after one fault; nothing may have changed.
fn refused(spoil: impl FnOnce(&Bench)) -> CommandError {
    let bench = Bench::with_image();
    bench.add("nav/other", 1).unwrap();
    bench.index(&[bench.image(&[b"new base", b"new app"])]);
    spoil(&bench);
    let before = bench.kept();
    let refused = bench.add("nav/app", 2).unwrap_err();
    assert_eq!(bench.kept(), before);
    refused
}

#[test]
fn a_layer_with_other_content_is_refused_and_nothing_changes() {
    let refused = refused(|bench| fs::write(bench.place(b"new app"), b"new ape").unwrap());
    let CommandError::Staged(staged::Error::NotAsListed { source, .. }) = refused else { panic!("{refused}") };
    assert_eq!(source, uptane::Error::ImageDigest);
}

#[test]
fn a_layer_of_another_length_is_refused_and_nothing_changes() {
    let refused = refused(|bench| fs::write(bench.place(b"new app"), b"new application").unwrap());
    assert!(matches!(refused, CommandError::Oci(Error::Length { .. })), "{refused}");
}

#[test]
fn a_layer_that_is_missing_is_refused_and_nothing_changes() {
    let refused = refused(|bench| fs::remove_file(bench.place(b"new app")).unwrap());
    assert!(matches!(refused, CommandError::Oci(Error::Host(host::Error::Missing { .. }))), "{refused}");
}

#[test]
fn a_layer_that_is_no_plain_file_is_refused_and_nothing_changes() {
    let refused = refused(|bench| {
        fs::remove_file(bench.place(b"new app")).unwrap();
        fs::create_dir(bench.place(b"new app")).unwrap();
    });
    assert!(matches!(refused, CommandError::Oci(Error::NoFile { .. })), "{refused}");
}

#[test]
fn a_name_that_leaves_no_room_for_digests_is_refused() {
    let bench = Bench::with_image();
    let refused = bench.add(&"a".repeat(200), 1).unwrap_err();
    assert!(matches!(refused, CommandError::Given { what: "--name", .. }), "{refused}");
}
