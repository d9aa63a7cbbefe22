//! Full verification with several Image repositories (§5.2.6) and delegated Targets.

use host::disk::{Access, Folder};
use host::provisioning::{MAPPING, Repositories};
use proto::secondary::{File, ImageNumber, Refusal, Repo as Which, Request};
use uptane::metadata::Covers;
use uptane::sign::DelegationBuilder;
use uptane::testing::{Files, Repo, role_keys};
use uptane::{Error, RoleName};

use super::bench::*;
use crate::Secondary;
use crate::linux::Full;

mod lost;

const THREE: &str = "[[repository]]\nname = \"director\"\n[[repository]]\nname = \"image\"\n\
                     [[repository]]\nname = \"supplier\"\n\
                     [[mapping]]\npaths = [\"*\"]\nrepositories = [\"director\", \"image\", \"supplier\"]\n";

/// The data folder of an ECU that was provisioned with this mapping; the basic one if it says nothing.
fn data(repo: &Repo, mapping: &str) -> (tempfile::TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path(), Access::Private).unwrap();
    let path = place.path().join("given.toml");
    std::fs::write(&path, mapping).unwrap();
    let repositories = if mapping.is_empty() { Repositories::basic() } else { Repositories::read(&path).unwrap() };
    let images = vec![repo.image().first_root().to_vec(); repositories.mapping().image_repositories().len()];
    Full::provision(&folder, &repositories, repo.director().first_root(), &images).unwrap();
    (place, folder)
}

fn booted<'f>(repo: &Repo, flash: &'f mut Nor, folder: &Folder) -> Ecu<'f, Full<Folder>> {
    let verifier = Full::open(folder).unwrap();
    Secondary::boot(profile(repo), LAYOUT, flash, verifier, Key(me(repo).signer())).ok().unwrap()
}

fn roles(ecu: &mut Ecu<'_, Full<Folder>>, repo: &Repo, which: Which, files: &Files) -> Result<(), Refusal> {
    send(ecu, repo.now(), File::Timestamp(which), files.timestamp())?;
    send(ecu, repo.now(), File::Snapshot(which), files.snapshot())?;
    send(ecu, repo.now(), File::Targets(which), files.targets())
}

fn image(place: usize) -> ImageNumber {
    ImageNumber::new(place).unwrap()
}

fn check(error: Error) -> Result<(), Refusal> {
    Err(Refusal::Check(error.code()))
}

#[test]
fn every_image_repository_of_the_mapping_must_vouch() {
    let (mut repo, mut flash) = next_release();
    let old = repo.clone();
    let (_place, folder) = data(&repo, THREE);
    repo.publish(|next| next.release());
    let mut ecu = booted(&repo, &mut flash, &folder);
    roles(&mut ecu, &repo, Which::Director, repo.director()).unwrap();
    roles(&mut ecu, &repo, Which::Image(image(0)), repo.image()).unwrap();
    assert!(ecu.state().targets.is_none(), "one has not spoken yet");
    let refused = roles(&mut ecu, &repo, Which::Image(image(1)), old.image());
    assert_eq!(refused, check(Error::NotInImageRepository));
    assert!(ecu.state().targets.is_none());

    roles(&mut ecu, &repo, Which::Director, repo.director()).unwrap();
    roles(&mut ecu, &repo, Which::Image(image(0)), repo.image()).unwrap();
    roles(&mut ecu, &repo, Which::Image(image(1)), repo.image()).unwrap();
    assert!(ecu.state().targets.is_some());
}

#[test]
fn a_repository_the_mapping_does_not_name_is_not_for_this_ecu() {
    let (repo, mut flash) = next_release();
    let (_place, folder) = data(&repo, "");
    let mut ecu = booted(&repo, &mut flash, &folder);
    let file = File::Timestamp(Which::Image(image(1)));
    assert_eq!(send(&mut ecu, repo.now(), file, repo.image().timestamp()), Err(Refusal::NotForMe));
}

/// The image of the ECU under test is vouched for two roles deep.
fn delegate(repo: &mut Repo) {
    let to = |role: &str| {
        let covers = Covers::Paths(vec!["fw/*".into()]);
        DelegationBuilder::role(RoleName::parse(role).unwrap(), role_keys(role), covers)
    };
    repo.publish(|next| {
        next.release();
        next.image.delegate("targets", to("upper"));
        next.image.supply("upper", &[]);
        next.image.delegate("upper", to("lower"));
        next.image.supply("lower", &[1]);
    });
}

fn delegated(ecu: &mut Ecu<'_, Full<Folder>>, repo: &Repo, role: &str) -> Result<(), Refusal> {
    let file = repo.image().delegated(RoleName::parse(role).unwrap()).unwrap();
    send(ecu, repo.now(), File::Delegated(image(0)), file)
}

#[test]
fn delegated_files_are_taken_in_the_order_of_the_search_and_kept() {
    let (mut repo, mut flash) = next_release();
    let (_place, folder) = data(&repo, "");
    delegate(&mut repo);
    {
        let mut ecu = booted(&repo, &mut flash, &folder);
        roles(&mut ecu, &repo, Which::Director, repo.director()).unwrap();
        roles(&mut ecu, &repo, Which::Image(image(0)), repo.image()).unwrap();
        delegated(&mut ecu, &repo, "upper").unwrap();
        assert!(ecu.state().targets.is_none(), "the search goes on");
        delegated(&mut ecu, &repo, "lower").unwrap();
        assert!(ecu.state().targets.is_some());
    }
    // After a reset all of it is verified again, and the same files once more change nothing.
    let mut ecu = booted(&repo, &mut flash, &folder);
    refusal(ecu.handle(Request::Begin(OPEN), repo.now())).unwrap();
    roles(&mut ecu, &repo, Which::Director, repo.director()).unwrap();
    roles(&mut ecu, &repo, Which::Image(image(0)), repo.image()).unwrap();
    delegated(&mut ecu, &repo, "upper").unwrap();
    delegated(&mut ecu, &repo, "lower").unwrap();
    send(&mut ecu, repo.now(), File::Image, &me(&repo).image(repo.release())).unwrap();
}

#[test]
fn a_delegated_file_of_another_role_is_not_taken_for_the_one_that_is_due() {
    let (mut repo, mut flash) = next_release();
    let (_place, folder) = data(&repo, "");
    delegate(&mut repo);
    let mut ecu = booted(&repo, &mut flash, &folder);
    roles(&mut ecu, &repo, Which::Director, repo.director()).unwrap();
    roles(&mut ecu, &repo, Which::Image(image(0)), repo.image()).unwrap();
    assert!(delegated(&mut ecu, &repo, "lower").is_err());
    assert!(ecu.state().targets.is_none());
}

#[test]
fn a_full_verifier_without_its_mapping_does_not_start() {
    let repo = Repo::seeded(2);
    let (place, folder) = data(&repo, "");
    std::fs::remove_file(place.path().join(MAPPING)).unwrap();
    assert!(matches!(Full::open(&folder), Err(host::Error::Missing { .. })));
}

#[test]
fn a_damaged_file_is_fetched_again() {
    let (repo, mut flash) = next_release();
    let (place, folder) = data(&repo, "");
    {
        let mut ecu = booted(&repo, &mut flash, &folder);
        roles(&mut ecu, &repo, Which::Director, repo.director()).unwrap();
        roles(&mut ecu, &repo, Which::Image(image(0)), repo.image()).unwrap();
    }
    let path = place.path().join("metadata/image.timestamp.json");
    std::fs::write(&path, b"{}").unwrap();
    let mut ecu = booted(&repo, &mut flash, &folder);
    assert!(!path.exists());
    roles(&mut ecu, &repo, Which::Director, repo.director()).unwrap();
    roles(&mut ecu, &repo, Which::Image(image(0)), repo.image()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), repo.image().timestamp());
}
