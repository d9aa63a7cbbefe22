//! Numbers of the Standard, each a type of its own: a length is not a version.

use core::fmt;
use core::num::NonZeroU64;

use crate::limits::MAX_INTEGER;
use crate::{Error, told};

/// Version of a metadata file: 1 to 2^53 - 1 (§5.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(NonZeroU64);

impl Version {
    /// The first version of every file.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// Checks the range.
    pub fn new(version: u64) -> Result<Self, Error> {
        let version = NonZeroU64::new(version).filter(|v| v.get() <= MAX_INTEGER);
        version.map(Self).ok_or(Error::BadNumber { kind: told("Version") })
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }

    /// The version after this one; none after the last.
    pub fn next(self) -> Result<Self, Error> {
        Self::new(self.get() + 1)
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// Zero.
            pub const ZERO: Self = Self(0);

            /// Checks the range: at most 2^53 - 1.
            pub fn new(value: u64) -> Result<Self, Error> {
                (value <= MAX_INTEGER).then_some(Self(value)).ok_or(Error::BadNumber { kind: told(stringify!($name)) })
            }

            /// The number.
            pub fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number!(
    /// A number of bytes.
    Length
);

impl From<u32> for Length {
    fn from(length: u32) -> Self {
        Self(length.into())
    }
}

number!(
    /// Counts the releases of one image line; an ECU never accepts a lower one (§5.2.3.1.1, attack A7b).
    ReleaseCounter
);
number!(
    /// Counts what one ECU has signed; never used twice (§5.4.2.1.2).
    Counter
);

impl Counter {
    /// The counter after this one.
    pub fn next(self) -> Result<Self, Error> {
        Self::new(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_start_at_one_and_stay_exact_in_every_json_reader() {
        assert!(Version::new(0).is_err());
        assert!(Version::new(MAX_INTEGER).is_ok());
        assert!(Version::new(MAX_INTEGER + 1).is_err());
        assert!(Version::new(MAX_INTEGER).unwrap().next().is_err());
    }
}
