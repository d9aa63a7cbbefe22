//! How long a processor takes: a simple model, in cycles.
//!
//! Hashing, and reading flash in order to hash it, takes [`HASH`] cycles a byte; the chip's reads are timed with it, so that
//! a boot and the second look at a staged image cost what they read. A signature that is verified takes [`VERIFY`], one that
//! is made [`SIGN`]; how many a step takes follows from what it judges. A byte that a patch tells takes [`TOLD`]. Everything
//! else is [`REQUEST`]. The figures are those
//! of a 32-bit microcontroller without accelerators, rounded up; a larger core has only its higher frequency for it.

use std::time::Duration;

use proto::secondary::{File, Reply, Request};

use crate::world::description::Frequency;
use crate::world::vehicle::Verification;

/// Cycles for a byte of SHA-256.
const HASH: u64 = 30;
/// Cycles for a byte of the new image that a patch tells, hashed as it is: 125 instructions for one coded bit, as hardly any
/// byte has changed.
const TOLD: u64 = 200;
/// Cycles to verify an Ed25519 signature.
const VERIFY: u64 = 2_500_000;
/// Cycles to make one.
const SIGN: u64 = 1_000_000;
/// Cycles for a request, whatever it asks.
const REQUEST: u64 = 20_000;

/// A processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cpu {
    frequency: Frequency,
    verification: Verification,
}

impl Cpu {
    pub(super) fn new(frequency: Frequency, verification: Verification) -> Self {
        Self { frequency, verification }
    }

    /// How long reading and hashing a kibibyte takes.
    pub(super) fn kibibyte(&self) -> Duration {
        self.time(1_024 * HASH)
    }

    /// How long it takes to verify what is trusted from before a reset.
    pub(super) fn reload(&self) -> Duration {
        self.time(self.trusted().saturating_mul(VERIFY))
    }

    /// How long a request takes beside what it reads and writes; `offered` is the file on its way.
    pub(super) fn request(&self, request: &Request<'_>, offered: Option<File>) -> Duration {
        let work = match request {
            Request::Identify | Request::TimeNonce | Request::Begin(_) => 0,
            Request::Offer(File::Image | File::Patch, _) => self.trusted().saturating_mul(VERIFY),
            Request::Offer(..) => 0,
            Request::Chunk(_, bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_mul(HASH),
            Request::Close => offered.map_or(0, |file| self.judged(file)).saturating_mul(VERIFY),
            Request::Report(_) => SIGN,
        };
        self.time(work.saturating_add(REQUEST))
    }

    /// How long bytes of an image take that a patch tells.
    pub(super) fn told(&self, bytes: u32) -> Duration {
        self.time(u64::from(bytes).saturating_mul(TOLD))
    }

    /// Signatures under what it trusts, all of which are verified again where an image is at stake.
    fn trusted(&self) -> u64 {
        match self.verification {
            Verification::Full => 8,
            // Root and Targets: memory is dearer than their signatures.
            Verification::Partial | Verification::PartialPlus => 2,
        }
    }

    /// Signatures that judging a file takes.
    fn judged(&self, file: File) -> u64 {
        let root = match self.verification {
            Verification::Full => 0,
            Verification::Partial | Verification::PartialPlus => 1,
        };
        match file {
            // By the Root before and by itself.
            File::Root(..) => root + 2,
            File::Image | File::Patch => self.trusted(),
            File::Time | File::Timestamp(_) | File::Snapshot(_) | File::Targets(_) | File::Delegated(_) => root + 1,
            File::Command => 1,
        }
    }

    fn time(&self, cycles: u64) -> Duration {
        let nanos = u128::from(cycles) * 1_000_000_000 / u128::from(self.frequency.0.get());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// The file that is on its way, as the requests show it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offered(Option<File>);

impl Offered {
    pub(super) fn file(self) -> Option<File> {
        self.0
    }

    /// What a request and its reply make of it.
    pub(super) fn see(&mut self, request: &Request<'_>, reply: &Reply<'_>) {
        match (request, reply) {
            (Request::Offer(file, _), Reply::Ready(..)) => self.0 = Some(*file),
            (Request::Offer(..) | Request::Close, _) => self.0 = None,
            (
                Request::Identify | Request::TimeNonce | Request::Begin(_) | Request::Chunk(..) | Request::Report(_),
                _,
            ) => {}
        }
    }
}
