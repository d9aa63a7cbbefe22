//! What is read back from a database. A row that holds what was never written there is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use uptane::{HardwareId, ImageLine, Length, ReleaseCounter, Time, Version};

use super::entries::entry;
use super::fault::Fault;
use crate::facts::{Current, Generation, Head, Kept, Lifetimes, Listing, SignedFile};
use crate::role::RoleId;

/// The cells of a row, whichever database it is of.
pub(super) trait Cells {
    fn optional_text(&self, column: &'static str) -> Result<Option<&str>, Fault>;

    fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, Fault>;

    fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, Fault>;

    fn text(&self, column: &'static str) -> Result<&str, Fault> {
        self.optional_text(column)?.ok_or_else(|| Fault::damaged(column))
    }

    fn number(&self, column: &'static str) -> Result<u64, Fault> {
        let integer = self.optional_integer(column)?.ok_or_else(|| Fault::damaged(column))?;
        u64::try_from(integer).map_err(|_| Fault::damaged(column))
    }

    fn bytes(&self, column: &'static str) -> Result<Vec<u8>, Fault> {
        self.optional_bytes(column)?.ok_or_else(|| Fault::damaged(column))
    }

    fn parsed<T: FromStr>(&self, column: &'static str) -> Result<T, Fault> {
        self.text(column)?.parse().map_err(|_| Fault::damaged(column))
    }

    fn counted<T>(&self, column: &'static str, new: fn(u64) -> Result<T, uptane::Error>) -> Result<T, Fault> {
        new(self.number(column)?).map_err(|_| Fault::damaged(column))
    }
}

macro_rules! cells {
    ($row:ty) => {
        impl Cells for $row {
            fn optional_text(&self, column: &'static str) -> Result<Option<&str>, Fault> {
                self.try_get(column).map_err(|_| Fault::damaged(column))
            }

            fn optional_integer(&self, column: &'static str) -> Result<Option<i64>, Fault> {
                self.try_get(column).map_err(|_| Fault::damaged(column))
            }

            fn optional_bytes(&self, column: &'static str) -> Result<Option<Vec<u8>>, Fault> {
                self.try_get(column).map_err(|_| Fault::damaged(column))
            }
        }
    };
}

cells!(SqliteRow);
cells!(PgRow);

/// A number as both databases keep it. Those of the Standard are below 2^53; others may be too large.
pub(super) fn stored(what: &'static str, number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(|_| Fault::Unfit { what })
}

/// Both lifetimes, Snapshot's first.
pub(super) fn seconds(lifetimes: &Lifetimes) -> Result<[i64; 2], Fault> {
    let Lifetimes { snapshot, timestamp } = lifetimes;
    let kept = |lifetime: &Duration| stored("a lifetime so long", lifetime.as_secs());
    Ok([kept(snapshot)?, kept(timestamp)?])
}

/// One row of the repository, and one for each role.
pub(super) fn head(rows: &[impl Cells]) -> Result<Head, Fault> {
    let (mut head, mut files) = (None, BTreeMap::new());
    for row in rows {
        match row.optional_text("role")? {
            Some(_) => drop(files.insert(row.parsed("role")?, current(row)?)),
            None => head = Some(repository(row)?),
        }
    }
    let head = head.ok_or_else(|| Fault::damaged("id"))?;
    Ok(Head { files, ..head })
}

fn repository(row: &impl Cells) -> Result<Head, Fault> {
    let lifetimes = Lifetimes {
        snapshot: Duration::from_secs(row.number("snapshot_seconds")?),
        timestamp: Duration::from_secs(row.number("timestamp_seconds")?),
    };
    let last_entry = row.optional_integer("seq")?.map(|_| entry(row)).transpose()?;
    Ok(Head { generation: Generation::of(row.number("generation")?), files: BTreeMap::new(), lifetimes, last_entry })
}

fn current(row: &impl Cells) -> Result<Current, Fault> {
    Ok(Current {
        version: row.counted("version", Version::new)?,
        expires: row.counted("expires", Time::from_unix)?,
        length: row.counted("length", Length::new)?,
        sha256: row.parsed("sha256")?,
    })
}

pub(super) fn signed(row: &impl Cells) -> Result<SignedFile, Fault> {
    let Kept { role, version, expires } = kept(row)?;
    Ok(SignedFile { role, version, expires, bytes: row.bytes("bytes")? })
}

pub(super) fn kept(row: &impl Cells) -> Result<Kept, Fault> {
    Ok(Kept {
        role: row.parsed("role")?,
        version: row.counted("version", Version::new)?,
        expires: row.counted("expires", Time::from_unix)?,
    })
}

pub(super) fn listing(row: &impl Cells) -> Result<Listing, Fault> {
    let ids = row.text("hardware_ids")?.split(SEPARATOR).filter(|id| !id.is_empty());
    let hardware_ids = ids.map(HardwareId::parse).collect::<Result<BTreeSet<_>, _>>();
    Ok(Listing {
        name: row.parsed("name")?,
        length: row.counted("length", Length::new)?,
        sha256: row.parsed("sha256")?,
        hardware_ids: hardware_ids.map_err(|_| Fault::damaged("hardware_ids"))?,
        line: row.parsed("line")?,
        release_counter: row.counted("release_counter", ReleaseCounter::new)?,
    })
}

pub(super) fn named(row: &impl Cells) -> Result<(RoleId, Listing), Fault> {
    Ok((row.parsed("role")?, listing(row)?))
}

pub(super) fn highest(row: &impl Cells) -> Result<(ImageLine, ReleaseCounter), Fault> {
    Ok((row.parsed("line")?, row.counted("highest", ReleaseCounter::new)?))
}

/// All rows, each read by `read`.
pub(super) fn all<R: Cells, T, C: FromIterator<T>>(
    rows: &[R],
    read: impl Fn(&R) -> Result<T, Fault>,
) -> Result<C, Fault> {
    rows.iter().map(read).collect()
}

/// All rows in the order of what they hold, which for roles is no order of a database.
pub(super) fn sorted<R: Cells, T, K: Ord>(
    rows: &[R],
    read: impl Fn(&R) -> Result<T, Fault>,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, Fault> {
    let mut read: Vec<_> = all(rows, read)?;
    read.sort_by_key(key);
    Ok(read)
}

/// Stands between hardware ids; no such id holds one.
pub(super) const SEPARATOR: char = ',';
