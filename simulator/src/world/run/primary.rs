//! The Primary of a run: the [`Node`] that ships, its disk, and what it has asked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use primary_ecu::machine::transaction::Transaction;
use primary_ecu::node::{Download, Errand, Node};
use uptane::sign::MemorySigner;
use uptane::{EcuId, Sha256};

use super::calls::{Call, Response};
use super::settled::Settled;
use crate::world::chance::Chance;
use crate::world::disk::VirtualDisk;
use crate::world::time::Moment;

/// The Primary, with power or without.
pub(super) struct Primary {
    pub(super) ecu: EcuId,
    pub(super) disk: VirtualDisk,
    /// While it has power and has started.
    pub(super) node: Option<Node<VirtualDisk, MemorySigner>>,
    /// Cycles begun or planned, starts included: what an earlier one waits for is void.
    pub(super) cycle: u64,
    /// Whether a cycle is under way.
    pub(super) is_busy: bool,
    pub(super) asks: BTreeMap<u64, CloudAsk>,
    pub(super) errands: BTreeMap<EcuId, VecDeque<Errand<VirtualDisk>>>,
    /// Those whose errands go on without a turn on their bus: they wait for others, or hear with them.
    pub(super) aside: BTreeSet<EcuId>,
    pub(super) chance: Chance,
    /// What became of the last transaction.
    pub(super) settled: Option<Settled>,
    /// What became of those before it, of ECUs that have been in no other since.
    pub(super) kept: Vec<Settled>,
    /// How the last cycle ended, and how many in a row have ended well with nothing to do.
    pub(super) idle_cycles: u32,
    /// How often in a row the vehicle has gone back since nothing goes wrong any more.
    pub(super) returns: u32,
    /// Whether the cycle under way had a transaction.
    pub(super) had_transaction: bool,
}

/// What the Primary asked of the repositories.
pub(super) enum CloudAsk {
    CheckIn,
    Fetch { limit: u64 },
    Download(Box<Download<VirtualDisk>>, Progress),
}

/// How far a download has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Asked for, from this offset on.
    From(usize),
    /// This far.
    At(usize),
}

impl Primary {
    pub(super) fn new(ecu: EcuId, disk: VirtualDisk, chance: Chance) -> Self {
        Self {
            ecu,
            disk,
            node: None,
            cycle: 0,
            is_busy: false,
            asks: BTreeMap::new(),
            errands: BTreeMap::new(),
            aside: BTreeSet::new(),
            chance,
            settled: None,
            kept: Vec::new(),
            idle_cycles: 0,
            returns: 0,
            had_transaction: false,
        }
    }

    /// A transaction is open.
    pub(super) fn open(&mut self, transaction: &Transaction) {
        self.kept.extend(self.settled.take());
        self.kept.retain_mut(|settled| settled.still_binds(transaction));
    }

    /// How an ECU that runs this breaks what a closed transaction promises.
    pub(super) fn broken_by(&self, ecu: EcuId, runs: Option<Sha256>, now: Moment) -> Option<&'static str> {
        self.kept.iter().chain(&self.settled).find_map(|settled| settled.broken_by(ecu, runs, now))
    }

    /// Whatever is under way is void.
    pub(super) fn drop_all(&mut self) {
        self.cycle = self.cycle.saturating_add(1);
        self.is_busy = false;
        self.asks.clear();
        self.errands.clear();
    }
}

/// Calls under way, by their number.
#[derive(Debug, Default)]
pub(super) struct Calls {
    next: u64,
    pub(super) open: BTreeMap<u64, Call>,
}

impl Calls {
    /// A number that was never used.
    pub(super) fn number(&mut self) -> u64 {
        self.next = self.next.saturating_add(1);
        self.next
    }
}

/// A response, or why there is none.
pub(super) type Heard = Result<Response, String>;
