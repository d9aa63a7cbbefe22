//! A value in two files that are written in turn, so that a write that did not last costs that write and no more.
//!
//! Replacing a file is atomic as long as the disk keeps its word. One that says it has synchronised when it has not may
//! leave a file torn or empty at the next loss of power, and what such a file held would be lost as a whole. Here the value
//! before it stands in the other file. Each file is two lines of UTF-8: `{"number":N,"value":…}`, and the SHA-256 of that
//! line (without its line end) in hex, which tells whether the file is whole. The higher number counts.
//!
//! A disk that lied for longer than one write may have lost both. What then is to be done whoever keeps the value knows.

use std::path::Path;

use host::disk::Disk;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uptane::Sha256;

use crate::Error;

/// Bytes of a file: a vehicle of `MAX_ECUS` ECUs fits.
pub(crate) const MAX: u64 = 1024 * 1024;

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
    /// The value that counts; none if none was ever written, or nothing whole is left of it.
    pub(crate) value: Option<T>,
    /// Files that are not what was written. One of them may have been newer than the value.
    pub(crate) damaged: Vec<Error>,
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

    /// Reads what the last run left.
    pub(crate) fn open<T: DeserializeOwned>(disk: &impl Disk, name: &'static str) -> Result<Found<T>, Error> {
        let mut found = Found { pair: Self::new(name), value: None, damaged: vec![] };
        for side in 0..2 {
            let path = file_of(name, side);
            let Some(bytes) = disk.read(&path, MAX)? else { continue };
            match unsealed(&bytes).and_then(|line| serde_json::from_str::<Read<T>>(line).ok()) {
                Some(Read { number, value }) if number > found.pair.number => {
                    (found.pair.number, found.value) = (number, Some(value));
                }
                Some(_) => {}
                None => found.damaged.push(Error::damaged(Path::new(&path), "it is not what was written")),
            }
        }
        Ok(found)
    }

    /// Makes `value` the one that counts. Without it durable nothing has changed.
    pub(crate) fn write<T: Serialize>(&mut self, disk: &mut impl Disk, value: &T) -> Result<(), Error> {
        let number = self.number.saturating_add(1);
        let path = file_of(self.name, number % 2);
        let line = serde_json::to_string(&Written { number, value });
        let line = line.map_err(|error| Error::damaged(Path::new(&path), error))?;
        disk.replace(&path, &sealed(&line))?;
        self.number = number;
        Ok(())
    }
}

impl<T> Found<T> {
    /// Where not both files were ever written, and nothing whole is left: what the one file says that a data folder has from
    /// before there were two. If one of them is damaged, that held the value before it.
    pub(crate) fn or_single(mut self, single: impl FnOnce() -> Option<Result<T, Error>>) -> Result<Self, Error> {
        if self.value.is_none() && !self.is_lost() {
            self.value = single().transpose()?;
        }
        Ok(self)
    }

    /// Whether something was written, and nothing whole is left of it.
    pub(crate) fn is_lost(&self) -> bool {
        self.value.is_none() && self.damaged.len() == 2
    }

    /// What is said then.
    pub(crate) fn lost(&self) -> Error {
        Error::damaged(Path::new(self.pair.name), "neither of its two files is what was written")
    }
}

impl<T: DeserializeOwned> Found<T> {
    /// As [`or_single`](Self::or_single): the value alone in one file.
    pub(crate) fn or_plain(self, disk: &impl Disk) -> Result<Self, Error> {
        let path = format!("{}.json", self.pair.name);
        let single = disk.read(&path, MAX)?;
        let damaged = |error| Error::damaged(Path::new(&path), error);
        self.or_single(|| Some(serde_json::from_slice(&single?).map_err(damaged)))
    }
}

/// A line with its digest.
pub(crate) fn sealed(line: &str) -> Vec<u8> {
    let digest = Sha256::of(line.as_bytes());
    format!("{line}\n{digest}\n").into_bytes()
}

/// The line, if its digest is its own.
pub(crate) fn unsealed(bytes: &[u8]) -> Option<&str> {
    let (line, digest) = str::from_utf8(bytes).ok()?.split_once('\n')?;
    let digest = Sha256::parse(digest.strip_suffix('\n')?).ok()?;
    (digest == Sha256::of(line.as_bytes())).then_some(line)
}

fn file_of(name: &str, side: u64) -> String {
    format!("{name}.{side}.json")
}
