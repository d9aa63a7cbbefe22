//! An ECU on CAN and its Primary, and ten million frames and messages that are not what they should be.
//!
//! One end is the code that ships in a Secondary, down to its flash: ISO-TP, UDS, verification of signed metadata, banks;
//! the other the client of a Primary. `fuzz/src/sessions.rs` runs the cases, instrumented; the evidence `can-fuzz` reads
//! what it prints. A case is decided by a seed and its number, and can be run again alone ([`case`]).
//!
//! There are three kinds: frames and messages of strangers, and sessions of a Primary in which one thing goes wrong. After
//! each, what runs must be what ran, unless a signed command of the Primary changed that, and the next session has to work.

mod chance;
mod chip;
mod heal;
mod line;
mod mutation;
mod noise;
mod scene;
mod session;
mod setup;
mod tester;
mod unit;
mod words;

pub use heal::Broken;
pub use mutation::Mutation;
pub use scene::Scene;

use chance::Chance;
use heal::{check_running, power_cycle};
use line::{Fault, Line};
use scene::Stage;
use secondary_ecu::BootError;
use session::{Plan, Step};
use setup::Setup;
use unit::Unit;
use uptane::Action;

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Frames of strangers.
    Frames,
    /// Messages of strangers.
    Messages,
    /// A session in which this went wrong; none if it ended before.
    Session(Option<Mutation>),
}

/// What became of a case.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// What it was about.
    pub kind: Kind,
    /// Frames and messages that somebody was given.
    pub given: u64,
    /// Frames of the sessions that came after it.
    pub after: u64,
    /// Whether the session of the case went to its end.
    pub completed: bool,
    /// Whether what ran was untouched.
    pub image: Result<(), Broken>,
    /// Whether the next session worked.
    pub next: Result<(), Broken>,
    /// Whether a session worked after a power cycle.
    pub cycled: Result<(), Broken>,
}

/// Runs a case.
pub fn case(scene: &Scene, seed: u64, number: u64) -> Seen {
    let mut chance = Chance::of(seed, number);
    let stage = chance.choose(Stage::Fresh, &STAGES);
    let setup = Setup::new(&mut chance);
    // A session has fewer frames than strangers say in a case.
    let kind = match chance.below(8) {
        0 => Kind::Frames,
        1 => Kind::Messages,
        _ => Kind::Session(None),
    };
    match Unit::boot(scene, scene.flash(stage), setup) {
        Ok(unit) => run(Line::new(scene, unit, setup, chance), stage, kind),
        Err(error) => unbooted(kind, error),
    }
}

fn unbooted(kind: Kind, error: BootError) -> Seen {
    let broken = Err(Broken::Boot(error));
    Seen { kind, given: 0, after: 0, completed: false, image: broken, next: broken, cycled: broken }
}

/// Disturbs what is on this line, and looks what came of it.
fn run(mut line: Line<'_>, stage: Stage, kind: Kind) -> Seen {
    let (given, releases, kind, completed) = match kind {
        Kind::Frames => (line.strange_frames(), runs(stage), kind, false),
        Kind::Messages => (line.strange_messages(), runs(stage), kind, false),
        Kind::Session(_) => {
            let (releases, mutation, completed) = disturbed(&mut line, stage);
            (line.frames, releases, Kind::Session(mutation), completed)
        }
    };
    let before = line.frames;
    let image = check_running(line.scene, &line.unit, &releases);
    let cycled = match image {
        Ok(()) => power_cycle(line.scene, &line.unit, line.setup, &releases, line.chance),
        Err(broken) => Err(broken),
    };
    let next = line.next_works();
    Seen { kind, given, after: line.frames - before, completed, image, next, cycled }
}

/// A session in which one thing goes wrong. What may run after it, what went wrong, and whether the session did not mind.
fn disturbed(line: &mut Line<'_>, stage: Stage) -> (Vec<usize>, Option<Mutation>, bool) {
    let plan = Plan::of(stage, &mut line.chance);
    let mutation = line.chance.choose(Mutation::Dropped, &Mutation::ALL);
    let most = if mutation.is_of_messages() {
        line.chance.choose(2, &[5, 20])
    } else {
        line.chance.choose(5, &[40, 300, 1_000])
    };
    line.fault = Fault::Waits(mutation, line.chance.below(most));
    let completed = line.follow(&plan).is_ok();
    let struck = match line.fault {
        Fault::Struck(mutation) => Some(mutation),
        Fault::None | Fault::Waits(..) => None,
    };
    let mut releases = runs(stage);
    // What the Primary signs changes what runs.
    if plan.steps.contains(&Step::Command(Action::Activate)) {
        releases.push(plan.release);
    }
    if stage == Stage::Healthy && plan.steps.contains(&Step::Command(Action::Rollback)) {
        releases.push(1);
    }
    (releases, struck, completed)
}

/// What runs at a stage.
fn runs(stage: Stage) -> Vec<usize> {
    match stage {
        Stage::Fresh | Stage::Told | Stage::Partly | Stage::Staged | Stage::RolledBack => vec![1],
        Stage::Healthy | Stage::Committed => vec![2],
    }
}

const STAGES: [Stage; 6] =
    [Stage::Told, Stage::Partly, Stage::Staged, Stage::Healthy, Stage::Committed, Stage::RolledBack];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_sample_of_cases_leaves_an_ecu_that_works() {
        let scene = Scene::new();
        let mut seen_mutations = BTreeSet::new();
        for number in 0..150 {
            let seen = case(&scene, 7, number);
            assert_eq!(
                (seen.image, seen.next, seen.cycled),
                (Ok(()), Ok(()), Ok(())),
                "case {number}: {:?}",
                seen.kind
            );
            if let Kind::Session(Some(mutation)) = seen.kind {
                seen_mutations.insert(mutation);
            }
        }
        assert!(seen_mutations.len() >= 10, "{seen_mutations:?}");
    }

    #[test]
    fn a_case_is_the_same_each_time() {
        let scene = Scene::new();
        let once = |number| format!("{:?}", case(&scene, 3, number));
        assert!((0..10).all(|number| once(number) == once(number)));
    }

    #[test]
    fn a_session_that_nothing_disturbs_goes_to_its_end_at_every_stage() {
        let scene = Scene::new();
        for stage in STAGES.into_iter().chain([Stage::Fresh]) {
            for number in 0..40 {
                let mut chance = Chance::of(11, number);
                let setup = Setup::new(&mut chance);
                let unit = Unit::boot(&scene, scene.flash(stage), setup).unwrap();
                let mut line = Line::new(&scene, unit, setup, chance);
                let plan = Plan::of(stage, &mut line.chance);
                let followed = line.follow(&plan);
                assert!(followed.is_ok(), "{stage:?}, {number}: {plan:?}, {setup:?}: {followed:?}");
            }
        }
    }
}
