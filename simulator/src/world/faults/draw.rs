//! Drawing a plan from chance.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{Blow, Fault, FrameFault, Kind, MessageFault, NodeFault, Plan, When};
use crate::world::chance::Chance;
use crate::world::time::Moment;
use crate::world::{disk, flash};

/// A node that faults can strike. The world's own type: an id, or an enum of what it has.
pub trait Victim: Clone + Ord {
    /// Whether faults of this kind mean anything to it: a node without flash has none to be cut.
    fn suffers(&self, kind: Kind) -> bool;
}

/// How often which kinds are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(BTreeMap<Kind, u32>);

/// How many faults there are, and where they may strike: beyond what happens in a run, they never do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How many faults.
    pub faults: RangeInclusive<u64>,
    /// The last moment.
    pub until: Moment,
    /// Events of one node.
    pub events: u64,
    /// Operations of one disk.
    pub disk_operations: u64,
    /// Operations of one flash.
    pub flash_operations: u64,
    /// Messages of one node.
    pub messages: u64,
    /// Frames of one node.
    pub frames: u64,
}

impl Default for Mix {
    /// Every kind that a system must get over, each as often as the others. Not among them are devices that break their
    /// word, rot or wear out: what those lose, no software brings back.
    fn default() -> Self {
        let lost = [Kind::DiskRot, Kind::FlashRot, Kind::FlashWornOut, Kind::SyncBroken];
        Self(Kind::ALL.into_iter().filter(|kind| !lost.contains(kind)).map(|kind| (kind, 1)).collect())
    }
}

impl Mix {
    /// No kind at all, to build on.
    pub fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// The same, but this kind is drawn with this weight; never if it is 0.
    #[must_use]
    pub fn with(mut self, kind: Kind, weight: u32) -> Self {
        self.0.insert(kind, weight);
        self
    }

    /// The kinds that can be drawn.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.0.iter().filter(|(_, weight)| **weight > 0).map(|(kind, _)| *kind)
    }

    /// Draws a plan against `nodes`; an empty one if none suffers anything of the mix.
    pub fn draw<N: Victim>(&self, chance: &mut Chance, nodes: &[N], scope: &Scope) -> Plan<N> {
        let struck: Vec<_> = nodes.iter().filter(|node| self.kinds().any(|kind| node.suffers(kind))).collect();
        let count = chance.between(scope.faults.clone());
        let faults = (0..count).filter_map(|_| {
            let node = *chance.choose(&struck)?;
            let kind = self.kind(chance, node)?;
            Some(Fault { node: node.clone(), blow: blow(kind, chance, scope) })
        });
        Plan { faults: faults.collect() }
    }

    fn kind<N: Victim>(&self, chance: &mut Chance, node: &N) -> Option<Kind> {
        let suffered = || self.0.iter().filter(|(kind, _)| node.suffers(**kind));
        let mut at = chance.below(suffered().map(|(_, weight)| u64::from(*weight)).sum());
        for (kind, weight) in suffered() {
            match at.checked_sub(u64::from(*weight)) {
                Some(left) => at = left,
                None => return Some(*kind),
            }
        }
        None
    }
}

fn blow(kind: Kind, chance: &mut Chance, scope: &Scope) -> Blow {
    let [place, bit] = [chance.number() >> 32, chance.below(8)];
    let bit = u8::try_from(bit).unwrap_or_default();
    let length = pause(chance);
    match kind {
        Kind::DiskCut => disk_fault(chance, scope, |chance| disk::Mishap::Cut(any(chance, &disk::Cut::ALL, PLAIN))),
        Kind::DiskRefused => disk_fault(chance, scope, |_| disk::Mishap::Refused),
        Kind::FlashCut => {
            flash_fault(chance, scope, |chance| flash::Mishap::Cut(any(chance, &flash::Torn::ALL, flash::Torn::Before)))
        }
        Kind::FlashWornOut => flash_fault(chance, scope, |_| flash::Mishap::WornOut),
        // Longer than any frame is on a bus, so each of its bits can be hit.
        Kind::FrameBitError => frame_fault(chance, scope, FrameFault::BitError { bit: place % 1_024 }),
        Kind::FrameOverrun => frame_fault(chance, scope, FrameFault::Overrun),
        Kind::MessageAltered => message_fault(chance, scope, MessageFault::Altered { byte: place, bit }),
        Kind::MessageDelayed => message_fault(chance, scope, MessageFault::Delayed { by: length }),
        Kind::MessageDuplicated => message_fault(chance, scope, MessageFault::Duplicated { after: length }),
        Kind::MessageLost => message_fault(chance, scope, MessageFault::Lost),
        Kind::ClockStep => node_fault(chance, scope, NodeFault::ClockStep { seconds: step(place, bit) }),
        Kind::DiskFull => node_fault(chance, scope, NodeFault::DiskFull { pause: length }),
        Kind::DiskRot => node_fault(chance, scope, NodeFault::DiskRot { place, bit }),
        Kind::FlashRot => node_fault(chance, scope, NodeFault::FlashRot { place }),
        Kind::LinkCut => node_fault(chance, scope, NodeFault::LinkCut { pause: length }),
        Kind::PowerLoss => {
            let unsynced =
                any(chance, &[disk::Unsynced::Lost, disk::Unsynced::Kept, disk::Unsynced::Mixed], disk::Unsynced::Lost);
            node_fault(chance, scope, NodeFault::PowerLoss { pause: length, unsynced })
        }
        Kind::Reset => node_fault(chance, scope, NodeFault::Reset),
        Kind::SyncBroken => node_fault(chance, scope, NodeFault::SyncBroken),
    }
}

fn disk_fault(chance: &mut Chance, scope: &Scope, mishap: impl FnOnce(&mut Chance) -> disk::Mishap) -> Blow {
    Blow::Disk { operation: chance.below(scope.disk_operations), mishap: mishap(chance) }
}

fn flash_fault(chance: &mut Chance, scope: &Scope, mishap: impl FnOnce(&mut Chance) -> flash::Mishap) -> Blow {
    Blow::Flash { operation: chance.below(scope.flash_operations), mishap: mishap(chance) }
}

fn frame_fault(chance: &mut Chance, scope: &Scope, fault: FrameFault) -> Blow {
    Blow::Frame { number: chance.below(scope.frames), fault }
}

fn message_fault(chance: &mut Chance, scope: &Scope, fault: MessageFault) -> Blow {
    Blow::Message { number: chance.below(scope.messages), fault }
}

fn node_fault(chance: &mut Chance, scope: &Scope, fault: NodeFault) -> Blow {
    let when = match chance.below(2) {
        0 => When::Event(chance.below(scope.events)),
        _ => When::At(Moment::from_nanos(chance.between(0..=scope.until.nanos()))),
    };
    Blow::Node { when, fault }
}

/// From a millisecond to 90 seconds, short ones as likely as long ones.
fn pause(chance: &mut Chance) -> Duration {
    let unit = any(chance, &[1, 10, 100, 1_000, 10_000], 1);
    Duration::from_millis(unit * chance.between(1..=9))
}

/// Seconds up to 45 days, forwards or backwards.
fn step(place: u64, bit: u8) -> i64 {
    let seconds = i64::try_from(place >> 10).unwrap_or_default();
    if bit < 4 { seconds } else { seconds.saturating_neg() }
}

/// One of `choices`, or `plain` where there are none.
fn any<T: Copy>(chance: &mut Chance, choices: &[T], plain: T) -> T {
    chance.choose(choices).copied().unwrap_or(plain)
}

const PLAIN: disk::Cut = disk::Cut { point: disk::Point::Before, unsynced: disk::Unsynced::Lost };
