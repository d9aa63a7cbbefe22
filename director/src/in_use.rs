//! Which images vehicles need: what keeps an image from leaving the Image repository.
//!
//! # The report
//! ```json
//! {"at":"2027-01-31T12:00:00Z","vehicles":2,"images":[
//!   {"name":"brake/fw-1.bin","sha256":"64 hex digits","desired":0,"installed":2,"fallback":0}]}
//! ```
//! One entry for each name and content, ascending. The numbers count vehicles, each once for all of its ECUs. Of an image
//! that is only named as what an ECU returns to, `sha256` is null: whatever has the name is meant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uptane::{Sha256, TargetNameBuf, Time};

use crate::facts::{Ecu, Facts};

/// The images that vehicles need, and how many vehicles need each for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    vehicles: u64,
    images: BTreeMap<(TargetNameBuf, Option<Sha256>), Needs>,
}

/// How many vehicles need an image for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// They shall run it.
    pub desired: u64,
    /// They last said that they run it, or were enrolled with it.
    pub installed: u64,
    /// They return to it if another one fails.
    pub fallback: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Desired,
    Installed,
    Fallback,
}

impl InUse {
    /// Counts a vehicle in.
    pub fn add(&mut self, facts: &Facts) {
        self.vehicles = self.vehicles.saturating_add(1);
        let needed: BTreeSet<_> = facts.ecus.iter().flat_map(needed).collect();
        for (name, sha256, need) in needed {
            let needs = self.images.entry((name, sha256)).or_default();
            let count = match need {
                Need::Desired => &mut needs.desired,
                Need::Installed => &mut needs.installed,
                Need::Fallback => &mut needs.fallback,
            };
            *count = count.saturating_add(1);
        }
    }

    /// Every image, by name and content.
    pub fn images(&self) -> impl Iterator<Item = (TargetNameBuf, Option<Sha256>, Needs)> {
        self.images.iter().map(|(&(name, sha256), &needs)| (name, sha256, needs))
    }

    /// The report.
    pub fn to_json(&self, at: Time) -> Value {
        let image = |(name, sha256, needs): (TargetNameBuf, Option<Sha256>, Needs)| {
            let Needs { desired, installed, fallback } = needs;
            json!({
                "name": name.to_string(),
                "sha256": sha256.map(|sha256| sha256.to_string()),
                "desired": desired,
                "installed": installed,
                "fallback": fallback,
            })
        };
        json!({ "at": at.to_string(), "vehicles": self.vehicles, "images": self.images().map(image).collect::<Value>() })
    }
}

fn needed(ecu: &Ecu) -> impl Iterator<Item = (TargetNameBuf, Option<Sha256>, Need)> {
    let desired = ecu.desired.as_ref();
    let shall = desired.map(|desired| (desired.image.name, desired.image.hashes.sha256(), Need::Desired));
    let runs = ecu.installed.as_ref().map(|image| (image.name, Some(image.sha256), Need::Installed));
    let returns = desired.and_then(|desired| desired.fallback).map(|name| (name, None, Need::Fallback));
    [shall, runs, returns].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Installed;
    use crate::testing::{at, facts, image, installed};

    fn in_use(all: &[Facts]) -> InUse {
        let mut in_use = InUse::default();
        all.iter().for_each(|facts| in_use.add(facts));
        in_use
    }

    fn needs(in_use: &InUse, release: u64) -> Needs {
        let mut found = in_use.images().filter(|(name, ..)| *name == image(release).name);
        found.next().map(|(.., needs)| needs).unwrap_or_default()
    }

    #[test]
    fn what_is_desired_and_what_runs_is_counted_by_vehicle() {
        let in_use = in_use(&[facts(), facts()]);
        assert_eq!(needs(&in_use, 2), Needs { desired: 2, ..Needs::default() });
        assert_eq!(needs(&in_use, 1), Needs { installed: 2, ..Needs::default() });
        assert_eq!(needs(&in_use, 3), Needs::default());
    }

    #[test]
    fn several_ecus_of_one_vehicle_count_once() {
        let mut vehicle = facts();
        for ecu in &mut vehicle.ecus {
            ecu.installed = Some(installed(1));
        }
        assert!(vehicle.ecus.len() > 1);
        assert_eq!(needs(&in_use(&[vehicle]), 1).installed, 1);
    }

    #[test]
    fn two_contents_of_one_name_are_two_images() {
        let (vehicle, mut other) = (facts(), facts());
        for ecu in &mut other.ecus {
            ecu.installed = Some(Installed { sha256: Sha256::of(b"another"), ..installed(1) });
        }
        let count = in_use(&[vehicle, other]).images().filter(|(name, ..)| *name == image(1).name).count();
        assert_eq!(count, 2);
    }

    #[test]
    fn what_an_ecu_returns_to_is_needed_by_its_name() {
        let mut vehicle = facts();
        for ecu in &mut vehicle.ecus {
            ecu.installed = None;
            ecu.desired.iter_mut().for_each(|desired| desired.fallback = Some(image(7).name));
        }
        let report = in_use(&[vehicle]).to_json(at(0));
        let entry = report["images"].as_array().unwrap().iter().find(|entry| entry["fallback"] == 1).unwrap();
        assert_eq!((&entry["name"], &entry["sha256"]), (&json!("brake/fw-7.bin"), &Value::Null));
    }
}
