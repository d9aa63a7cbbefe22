//! Simpler faults: earlier, rounder, shorter, and of what there is a choice of, the plainest.

use std::time::Duration;

use super::{Blow, Fault, FrameFault, MessageFault, NodeFault, Plan, When};
use crate::world::disk::{self, Cut, Point, Unsynced};
use crate::world::flash::{self, Torn};
use crate::world::shrink::{Outcome, Shrunk, Simplify, rounder, shrink, smaller};
use crate::world::time::Moment;

impl<N: Clone> Plan<N> {
    /// The shortest and simplest plan found in at most `bound` runs that makes a run fail as this one does; `None` if this
    /// one does not.
    pub fn shrink(&self, bound: u32, mut run: impl FnMut(&Self) -> Outcome) -> Option<Shrunk<Fault<N>>> {
        shrink(self.faults.clone(), bound, |faults| run(&Self { faults: faults.to_vec() }))
    }
}

impl<N: Clone> Simplify for Fault<N> {
    fn simpler(&self) -> Vec<Self> {
        self.blow.simpler().into_iter().map(|blow| Self { node: self.node.clone(), blow }).collect()
    }
}

impl Simplify for Blow {
    fn simpler(&self) -> Vec<Self> {
        match *self {
            Self::Disk { operation, mishap } => both(
                (smaller(operation), |operation| Self::Disk { operation, mishap }),
                (mishap.simpler(), |mishap| Self::Disk { operation, mishap }),
            ),
            Self::Flash { operation, mishap } => both(
                (smaller(operation), |operation| Self::Flash { operation, mishap }),
                (mishap.simpler(), |mishap| Self::Flash { operation, mishap }),
            ),
            Self::Frame { number, fault } => both(
                (smaller(number), |number| Self::Frame { number, fault }),
                (fault.simpler(), |fault| Self::Frame { number, fault }),
            ),
            Self::Message { number, fault } => both(
                (smaller(number), |number| Self::Message { number, fault }),
                (fault.simpler(), |fault| Self::Message { number, fault }),
            ),
            Self::Node { when, fault } => both(
                (when.simpler(), |when| Self::Node { when, fault }),
                (fault.simpler(), |fault| Self::Node { when, fault }),
            ),
        }
    }
}

impl Simplify for disk::Mishap {
    fn simpler(&self) -> Vec<Self> {
        let Self::Cut(Cut { point, unsynced }) = *self else { return Vec::new() };
        let points = before(&[Point::Before, Point::After, Point::Inside], point);
        let fates = before(&[Unsynced::Lost, Unsynced::Kept, Unsynced::Mixed], unsynced);
        let points = points.map(|point| Self::Cut(Cut { point, unsynced }));
        points.chain(fates.map(|unsynced| Self::Cut(Cut { point, unsynced }))).collect()
    }
}

impl Simplify for flash::Mishap {
    fn simpler(&self) -> Vec<Self> {
        let Self::Cut(torn) = *self else { return Vec::new() };
        before(&[Torn::Before, Torn::After, Torn::Half, Torn::Weak, Torn::Noise], torn).map(Self::Cut).collect()
    }
}

impl Simplify for FrameFault {
    fn simpler(&self) -> Vec<Self> {
        match *self {
            Self::BitError { bit } => smaller(bit).into_iter().map(|bit| Self::BitError { bit }).collect(),
            Self::Overrun => Vec::new(),
        }
    }
}

impl Simplify for MessageFault {
    fn simpler(&self) -> Vec<Self> {
        match *self {
            Self::Altered { byte, bit } => {
                let bytes = smaller(byte).into_iter().map(|byte| Self::Altered { byte, bit });
                bytes.chain((0..bit).map(|bit| Self::Altered { byte, bit })).collect()
            }
            Self::Delayed { by } => shorter(by).map(|by| Self::Delayed { by }).collect(),
            Self::Duplicated { after } => shorter(after).map(|after| Self::Duplicated { after }).collect(),
            Self::Lost => Vec::new(),
        }
    }
}

impl Simplify for NodeFault {
    fn simpler(&self) -> Vec<Self> {
        match *self {
            Self::ClockStep { seconds } => {
                let sign = seconds.signum();
                let sizes = rounder(seconds.unsigned_abs()).into_iter().filter_map(|size| i64::try_from(size).ok());
                sizes.map(|size| Self::ClockStep { seconds: size.saturating_mul(sign) }).collect()
            }
            Self::DiskFull { pause } => shorter(pause).map(|pause| Self::DiskFull { pause }).collect(),
            Self::DiskRot { place, bit } => {
                let places = smaller(place).into_iter().map(|place| Self::DiskRot { place, bit });
                places.chain((0..bit).map(|bit| Self::DiskRot { place, bit })).collect()
            }
            Self::FlashRot { place } => smaller(place).into_iter().map(|place| Self::FlashRot { place }).collect(),
            Self::LinkCut { pause } => shorter(pause).map(|pause| Self::LinkCut { pause }).collect(),
            Self::PowerLoss { pause, unsynced } => {
                let pauses = shorter(pause).map(|pause| Self::PowerLoss { pause, unsynced });
                let fates = before(&[Unsynced::Lost, Unsynced::Kept, Unsynced::Mixed], unsynced);
                pauses.chain(fates.map(|unsynced| Self::PowerLoss { pause, unsynced })).collect()
            }
            Self::Reset | Self::SyncBroken => Vec::new(),
        }
    }
}

impl Simplify for When {
    fn simpler(&self) -> Vec<Self> {
        match *self {
            Self::At(at) => rounder(at.nanos()).into_iter().map(|nanos| Self::At(Moment::from_nanos(nanos))).collect(),
            Self::Event(number) => smaller(number).into_iter().map(Self::Event).collect(),
        }
    }
}

fn both<A, B>(first: (Vec<A>, impl Fn(A) -> Blow), second: (Vec<B>, impl Fn(B) -> Blow)) -> Vec<Blow> {
    first.0.into_iter().map(first.1).chain(second.0.into_iter().map(second.1)).collect()
}

fn shorter(pause: Duration) -> impl Iterator<Item = Duration> {
    let nanos = u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX);
    rounder(nanos).into_iter().map(Duration::from_nanos)
}

/// Those of `order` that come before `this`.
fn before<T: Copy + PartialEq>(order: &[T], this: T) -> impl Iterator<Item = T> {
    order.iter().copied().take_while(move |other| *other != this)
}
