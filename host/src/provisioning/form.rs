//! How parsed values stand in the files: names, digests and keys as text, lengths and counters as integers.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer, Serializer};
use uptane::{Length, ReleaseCounter};

/// A value with a text form.
pub(super) mod text {
    use super::*;

    pub(in super::super) fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(in super::super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err = uptane::Error>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A value with a text form that may be absent; needs `default` and `skip_serializing_if` beside it.
pub(super) mod optional_text {
    use super::*;

    pub(in super::super) fn serialize<T: Display, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err = uptane::Error>,
        D: Deserializer<'de>,
    {
        text::deserialize(from).map(Some)
    }
}

/// A bounded number.
pub(super) mod number {
    use super::*;

    pub(in super::super) fn serialize<T: Bounded, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(value.number())
    }

    pub(in super::super) fn deserialize<'de, T: Bounded, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        T::of(u64::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A number of the Standard.
pub(super) trait Bounded: Copy {
    /// Checks the range.
    fn of(number: u64) -> Result<Self, uptane::Error>;

    /// The number.
    fn number(self) -> u64;
}

impl Bounded for Length {
    fn of(number: u64) -> Result<Self, uptane::Error> {
        Self::new(number)
    }

    fn number(self) -> u64 {
        self.get()
    }
}

impl Bounded for ReleaseCounter {
    fn of(number: u64) -> Result<Self, uptane::Error> {
        Self::new(number)
    }

    fn number(self) -> u64 {
        self.get()
    }
}
