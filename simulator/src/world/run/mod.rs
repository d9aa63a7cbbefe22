//! A run: a vehicle, its repositories, and everything between them, driven through a scenario in virtual time.
//!
//! The ECUs and servers are the code that ships, on virtual disks, flash, links and buses. A run is a function of its
//! scenario and its seed: the same two give the same log, byte for byte, on any machine.
//! After every event the invariants of `watch` are looked at; what is violated is told in the [`report`](super::report).

mod broadcast;
mod buses;
mod calls;
mod can;
mod cycle;
mod ecu;
mod ended;
mod event;
mod ills;
mod kept;
mod line;
mod log;
mod points;
mod power;
mod primary;
mod refusals;
mod secondaries;
mod settled;
mod strike;
#[cfg(test)]
mod tests;
mod transfer;
mod watch;
mod wires;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use primary_ecu::provision;
use uptane::{EcuId, Time};

use super::chance::Chance;
use super::disk::VirtualDisk;
use super::engine::{Engine, Ticket};
use super::node::{Oem, SecondaryNode};
use super::report::Fired;
use super::scenario::{Fault, Node, NodeFault, Scenario, Server, Start, What};
use super::time::Moment;
use super::vehicle::Connection;
use broadcast::Hall;
use buses::CanBus;
use calls::{Peer, Way};
use log::Log;
use points::Points;
use power::Power;
use primary::{Calls, Primary};
use secondaries::Secondaries;
use watch::Watch;

pub use ecu::Secondary;
pub use ended::{Closed, Ended, Told};
pub use event::Record;
pub use refusals::ALWAYS_REPORTED;
pub use strike::Struck;
pub use transfer::Transfer;
pub use watch::NEVER_MIXED;

use event::Event;

/// A world in which a scenario happens.
pub struct World {
    engine: Engine<Event>,
    scenario: Scenario,
    seed: u64,
    faults: Vec<Fault>,
    /// The faults that last now.
    active: BTreeSet<usize>,
    struck: Struck,
    fired: Vec<Fired>,
    chance: Chance,
    oem: Oem,
    servers_free: BTreeMap<Server, Moment>,
    primary: Primary,
    secondaries: Secondaries,
    power: BTreeMap<EcuId, Power>,
    wakes: BTreeMap<EcuId, Ticket>,
    ways: BTreeMap<Peer, Way>,
    calls: Calls,
    buses: Vec<CanBus>,
    halls: Vec<Hall>,
    /// How busy each bus had been at the end of every bucket, and until when that is noted.
    bus_samples: Vec<Vec<Duration>>,
    sampled: Moment,
    /// Bus and port of every Secondary on CAN.
    places: BTreeMap<EcuId, (usize, usize)>,
    /// Which campaigns have begun.
    assigned: Vec<bool>,
    /// After this moment the scenario has nothing more in store.
    last_planned: Moment,
    points: Points,
    watch: Watch,
    log: Log,
}

/// Why there is no such world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A Secondary or a repository cannot be made.
    #[error(transparent)]
    Node(#[from] super::node::Error),
    /// The Primary cannot be made.
    #[error("the Primary cannot be provisioned: {0}")]
    Primary(#[from] primary_ecu::Error),
    /// The log cannot be written.
    #[error("the log cannot be written: {0}")]
    Trace(#[from] super::trace::TraceError),
}

impl World {
    /// The world of a scenario, before anything has happened.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, Error> {
        let chance = Chance::seeded(seed);
        let vehicle = scenario.vehicle();
        let oem = Oem::found(vehicle, &chance, date(Moment::START))?;
        let id = vehicle.primary().id();
        let room = vehicle.primary().hardware().disk().map_or(DISK, |disk| disk.0);
        let disk = VirtualDisk::new(room, chance.split("primary").split("disk"));
        provision_primary(&oem, id, &disk)?;
        let mut secondaries = Secondaries::default();
        for ecu in vehicle.secondaries() {
            let node = SecondaryNode::provisioned(ecu, &oem, &chance.split(ecu.id().as_str()))?;
            secondaries.insert(ecu.id(), Box::new(node));
        }
        let faults = scenario.faults(seed);
        let bus =
            |bus| CanBus::new(bus, vehicle, &chance.split("buses").split(super::vehicle::Bus::name(bus).as_str()));
        let mut buses: Vec<CanBus> = vehicle.buses().iter().map(bus).collect();
        buses.iter_mut().for_each(|bus| bus.seat(&secondaries));
        let mut world = Self {
            engine: Engine::new(),
            seed,
            faults,
            active: BTreeSet::new(),
            struck: Struck::default(),
            fired: Vec::new(),
            oem,
            servers_free: BTreeMap::new(),
            halls: Hall::all(vehicle, &disk),
            primary: Primary::new(id, disk, chance.split("primary")),
            secondaries,
            power: vehicle.ecus().map(|ecu| (ecu.id(), Power::default())).collect(),
            wakes: BTreeMap::new(),
            ways: ways(scenario, &chance),
            calls: Calls::default(),
            sampled: Moment::START,
            bus_samples: buses.iter().map(|_| Vec::new()).collect(),
            places: places(&buses),
            buses,
            assigned: scenario.campaigns().iter().map(|_| false).collect(),
            last_planned: Moment::START,
            points: Points::default(),
            watch: Watch::default(),
            log: Log::default(),
            scenario: scenario.clone(),
            chance: chance.split("world"),
        };
        world.see_factory();
        Ok(world)
    }

    /// Puts a node of one's own in the place of a Secondary, which must not have begun.
    pub fn replace(&mut self, ecu: EcuId, node: Box<dyn Secondary>) {
        self.secondaries.insert(ecu, node);
    }

    /// Lets the scenario happen.
    pub fn run(mut self) -> Result<Ended, Error> {
        self.plan();
        let end = Moment::START + self.scenario.limit();
        while let Some(event) = self.engine.step(end) {
            self.sample();
            self.happen(event);
            if self.is_quiet() {
                break;
            }
        }
        self.finish()
    }

    fn finish(mut self) -> Result<Ended, Error> {
        let is_at_rest = self.is_quiet();
        match is_at_rest {
            true => self.watch_owed(),
            false => self.watch_rest(),
        }
        self.sample();
        self.log_asides();
        let run = self.report();
        let frames = self.buses.iter().map(|bus| bus.bus.load().frames).fold(0, u64::saturating_add);
        let (counted, events) = (self.counted(), self.engine.happened());
        let (summary, bus_logs) = self.log.end()?;
        let transfers = self.buses.iter().map(|bus| bus.transfer(self.engine.now())).collect();
        let Watch { closed, told, owed, .. } = self.watch;
        let (refusals, struck) = (owed.refusals, self.struck);
        Ok(Ended {
            run,
            is_at_rest,
            closed,
            told,
            refusals,
            transfers,
            struck,
            counted,
            events,
            frames,
            summary,
            bus_logs,
        })
    }

    /// What the scenario has in store.
    fn plan(&mut self) {
        let mut planned = Vec::new();
        planned.extend(self.scenario.power().iter().enumerate().map(|(number, (at, _))| (*at, Event::Power(number))));
        let releases = self.scenario.releases().iter().enumerate();
        planned.extend(releases.map(|(number, release)| (release.at(), Event::Publish(number))));
        let rotations = self.scenario.rotations().iter().enumerate();
        planned.extend(rotations.map(|(number, rotation)| (rotation.at(), Event::Rotate(number))));
        for (number, campaign) in self.scenario.campaigns().iter().enumerate() {
            if let Start::At(at) = campaign.start() {
                planned.push((*at, Event::Assign(number)));
            }
        }
        let faults = self.faults.iter().enumerate();
        planned.extend(faults.map(|(number, fault)| (fault.at(), Event::Fault(number))));
        self.engine.schedule_in(DAY, Event::Renew);
        for (at, event) in planned {
            self.last_planned = self.last_planned.max(at);
            self.engine.schedule(at, event);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Asked(peer, delivery) => self.asked(peer, *delivery),
            Event::Assign(number) => self.assign(number),
            Event::Bus(number) => self.run_bus(number),
            Event::Cycle(cycle) => self.begin_cycle(cycle),
            Event::Dark(ecu) => self.dark(ecu),
            Event::Errand(cycle, errand) => self.begin_errand(cycle, *errand),
            Event::Fault(number) => self.strike(number),
            Event::FaultOver(number) => self.fault_over(number),
            Event::Power(number) => self.enter(number),
            Event::PowerBack(ecu, outage) => self.power_back(ecu, outage),
            Event::Publish(number) => self.publish(number),
            Event::Ready(ready) => self.ready(*ready),
            Event::Renew => self.renew(),
            Event::Responded(peer, delivery) => self.responded(peer, *delivery),
            Event::Retry(number) => self.retry(number),
            Event::Rotate(number) => self.rotate(number),
            Event::Act(bus, port) => self.act(bus, port),
            Event::Speak(bus, port) => self.speak(bus, port),
            Event::SpeakToAll(group) => self.speak_to_all(group),
            Event::Wake(ecu) => self.touch(ecu),
        }
    }

    fn publish(&mut self, number: usize) {
        let Some(release) = self.scenario.releases().get(number).cloned() else { return };
        let published = self.oem.publish(&release, self.time());
        self.record(|| Record::Published { release: release.name().to_string() });
        self.hear_of(published.map_err(|error| error.to_string()), "a release is published");
        let sick = self.faults.iter().filter_map(|fault| match fault.what() {
            What::Node { node: Node::Ecu(ecu), fault: NodeFault::SickImage { release: of, sickness } } => {
                (of == release.name()).then_some((*ecu, *sickness))
            }
            What::Node { .. } | What::Bus { .. } | What::Link { .. } => None,
        });
        for (ecu, sickness) in sick.collect::<Vec<_>>() {
            let image = self.image(ecu, release.name());
            if let Some((node, image)) = self.secondaries.get_mut(&ecu).zip(image) {
                node.sicken(image, sickness);
            }
        }
    }

    fn assign(&mut self, number: usize) {
        let Some(campaign) = self.scenario.campaigns().get(number).cloned() else { return };
        let Some(assigned) = self.assigned.get_mut(number).filter(|assigned| !**assigned) else { return };
        *assigned = true;
        (self.primary.idle_cycles, self.primary.returns) = (0, 0);
        let assigned = self.oem.assign(&campaign, self.time());
        self.record(|| Record::Assigned { campaign: campaign.name().to_string() });
        self.hear_of(assigned.map_err(|error| error.to_string()), "a campaign is assigned");
    }

    /// Assigns the campaigns that waited for another, once the vehicle has nothing left to do for that.
    fn assign_waiting(&mut self) {
        if self.primary.idle_cycles < ENDED_AFTER {
            return;
        }
        let campaigns = self.scenario.campaigns();
        let has_begun = |name| campaigns.iter().zip(&self.assigned).any(|(of, began)| of.name() == name && *began);
        let due = campaigns.iter().zip(&self.assigned).position(|(campaign, began)| match campaign.start() {
            Start::After(name) => !began && has_begun(name),
            Start::At(_) => false,
        });
        if let Some(number) = due {
            self.assign(number);
        }
    }

    fn rotate(&mut self, number: usize) {
        let Some(rotation) = self.scenario.rotations().get(number).copied() else { return };
        let rotated = self.oem.rotate(&rotation, self.time());
        self.record(|| Record::Rotated { key: format!("{} {}", rotation.repository(), rotation.role()) });
        self.hear_of(rotated.map_err(|error| error.to_string()), "a key is replaced");
    }

    /// What the manufacturer's people and servers do day by day, so that nothing they publish expires.
    fn renew(&mut self) {
        let renewed = self.oem.renew(self.time());
        self.record(|| Record::Renewed);
        self.hear_of(renewed.map_err(|error| error.to_string()), "metadata is renewed");
        self.engine.schedule_in(DAY, Event::Renew);
    }

    /// What the scenario has in store must be possible.
    fn hear_of(&mut self, result: Result<(), String>, what: &'static str) {
        if let Err(error) = result {
            self.violated(what, error);
        }
    }

    /// The date.
    fn time(&self) -> Time {
        date(self.engine.now())
    }
}

/// The date at a moment.
fn date(now: Moment) -> Time {
    Time::from_unix(BEGINNING.saturating_add(now.since_start().as_secs())).unwrap_or(Time::MAX)
}

fn ways(scenario: &Scenario, chance: &Chance) -> BTreeMap<Peer, Way> {
    let (vehicle, chance) = (scenario.vehicle(), chance.split("links"));
    let mut ways = BTreeMap::from([(Peer::Cloud, Way::new(vehicle.cloud(), &chance.split("cloud")))]);
    for ecu in vehicle.secondaries() {
        if let (Connection::Ethernet, Some(link)) = (ecu.connection(), vehicle.ethernet()) {
            ways.insert(Peer::Ecu(ecu.id()), Way::new(link, &chance.split(ecu.id().as_str())));
        }
    }
    ways
}

fn places(buses: &[CanBus]) -> BTreeMap<EcuId, (usize, usize)> {
    let of_bus = |(number, bus): (usize, &CanBus)| {
        bus.ports.iter().enumerate().map(|(port, of)| (of.ecu, (number, port))).collect::<Vec<_>>()
    };
    buses.iter().enumerate().flat_map(of_bus).collect()
}

/// Makes a disk that of a Primary that has just left the factory.
fn provision_primary(oem: &Oem, id: EcuId, disk: &VirtualDisk) -> Result<(), Error> {
    if let Some(factory) = oem.factory(id) {
        let mut rest: &[u8] = &factory.bytes;
        let source = |chunk: &mut [u8]| {
            let count = rest.len().min(chunk.len());
            let (now, later) = rest.split_at(count);
            if let Some(chunk) = chunk.get_mut(..count) {
                chunk.copy_from_slice(now);
            }
            rest = later;
            Ok(count)
        };
        provision::make(disk, id, &factory.image, source)?;
    }
    Ok(oem.bundle().keep(disk)?)
}

/// The date at which every run begins: 2026-01-01, in seconds since 1970.
const BEGINNING: u64 = 1_767_225_600;
/// How often metadata is renewed: well before what lives shortest expires, the Director's Timestamp.
const DAY: Duration = Duration::from_secs(86_400);
/// Bytes of the disk of a Primary whose hardware says nothing of one.
const DISK: u64 = 1 << 30;
/// Idle cycles after which a campaign has ended.
const ENDED_AFTER: u32 = 2;
/// For how long the report sums up how busy a bus was.
const BUCKET: Duration = Duration::from_secs(1);
/// The least pause between two things a node does by itself.
const LEAST: Duration = Duration::from_micros(1);
