//! Scenarios as TOML files: what is published to which vehicle, what goes wrong, and what must hold at the end.
//!
//! A [`Scenario`] is read together with its vehicle, so that every ECU, bus and release it speaks of is there, and every
//! image fits its ECU. What a file must say, key by key, stands in `docs/simulating.md`; [`ready`] holds scenarios that
//! are ready to use. [`Scenario::faults`] says for a seed which faults come when.

mod cast;
mod cut;
mod fault;
mod flood;
mod kind;
mod mix;
mod must;
mod outside;
mod plan;
mod read;
pub mod ready;

pub use cut::{Counted, PowerPoint, Reach};
pub use fault::{BusFault, Fault, LinkFault, LinkName, Node, NodeFault, Server, Sickness, What};
pub use flood::Flood;
pub use mix::Mix;
pub use must::Must;
pub use outside::Outside;
pub use plan::{Campaign, Image, Release, Repository, Rotation, Start};

use std::time::Duration;

use super::chance::Chance;
use super::description::{Mistakes, Name};
use super::time::Moment;
use super::vehicle::{PowerState, Vehicle};

/// A scenario and the vehicle it happens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    name: Name,
    about: String,
    vehicle: Vehicle,
    limit: Duration,
    power: Vec<(Moment, PowerState)>,
    releases: Vec<Release>,
    campaigns: Vec<Campaign>,
    rotations: Vec<Rotation>,
    faults: Vec<Fault>,
    mix: Vec<Mix>,
    faults_end: Moment,
    musts: Vec<Must>,
}

impl Scenario {
    /// Reads a scenario; `file` is the name that mistakes are reported under, `vehicles` finds the vehicle it names.
    ///
    /// What `vehicles` says against a vehicle becomes a mistake of the scenario.
    pub fn parse(
        file: &str,
        text: &str,
        vehicles: impl FnOnce(&str) -> Result<Vehicle, String>,
    ) -> Result<Self, Mistakes> {
        read::scenario(file, text, vehicles)
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What its author says of it.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The vehicle it happens to.
    pub fn vehicle(&self) -> &Vehicle {
        &self.vehicle
    }

    /// How long it lasts at most. What must hold has to hold by then.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// From when on the vehicle is in which power state; the first from the start.
    pub fn power(&self) -> &[(Moment, PowerState)] {
        &self.power
    }

    /// What is published, in the order of the file.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The release of a name; `None` for [`FACTORY`], which is never published.
    pub fn release(&self, name: &Name) -> Option<&Release> {
        self.releases.iter().find(|release| release.name() == name)
    }

    /// What is assigned, in the order of the file; each begins after those it waits for.
    pub fn campaigns(&self) -> &[Campaign] {
        &self.campaigns
    }

    /// Which keys are replaced.
    pub fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// What must hold at the end.
    pub fn musts(&self) -> &[Must] {
        &self.musts
    }

    /// The faults that are left to chance.
    pub fn mix(&self) -> &[Mix] {
        &self.mix
    }

    /// When faults that are left to chance end; afterwards everything must come to an end.
    pub fn faults_end(&self) -> Moment {
        self.faults_end
    }

    /// Every fault of a run: those the file lists, and those that `seed` draws from the mix. In the order of time.
    pub fn faults(&self, seed: u64) -> Vec<Fault> {
        let chance = Chance::seeded(seed).split("faults");
        let mut faults = self.faults.clone();
        for (number, mix) in self.mix.iter().enumerate() {
            let mut chance = chance.split(&format!("{number} {}", mix.kind()));
            faults.extend(mix.draw(&mut chance, self.faults_end, &self.releases));
        }
        faults.sort_by_key(Fault::at);
        faults
    }
}

/// The release that every ECU runs at the start.
pub const FACTORY: &str = "factory";
/// Tables of one kind a scenario may have.
pub const MAX_ENTRIES: usize = 256;
/// Faults that one entry of a mix draws for a run at most.
pub const MAX_DRAWN: usize = 10_000;

#[cfg(test)]
mod tests;
