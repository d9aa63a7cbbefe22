//! The manufacturer's keys: each follows from the seed of the world, its owner's name, and how often it was replaced.

use std::collections::BTreeMap;

use director::keys::{AnySigner, OnlineKeys};
use uptane::sign::MemorySigner;

use crate::world::chance::Chance;
use crate::world::scenario::Repository;

/// All keys there are.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    chance: Chance,
    replaced: BTreeMap<(&'static str, &'static str), u32>,
}

impl Keys {
    pub(super) fn new(chance: &Chance) -> Self {
        Self { chance: chance.split("keys"), replaced: BTreeMap::new() }
    }

    /// The key that an ECU signs with.
    pub(super) fn of_ecu(&self, ecu: &str) -> MemorySigner {
        self.named(&format!("ecu {ecu}"))
    }

    /// The key that a role of a repository has now.
    pub(super) fn of_role(&self, repository: Repository, role: &'static str) -> MemorySigner {
        self.numbered(repository, role, self.number(repository, role))
    }

    /// The key that it has after it was replaced once more.
    pub(super) fn next_of_role(&self, repository: Repository, role: &'static str) -> MemorySigner {
        self.numbered(repository, role, self.number(repository, role).saturating_add(1))
    }

    /// The next key is in force.
    pub(super) fn replace(&mut self, repository: Repository, role: &'static str) {
        *self.replaced.entry((owner(repository), role)).or_default() += 1;
    }

    /// What a Director instance holds.
    pub(super) fn online(&self) -> OnlineKeys {
        let key = |role| -> AnySigner { Box::new(self.of_role(Repository::Director, role)) };
        OnlineKeys::new(["timestamp", "snapshot", "targets", "time"].map(key).into())
    }

    fn number(&self, repository: Repository, role: &'static str) -> u32 {
        self.replaced.get(&(owner(repository), role)).copied().unwrap_or_default()
    }

    fn numbered(&self, repository: Repository, role: &str, number: u32) -> MemorySigner {
        self.named(&format!("{} {role} {number}", owner(repository)))
    }

    fn named(&self, name: &str) -> MemorySigner {
        let mut seed = [0; 32];
        self.chance.split(name).fill(&mut seed);
        MemorySigner::from_seed(&seed)
    }
}

fn owner(repository: Repository) -> &'static str {
    match repository {
        Repository::Director => "director",
        Repository::Image => "image",
    }
}
