//! Virtual time: nanoseconds since the world began.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in virtual time, in nanoseconds since the world began, and so in logs. 584 years fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(u64);

impl Moment {
    /// When the world began.
    pub const START: Self = Self(0);
    /// After everything that happens.
    pub const NEVER: Self = Self(u64::MAX);

    /// So many nanoseconds after the beginning.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the beginning.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// What machines that count from their own start are told.
    pub const fn since_start(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    /// Later by `pause`; what is too late to be written is [`Moment::NEVER`].
    fn add(self, pause: Duration) -> Self {
        Self(self.0.saturating_add(nanos(pause)))
    }
}

impl AddAssign<Duration> for Moment {
    fn add_assign(&mut self, pause: Duration) {
        *self = *self + pause;
    }
}

impl Sub for Moment {
    type Output = Duration;

    /// How long after `earlier`; nothing if it is not.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds, to the nanosecond.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / NANOS, self.0 % NANOS)
    }
}

/// How a pause stands in a log: `#[serde(with = "as_nanos")]`.
pub mod as_nanos {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    /// Writes the number of nanoseconds.
    pub fn serialize<S: Serializer>(pause: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        super::nanos(*pause).serialize(serializer)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_nanos)
    }
}

/// A pause in nanoseconds; 584 years at most.
fn nanos(pause: Duration) -> u64 {
    u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_by_pauses_and_ends_at_never() {
        let moment = Moment::START + Duration::from_micros(3);
        assert_eq!((moment.nanos(), moment - Moment::START), (3_000, Duration::from_nanos(3_000)));
        assert_eq!(Moment::START - moment, Duration::ZERO);
        assert_eq!(moment + Duration::MAX, Moment::NEVER);
    }

    #[test]
    fn a_moment_is_written_in_seconds() {
        assert_eq!(Moment::from_nanos(61_000_000_042).to_string(), "61.000000042");
    }
}
