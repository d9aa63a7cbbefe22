use super::*;
use crate::testing::{Files, Repo, Vehicle};
use crate::verify::Damaged;
use crate::{Director, Image, Role};

fn key() -> SealKey {
    SealKey::new([7; 32])
}

fn sealed<'a>(files: &'a Files, seal: &'a [u8]) -> SealedFiles<'a> {
    SealedFiles {
        root: files.root(),
        timestamp: Some(files.timestamp()),
        snapshot: Some(files.snapshot()),
        targets: Some(files.targets().into()),
        seal,
        ..SealedFiles::default()
    }
}

/// What a vehicle trusts that took, by a seal alone, Targets nobody signed with the keys Root names; and the files.
fn unsigned_and_sealed() -> (Files, Vec<u8>) {
    let mut repo = Repo::seeded(2);
    let mut vehicle = Vehicle::provisioned(&repo);
    vehicle.update(&repo).unwrap();
    let trusted = vehicle.director.clone();
    repo.publish(|next| next.director.signed_by(Role::Targets, &["stranger"]));
    let stranger = Offered::<TargetsFile>::read(repo.director().targets().into(), Length::new(1 << 20).unwrap());
    let stranger = stranger.unwrap().unsealed(Unsealed(()), trusted.keys(RootRole::Targets)).unwrap();
    let seal = Trusted { targets: Some(stranger), ..trusted }.seal(&key());
    (repo.director().clone(), seal)
}

fn reload(files: &SealedFiles<'_>, key: &SealKey) -> (Option<Version>, Vec<Damaged>) {
    let Reloaded { trusted, damaged } = Trusted::<Director>::reload_sealed(files, key).unwrap();
    (trusted.targets().map(Kept::version), damaged)
}

#[test]
fn what_a_seal_vouches_for_is_not_verified_again() {
    let (files, seal) = unsigned_and_sealed();
    assert_eq!(reload(&sealed(&files, &seal), &key()), (Version::new(2).ok(), Vec::new()));
}

#[test]
fn a_seal_that_does_not_fit_to_the_byte_vouches_for_nothing() {
    let (files, seal) = unsigned_and_sealed();
    let verified = |seal: &[u8], key: &SealKey| {
        let (targets, damaged) = reload(&sealed(&files, seal), key);
        (targets, damaged.iter().map(|damaged| damaged.role).collect::<Vec<_>>())
    };
    let refused = (None, alloc::vec![Role::Targets]);
    assert_eq!(verified(&seal, &SealKey::new([8; 32])), refused);
    assert_eq!(verified(b"", &key()), refused);
    for at in 0..seal.len() {
        let mut changed = seal.clone();
        changed[at] ^= 1;
        assert_eq!(verified(&changed, &key()), refused, "byte {at}");
        assert_eq!(verified(&seal[..at], &key()), refused, "cut at {at}");
    }
}

#[test]
fn a_file_that_changed_after_it_was_sealed_is_verified() {
    let (files, seal) = unsigned_and_sealed();
    let changed = [files.targets(), b" "].concat();
    let changed = SealedFiles { targets: Some(changed.into()), ..sealed(&files, &seal) };
    assert_eq!(reload(&changed, &key()).0, None);
}

#[test]
fn a_seal_is_for_one_root_and_one_repository() {
    let (files, seal) = unsigned_and_sealed();
    let mut repo = Repo::seeded(2);
    repo.publish(|next| next.director.renew_root());
    let other_root = SealedFiles { root: repo.director().root(), ..sealed(&files, &seal) };
    assert_eq!(reload(&other_root, &key()).0, None);

    let image = Trusted::<Image>::provision(repo.image().root()).unwrap();
    let director = preamble::<Director>(image.root().sha256());
    assert_ne!(director, preamble::<Image>(image.root().sha256()));
}

#[test]
fn everything_that_was_sealed_says_what_it_said_before() {
    let mut repo = Repo::seeded(3);
    repo.publish(|next| next.director.set(Role::Targets, &["uptane", "campaign"], "\"winter\""));
    let mut vehicle = Vehicle::provisioned(&repo);
    vehicle.update(&repo).unwrap();
    let seal = vehicle.director.seal(&key());
    let reloaded = Trusted::<Director>::reload_sealed(&sealed(repo.director(), &seal), &key()).unwrap();
    assert!(reloaded.damaged.is_empty());
    let (before, after) = (vehicle.director.targets().unwrap(), reloaded.trusted.targets().unwrap());
    assert_eq!(alloc::format!("{:?}", before.view()), alloc::format!("{:?}", after.view()));
    assert_eq!(before.view().campaign(), CampaignId::parse("winter").ok());
    assert!(reloaded.trusted.timestamp().is_some() && reloaded.trusted.snapshot().is_some());

    vehicle.director = reloaded.trusted;
    vehicle.fetched.clear();
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.fetched.len(), 4);
}
