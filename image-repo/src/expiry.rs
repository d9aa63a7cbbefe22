//! When files expire, in words and numbers.

use std::fmt;
use std::time::Duration;

use uptane::Time;

use crate::facts::Head;
use crate::role::RoleId;

/// When the newest file of a role expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The role.
    pub role: RoleId,
    /// When.
    pub at: Time,
    /// How long until then; nothing once it has expired.
    pub left: Duration,
}

impl Expiry {
    /// Whether people must sign the next file; the others the repository renews by itself.
    pub fn is_of_people(&self) -> bool {
        !matches!(self.role, RoleId::Snapshot | RoleId::Timestamp)
    }
}

/// When the newest file of each role expires, the next one first.
pub fn of(head: &Head, now: Time) -> Vec<Expiry> {
    let expiry = |(role, file): (&RoleId, &crate::facts::Current)| Expiry {
        role: *role,
        at: file.expires,
        left: file.expires.since(now),
    };
    let mut expiries: Vec<_> = head.files.iter().map(expiry).collect();
    expiries.sort_by_key(|expiry| (expiry.at, expiry.role));
    expiries
}

/// `targets expires in 12 days (2026-12-09T00:00:00Z)`.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, at, left } = self;
        match left.is_zero() {
            true => write!(f, "{role} has expired ({at})"),
            false => write!(f, "{role} expires in {} ({at})", words(*left)),
        }
    }
}

/// A duration as people say it, in its largest whole unit.
pub fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length).unwrap_or((1, "second"));
    host::cli::counted(usize::try_from(seconds / unit.0).unwrap_or(usize::MAX), unit.1)
}

#[cfg(test)]
mod tests {
    use uptane::{Length, Sha256, Version};

    use super::*;
    use crate::facts::Current;

    fn at(seconds: u64) -> Time {
        Time::from_unix(1_800_000_000 + seconds).unwrap()
    }

    fn head(files: &[(RoleId, u64)]) -> Head {
        let current = |seconds| Current {
            version: Version::FIRST,
            expires: at(seconds),
            length: Length::ZERO,
            sha256: Sha256::of(b""),
        };
        Head { files: files.iter().map(|(role, seconds)| (*role, current(*seconds))).collect(), ..Head::default() }
    }

    #[test]
    fn durations_are_said_in_their_largest_unit() {
        for (seconds, said) in
            [(0, "0 seconds"), (1, "1 second"), (119, "1 minute"), (7_200, "2 hours"), (12 * 86_400 + 5, "12 days")]
        {
            assert_eq!(words(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn what_expires_next_comes_first_and_what_has_expired_before_it() {
        let head = head(&[(RoleId::Root, 9_000), (RoleId::Targets, 50), (RoleId::Timestamp, 3_700)]);
        let said: Vec<_> = of(&head, at(100)).iter().map(ToString::to_string).collect();
        assert!(said[0].starts_with("targets has expired (20"), "{}", said[0]);
        assert!(said[1].starts_with("timestamp expires in 1 hour (20"), "{}", said[1]);
        assert_eq!(said.len(), 3);
    }

    #[test]
    fn people_sign_what_the_repository_cannot() {
        let head = head(&[(RoleId::Root, 1), (RoleId::Snapshot, 2), (RoleId::Timestamp, 3), (RoleId::Targets, 4)]);
        let people: Vec<_> = of(&head, at(0)).into_iter().filter(Expiry::is_of_people).map(|e| e.role).collect();
        assert_eq!(people, [RoleId::Root, RoleId::Targets]);
    }
}
