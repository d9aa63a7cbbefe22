//! An update of the vehicle, with something wrong on its buses or without.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use simulator::runs::Recipe;
use simulator::world::chance::Chance;
use simulator::world::report::{Phase, Violation};
use simulator::world::run::{ALWAYS_REPORTED, Ended};
use simulator::world::time::Moment;

use super::cases::Case;

/// A run in which nothing goes wrong: what others are measured by.
pub(super) struct Base {
    /// From when until when each ECU receives metadata and images for the first time.
    receiving: BTreeMap<String, (Moment, Moment)>,
    /// When the update was complete.
    complete: Moment,
}

/// What became of a run.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// How much later than in a run without faults the update was complete; none if it never was.
    pub(super) lost: Option<Duration>,
    /// How often the vehicle went back before.
    pub(super) returns: usize,
    /// The reasons that the Director heard for that.
    pub(super) reasons: BTreeSet<String>,
    /// Whether the vehicle came to rest, with every ECU at the release after it.
    pub(super) next_works: bool,
    /// Invariants that were violated.
    pub(super) violations: Vec<String>,
    /// Refusals that the next report did not name.
    pub(super) unreported: Vec<String>,
    /// Faults that struck.
    pub(super) struck: u64,
    /// Frames that were on a bus whole.
    pub(super) frames: u64,
}

impl Base {
    /// Makes that run.
    pub(super) fn new(seed: u64) -> Result<Self> {
        let ended = run(&recipe("", seed))?;
        ensure!(ended.run.holds() && ended.is_at_rest, "without a fault: {:?}", ended.run);
        let complete = ended.closed.first().filter(|closed| closed.is_committed).context("nothing was committed")?.at;
        let receiving = ended.run.ecus.iter().filter_map(|ecu| {
            let stretch = ecu.phases.iter().find(|stretch| stretch.phase == Phase::Receiving)?;
            Some((ecu.ecu.clone(), (stretch.begin, stretch.end)))
        });
        Ok(Self { receiving: receiving.collect(), complete })
    }

    /// Some moment while an ECU receives.
    pub(super) fn amid(&self, ecu: &str, chance: &mut Chance) -> Moment {
        let (begin, end) = self.receiving.get(ecu).copied().unwrap_or((self.complete, self.complete));
        begin + chance.pause(Duration::ZERO..=(end - begin))
    }

    /// How long an ECU receives.
    pub(super) fn receives(&self, ecu: &str) -> Duration {
        self.receiving.get(ecu).map_or(Duration::ZERO, |(begin, end)| *end - *begin)
    }

    /// When the update is complete.
    pub(super) fn complete(&self) -> Duration {
        self.complete.since_start()
    }
}

/// Runs a case with a seed.
pub(super) fn of(case: &Case, base: &Base, seed: u64) -> Result<Seen> {
    let faults = (case.faults)(base, &mut Chance::seeded(seed).split(case.name));
    let ended = run(&recipe(&faults, seed))?;
    let committed = ended.closed.iter().position(|closed| closed.is_committed);
    let complete = committed.and_then(|place| ended.closed.get(place));
    let told = |violation: &Violation| format!("{}: {}", violation.invariant, violation.how);
    let (unreported, violations): (Vec<_>, Vec<_>) =
        ended.run.violations.iter().partition(|violation| violation.invariant == ALWAYS_REPORTED);
    let [unreported, violations] = [unreported, violations].map(|list| list.into_iter().map(told).collect());
    Ok(Seen {
        lost: complete.map(|closed| closed.at.since_start().saturating_sub(base.complete())),
        returns: committed.unwrap_or(ended.closed.len()),
        reasons: reasons(&ended),
        next_works: ended.is_at_rest && ended.run.verdicts.iter().all(|verdict| verdict.falls_short.is_none()),
        violations,
        unreported,
        struck: ended.struck.total(),
        frames: ended.frames,
    })
}

/// Every result but a good one that the Director was told, with the attack that goes with it.
fn reasons(ended: &Ended) -> BTreeSet<String> {
    let bad = ended.told.iter().filter(|told| !GOOD.contains(&told.result.word()));
    bad.map(|told| match told.attack {
        Some(attack) => format!("{} ({})", told.result.word(), attack.word()),
        None => told.result.word().to_owned(),
    })
    .collect()
}

fn run(recipe: &Recipe) -> Result<Ended> {
    let scenario = recipe.scenario()?;
    Ok(recipe.world(&scenario)?.run()?)
}

fn recipe(faults: &str, seed: u64) -> Recipe {
    Recipe {
        file: "can-faults.toml".to_owned(),
        scenario: format!("{SCENARIO}{faults}"),
        vehicle: include_str!("vehicle.toml").to_owned(),
        seed,
        outside: None,
    }
}

/// Results that are no reason to go back.
const GOOD: [&str; 3] = ["none", "installed", "up-to-date"];
/// One release after the other for all four Secondaries. The second is the session after the faults.
const SCENARIO: &str = r#"
name = "can-faults"
about = "two releases for four ECUs on CAN, and buses with faults"
vehicle = "four-on-can"
limit = "2 h"

[[release]]
name = "r2"
at = "100 ms"
images = [
    { ecus = ["battery"], size = "256 KiB" },
    { ecus = ["engine"], size = "128 KiB" },
    { ecus = ["door", "seat"], size = "64 KiB" },
]

[[release]]
name = "r3"
at = "150 ms"
images = [{ ecus = ["battery", "engine", "door", "seat"], size = "64 KiB" }]

[[campaign]]
name = "spring"
release = "r2"
at = "200 ms"

[[campaign]]
name = "summer"
release = "r3"
after = "spring"

[[must]]
ecus = ["battery", "engine", "door", "seat"]
runs = "r3"
"#;
