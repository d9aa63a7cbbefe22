//! What comes to a run from outside: the steps that a scenario plans, and the faults that a seed draws, as one list of
//! events. From a part of it, or from simpler events, follows a scenario as well: a run that fails is made smaller so.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Campaign, Scenario, Start};
use crate::world::time::{Moment, as_nanos};

/// One event. Numbers count from 0, in the lists of the scenario and of [`Scenario::faults`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outside {
    /// A campaign is assigned.
    Assign {
        /// Its number.
        campaign: usize,
        /// The ECUs, of those it updates.
        ecus: Vec<String>,
    },
    /// A fault strikes.
    Fault {
        /// Its number.
        number: usize,
        /// When.
        at: Moment,
        /// For how long; nothing if that is not for the scenario to say.
        #[serde(with = "as_nanos")]
        lasts: Duration,
    },
    /// The vehicle goes to the power state of this number; the first is where it begins, and no event.
    Power(usize),
    /// The release of this number is published.
    Publish(usize),
    /// The key of this number is replaced.
    Rotate(usize),
}

impl Scenario {
    /// Every event of a run, in the order of time as far as that is known before it.
    pub fn outside(&self, seed: u64) -> Vec<Outside> {
        let mut events: Vec<(Moment, Outside)> = Vec::new();
        events.extend(self.power.iter().enumerate().skip(1).map(|(number, (at, _))| (*at, Outside::Power(number))));
        let releases = self.releases.iter().enumerate();
        events.extend(releases.map(|(number, release)| (release.at(), Outside::Publish(number))));
        let rotations = self.rotations.iter().enumerate();
        events.extend(rotations.map(|(number, rotation)| (rotation.at(), Outside::Rotate(number))));
        for (number, campaign) in self.campaigns.iter().enumerate() {
            let ecus = campaign.ecus().iter().map(ToString::to_string).collect();
            events.push((self.earliest(campaign), Outside::Assign { campaign: number, ecus }));
        }
        for (number, fault) in self.faults(seed).iter().enumerate() {
            events.push((fault.at(), Outside::Fault { number, at: fault.at(), lasts: fault.lasts() }));
        }
        events.sort_by_key(|(at, _)| *at);
        events.into_iter().map(|(_, event)| event).collect()
    }

    /// The scenario in which these events of a run with `seed` happen, and no others. It leaves nothing to chance. A campaign
    /// that waits for one which is left out begins when that would have.
    #[must_use]
    pub fn reduced(&self, seed: u64, events: &[Outside]) -> Self {
        let drawn = self.faults(seed);
        let mut reduced = Self {
            power: self.power.iter().take(1).copied().collect(),
            releases: Vec::new(),
            campaigns: Vec::new(),
            rotations: Vec::new(),
            faults: Vec::new(),
            mix: Vec::new(),
            ..self.clone()
        };
        for event in events {
            match event {
                Outside::Assign { campaign, ecus } => {
                    let campaign = self.campaigns.get(*campaign);
                    let start = campaign.map(|campaign| self.start_without(campaign, &reduced.campaigns));
                    let campaign = campaign.zip(start).map(|(campaign, start)| campaign.reduced(ecus, start));
                    reduced.campaigns.extend(campaign);
                }
                Outside::Fault { number, at, lasts } => {
                    reduced.faults.extend(drawn.get(*number).map(|fault| fault.moved(*at, *lasts)));
                }
                Outside::Power(number) => reduced.power.extend(self.power.get(*number).copied()),
                Outside::Publish(number) => reduced.releases.extend(self.releases.get(*number).cloned()),
                Outside::Rotate(number) => reduced.rotations.extend(self.rotations.get(*number).copied()),
            }
        }
        reduced
    }

    /// What an event is, for people.
    pub fn told(&self, seed: u64, event: &Outside) -> String {
        let told = match event {
            Outside::Assign { campaign, ecus } => self.campaigns.get(*campaign).map(|campaign| {
                let ecus = ecus.join(", ");
                let assigned = format!("campaign {} assigns {} to {ecus}", campaign.name(), campaign.release());
                match campaign.start() {
                    Start::At(at) => format!("at {at} s: {assigned}"),
                    Start::After(name) => format!("after {name}: {assigned}"),
                }
            }),
            Outside::Fault { number, at, lasts } => {
                let fault = self.faults(seed).get(*number).map(|fault| fault.moved(*at, *lasts));
                fault.map(|fault| at_moment(fault.at(), fault.what()))
            }
            Outside::Power(number) => {
                self.power.get(*number).map(|(at, state)| at_moment(*at, format!("the vehicle is {state}")))
            }
            Outside::Publish(number) => self
                .releases
                .get(*number)
                .map(|release| at_moment(release.at(), format!("release {} is published", release.name()))),
            Outside::Rotate(number) => self.rotations.get(*number).map(|rotation| {
                let key = format!("the {} key of the {} repository", rotation.role(), rotation.repository());
                at_moment(rotation.at(), format!("{key} is replaced"))
            }),
        };
        told.unwrap_or_else(|| "an event that the scenario does not have".to_owned())
    }

    /// No campaign begins before this.
    fn earliest(&self, campaign: &Campaign) -> Moment {
        match self.start_without(campaign, &[]) {
            Start::At(at) => at,
            Start::After(_) => Moment::START,
        }
    }

    /// When a campaign starts, if of those it may wait for these alone are there.
    fn start_without(&self, campaign: &Campaign, there: &[Campaign]) -> Start {
        let mut start = campaign.start();
        // Each waits for one that stands before it.
        while let Start::After(name) = start {
            if there.iter().any(|campaign| campaign.name() == name) {
                break;
            }
            let Some(awaited) = self.campaigns.iter().find(|campaign| campaign.name() == name) else { break };
            start = awaited.start();
        }
        start.clone()
    }
}

fn at_moment(at: Moment, what: impl fmt::Display) -> String {
    format!("at {at} s: {what}")
}

#[cfg(test)]
mod tests {
    use super::super::ready::Ready;
    use super::*;

    fn scenario(name: &str) -> Scenario {
        Ready::named(name).and_then(Ready::scenario).unwrap()
    }

    #[test]
    fn all_events_of_a_run_are_that_run() {
        for ready in Ready::ALL {
            let scenario = ready.scenario().unwrap();
            let events = scenario.outside(5);
            let reduced = scenario.reduced(5, &events);
            assert_eq!(reduced.faults(5), scenario.faults(5), "{}", ready.name);
            let rest = Scenario { faults: scenario.faults.clone(), mix: scenario.mix.clone(), ..reduced };
            assert_eq!(rest, scenario);
        }
    }

    #[test]
    fn what_is_left_out_does_not_happen_and_what_is_moved_happens_then() {
        let scenario = scenario("default-mix");
        let lasting = |event: &&Outside| matches!(event, Outside::Fault { lasts, .. } if !lasts.is_zero());
        let Some(Outside::Fault { number, .. }) = scenario.outside(3).iter().find(lasting).cloned() else { panic!() };
        let (at, lasts) = (Moment::from_nanos(7), Duration::from_secs(9));
        let reduced = scenario.reduced(3, &[Outside::Fault { number, at, lasts }]);
        assert!(reduced.releases().is_empty() && reduced.campaigns().is_empty());
        let [fault] = &reduced.faults(3)[..] else { panic!("one fault") };
        assert_eq!((fault.at(), fault.lasts()), (at, lasts));
        assert_eq!(fault.what().kind(), scenario.faults(3)[number].what().kind());
    }

    #[test]
    fn a_campaign_is_assigned_to_fewer_ecus() {
        let scenario = scenario("happy-path");
        let event = Outside::Assign { campaign: 0, ecus: vec!["brakes".to_owned()] };
        let reduced = scenario.reduced(1, &[Outside::Publish(0), event.clone()]);
        let ecus: Vec<String> = reduced.campaigns()[0].ecus().iter().map(ToString::to_string).collect();
        assert_eq!(ecus, ["brakes"]);
        assert!(scenario.told(1, &event).ends_with("assigns r2 to brakes"));
    }

    #[test]
    fn a_campaign_whose_predecessor_is_left_out_begins_when_that_would_have() {
        let scenario = scenario("two-campaigns");
        let events = scenario.outside(1);
        let starts = |events: &[Outside]| -> Vec<Start> {
            scenario.reduced(1, events).campaigns().iter().map(|campaign| campaign.start().clone()).collect()
        };
        let [Start::At(at), Start::After(_)] = &starts(&events)[..] else { panic!("one waits for the other") };
        let second: Vec<_> =
            events.into_iter().filter(|event| matches!(event, Outside::Assign { campaign: 1, .. })).collect();
        assert_eq!(starts(&second), [Start::At(*at)]);
    }
}
