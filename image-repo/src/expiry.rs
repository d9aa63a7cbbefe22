//! Expiries in words: what a person wants to know of a time is how far away it is.

use uptane::Time;

/// When something expires, seen from `now`: `expires in 12 days (2026-12-09)`, `expired 3 hours ago (2026-11-27T09:00:00Z)`.
pub fn in_words(expires: Time, now: Time) -> String {
    let is_over = now >= expires;
    let seconds = if is_over { now.since(expires) } else { expires.since(now) }.as_secs();
    let text = expires.to_string();
    let (distance, date) = match seconds {
        0..HOUR => (counted(seconds / MINUTE, "minute"), text.as_str()),
        HOUR..TWO_DAYS => (counted(seconds / HOUR, "hour"), text.as_str()),
        _ => (counted(seconds / DAY, "day"), text.split('T').next().unwrap_or_default()),
    };
    if is_over { format!("expired {distance} ago ({date})") } else { format!("expires in {distance} ({date})") }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Below two days, hours say more.
const TWO_DAYS: u64 = 2 * DAY;

fn counted(number: u64, thing: &str) -> String {
    host::cli::counted(usize::try_from(number).unwrap_or(usize::MAX), thing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_ahead_and_what_is_over_is_said_in_the_unit_that_fits() {
        let expires = Time::parse("2026-12-09T12:00:00Z").unwrap();
        for (now, words) in [
            ("2026-11-27T11:00:00Z", "expires in 12 days (2026-12-09)"),
            ("2026-12-08T11:00:00Z", "expires in 25 hours (2026-12-09T12:00:00Z)"),
            ("2026-12-09T11:59:00Z", "expires in 1 minute (2026-12-09T12:00:00Z)"),
            ("2026-12-09T12:00:00Z", "expired 0 minutes ago (2026-12-09T12:00:00Z)"),
            ("2026-12-09T15:00:00Z", "expired 3 hours ago (2026-12-09T12:00:00Z)"),
            ("2027-12-09T12:00:00Z", "expired 365 days ago (2026-12-09)"),
        ] {
            assert_eq!(in_words(expires, Time::parse(now).unwrap()), words);
        }
    }
}
