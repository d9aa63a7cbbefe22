//! The repositories, and flash at every stage of an update: made once, copied for each case.

use proto::secondary::{File, Request};
use secondary_ecu::bench::{
    InFlash, Key, OPEN, begin, command, length, me, name_patch, profile, provisioned, send, send_root, send_targets,
    send_time, settle,
};
use secondary_ecu::flash::{Banks, Layout};
use secondary_ecu::verifier::PartialPlus;
use secondary_ecu::{BootError, Profile, Secondary};
use uptane::testing::Repo;
use uptane::{Action, Role, Sha256, Time, TransactionId};

use super::chip::{Chip, ERASE, Nor, WRITE};

/// The machine of every ECU here.
pub(super) type Machine = Secondary<PartialPlus, Chip, Key>;

/// How far an update has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The ECU runs release 1 and knows of nothing else.
    Fresh,
    /// It has the metadata that assign release 2.
    Told,
    /// It has some of the image, too.
    Partly,
    /// It has all of it.
    Staged,
    /// It runs release 2 and has voted.
    Healthy,
    /// Release 2 is committed.
    Committed,
    /// Release 1 runs again.
    RolledBack,
}

/// What all cases begin with.
pub struct Scene {
    /// Assigns release 2, has a second Root.
    pub(super) repo: Repo,
    /// The same vehicle later: assigns release 3.
    pub(super) later: Repo,
    /// Releases 1 to 3.
    pub(super) images: [Vec<u8>; 3],
    /// Makes the second of the first.
    pub(super) patch: Vec<u8>,
    stages: Vec<(Stage, Nor)>,
}

impl Scene {
    /// Makes all of it.
    #[expect(clippy::new_without_default, reason = "it is dear")]
    pub fn new() -> Self {
        let mut repo = Repo::seeded(4);
        let (flash, InFlash) = provisioned::<InFlash, WRITE, ERASE>(&repo, LAYOUT);
        let ecu = me(&repo);
        let (old, patch) = (ecu.image(1), patch());
        let new: Vec<u8> = ecu.image(2).into_iter().cycle().take(IMAGE).collect();
        repo.publish(|next| {
            next.release();
            next.director.renew_root();
            let name = ecu.image_name(2);
            next.director.set(Role::Targets, &["targets", &name, "length"], new.len());
            let digest = format!(r#"{{"sha256":"{}"}}"#, Sha256::of(&new));
            next.director.set(Role::Targets, &["targets", &name, "hashes"], digest);
            name_patch(next, &ecu, 2, Sha256::of(&old), &patch);
        });
        let mut later = repo.clone();
        later.publish(|next| next.release());
        let images = [old, new, ecu.image(3)];
        let mut scene = Self { repo, later, images, patch, stages: vec![(Stage::Fresh, flash)] };
        scene.go_through();
        scene
    }

    /// Flash at this stage.
    pub(super) fn flash(&self, stage: Stage) -> Nor {
        let made = self.stages.iter().find(|(known, _)| *known == stage);
        made.map_or_else(|| panic!("every stage is made"), |(_, flash)| flash.clone())
    }

    /// An ECU that starts with this flash.
    pub(super) fn boot(&self, chip: Chip) -> Result<Machine, BootError> {
        let profile = Profile { max_chunk: CHUNK, progress: PROGRESS, ..profile(&self.repo) };
        Machine::boot(profile, LAYOUT, chip, PartialPlus::default(), Key(me(&self.repo).signer()))
    }

    /// The time by which everything is valid.
    pub(super) fn time(&self) -> Time {
        self.later.now()
    }

    /// The release with this digest.
    pub(super) fn release(&self, digest: Sha256) -> Option<usize> {
        self.images.iter().position(|image| Sha256::of(image) == digest)
    }

    /// A command of the Primary about the metadata that assign this release.
    pub(super) fn command(&self, release: usize, action: Action, transaction: TransactionId) -> Vec<u8> {
        let repo = if release == 3 { &self.later } else { &self.repo };
        command(repo, action, transaction)
    }

    /// An update to release 2 without a fault, and what flash holds on its way.
    fn go_through(&mut self) {
        let repo = self.repo.clone();
        let chip = Chip::new(self.flash(Stage::Fresh));
        let mut ecu = sure(self.boot(chip.clone()));
        sure(begin(&mut ecu, &repo, OPEN));
        sure(send_root(&mut ecu, &repo, 2));
        sure(send_time(&mut ecu, &repo));
        sure(send_targets(&mut ecu, &repo));
        self.stages.push((Stage::Told, chip.copy()));
        self.send_some(&mut ecu);
        self.stages.push((Stage::Partly, chip.copy()));
        let [_, image, _] = &self.images;
        sure(send(&mut ecu, repo.now(), File::Image, image));
        self.stages.push((Stage::Staged, chip.copy()));
        self.obeys(&mut ecu, Action::Activate);
        self.stages.push((Stage::Healthy, chip.copy()));
        let mut other = sure(self.boot(Chip::new(chip.copy())));
        self.obeys(&mut ecu, Action::Commit);
        self.stages.push((Stage::Committed, chip.copy()));
        self.obeys(&mut other, Action::Rollback);
        let (_, chip, ..) = other.into_parts();
        self.stages.push((Stage::RolledBack, chip.copy()));
    }

    /// Offers the image, and sends three chunks of it.
    fn send_some(&self, ecu: &mut Machine) {
        let [_, image, _] = &self.images;
        ecu.handle(Request::Offer(File::Image, length(image)), self.time());
        let mut at = 0;
        for chunk in image.chunks(PARTLY).take(3) {
            ecu.handle(Request::Chunk(length(image.get(..at).unwrap_or_default()), chunk), self.time());
            at += chunk.len();
        }
    }

    fn obeys(&self, ecu: &mut Machine, action: Action) {
        sure(send(ecu, self.time(), File::Command, &self.command(2, action, OPEN)));
        settle(ecu);
    }
}

fn sure<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("an update without a fault goes through: {error:?}"))
}

/// What `image-repo delta make` made of release 1 and the long release 2.
fn patch() -> Vec<u8> {
    let digits = include_str!("../../../secondary-ecu/src/secondary/tests/patch.hex");
    let digits: String = digits.split_whitespace().collect();
    let byte = |at: usize| digits.get(2 * at..2 * at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len() / 2).filter_map(byte).collect()
}

const LAYOUT: Layout = Layout { state_pages: 2, slot_size: 8 * 1_024, bank_size: 8 * 1_024, banks: Banks::Two };
/// Bytes of release 2, which the patch makes.
const IMAGE: usize = 5_000;
/// Bytes of the longest chunk.
const CHUNK: u32 = 1_000;
/// Bytes between two marks of progress.
const PROGRESS: u32 = 512;
/// Bytes of the chunks of an image that is sent in part.
const PARTLY: usize = 700;
