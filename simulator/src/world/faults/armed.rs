//! Which fault is due, while the world runs.

use std::collections::BTreeMap;
use std::fmt;

use super::{Blow, Fault, FrameFault, Kind, MessageFault, NodeFault, Plan, Victim, When};
use crate::world::disk::{self, VirtualDisk};
use crate::world::flash::{self, Chip};
use crate::world::time::Moment;

/// A plan at work. It counts what happens to each node.
#[derive(Clone, Debug)]
pub struct Armed<N> {
    faults: Vec<(Fault<N>, Fired)>,
    counts: BTreeMap<(N, Counted), u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fired {
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counted {
    Events,
    Frames,
    Messages,
}

/// How many faults of each kind have struck.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<Kind, u64>);

impl<N: Victim> Armed<N> {
    /// A plan before anything has happened.
    pub fn new(plan: &Plan<N>) -> Self {
        let faults = plan.faults.iter().map(|fault| (fault.clone(), Fired::No)).collect();
        Self { faults, counts: BTreeMap::new() }
    }

    /// The faults that strike at a moment: when, and by which number to [`take`](Self::take) them then.
    pub fn timed(&self) -> impl Iterator<Item = (Moment, usize)> {
        self.faults.iter().enumerate().filter_map(|(number, (fault, _))| match fault.blow {
            Blow::Node { when: When::At(at), .. } => Some((at, number)),
            Blow::Node { when: When::Event(_), .. }
            | Blow::Disk { .. }
            | Blow::Flash { .. }
            | Blow::Frame { .. }
            | Blow::Message { .. } => None,
        })
    }

    /// The moment of a fault has come: whom it strikes, and what.
    pub fn take(&mut self, number: usize) -> Option<(N, NodeFault)> {
        let (fault, fired) = self.faults.get_mut(number).filter(|(_, fired)| *fired == Fired::No)?;
        let Blow::Node { when: When::At(_), fault: what } = fault.blow else { return None };
        *fired = Fired::Yes;
        Some((fault.node.clone(), what))
    }

    /// The node is about to take an event: what strikes it just before.
    pub fn at_event(&mut self, node: &N) -> Vec<NodeFault> {
        let number = self.count(node, Counted::Events);
        self.due(node, |blow| match blow {
            Blow::Node { when: When::Event(at), fault } if *at == number => Some(*fault),
            Blow::Node { .. } | Blow::Disk { .. } | Blow::Flash { .. } | Blow::Frame { .. } | Blow::Message { .. } => {
                None
            }
        })
    }

    /// The node sends a message: what happens to it.
    pub fn at_message(&mut self, node: &N) -> Vec<MessageFault> {
        let count = self.count(node, Counted::Messages);
        self.due(node, |blow| match blow {
            Blow::Message { number, fault } if *number == count => Some(*fault),
            Blow::Node { .. } | Blow::Disk { .. } | Blow::Flash { .. } | Blow::Frame { .. } | Blow::Message { .. } => {
                None
            }
        })
    }

    /// The node sends a frame: what happens to it.
    pub fn at_frame(&mut self, node: &N) -> Vec<FrameFault> {
        let count = self.count(node, Counted::Frames);
        self.due(node, |blow| match blow {
            Blow::Frame { number, fault } if *number == count => Some(*fault),
            Blow::Node { .. } | Blow::Disk { .. } | Blow::Flash { .. } | Blow::Frame { .. } | Blow::Message { .. } => {
                None
            }
        })
    }

    /// Gives a new disk of the node its mishaps.
    pub fn arm_disk(&self, node: &N, disk: &VirtualDisk) {
        for (fault, _) in self.faults.iter().filter(|(fault, _)| fault.node == *node) {
            if let Blow::Disk { operation, mishap } = fault.blow {
                disk.plan(operation, mishap);
            }
        }
    }

    /// Gives a new chip of the node its mishaps.
    pub fn arm_flash<const W: usize, const E: usize>(&self, node: &N, chip: &Chip<W, E>) {
        for (fault, _) in self.faults.iter().filter(|(fault, _)| fault.node == *node) {
            if let Blow::Flash { operation, mishap } = fault.blow {
                chip.plan(operation, mishap);
            }
        }
    }

    /// The node's disk has had these mishaps ([`VirtualDisk::take_fired`]).
    pub fn disk_had(&mut self, node: &N, mishaps: &[disk::Mishap]) {
        for had in mishaps {
            self.mark(node, |blow| matches!(blow, Blow::Disk { mishap, .. } if mishap == had));
        }
    }

    /// The node's flash has had these mishaps ([`Chip::take_fired`]).
    pub fn flash_had(&mut self, node: &N, mishaps: &[flash::Mishap]) {
        for had in mishaps {
            self.mark(node, |blow| matches!(blow, Blow::Flash { mishap, .. } if mishap == had));
        }
    }

    /// How many have struck so far.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (fault, _) in self.faults.iter().filter(|(_, fired)| *fired == Fired::Yes) {
            tally.add(fault.blow.kind(), 1);
        }
        tally
    }

    /// The number of what now happens to the node.
    fn count(&mut self, node: &N, what: Counted) -> u64 {
        let count = self.counts.entry((node.clone(), what)).or_default();
        let number = *count;
        *count = number.saturating_add(1);
        number
    }

    fn due<T>(&mut self, node: &N, what: impl Fn(&Blow) -> Option<T>) -> Vec<T> {
        let waiting = self.faults.iter_mut().filter(|(fault, fired)| fault.node == *node && *fired == Fired::No);
        let due = waiting.filter_map(|(fault, fired)| {
            let what = what(&fault.blow)?;
            *fired = Fired::Yes;
            Some(what)
        });
        due.collect()
    }

    fn mark(&mut self, node: &N, is_it: impl Fn(&Blow) -> bool) {
        let mut waiting = self.faults.iter_mut().filter(|(fault, fired)| fault.node == *node && *fired == Fired::No);
        if let Some((_, fired)) = waiting.find(|(fault, _)| is_it(&fault.blow)) {
            *fired = Fired::Yes;
        }
    }
}

impl Tally {
    /// How many of a kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// How many in all.
    pub fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Adds those of another run.
    pub fn join(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            self.add(*kind, *count);
        }
    }

    fn add(&mut self, kind: Kind, count: u64) {
        let sum = self.0.entry(kind).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// Every kind that has struck, with its number.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.0.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        f.write_str(&kinds.join(", "))
    }
}
