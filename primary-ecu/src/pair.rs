//! A value in two files that are written in turn, so that a write that did not last costs that write and no more.
//!
//! Replacing a file is atomic as long as the disk keeps its word. One that says it has synchronised when it has not may
//! leave a file torn or empty at the next loss of power, and what such a file held would be lost as a whole. Here the value
//! before it stands in the other file. Each file is framed as the [`journal`](crate::machine::journal) is: a line of JSON,
//! `{"number":N,"value":…}`, and the digest that tells whether it is whole. The higher number counts.

use std::path::Path;

use host::disk::Disk;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::machine::journal;

/// Bytes of a file: a vehicle of `MAX_ECUS` ECUs fits.
const MAX: u64 = 1024 * 1024;

/// Where a value is kept: `NAME.0.json` and `NAME.1.json`.
#[derive(Debug)]
pub(crate) struct Pair {
    name: &'static str,
    /// Number of the value that counts; 0 if there is none.
    number: u64,
}

/// What two files say.
pub(crate) struct Found<T> {
    pub(crate) pair: Pair,
    /// The value that counts.
    pub(crate) value: Option<T>,
    /// A file that is not what was written. It may have been newer than the value.
    pub(crate) damaged: Option<Error>,
}

#[derive(Deserialize)]
struct Read<T> {
    number: u64,
    value: T,
}

#[derive(Serialize)]
struct Written<'a, T> {
    number: u64,
    value: &'a T,
}

impl Pair {
    /// Of a value that was never written.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, number: 0 }
    }

    /// Reads what the last run left. Both files damaged is an error: what they held is nowhere else.
    pub(crate) fn open<T: DeserializeOwned>(disk: &impl Disk, name: &'static str) -> Result<Found<T>, Error> {
        let mut found = Found { pair: Self::new(name), value: None, damaged: None };
        for side in 0..2 {
            let path = file_of(name, side);
            let Some(bytes) = disk.read(&path, MAX)? else { continue };
            match (journal::unsealed(&bytes).and_then(|line| serde_json::from_str::<Read<T>>(line).ok()), found.damaged)
            {
                (Some(Read { number, value }), damaged) => {
                    found.damaged = damaged;
                    if number > found.pair.number {
                        (found.pair.number, found.value) = (number, Some(value));
                    }
                }
                (None, None) => found.damaged = Some(Error::damaged(Path::new(&path), "it is not what was written")),
                (None, Some(error)) => return Err(error),
            }
        }
        match (found.pair.number, &found.damaged) {
            (0, None) => found.read_single(disk),
            _ => Ok(found),
        }
    }

    /// Makes `value` the one that counts. Without it durable nothing has changed.
    pub(crate) fn write<T: Serialize>(&mut self, disk: &mut impl Disk, value: &T) -> Result<(), Error> {
        let number = self.number.saturating_add(1);
        let path = file_of(self.name, number % 2);
        let line = serde_json::to_string(&Written { number, value });
        let line = line.map_err(|error| Error::damaged(Path::new(&path), error))?;
        disk.replace(&path, &journal::sealed(&line))?;
        self.number = number;
        Ok(())
    }
}

impl<T: DeserializeOwned> Found<T> {
    /// The one file of a data folder from before there were two.
    fn read_single(mut self, disk: &impl Disk) -> Result<Self, Error> {
        let path = format!("{}.json", self.pair.name);
        if let Some(bytes) = disk.read(&path, MAX)? {
            let value = serde_json::from_slice(&bytes).map_err(|error| Error::damaged(Path::new(&path), error))?;
            self.value = Some(value);
        }
        Ok(self)
    }
}

fn file_of(name: &str, side: u64) -> String {
    format!("{name}.{side}.json")
}
