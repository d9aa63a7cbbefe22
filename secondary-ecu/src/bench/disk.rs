//! Small files in memory that lose power together with an ECU's flash.

use alloc::rc::Rc;
use core::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use host::Error;
use host::disk::Disk;

use crate::flash::ram::{Operation, Power, Tear};

/// A folder of files in memory; clones are the same folder. What is done is done wholly or not at all, as [`Disk`] says, and
/// durable when it returns.
#[derive(Clone, Debug)]
pub struct RamDisk {
    files: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
    power: Power,
}

impl RamDisk {
    /// An empty folder on this power.
    pub fn new(power: &Power) -> Self {
        Self { files: Rc::default(), power: power.clone() }
    }

    /// Another folder with the same files, on this power.
    #[must_use]
    pub fn apart(&self, power: &Power) -> Self {
        Self { files: Rc::new(RefCell::new(self.files.borrow().clone())), power: power.clone() }
    }

    fn change(&self, name: &str, act: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) -> Result<(), Error> {
        match self.power.operate() {
            Operation::Whole => {
                act(&mut self.files.borrow_mut());
                return Ok(());
            }
            Operation::Torn(_, Tear::After) => act(&mut self.files.borrow_mut()),
            // The new file has no name yet, or the old one still has its own.
            Operation::Torn(_, Tear::Before | Tear::Half | Tear::Noise | Tear::Unsynced | Tear::Weak)
            | Operation::Refused => {}
        }
        Err(dark(name))
    }
}

impl Disk for RamDisk {
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Error> {
        if self.power.is_dark() {
            return Err(dark(name));
        }
        let file = self.files.borrow().get(name).cloned();
        match file {
            Some(file) if u64::try_from(file.len()).is_ok_and(|length| length > limit) => {
                Err(Error::TooLong { path: name.into(), limit })
            }
            file => Ok(file),
        }
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        self.change(name, |files| {
            files.insert(name.to_owned(), bytes.to_vec());
        })
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        match self.files.borrow().contains_key(name) {
            true => Err(Error::Exists { path: name.into() }),
            false => Ok(()),
        }?;
        self.replace(name, bytes)
    }

    fn remove(&mut self, name: &str) -> Result<(), Error> {
        self.change(name, |files| {
            files.remove(name);
        })
    }

    fn list(&self, under: &str) -> Result<Vec<String>, Error> {
        if self.power.is_dark() {
            return Err(dark(under));
        }
        let within = |name: &String| match under {
            "" => Some(name.clone()),
            under => name.strip_prefix(under)?.strip_prefix('/').map(str::to_owned),
        };
        let files = self.files.borrow();
        Ok(files.keys().filter_map(within).filter(|name| !name.contains('/')).collect())
    }
}

fn dark(name: &str) -> Error {
    Error::io("reach", Path::new(name), io::ErrorKind::BrokenPipe.into())
}
