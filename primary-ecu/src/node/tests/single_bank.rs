//! A Secondary with a single bank.

use super::*;
use crate::machine::transaction::Cause;

impl World {
    /// As [`World::new`]; the Secondary has a single bank, and the Director names the image it runs as its fallback.
    fn with_single_bank(disk: &Folder) -> Self {
        let mut world = Self::new(disk);
        world.banks = Banks::Single;
        let ecu = world.brake().ecu;
        world.repo.publish(|next| {
            let name = format!("fw/{ecu}-2.bin");
            let path = ["targets", name.as_str(), "custom", "uptane", "ecus", ecu.as_str(), "fallback"];
            next.director.set(uptane::Role::Targets, &path, format!(r#""fw/{ecu}-1.bin""#));
        });
        world
    }

    /// Whether an only bank takes this file without any of its bytes: an image, while the old one runs.
    pub(super) fn is_announced(&self, file: File) -> bool {
        self.banks == Banks::Single && file == File::Image && matches!(self.phase, Phase::Staging(_))
    }

    pub(super) fn close_single(&mut self) -> Answer {
        let transaction = self.transaction;
        let commanded = |word: &str| String::from_utf8_lossy(&self.held).contains(word);
        let is = |release| self.held == self.brake().image(release);
        (self.phase, self.release) = match (self.offered, self.phase) {
            (Some(File::Image), Phase::Staging(_)) => (Phase::Staged(transaction), self.release),
            (Some(File::Image), Phase::Trial(_)) if is(2) && self.sick => (Phase::RolledBack(transaction), 0),
            (Some(File::Image), Phase::Trial(_)) if is(2) => (Phase::Healthy(transaction), 2),
            (Some(File::Image), Phase::RolledBack(_)) if is(1) => (Phase::RolledBack(transaction), 1),
            (Some(File::Image), _) => return Answer::Refused(Refusal::Check(1)),
            (Some(File::Command), _) if commanded("activate") => (Phase::Trial(transaction), 0),
            (Some(File::Command), _) if commanded("commit") => (Phase::Committed(transaction), self.release),
            (Some(File::Command), _) => (Phase::RolledBack(transaction), self.release),
            (Some(_) | None, phase) => (phase, self.release),
        };
        Answer::Done
    }
}

#[test]
fn it_is_given_its_image_once_it_was_told_to_activate() {
    let (_place, disk) = disk();
    let mut world = World::with_single_bank(&disk);
    let mut node = world.boot(&disk);
    let ended = world.cycle(&mut node, 1, usize::MAX);
    assert!(matches!(ended, Some(Ok(()))), "{ended:?}");
    assert_eq!(node.running().unwrap(), member_image(&world.repo.ecus()[0], 2));
    assert_eq!((world.release, world.phase), (2, Phase::Committed(world.transaction)));
    assert!(host::disk::Disk::list(&disk, "downloads").unwrap().is_empty());
}

#[test]
fn it_is_given_its_old_image_back_and_the_others_keep_the_new_one() {
    let (_place, disk) = disk();
    let mut world = World::with_single_bank(&disk);
    world.sick = true;
    let (mut node, brake) = (world.boot(&disk), world.brake().ecu);
    let ended = world.cycle(&mut node, 1, usize::MAX);
    let Some(Err(Error::RolledBack { cause: Cause::FellBack(ecu) })) = ended else { panic!("{ended:?}") };
    assert_eq!(ecu, brake);
    assert_eq!(node.running().unwrap(), member_image(&world.repo.ecus()[0], 2));
    assert_eq!((world.release, world.phase), (1, Phase::RolledBack(world.transaction)));
}

#[test]
fn wherever_the_power_fails_it_runs_an_image_in_the_end() {
    for steps in 0.. {
        let (_place, disk) = disk();
        let mut world = World::with_single_bank(&disk);
        let mut node = world.boot(&disk);
        let finished = world.cycle(&mut node, 1, steps).is_some();
        let mut node = world.boot(&disk);
        for seed in 2..5 {
            let ended = world.cycle(&mut node, seed, usize::MAX);
            assert!(matches!(ended, Some(Ok(()))), "killed at step {steps}: {ended:?}");
        }
        assert_eq!(world.release, 2, "killed at step {steps}");
        if finished {
            return;
        }
    }
}
