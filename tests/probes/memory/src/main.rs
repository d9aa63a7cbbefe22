//! Prints how much memory a Secondary with PV+ takes when it is built as firmware: `bytes name`, one part a line.

use std::convert::Infallible;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use secondary_ecu::EcuKey;
use secondary_ecu::flash::Flash;
use secondary_ecu::memory::parts;
use uptane::{KeyId, Sha256};

fn main() {
    for part in parts::<Driver, Key>() {
        println!("{} {}", part.bytes, part.name);
    }
}

/// A flash driver as they are on microcontrollers: the address of its registers.
struct Driver {
    _registers: usize,
}

impl ErrorType for Driver {
    type Error = Infallible;
}

impl ReadNorFlash for Driver {
    const READ_SIZE: usize = 1;

    fn read(&mut self, _: u32, _: &mut [u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn capacity(&self) -> usize {
        0
    }
}

impl NorFlash for Driver {
    const WRITE_SIZE: usize = 8;
    const ERASE_SIZE: usize = 4_096;

    fn erase(&mut self, _: u32, _: u32) -> Result<(), Infallible> {
        Ok(())
    }

    fn write(&mut self, _: u32, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Flash for Driver {}

/// A key that lies in memory, as it does where there is no secure element.
struct Key {
    _seed: [u8; 32],
    id: KeyId,
}

impl EcuKey for Key {
    fn key_id(&self) -> KeyId {
        self.id
    }

    fn sign(&mut self, _: &Sha256) -> Option<[u8; 64]> {
        None
    }
}
