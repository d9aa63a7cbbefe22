//! All parts together: two nodes that count, each on its disk and its flash, and tell each other.

use std::io;
use std::time::Duration;

use embedded_storage::nor_flash::NorFlash as _;
use host::disk::Disk as _;
use serde::{Deserialize, Serialize};
use uptane::{Sha256, Time};

use super::chance::{Chance, PerBillion};
use super::clock::{Battery, Drift, NodeClock};
use super::disk::{Device, Unsynced, VirtualDisk, Word};
use super::engine::Engine;
use super::faults::{Armed, Kind, MessageFault, Mix, NodeFault, Plan, Scope, Tally, Victim};
use super::flash::{Chip, Endurance, Timings};
use super::link::{Conditions, Delivery, Link};
use super::shrink::Outcome;
use super::time::Moment;
use super::trace::{self, Trace};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Left,
    Right,
}

impl Victim for Name {
    fn suffers(&self, kind: Kind) -> bool {
        !matches!(kind, Kind::FrameBitError | Kind::FrameOverrun)
    }
}

#[derive(Clone, Debug)]
enum Event {
    Arrive(Name, Delivery<u64>),
    Fault(usize),
    PowerBack(Name),
    Tick(Name),
}

/// What is written to the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Record {
    Counted { node: Name, count: u64, flash: u64, unix: u64 },
    Dark { node: Name },
    Heard { node: Name, count: u64 },
    Lost { node: Name, promised: u64, found: u64 },
    Struck { node: Name, fault: NodeFault },
    Up { node: Name, count: u64 },
}

#[derive(Serialize, Deserialize)]
struct Run {
    seed: u64,
    plan: Plan<Name>,
}

struct Node {
    disk: VirtualDisk,
    chip: Chip<8, 256>,
    clock: NodeClock,
    link: Link,
    /// The last count that the disk took, and the last that it was given.
    promised: u64,
    tried: u64,
}

struct World<W> {
    engine: Engine<Event>,
    nodes: [Node; 2],
    armed: Armed<Name>,
    trace: Trace<W>,
    outcome: Outcome,
}

const TICK: Duration = Duration::from_millis(10);

fn node(chance: &Chance, device: Device) -> Node {
    let disk = VirtualDisk::new(64 * 1_024, chance.split("disk"));
    disk.replace_device(device);
    let timings = Timings {
        erase: Duration::from_millis(3),
        program: Duration::from_micros(90),
        read: Duration::from_micros(20),
    };
    let share = PerBillion::new(20_000_000);
    let conditions = Conditions {
        delay: Duration::from_millis(2),
        jitter: Duration::from_millis(5),
        loss: share,
        duplication: share,
        reorder: share,
        overtaken: Duration::from_millis(30),
        rate: Some(10_000),
        ..Conditions::default()
    };
    Node {
        disk,
        chip: Chip::new(1_024, timings, Endurance::ENDLESS, chance.split("flash")),
        clock: NodeClock::new(Time::EPOCH, Drift::new(40_000), Battery::Absent),
        link: Link::new(conditions, chance.split("link")),
        promised: 0,
        tried: 0,
    }
}

impl<W: io::Write> World<W> {
    fn new(run: &Run, device: Device, log: W) -> Self {
        let chance = Chance::seeded(run.seed);
        let nodes = [node(&chance.split("left"), device), node(&chance.split("right"), device)];
        let armed = Armed::new(&run.plan);
        let mut engine = Engine::new();
        for (name, node) in [Name::Left, Name::Right].iter().zip(&nodes) {
            armed.arm_disk(name, &node.disk);
            armed.arm_flash(name, &node.chip);
            engine.schedule_in(TICK, Event::Tick(*name));
        }
        for (at, number) in armed.timed() {
            engine.schedule(at, Event::Fault(number));
        }
        Self { engine, nodes, armed, trace: Trace::begin(log, run).unwrap(), outcome: Outcome::Passes }
    }

    fn node(&mut self, name: Name) -> &mut Node {
        let [left, right] = &mut self.nodes;
        match name {
            Name::Left => left,
            Name::Right => right,
        }
    }

    fn record(&mut self, record: &Record) {
        self.trace.record(self.engine.now(), record).unwrap();
    }

    fn run(mut self) -> (Outcome, Tally, Sha256, W) {
        while let Some(event) = self.engine.step(Moment::START + TICK * 200) {
            match event {
                Event::Arrive(node, delivery) => {
                    if let Some(count) = self.node(node).link.receive(delivery) {
                        self.record(&Record::Heard { node, count });
                    }
                }
                Event::Fault(number) => {
                    if let Some((node, fault)) = self.armed.take(number) {
                        self.strike(node, fault);
                    }
                }
                Event::PowerBack(name) => self.power_back(name),
                Event::Tick(name) => {
                    self.engine.schedule_in(TICK, Event::Tick(name));
                    let faults = self.armed.at_event(&name);
                    faults.into_iter().for_each(|fault| self.strike(name, fault));
                    self.tick(name);
                }
            }
        }
        let (summary, log) = self.trace.end().unwrap();
        (self.outcome, self.armed.tally(), summary.digest, log)
    }

    fn tick(&mut self, name: Name) {
        let now = self.engine.now();
        let node = self.node(name);
        if node.disk.is_dark() {
            return;
        }
        let Ok(count) = count(&node.disk).map(|count| count + 1) else { return };
        node.tried = count;
        if node.disk.replace("state/count", &count.to_le_bytes()).is_ok() {
            node.promised = count;
        }
        node.chip.begin(now);
        let _ = node.chip.erase(0, 256).and_then(|()| node.chip.write(0, &count.to_le_bytes()));
        let (free, unix) = (node.chip.free_at(), node.clock.time(now).unix());
        let is_dark = node.disk.is_dark() || node.chip.dark_since().is_some();
        let (disk, flash) = (node.disk.take_fired(), node.chip.take_fired());
        self.armed.disk_had(&name, &disk);
        self.armed.flash_had(&name, &flash);
        if is_dark {
            return self.lose_power(name, Unsynced::Mixed, TICK * 3);
        }
        self.record(&Record::Counted { node: name, count, flash: free.nanos(), unix });
        self.send(name, free, count);
    }

    fn send(&mut self, name: Name, at: Moment, count: u64) {
        let faults = self.armed.at_message(&name);
        let is_lost = faults.iter().any(|fault| matches!(fault, MessageFault::Lost | MessageFault::Altered { .. }));
        let late = faults.iter().map(|fault| match fault {
            MessageFault::Delayed { by } => *by,
            MessageFault::Altered { .. } | MessageFault::Duplicated { .. } | MessageFault::Lost => Duration::ZERO,
        });
        let late: Duration = late.sum();
        for delivery in self.node(name).link.send(at, count, 40).unwrap_or_default() {
            if !is_lost {
                let delivery = delivery.delayed(late);
                self.engine.schedule(delivery.at(), Event::Arrive(name, delivery));
            }
        }
    }

    fn strike(&mut self, name: Name, fault: NodeFault) {
        let now = self.engine.now();
        self.record(&Record::Struck { node: name, fault });
        let node = self.node(name);
        match fault {
            NodeFault::ClockStep { seconds } => node.clock.step(now, seconds),
            NodeFault::DiskFull { .. } => node.disk.set_capacity(0),
            NodeFault::DiskRot { place, bit } => node.disk.rot(place, bit),
            NodeFault::FlashRot { place } => node.chip.flip(usize::try_from(place % 1_024).unwrap()),
            NodeFault::LinkCut { .. } => {
                node.link.cut();
                node.link.join();
            }
            NodeFault::PowerLoss { pause, unsynced } => self.lose_power(name, unsynced, pause.max(TICK)),
            NodeFault::Reset => node.clock.restart(now),
            NodeFault::SyncBroken => node.disk.replace_device(Device { files: Word::Broken, folders: Word::Kept }),
        }
    }

    fn lose_power(&mut self, name: Name, unsynced: Unsynced, pause: Duration) {
        let now = self.engine.now();
        let node = self.node(name);
        node.disk.cut_power(unsynced);
        node.chip.cut_power(now);
        self.record(&Record::Dark { node: name });
        self.engine.schedule_in(pause, Event::PowerBack(name));
    }

    fn power_back(&mut self, name: Name) {
        let now = self.engine.now();
        let node = self.node(name);
        node.disk.restore_power();
        node.chip.restore_power(now);
        node.clock.restart(now);
        let (promised, tried, found) = (node.promised, node.tried, count(&node.disk));
        node.promised = *found.as_ref().unwrap_or(&0);
        if found.as_ref().is_ok_and(|found| (promised..=tried).contains(found)) {
            return self.record(&Record::Up { node: name, count: found.unwrap_or_default() });
        }
        self.outcome = Outcome::Fails;
        self.record(&Record::Lost { node: name, promised, found: found.unwrap_or_default() });
    }
}

/// What the disk says; 0 if it says nothing, and an error if it says something else.
fn count(disk: &VirtualDisk) -> Result<u64, host::Error> {
    let bytes = disk.read("state/count", 8)?.unwrap_or_else(|| vec![0; 8]);
    let damaged = |bytes: Vec<u8>| host::Error::BadName { name: format!("{bytes:?}") };
    <[u8; 8]>::try_from(bytes).map(u64::from_le_bytes).map_err(damaged)
}

fn run(seed: u64) -> Run {
    let scope = Scope {
        faults: 3..=12,
        until: Moment::START + TICK * 150,
        events: 150,
        disk_operations: 800,
        flash_operations: 400,
        messages: 150,
        frames: 1,
    };
    let plan = Mix::default().draw(&mut Chance::seeded(seed).split("plan"), &[Name::Left, Name::Right], &scope);
    Run { seed, plan }
}

const HONEST: Device = Device { files: Word::Kept, folders: Word::Kept };
const LIAR: Device = Device { files: Word::Broken, folders: Word::Kept };

#[test]
fn a_hundred_seeds_lose_nothing_and_every_kind_of_fault_strikes() {
    let mut tally = Tally::default();
    for seed in 0..100 {
        let (outcome, struck, ..) = World::new(&run(seed), HONEST, io::sink()).run();
        assert_eq!(outcome, Outcome::Passes, "seed {seed}");
        tally.join(&struck);
    }
    for kind in Mix::default().kinds().filter(|kind| Name::Left.suffers(*kind)) {
        assert!(tally.of(kind) > 0, "{kind} never struck: {tally}");
    }
}

#[test]
fn a_seed_leaves_the_same_log_for_ever() {
    let digests = [1, 2, 3].map(|seed| World::new(&run(seed), HONEST, io::sink()).run().2.to_string());
    let expected = [
        "85f6649c9568709c6554decbbe0578d358e008d4c10a3fef3021fd1335f4e8de",
        "1ab62a7e7f72208fc1f25333803a8f916b5d809f340ff572abb8523624c16428",
        "bf25cdebc56af982b0f773119574305434eff3e997f1613c12a99337c1acc80f",
    ];
    assert_eq!(digests, expected);
}

#[test]
fn a_log_repeats_its_run() {
    let (.., digest, log) = World::new(&run(5), HONEST, Vec::new()).run();
    let read = trace::read::<Run, Record>(log.as_slice()).unwrap();
    assert_eq!(World::new(&read.run, HONEST, Vec::new()).run().3, log);
    assert_eq!(read.summary.digest, digest);
}

#[test]
fn a_disk_that_breaks_its_word_is_found_shrunk_to_one_fault_and_repeated_from_the_log() {
    let found = (0..200).map(run).find(|run| World::new(run, LIAR, io::sink()).run().0 == Outcome::Fails).unwrap();
    assert!(found.plan.faults.len() > 1);
    let again = |plan: &Plan<Name>| World::new(&Run { plan: plan.clone(), ..found }, LIAR, io::sink()).run().0;
    let shrunk = found.plan.shrink(2_000, again).unwrap();
    assert!(shrunk.is_minimal && shrunk.items.len() == 1, "{shrunk:?}");
    let kind = shrunk.items[0].blow.kind();
    assert!(matches!(kind, Kind::PowerLoss | Kind::DiskCut | Kind::FlashCut), "{kind}");
    let least = Run { plan: Plan { faults: shrunk.items }, ..found };
    let (outcome, .., log) = World::new(&least, LIAR, Vec::new()).run();
    let read = trace::read_run::<Run>(log.as_slice()).unwrap();
    assert_eq!((outcome, World::new(&read, LIAR, Vec::new()).run().3), (Outcome::Fails, log));
}
