//! Is a file new enough? The one place that compares versions and expiry (§5.4.4.3 to §5.4.4.6).

use crate::{Error, Role, Time, Version, told};

/// The part of a file that says how new it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Freshness {
    /// Whose file it is.
    pub(crate) role: Role,
    /// Its version.
    pub(crate) version: Version,
    /// When it expires.
    pub(crate) expires: Time,
}

impl Freshness {
    /// Refuses a version lower than the trusted one; an equal one passes (§5.4.4.4 step 3, §5.4.4.5 steps 4 and 5,
    /// §5.4.4.6 step 4).
    pub(crate) fn check_version(self, trusted: Option<Version>) -> Result<(), Error> {
        match trusted {
            Some(trusted) if self.version < trusted => {
                Err(Error::Rollback { role: told(self.role), trusted: told(trusted), offered: told(self.version) })
            }
            _ => Ok(()),
        }
    }

    /// Refuses other content under the version that is trusted (attack A24); who signed it does not matter.
    pub(crate) fn check_content(self, trusted: Version, same: impl FnOnce() -> bool) -> Result<(), Error> {
        match self.version != trusted || same() {
            true => Ok(()),
            false => Err(Error::Equivocation { role: told(self.role), version: told(self.version) }),
        }
    }

    /// Refuses a Root that is not the direct successor of the trusted one (§5.4.4.3 step 2.4; exactly N+1, trap T17).
    pub(crate) fn check_successor(self, trusted: Version) -> Result<(), Error> {
        let expected = trusted.next()?;
        match self.version == expected {
            true => Ok(()),
            false => Err(Error::RootVersion { expected: told(expected), offered: told(self.version) }),
        }
    }

    /// Refuses a file that has expired: it is dead at its expiry, not only after it (§5.4.4.3 step 3, §5.4.4.4 step 4,
    /// §5.4.4.5 step 7, §5.4.4.6 step 5).
    pub(crate) fn check_expiry(self, now: Time) -> Result<(), Error> {
        match now < self.expires {
            true => Ok(()),
            false => Err(Error::Expired { role: told(self.role), expires: told(self.expires), now: told(now) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u64, expires: u64) -> Freshness {
        let (version, expires) = (Version::new(version).unwrap(), Time::from_unix(expires).unwrap());
        Freshness { role: Role::Targets, version, expires }
    }

    #[test]
    fn a_file_is_dead_at_its_expiry() {
        let (expires, before) = (Time::from_unix(100).unwrap(), Time::from_unix(99).unwrap());
        assert_eq!(file(1, 100).check_expiry(before), Ok(()));
        let dead = Error::Expired { role: Role::Targets, expires, now: expires };
        assert_eq!(file(1, 100).check_expiry(expires), Err(dead));
    }

    #[test]
    fn only_the_very_next_root_follows() {
        let (trusted, expected) = (Version::new(5).unwrap(), Version::new(6).unwrap());
        assert_eq!(file(6, 1).check_successor(trusted), Ok(()));
        for other in [4, 5, 7] {
            let offered = Version::new(other).unwrap();
            assert_eq!(file(other, 1).check_successor(trusted), Err(Error::RootVersion { expected, offered }));
        }
    }

    #[test]
    fn only_a_lower_version_is_a_rollback() {
        let trusted = Version::new(5).unwrap();
        assert_eq!(file(5, 1).check_version(Some(trusted)), Ok(()));
        assert_eq!(file(6, 1).check_version(Some(trusted)), Ok(()));
        assert_eq!(file(1, 1).check_version(None), Ok(()));
        let rollback = Error::Rollback { role: Role::Targets, trusted, offered: Version::new(4).unwrap() };
        assert_eq!(file(4, 1).check_version(Some(trusted)), Err(rollback));
    }
}
