//! Expiries in words: what a person wants to know of a time is how far away it is.

use std::fmt;
use std::time::Duration;

use uptane::Time;

use crate::facts::{Current, Head};
use crate::role::RoleId;

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

/// When the newest file of a role expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The role.
    pub role: RoleId,
    /// When.
    pub at: Time,
    /// The time it is seen from.
    pub now: Time,
}

impl Expiry {
    /// How long until then; nothing once it has expired.
    pub fn left(&self) -> Duration {
        self.at.since(self.now)
    }

    /// Whether people must sign the next file; the others the repository renews by itself.
    pub fn is_of_people(&self) -> bool {
        !matches!(self.role, RoleId::Snapshot | RoleId::Timestamp)
    }
}

/// When the newest file of each role expires, the next one first.
pub fn of(head: &Head, now: Time) -> Vec<Expiry> {
    let expiry = |(role, file): (&RoleId, &Current)| Expiry { role: *role, at: file.expires, now };
    let mut expiries: Vec<_> = head.files.iter().map(expiry).collect();
    expiries.sort_by_key(|expiry| (expiry.at, expiry.role));
    expiries
}

/// `targets expires in 12 days (2026-12-09)`.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, in_words(self.at, self.now))
    }
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
    use uptane::{Length, Sha256, Version};

    use super::*;

    fn head(files: &[(RoleId, u64)]) -> Head {
        let current = |seconds| Current {
            version: Version::FIRST,
            expires: at(seconds),
            length: Length::ZERO,
            sha256: Sha256::of(b""),
        };
        Head { files: files.iter().map(|(role, seconds)| (*role, current(*seconds))).collect(), ..Head::default() }
    }

    fn at(seconds: u64) -> Time {
        Time::parse("2026-11-27T12:00:00Z").unwrap().saturating_add(Duration::from_secs(seconds))
    }

    #[test]
    fn what_expires_next_comes_first_and_what_has_expired_before_it() {
        let head = head(&[(RoleId::Root, 9_000), (RoleId::Targets, 50), (RoleId::Timestamp, 3_700)]);
        let said: Vec<_> = of(&head, at(100)).iter().map(ToString::to_string).collect();
        assert!(said[0].starts_with("targets expired 0 minutes ago"), "{}", said[0]);
        assert!(said[1].starts_with("timestamp expires in 1 hour"), "{}", said[1]);
        assert_eq!(said.len(), 3);
    }

    #[test]
    fn people_sign_what_the_repository_cannot() {
        let head = head(&[(RoleId::Root, 1), (RoleId::Snapshot, 2), (RoleId::Timestamp, 3), (RoleId::Targets, 4)]);
        let people: Vec<_> = of(&head, at(0)).into_iter().filter(Expiry::is_of_people).map(|e| e.role).collect();
        assert_eq!(people, [RoleId::Root, RoleId::Targets]);
    }

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
