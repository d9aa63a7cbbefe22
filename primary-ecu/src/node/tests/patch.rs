//! A Secondary whose image the Director describes by a patch.

use super::*;

const PATCH: &[u8] = b"a patch";

/// What the repository has of a patch, and what the Secondary thinks of it.
#[derive(Default)]
pub(super) struct PatchWorld {
    /// What is served in its place; no such file, if nothing.
    served: Option<&'static [u8]>,
    is_refused: bool,
    /// Files that the Secondary was offered.
    pub(super) offered: Vec<File>,
}

impl PatchWorld {
    pub(super) fn serve(&self, mut download: Download<Folder>) -> Done {
        assert!(download.path().starts_with("targets/fw/"), "{}", download.path());
        let missing = || Error::ImageRepository { reason: "there is none".to_owned() };
        let Some(bytes) = self.served else { return download.end(Err(missing())) };
        download.start(Length::ZERO, None).unwrap();
        let written = download.write(bytes).map_err(|_| missing());
        download.end(written)
    }

    pub(super) fn is_taken(&self, bytes: &[u8]) -> bool {
        !self.is_refused && bytes == PATCH
    }
}

/// One update, with a patch of the image with this digest. What the Secondary was offered of it, in the end.
fn updated(base: Sha256, patch: PatchWorld) -> Vec<File> {
    let (_place, disk) = disk();
    let mut world = World::new(&disk);
    let brake = *world.brake();
    let path = ["targets", &brake.image_name(2), "custom", "uptane", "ecus", brake.ecu.as_str(), "delta"];
    let (length, sha256) = (PATCH.len(), Sha256::of(PATCH));
    let delta = format!(r#"{{"base":"{base}","length":{length},"name":"fw/{}.patch","sha256":"{sha256}"}}"#, brake.ecu);
    world.repo.publish(|next| next.director.set(uptane::Role::Targets, &path, &delta));
    world.patch = patch;
    let mut node = world.boot(&disk);
    assert!(matches!(world.cycle(&mut node, 1, usize::MAX), Some(Ok(()))));
    assert_eq!((world.release, world.phase), (2, Phase::Committed(world.transaction)));
    assert!(host::disk::Disk::list(&disk, "downloads").unwrap().is_empty());
    world.patch.offered.into_iter().filter(|file| matches!(file, File::Patch | File::Image)).collect()
}

fn running() -> Sha256 {
    Sha256::of(&Repo::seeded(2).ecus()[1].image(1))
}

#[test]
fn a_patch_is_fetched_and_brought_instead_of_the_image() {
    let patch = PatchWorld { served: Some(PATCH), ..PatchWorld::default() };
    assert_eq!(updated(running(), patch), [File::Patch]);
}

#[test]
fn where_there_is_no_patch_the_image_is_brought() {
    assert_eq!(updated(running(), PatchWorld::default()), [File::Image]);
}

#[test]
fn what_is_not_the_patch_that_was_described_is_not_brought() {
    for wrong in [b"b patch".as_slice(), b"a patch and more", b"a pat"] {
        let patch = PatchWorld { served: Some(wrong), ..PatchWorld::default() };
        assert_eq!(updated(running(), patch), [File::Image]);
    }
}

#[test]
fn a_patch_that_is_refused_is_followed_by_the_image() {
    let patch = PatchWorld { served: Some(PATCH), is_refused: true, ..PatchWorld::default() };
    assert_eq!(updated(running(), patch), [File::Patch, File::Image]);
}

#[test]
fn a_patch_of_an_image_that_does_not_run_is_not_used() {
    let patch = PatchWorld { served: Some(PATCH), ..PatchWorld::default() };
    assert_eq!(updated(Sha256([7; 32]), patch), [File::Image]);
}
