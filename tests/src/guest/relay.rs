//! Joins two CAN interfaces, and loses frames on the way by a seeded choice.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use host::can::{Arrival, FramePort as _, Interest, SocketCan};
use proto::can::Frame;

use super::chance::Chance;

/// What went through so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Frames that came, from either side.
    pub(super) frames: AtomicU64,
    /// Frames that went no further.
    pub(super) lost: AtomicU64,
    /// Data bytes of all of them.
    pub(super) bytes: AtomicU64,
    /// Frames that came too fast for this process, so that it never saw them.
    pub(super) overflown: AtomicU64,
}

/// Carries frames in both directions until the process ends; `per_thousand` of them are lost.
pub(super) async fn carry(
    [one, other]: [&str; 2],
    interest: &Interest,
    per_thousand: u64,
    seed: u64,
    counts: Arc<Counts>,
) -> Result<()> {
    let (mut one, mut other) = (SocketCan::join(one, interest)?, SocketCan::join(other, interest)?);
    let mut chance = Chance(seed);
    loop {
        let (arrival, to) = tokio::select! {
            arrival = one.receive() => (arrival?, &mut other),
            arrival = other.receive() => (arrival?, &mut one),
        };
        if let Some(frame) = counts.count(arrival) {
            if chance.next() % 1_000 < per_thousand {
                counts.lost.fetch_add(1, Ordering::Relaxed);
            } else {
                to.send(&frame).await?;
            }
        }
    }
}

impl Counts {
    fn count(&self, arrival: Arrival) -> Option<Frame> {
        match arrival {
            Arrival::Frame(frame) => {
                self.frames.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(u64::try_from(frame.data().len()).unwrap_or_default(), Ordering::Relaxed);
                Some(frame)
            }
            Arrival::Event(host::can::Event::Overflow { frames }) => {
                self.overflown.fetch_add(frames.into(), Ordering::Relaxed);
                None
            }
            Arrival::Event(_) => None,
        }
    }
}
