use uptane::sign::{ImageEntry, KeySet, Matching, MemorySigner, RootRoles, Signer as _, TargetsBuilder};
use uptane::{HardwareId, Hashes, Image, ImageLine, Length, ReleaseCounter, TargetName};

use super::*;

fn now() -> Time {
    Time::parse("2026-11-22T12:00:00Z").unwrap()
}

fn life() -> Life {
    Life::days(now(), 100)
}

fn signer(seed: u8) -> MemorySigner {
    MemorySigner::from_seed(&[seed; 32])
}

fn keys(seeds: &[u8], threshold: usize) -> KeySet {
    KeySet::new(seeds.iter().map(|seed| signer(*seed).public_key()), threshold).unwrap()
}

/// Root with a threshold of 2 of 3, Targets with one key.
fn roles() -> RootRoles {
    RootRoles { root: keys(&[1, 2, 3], 2), targets: keys(&[4], 1), snapshot: keys(&[5], 1), timestamp: keys(&[6], 1) }
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn with_root() -> Self {
        let place = Self::empty();
        place.open().new_root(roles(), life()).unwrap();
        place
    }

    fn finished() -> Self {
        let place = Self::with_root();
        place.sign(RoleId::Root, &[1, 2]);
        place
    }

    fn open(&self) -> Staged {
        Staged::create(self.folder.path()).unwrap()
    }

    fn sign(&self, role: RoleId, seeds: &[u8]) {
        let mut staged = self.open();
        for seed in seeds {
            let signed = staged.sign(staged.get(role).unwrap(), &signer(*seed)).unwrap();
            staged.keep(&signed).unwrap();
        }
    }

    fn list(&self, name: &str) -> Version {
        let add = |targets: TargetsBuilder<Image>| Ok(targets.list(image(name))?);
        self.open().edit(RoleId::Targets, life(), add).unwrap().version()
    }

    fn file(&self, role: RoleId) -> PathBuf {
        self.open().place(role)
    }
}

fn image(name: &str) -> ImageEntry {
    let hardware = HardwareId::parse("brake-hw").unwrap();
    let matching = Matching::new([hardware], ImageLine::parse("brake").unwrap(), ReleaseCounter::ZERO).unwrap();
    ImageEntry::new(TargetName::parse(name).unwrap(), Length::ZERO, Hashes::of(b""), &matching)
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

#[test]
fn a_draft_is_edited_in_place_and_what_is_signed_in_its_next_version() {
    let place = Place::finished();
    assert_eq!((place.list("a"), place.list("b")), (version(1), version(1)));
    place.sign(RoleId::Targets, &[4]);
    assert_eq!((place.list("c"), place.list("d")), (version(2), version(2)));
    let staged = place.open();
    let file = staged.get(RoleId::Targets).unwrap();
    assert!(file.is_draft());
    assert_eq!(file.targets().unwrap().targets().count(), 4);
}

#[test]
fn a_root_follows_the_one_before_it_and_is_signed_by_the_keys_of_both() {
    let place = Place::finished();
    let mut staged = place.open();
    let root = staged
        .edit_root(life(), |roles| {
            roles.root = roles.root.without(&signer(3).key_id())?.with(signer(7).public_key())?;
            Ok(())
        })
        .unwrap();
    assert_eq!(root.version(), version(2));
    let signing = staged.signing(&root).unwrap();
    assert_eq!(signing.asked.iter().map(Asked::lacks).collect::<Vec<_>>(), [2, 2]);
    drop(staged);
    place.sign(RoleId::Root, &[1, 7]);
    let lacks = |place: &Place| {
        let staged = place.open();
        let signing = staged.signing(&staged.get(RoleId::Root).unwrap()).unwrap();
        signing.asked.iter().map(Asked::lacks).collect::<Vec<_>>()
    };
    assert_eq!(lacks(&place), [1, 0]);
    place.sign(RoleId::Root, &[3]);
    assert_eq!(lacks(&place), [0, 0]);
}

#[test]
fn a_root_that_is_signed_in_part_is_not_edited() {
    let place = Place::with_root();
    place.sign(RoleId::Root, &[1]);
    let refused = place.open().edit_root(life(), |_| Ok(()));
    assert!(matches!(refused, Err(Error::HalfSigned { .. })), "{refused:?}");
}

#[test]
fn a_discarded_root_leaves_the_one_before_it() {
    let place = Place::finished();
    place.open().edit_root(life(), |_| Ok(())).unwrap();
    assert_eq!(place.open().discard(RoleId::Root, now()).unwrap().version(), version(2));
    assert_eq!(place.open().get(RoleId::Root).unwrap().version(), version(1));
    let log = std::fs::read_to_string(place.folder.path().join("staged/log")).unwrap();
    assert!(log.contains("discarded root 2"), "{log}");
}

#[test]
fn what_everybody_signed_is_not_discarded() {
    let place = Place::finished();
    let refused = place.open().discard(RoleId::Root, now());
    assert!(matches!(refused, Err(Error::Complete { .. })), "{refused:?}");
}

#[test]
fn one_command_at_a_time_works_in_a_folder() {
    let place = Place::with_root();
    let held = place.open();
    let refused = Staged::open(place.folder.path());
    assert!(matches!(refused, Err(Error::Host(host::Error::InUse { .. }))), "{refused:?}");
    drop(held);
    place.open();
}

#[test]
fn a_draft_that_cannot_be_written_leaves_the_one_before_it() {
    let place = Place::finished();
    place.list("a");
    let before = std::fs::read(place.file(RoleId::Targets)).unwrap();
    let refused = place.open().edit(RoleId::Targets, life(), |targets| {
        let targets = targets.list(image("b"))?;
        // The change fails at its end.
        Ok(targets.list(image("b").with_info("said", "otherwise")?)?)
    });
    assert!(refused.is_err());
    assert_eq!(std::fs::read(place.file(RoleId::Targets)).unwrap(), before);
}

#[test]
fn a_stranger_does_not_sign_root() {
    let place = Place::with_root();
    let staged = place.open();
    let refused = staged.sign(staged.get(RoleId::Root).unwrap(), &signer(9));
    assert!(matches!(refused, Err(Error::Sign(uptane::sign::SignError::NotOfThisRole { .. }))), "{refused:?}");
}

#[test]
fn signatures_of_two_folders_come_together() {
    let (one, two) = (Place::with_root(), Place::empty());
    two.open().pull(&one.file(RoleId::Root), None).unwrap();
    one.sign(RoleId::Root, &[1]);
    two.sign(RoleId::Root, &[2]);
    let (_, pulled) = one.open().pull(&two.file(RoleId::Root), None).unwrap();
    assert_eq!(pulled, Pulled::Signatures);
    let staged = one.open();
    assert!(staged.signing(&staged.get(RoleId::Root).unwrap()).unwrap().is_complete());
}

#[test]
fn another_content_of_a_version_that_somebody_signed_is_refused() {
    let (one, two) = (Place::with_root(), Place::empty());
    two.open().new_root(RootRoles { targets: keys(&[8], 1), ..roles() }, life()).unwrap();
    one.sign(RoleId::Root, &[1]);
    let refused = one.open().pull(&two.file(RoleId::Root), None);
    assert!(matches!(refused, Err(Error::TwoContents { .. })), "{refused:?}");
}

#[test]
fn a_draft_is_not_replaced_by_what_was_published_meanwhile() {
    let (one, two) = (Place::finished(), Place::empty());
    two.open().pull(&one.file(RoleId::Root), None).unwrap();
    one.list("a");
    two.list("b");
    two.sign(RoleId::Targets, &[4]);
    let refused = one.open().pull(&two.file(RoleId::Targets), None);
    assert!(matches!(refused, Err(Error::Draft { .. })), "{refused:?}");
    one.open().discard(RoleId::Targets, now()).unwrap();
    assert_eq!(one.open().pull(&two.file(RoleId::Targets), None).unwrap().1, Pulled::Newer);
}

#[test]
fn a_file_that_its_role_did_not_sign_is_not_pulled() {
    let (one, two) = (Place::finished(), Place::empty());
    let mut other = two.open();
    let mine = other.edit(RoleId::Targets, life(), Ok).unwrap();
    // Nobody there knows the keys of Targets.
    let signed = other.sign(mine, &signer(9)).unwrap();
    other.keep(&signed).unwrap();
    let refused = one.open().pull(&other.place(RoleId::Targets), None);
    assert!(matches!(refused, Err(Error::Unsigned { .. })), "{refused:?}");
}

#[test]
fn a_published_root_that_too_few_keys_of_the_one_before_signed_is_not_pulled() {
    let (one, two) = (Place::finished(), Place::finished());
    let published = two.folder.path().join("2.root.json");
    two.open()
        .edit_root(life(), |roles| {
            roles.root = keys(&[7], 1);
            Ok(())
        })
        .unwrap();
    two.sign(RoleId::Root, &[7, 1]);
    std::fs::copy(two.file(RoleId::Root), &published).unwrap();
    let refused = one.open().pull_published(&published);
    assert!(matches!(refused, Err(Error::Unsigned { .. })), "{refused:?}");
    // Whoever is to sign it too takes it as it is.
    assert_eq!(one.open().pull(&published, None).unwrap().1, Pulled::Newer);
}

#[test]
fn a_carried_file_with_a_wrong_signature_is_not_pulled() {
    let (one, two) = (Place::finished(), Place::finished());
    two.open().edit_root(life(), |_| Ok(())).unwrap();
    two.sign(RoleId::Root, &[1]);
    let carried = two.folder.path().join("2.root.json");
    let text = std::fs::read_to_string(two.file(RoleId::Root)).unwrap();
    std::fs::write(&carried, text.replace("\"expires\":\"2027-03", "\"expires\":\"2028-03")).unwrap();
    let refused = one.open().pull(&carried, None);
    assert!(matches!(refused, Err(Error::Unsigned { .. })), "{refused:?}");
}

#[test]
fn an_image_is_taken_in_whole_and_nothing_is_left_of_one_that_cannot_be_read() {
    let place = Place::empty();
    let image = place.folder.path().join("image");
    std::fs::write(&image, vec![7; 3_000_000]).unwrap();
    let mut staged = place.open();
    let taken = staged.take_in(&image).unwrap();
    assert_eq!((taken.length.get(), taken.sha256), (3_000_000, uptane::Sha256::of(&vec![7; 3_000_000])));
    assert!(taken.is_new && staged.has_image(taken.sha256).unwrap());
    assert!(!staged.take_in(&image).unwrap().is_new);
    assert!(staged.take_in(place.folder.path()).is_err());
    let left = std::fs::read_dir(place.folder.path().join("staged/images")).unwrap().count();
    assert_eq!(left, 1);
}
