//! Versions of Director metadata, computed and never stored (design D10).
//!
//! `version = content_seq · 2²⁰ + epoch`. Both parts only grow, so a version never falls: the content sequence counts what
//! the vehicle shall install, the epoch counts re-issues of the whole fleet's metadata. The epoch is a row that one
//! instance advances by compare-and-set, not each server's clock, so that a skewed clock cannot take a version back.

use std::fmt;
use std::time::Duration;

use uptane::{KeyId, Time, Version};

use crate::Error;

/// Counts the changes of one vehicle's desired set; below 2³³.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentSeq(u64);

impl ContentSeq {
    /// That of a vehicle nothing was assigned to yet.
    pub const FIRST: Self = Self(0);

    /// Checks the range.
    pub fn new(sequence: u64) -> Result<Self, Error> {
        (sequence < CONTENT_SEQUENCES).then_some(Self(sequence)).ok_or(Error::VersionsExhausted)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The sequence after this one.
    pub fn next(self) -> Result<Self, Error> {
        Self::new(self.0 + 1)
    }

    /// The first sequence whose every version is above `version`.
    pub fn above(version: u64) -> Result<Self, Error> {
        Self::new((version >> EPOCH_BITS) + 1)
    }

    /// The version of a role with this content in `epoch`.
    pub fn version(self, epoch: EpochIndex) -> Result<Version, Error> {
        let number = (self.0 << EPOCH_BITS) + u64::from(epoch.0);
        Version::new(number).map_err(|_| Error::VersionsExhausted)
    }
}

impl fmt::Display for ContentSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Counts re-issues; 1 to 2²⁰ - 1, so that every version is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EpochIndex(u32);

impl EpochIndex {
    /// The first epoch.
    pub const FIRST: Self = Self(1);

    /// Checks the range.
    pub fn new(index: u64) -> Result<Self, Error> {
        let index = u32::try_from(index).ok().filter(|index| (1..EPOCHS).contains(index));
        index.map(Self).ok_or(Error::VersionsExhausted)
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    fn next(self) -> Result<Self, Error> {
        Self::new(u64::from(self.0) + 1)
    }
}

/// What fixes the bytes of every vehicle's metadata besides its own content. One row, read in the same statement as the
/// vehicle's; an instance that lacks one of its keys or its format refuses to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// Epoch of Timestamp; the key of the row. Advances whenever anything else here does.
    pub daily: EpochIndex,
    /// When `daily` began: Timestamp's lifetime counts from here.
    pub daily_issued: Time,
    /// Epoch of Snapshot and Targets.
    pub monthly: EpochIndex,
    /// When `monthly` began.
    pub monthly_issued: Time,
    /// The newest Director Root.
    pub root: Version,
    /// The serialiser's version; see [`FORMAT`].
    pub format: u32,
    /// The keys that sign.
    pub keys: RoleKeyIds,
    /// Lifetime of Timestamp.
    pub timestamp_lifetime: Duration,
    /// Lifetime of Snapshot and Targets.
    pub targets_lifetime: Duration,
}

/// The online key of each role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleKeyIds {
    /// Signs Timestamp.
    pub timestamp: KeyId,
    /// Signs Snapshot.
    pub snapshot: KeyId,
    /// Signs Targets.
    pub targets: KeyId,
    /// Signs time attestations.
    pub time: KeyId,
}

impl Epoch {
    /// The epoch a new Director begins with.
    pub fn first(root: Version, keys: RoleKeyIds, now: Time) -> Self {
        Self {
            daily: EpochIndex::FIRST,
            daily_issued: now,
            monthly: EpochIndex::FIRST,
            monthly_issued: now,
            root,
            format: FORMAT,
            keys,
            timestamp_lifetime: TIMESTAMP_LIFETIME,
            targets_lifetime: TARGETS_LIFETIME,
        }
    }

    /// The epoch to go on with at `now`, if this one has lasted long enough or is of an older format.
    pub fn due(&self, now: Time) -> Result<Option<Self>, Error> {
        if now.since(self.monthly_issued) >= MONTHLY || self.format < FORMAT {
            return self.advanced_monthly(now).map(Some);
        }
        if now.since(self.daily_issued) >= DAILY {
            return self.advanced_daily(now).map(Some);
        }
        Ok(None)
    }

    /// The epoch after a new Root. What the new keys sign gets new versions, so that one version never has two contents.
    pub fn after_root(&self, root: Version, keys: RoleKeyIds, now: Time) -> Result<Self, Error> {
        let same_content = (keys.snapshot, keys.targets) == (self.keys.snapshot, self.keys.targets);
        let advanced = if same_content { self.advanced_daily(now) } else { self.advanced_monthly(now) }?;
        Ok(Self { root, keys, ..advanced })
    }

    /// When this epoch's Timestamps expire.
    pub fn timestamp_expires(&self) -> Time {
        self.daily_issued.saturating_add(self.timestamp_lifetime)
    }

    /// When this epoch's Snapshots and Targets expire.
    pub fn targets_expires(&self) -> Time {
        self.monthly_issued.saturating_add(self.targets_lifetime)
    }

    fn advanced_daily(&self, now: Time) -> Result<Self, Error> {
        Ok(Self { daily: self.daily.next()?, daily_issued: now, ..self.clone() })
    }

    // Timestamp names the Snapshot, so it is issued anew as well. With a new version the format may be a new one.
    fn advanced_monthly(&self, now: Time) -> Result<Self, Error> {
        let (monthly, format) = (self.monthly.next()?, self.format.max(FORMAT));
        Ok(Self { monthly, monthly_issued: now, format, ..self.advanced_daily(now)? })
    }
}

/// The format this release writes: `docs/pouf.md`. A change of any byte of the output gets a new number, so that no instance
/// of an older release signs the same version with other bytes. An epoch of an older format is signed as that release does,
/// until the next one.
pub const FORMAT: u32 = 3;
/// The first format in which an ECU of a single bank is told what to return to.
pub const NAMES_FALLBACKS: u32 = 2;
/// The first format in which an ECU is told of a patch.
pub const NAMES_PATCHES: u32 = 3;

/// How often Timestamp is issued anew.
pub const DAILY: Duration = Duration::from_secs(24 * 3_600);
/// How often Snapshot and Targets are issued anew.
pub const MONTHLY: Duration = Duration::from_secs(30 * 24 * 3_600);
/// More than three times [`DAILY`]: a server may be down for three days before a vehicle notices.
pub const TIMESTAMP_LIFETIME: Duration = Duration::from_secs(4 * 24 * 3_600);
/// More than three times [`MONTHLY`].
pub const TARGETS_LIFETIME: Duration = Duration::from_secs(100 * 24 * 3_600);

const EPOCH_BITS: u32 = 20;
const EPOCHS: u32 = 1 << EPOCH_BITS;
const CONTENT_SEQUENCES: u64 = 1 << 33;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(targets: &str) -> RoleKeyIds {
        let id = |text| KeyId::parse(text).unwrap();
        RoleKeyIds { timestamp: id("ts"), snapshot: id("sn"), targets: id(targets), time: id("time") }
    }

    fn at(seconds: u64) -> Time {
        Time::from_unix(seconds).unwrap()
    }

    #[test]
    fn version_is_the_sequence_and_the_epoch_side_by_side() {
        let epoch = EpochIndex::new(7).unwrap();
        assert_eq!(ContentSeq::FIRST.version(epoch).unwrap().get(), 7);
        assert_eq!(ContentSeq::new(3).unwrap().version(epoch).unwrap().get(), (3 << 20) + 7);
    }

    #[test]
    fn the_last_version_is_the_largest_integer_json_keeps() {
        let last = ContentSeq::new(CONTENT_SEQUENCES - 1).unwrap();
        let epoch = EpochIndex::new(u64::from(EPOCHS) - 1).unwrap();
        assert_eq!(last.version(epoch).unwrap().get(), uptane::limits::MAX_INTEGER);
        assert!(matches!(last.next(), Err(Error::VersionsExhausted)));
        assert!(matches!(EpochIndex::new(u64::from(EPOCHS)), Err(Error::VersionsExhausted)));
    }

    #[test]
    fn a_later_sequence_is_above_every_epoch_of_an_earlier_one() {
        let last_epoch = EpochIndex::new(u64::from(EPOCHS) - 1).unwrap();
        let before = ContentSeq::new(4).unwrap().version(last_epoch).unwrap();
        assert!(ContentSeq::new(5).unwrap().version(EpochIndex::FIRST).unwrap() > before);
        assert_eq!(ContentSeq::above(before.get()).unwrap(), ContentSeq::new(5).unwrap());
    }

    #[test]
    fn timestamp_is_issued_daily_and_the_rest_monthly() {
        let first = Epoch::first(Version::FIRST, keys("tg"), at(0));
        assert_eq!(first.due(at(DAILY.as_secs() - 1)).unwrap(), None);

        let next = first.due(at(DAILY.as_secs())).unwrap().unwrap();
        assert_eq!((next.daily.get(), next.monthly.get()), (2, 1));
        assert_eq!(next.monthly_issued, at(0));

        let month = first.due(at(MONTHLY.as_secs())).unwrap().unwrap();
        assert_eq!((month.daily.get(), month.monthly.get()), (2, 2));
    }

    #[test]
    fn a_new_format_comes_with_new_versions_at_once() {
        let old = Epoch { format: FORMAT - 1, ..Epoch::first(Version::FIRST, keys("tg"), at(0)) };
        let next = old.due(at(1)).unwrap().unwrap();
        assert_eq!((next.format, next.daily.get(), next.monthly.get()), (FORMAT, 2, 2));
        assert_eq!(next.due(at(1)).unwrap(), None);

        let newer = Epoch { format: FORMAT + 1, ..old };
        assert_eq!(newer.due(at(MONTHLY.as_secs())).unwrap().unwrap().format, FORMAT + 1);
    }

    #[test]
    fn an_epoch_never_goes_back_with_the_clock() {
        let first = Epoch::first(Version::FIRST, keys("tg"), at(1_000_000));
        assert_eq!(first.due(at(0)).unwrap(), None);
    }

    #[test]
    fn a_new_targets_key_gives_targets_a_new_version() {
        let first = Epoch::first(Version::FIRST, keys("tg"), at(0));
        let second = Version::new(2).unwrap();

        let renewed = first.after_root(second, keys("tg"), at(5)).unwrap();
        assert_eq!((renewed.daily.get(), renewed.monthly.get(), renewed.root), (2, 1, second));

        let rotated = first.after_root(second, keys("other"), at(5)).unwrap();
        assert_eq!((rotated.daily.get(), rotated.monthly.get()), (2, 2));
    }

    #[test]
    fn lifetimes_exceed_three_intervals() {
        assert!(TIMESTAMP_LIFETIME > DAILY * 3);
        assert!(TARGETS_LIFETIME > MONTHLY * 3);
    }
}
