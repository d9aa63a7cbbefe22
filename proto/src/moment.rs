//! Moments, as a machine keeps them: half as long as a [`Duration`], and compared and added to in two instructions.

use core::ops::Add;
use core::time::Duration;

/// Nanoseconds since whatever moment the times of a machine count from: enough for 584 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// The moment that times count from.
    pub(crate) const ZERO: Self = Self(0);
}

impl From<Duration> for Moment {
    fn from(time: Duration) -> Self {
        Self(nanoseconds(time))
    }
}

impl From<Moment> for Duration {
    fn from(moment: Moment) -> Self {
        Self::from_nanos(moment.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    #[inline]
    fn add(self, time: Duration) -> Self {
        Self(self.0.wrapping_add(nanoseconds(time)))
    }
}

#[inline]
fn nanoseconds(time: Duration) -> u64 {
    time.as_secs().wrapping_mul(1_000_000_000).wrapping_add(time.subsec_nanos().into())
}
