//! How a run ended: whether what must hold does, and what the run was like.

use std::collections::BTreeMap;
use std::time::Duration;

use uptane::{Attack, EcuId, ResultCode, Sha256};

use super::World;
use super::broadcast::Hall;
use super::buses::{CanBus, Carried};
use super::calls::{HEADERS, Peer, Way};
use super::primary::Primary;
use super::strike::Struck;
use super::transfer::Transfer;
use crate::world::can::log::Entry;
use crate::world::description::Name;
use crate::world::report::{BusRun, EcuRun, Run, Traffic, Verdict};
use crate::world::scenario::{FACTORY, Must};
use crate::world::time::Moment;
use crate::world::trace::Summary;
use crate::world::vehicle::Ecu;

/// A run that is over.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended {
    /// What it was like, its verdicts and violations.
    pub run: Run,
    /// Whether it came to rest before its limit.
    pub is_at_rest: bool,
    /// What became of each transaction that was closed.
    pub closed: Vec<Closed>,
    /// What ECUs told the Director of their updates, as far as it took that, and as often as it was something else.
    pub told: Vec<Told>,
    /// How often an ECU refused something because a check of verification failed.
    pub refusals: u64,
    /// The faults that struck, by kind.
    pub struck: Struck,
    /// How far the counts of power failures came that did not strike, by the number of the fault.
    pub counted: BTreeMap<usize, u64>,
    /// Events that happened.
    pub events: u64,
    /// Frames that were on a bus whole.
    pub frames: u64,
    /// How busy each bus was while ECUs behind it received something.
    pub transfers: Vec<Transfer>,
    /// What the last line of the log says, if there is one.
    pub summary: Option<Summary>,
    /// What happened on each bus, if that was asked for: its name, and what its logs say.
    pub bus_logs: Vec<(String, Vec<(Moment, Entry)>)>,
}

/// A transaction that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// When.
    pub at: Moment,
    /// Whether all of its members run the new image, or none.
    pub is_committed: bool,
}

/// What the Director was told of an ECU's last update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// When.
    pub at: Moment,
    /// Of which ECU.
    pub ecu: EcuId,
    /// How the update ended.
    pub result: ResultCode,
    /// The attack that was noticed, if there was one.
    pub attack: Option<Attack>,
}

impl World {
    /// Whether everything has happened, and the vehicle has nothing left to do, or does the same in vain.
    pub(super) fn is_quiet(&self) -> bool {
        let Primary { idle_cycles, returns, is_busy, settled, .. } = &self.primary;
        // The next attempt may have been cut short: then it comes to its end first.
        let is_closed = settled.is_some() && !is_busy;
        let is_at_rest = *idle_cycles >= IDLE_CYCLES || (*returns >= RETURNS && is_closed);
        is_at_rest && self.has_calmed_down() && self.assigned.iter().all(|assigned| *assigned)
    }

    /// Whether nothing goes wrong any more.
    pub(super) fn has_calmed_down(&self) -> bool {
        let is_up = self.power.values().all(|power| power.is_on);
        is_up && self.active.is_empty() && self.engine.now() >= self.last_planned
    }

    /// What became of everything that must hold.
    pub(super) fn verdicts(&self) -> Vec<Verdict> {
        let verdict = |must: &Must| Verdict { must: must.to_string(), falls_short: self.falls_short(must) };
        self.scenario.musts().iter().map(verdict).collect()
    }

    fn falls_short(&self, must: &Must) -> Option<String> {
        match must {
            Must::Runs { ecus, releases } => {
                let all_run = |name: &&Name| ecus.iter().all(|ecu| self.runs(*ecu, name));
                releases.iter().find(all_run).is_none().then(|| self.what_runs(ecus))
            }
            Must::Keeps { ecus, release, result } => ecus.iter().find_map(|ecu| {
                let told = self.oem.reported(*ecu).map(|(result, _)| result);
                let holds = self.runs(*ecu, release) && told == Some(*result);
                (!holds).then(|| format!("{}; {ecu} reported {told:?}", self.what_runs(&[*ecu])))
            }),
            Must::Refuses { ecus, attack } => ecus.iter().find_map(|ecu| {
                let told = self.oem.reported(*ecu).and_then(|(_, attack)| attack);
                (told != Some(*attack)).then(|| format!("{ecu} reported {told:?}"))
            }),
        }
    }

    fn runs(&self, ecu: EcuId, release: &Name) -> bool {
        let wanted = self.image(ecu, release);
        wanted.is_some() && wanted == self.watch.runs.get(&ecu).copied()
    }

    /// The digest of an ECU's image of a release.
    pub(super) fn image(&self, ecu: EcuId, release: &Name) -> Option<Sha256> {
        let firmware = match release.as_str() {
            FACTORY => self.oem.factory(ecu),
            _ => self.oem.firmware(ecu, release),
        };
        firmware.map(|firmware| firmware.image.sha256)
    }

    fn what_runs(&self, ecus: &[EcuId]) -> String {
        let releases = self.scenario.releases().iter().map(|release| release.name().clone());
        let releases: Vec<Name> = releases.chain(Name::parse(FACTORY)).collect();
        let what = |ecu: &EcuId| {
            let release = releases.iter().find(|release| self.runs(*ecu, release));
            format!("{ecu} runs {}", release.map_or("something else", Name::as_str))
        };
        ecus.iter().map(what).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn report(&mut self) -> Run {
        let end = self.engine.now();
        let ecus: Vec<EcuId> = self.scenario.vehicle().ecus().map(Ecu::id).collect();
        ecus.iter().for_each(|ecu| self.note_phase(*ecu));
        let phases = |ecu: &EcuId| self.watch.phases.get(ecu).cloned().unwrap_or_default();
        let buses = self.bus_runs(end);
        Run {
            scenario: self.scenario.name().to_string(),
            vehicle: self.scenario.vehicle().name().to_string(),
            seed: self.seed,
            end,
            ecus: ecus.iter().map(|ecu| EcuRun { ecu: ecu.to_string(), phases: phases(ecu) }).collect(),
            buses,
            traffic: self.traffic(),
            verdicts: self.verdicts(),
            faults: std::mem::take(&mut self.fired),
            violations: std::mem::take(&mut self.watch.violations),
        }
    }

    fn bus_runs(&self, end: Moment) -> Vec<BusRun> {
        let whole = end - Moment::START;
        let run = |(bus, samples): (&CanBus, &Vec<Duration>)| {
            let mut busy = samples.clone();
            busy.push(bus.bus.load().busy);
            // Each sample is how busy the bus had been until then.
            let before = std::iter::once(Duration::ZERO).chain(busy.iter().copied());
            let busy = busy.iter().zip(before).map(|(after, before)| after.saturating_sub(before)).collect();
            BusRun { bus: bus.name.clone(), bucket: super::BUCKET.min(whole.max(super::LEAST)), busy }
        };
        self.buses.iter().zip(&self.bus_samples).map(run).collect()
    }

    fn traffic(&self) -> Vec<Traffic> {
        let of_link = |(peer, way): (&Peer, &Way)| {
            let (there, back) = (way.there.counters(), way.back.counters());
            let bytes = there.bytes.saturating_add(back.bytes);
            let over = match peer {
                Peer::Cloud => "the mobile network",
                Peer::Ecu(_) => "Ethernet",
            };
            let messages = there.sent.saturating_add(back.sent);
            let payload = bytes.saturating_sub(messages.saturating_mul(HEADERS));
            Traffic { end: peer.to_string(), over: over.to_owned(), payload, wire: bytes, messages }
        };
        let of_port = |bus: &CanBus| {
            let name = bus.name.clone();
            let traffic = bus.ports.iter().map(|port| Traffic {
                end: port.ecu.to_string(),
                over: name.clone(),
                payload: port.carried.payload,
                wire: port.carried.wire,
                messages: port.carried.frames,
            });
            traffic.collect::<Vec<_>>()
        };
        let of_group = |hall: &Hall| {
            let Carried { frames, payload, wire } = hall.carried;
            let (end, over) = (hall.name(), self.buses.get(hall.bus()).map_or(String::new(), |bus| bus.name.clone()));
            Traffic { end, over, payload, wire, messages: frames }
        };
        let on_buses = self.buses.iter().flat_map(of_port).chain(self.halls.iter().map(of_group));
        self.ways.iter().map(of_link).chain(on_buses).collect()
    }
}

/// Cycles in a row in which there was nothing to do, before a run is over.
const IDLE_CYCLES: u32 = 2;
/// Times in a row that a vehicle goes back from the same update, before a run is over.
const RETURNS: u32 = 3;
