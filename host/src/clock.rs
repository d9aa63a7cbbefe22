//! The one place that reads the machine's clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use uptane::Time;

/// What the machine's clock says. A clock before 1970 or after 9999 is read as the nearest time that can be written.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> Time {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Time::from_unix(seconds).unwrap_or(Time::MAX)
}

/// A point in time for measuring how long something takes.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn stopwatch() -> Instant {
    Instant::now()
}
