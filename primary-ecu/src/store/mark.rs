//! `state/mark.json`: how far the signing counter and the time were a long while ago.
//!
//! It is written so seldom that hardly any disk lies just then, and read only where a disk has torn both files of the memory
//! and the Primary's own report: all three are written within a second of each check-in that tells something.
//!
//! One line of UTF-8, `{"signed":N,"time":T}`, and its SHA-256 in hex on a second.

use std::path::Path;

use host::disk::Disk;
use serde::{Deserialize, Serialize};

use super::{LEFT_OUT, Memory};
use crate::Error;
use crate::pair::{MAX, sealed, unsealed};

/// Where it stands.
const NAME: &str = "state/mark.json";
/// Counters that are used before the next mark: fewer than are left out where it is all that is left.
const EVERY: u64 = LEFT_OUT / 2;

/// What no later file can have been signed below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// A counter that may have been used.
    pub(super) signed: u64,
    /// The latest attested time then, in seconds since 1970.
    pub(super) time: u64,
}

impl Mark {
    /// The last one, if it is whole.
    pub(super) fn read(disk: &impl Disk) -> Option<Self> {
        let file = disk.read(NAME, MAX).ok()??;
        serde_json::from_str(unsealed(&file)?).ok()
    }

    /// Makes one of `memory`, which is about to be kept, if the last is too old.
    pub(super) fn keep(last: &mut Option<Self>, memory: &Memory, disk: &mut impl Disk) -> Result<(), Error> {
        let is_recent = last.is_some_and(|last| memory.signed.saturating_sub(last.signed) < EVERY);
        if is_recent {
            return Ok(());
        }
        let mark = Self { signed: memory.signed, time: memory.time };
        let line = serde_json::to_string(&mark).map_err(|error| Error::damaged(Path::new(NAME), error))?;
        disk.replace(NAME, &sealed(&line))?;
        *last = Some(mark);
        Ok(())
    }
}
