//! The vehicle: what its repositories say, and the images of one of its ECUs.

use anyhow::{Context, Result};
use secondary_ecu::bench::name_patch;
use simulator::world::chance::Chance;
use uptane::testing::{Next, Repo, TestEcu};
use uptane::{Role, Sha256};

/// A vehicle of many ECUs, one of which is a board.
pub(super) struct Vehicle {
    repo: Repo,
    me: TestEcu,
    image: Vec<u8>,
    patch: Option<Vec<u8>>,
    chance: Chance,
}

/// What an image says of itself when it is run.
#[derive(Clone, Copy)]
pub(super) enum Works {
    Well,
    Not,
}

/// `movs r0, #1; bx lr`, and the same with 0: the function an image begins with.
const WORKS: [u8; 4] = [0x01, 0x20, 0x70, 0x47];
const WORKS_NOT: [u8; 4] = [0x00, 0x20, 0x70, 0x47];

impl Vehicle {
    /// The vehicle with release 1 of everything.
    pub(super) fn new(ecus: usize, seed: u64, length: usize) -> Self {
        let repo = Repo::seeded(ecus);
        let me = secondary_ecu::bench::me(&repo);
        let mut vehicle = Self { repo, me, image: vec![0; length], patch: None, chance: Chance::seeded(seed) };
        vehicle.draw();
        vehicle.says(Works::Well);
        vehicle
    }

    /// A new release of everything is published and assigned, and new Roots.
    pub(super) fn release(&mut self, works: Works) {
        self.draw();
        self.says(works);
        self.patch = None;
        self.publish(|_| {});
    }

    /// The same, with an image of which one byte in a thousand or so is another than before, and with a patch.
    pub(super) fn release_as_patch(&mut self, works: Works) -> Result<()> {
        let before = self.image.clone();
        let places = self.image.len() / 1_000;
        for _ in 0..places {
            let place = self.chance.below(self.image.len().try_into()?);
            let byte = self.image.get_mut(usize::try_from(place)?).context("the place is in the image")?;
            *byte = byte.wrapping_add(1);
        }
        self.says(works);
        let patch = image_repo::delta::make(&before, &self.image)?;
        let (me, release, base) = (self.me, self.repo.release() + 1, Sha256::of(&before));
        self.publish(|next| name_patch(next, &me, release, base, &patch));
        self.patch = Some(patch);
        Ok(())
    }

    fn publish(&mut self, describe: impl FnOnce(&mut Next)) {
        let name = self.me.image_name(self.repo.release() + 1);
        let (length, sha256) = (self.image.len(), Sha256::of(&self.image));
        self.repo.publish(|next| {
            next.release();
            describe(next);
            for draft in [&mut next.director, &mut next.image] {
                draft.renew_root();
                draft.set(Role::Targets, &["targets", &name, "length"], length);
                draft.set(Role::Targets, &["targets", &name, "hashes"], format!("{{\"sha256\":\"{sha256}\"}}"));
            }
        });
    }

    fn draw(&mut self) {
        self.chance.fill(&mut self.image);
    }

    fn says(&mut self, works: Works) {
        let code = match works {
            Works::Well => WORKS,
            Works::Not => WORKS_NOT,
        };
        self.image.iter_mut().zip(code).for_each(|(byte, code)| *byte = code);
    }

    /// What is published.
    pub(super) fn repo(&self) -> &Repo {
        &self.repo
    }

    /// The ECU that is a board.
    pub(super) fn me(&self) -> TestEcu {
        self.me
    }

    /// The image that is assigned to it.
    pub(super) fn image(&self) -> &[u8] {
        &self.image
    }

    /// What makes it of the one before, if it is told so.
    pub(super) fn patch(&self) -> Option<&[u8]> {
        self.patch.as_deref()
    }

    /// Director Targets.
    pub(super) fn targets(&self) -> &[u8] {
        self.repo.director().targets()
    }
}
