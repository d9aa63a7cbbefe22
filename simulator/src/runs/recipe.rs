//! What a run follows from, as the first line of its log has it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::world::description::Mistakes;
use crate::world::run::{Ended, Error, World};
use crate::world::scenario::{Outside, Scenario};
use crate::world::vehicle::Vehicle;

/// All that a run follows from: the texts of its scenario and vehicle, its seed, and which events are left in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The name that mistakes of the scenario are reported under.
    pub file: String,
    /// The scenario's text.
    pub scenario: String,
    /// The vehicle's text.
    pub vehicle: String,
    /// The seed.
    pub seed: u64,
    /// What happens from outside; all that the scenario plans and the seed draws, if there is no list.
    pub outside: Option<Vec<Outside>>,
}

/// A run that is over, and its log.
#[derive(Debug)]
pub struct Made {
    /// How it ended.
    pub ended: Ended,
    /// Its log, byte for byte.
    pub log: Vec<u8>,
}

/// Why a run cannot be made from a recipe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The scenario or its vehicle has mistakes.
    #[error("{} has mistakes, the first: {}", .0.file(), first(.0))]
    Mistaken(Mistakes),
    /// There is no such world.
    #[error(transparent)]
    World(#[from] Error),
}

impl Recipe {
    /// The scenario, read together with its vehicle: of it, what is left in.
    pub fn scenario(&self) -> Result<Scenario, RecipeError> {
        let whole = self.whole()?;
        Ok(self.outside.as_ref().map_or(whole.clone(), |events| whole.reduced(self.seed, events)))
    }

    /// The scenario as its file has it.
    pub fn whole(&self) -> Result<Scenario, RecipeError> {
        let vehicle = |name: &str| Vehicle::parse(name, &self.vehicle).map_err(|mistakes| first(&mistakes));
        Scenario::parse(&self.file, &self.scenario, vehicle).map_err(RecipeError::Mistaken)
    }

    /// The world, before anything has happened.
    pub fn world(&self, scenario: &Scenario) -> Result<World, Error> {
        World::new(scenario, self.seed)
    }

    /// Runs it, with a log; with the logs of the buses too, if they are wanted.
    pub fn make(&self, with_buses: bool) -> Result<Made, RecipeError> {
        let scenario = self.scenario()?;
        let mut world = self.world(&scenario)?;
        let log = Shared::default();
        world.log_to(Box::new(log.clone()), self)?;
        if with_buses {
            world.log_buses();
        }
        let ended = world.run()?;
        Ok(Made { ended, log: log.0.take() })
    }

    /// The same run with another seed and everything that happens then.
    #[must_use]
    pub fn with_seed(&self, seed: u64) -> Self {
        Self { seed, outside: None, ..self.clone() }
    }
}

/// A log in memory, which the world writes and its maker reads.
#[derive(Clone, Debug, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn first(mistakes: &Mistakes) -> String {
    mistakes.list().first().map(ToString::to_string).unwrap_or_default()
}
