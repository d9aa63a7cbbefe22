//! A Secondary as it leaves the factory and is put into its vehicle (§5.4.1).

use primary_ecu::provision::Bundle;
use secondary_ecu::bank::Descriptor;
use secondary_ecu::flash::Store;
use secondary_ecu::flash::ram::RamFlash;
use secondary_ecu::linux::{Full, attested};
use secondary_ecu::provisioning::{install, trust};
use secondary_ecu::verifier::{Partial, PartialPlus, Verifier};
use secondary_ecu::{Profile, channel};

use super::super::oem::{Firmware, Oem};
use super::super::{Error, oem};
use super::board::{Board, Judge, Key, Mcu, Nor};
use super::cost::Cpu;
use crate::world::chance::Chance;
use crate::world::disk::VirtualDisk;
use crate::world::flash::{Chip, Endurance, Timings};
use crate::world::vehicle::{Connection, Ecu, Verification};

/// The machine, and a handle on its chip.
pub(super) type Made = (Box<dyn Board>, Box<dyn Nor>);

/// All that a Secondary is made of.
pub(super) struct Kit<'m> {
    ecu: &'m Ecu,
    profile: Profile,
    key: Key,
    first: &'m Firmware,
    bundle: &'m Bundle,
    disk: VirtualDisk,
    timings: Timings,
    chance: Chance,
}

impl<'m> Kit<'m> {
    pub(super) fn new(ecu: &'m Ecu, oem: &'m Oem, cpu: Cpu, disk: VirtualDisk, chance: Chance) -> Result<Self, Error> {
        let unknown = || oem_unknown(ecu);
        let (max_chunk, progress) = match ecu.connection() {
            Connection::Can { .. } => (channel::MAX_CHUNK, SMALL_PROGRESS),
            Connection::Ethernet => (ETHERNET_CHUNK, LARGE_PROGRESS),
            Connection::Primary => return Err(Error::NotSecondary { ecu: ecu.id() }),
        };
        let primary = oem.inventory().primary.key.clone();
        let (hardware, vehicle) = (ecu.hardware().id(), oem.inventory().id);
        let profile = Profile { ecu: ecu.id(), hardware, vehicle, primary, max_chunk, progress };
        let key = Key::new(oem.signer(ecu.id()).ok_or_else(unknown)?);
        let flash = ecu.hardware().flash();
        let timings = Timings { erase: flash.erase_time(), program: flash.write_time(), read: cpu.kibibyte() };
        let first = oem.factory(ecu.id()).ok_or_else(unknown)?;
        Ok(Self { ecu, profile, key, first, bundle: oem.bundle(), disk, timings, chance })
    }

    /// The machine on the chip that its hardware has.
    pub(super) fn assemble(self) -> Result<Made, Error> {
        let flash = self.ecu.hardware().flash();
        match (flash.write_unit(), flash.erase_unit()) {
            (32, 4_096) => self.on::<32, 4_096>(),
            (32, 8_192) => self.on::<32, 8_192>(),
            (8, 4_096) => self.on::<8, 4_096>(),
            (8, 2_048) => self.on::<8, 2_048>(),
            (4, 1_024) => self.on::<4, 1_024>(),
            (write, erase) => Err(Error::Geometry { write, erase }),
        }
    }

    fn on<const WRITE: usize, const ERASE: usize>(self) -> Result<Made, Error> {
        match self.ecu.verification() {
            Verification::Full => self.verifying::<Full<VirtualDisk>, WRITE, ERASE>(),
            Verification::Partial => self.verifying::<Partial, WRITE, ERASE>(),
            Verification::PartialPlus => self.verifying::<PartialPlus, WRITE, ERASE>(),
        }
    }

    fn verifying<V, const WRITE: usize, const ERASE: usize>(self) -> Result<Made, Error>
    where
        V: Judge + Verifier<Chip<WRITE, ERASE>> + 'static,
    {
        let Self { ecu, profile, key, first, bundle, disk, timings, chance } = self;
        let (layout, flash) = (ecu.hardware().layout(), ecu.hardware().flash());
        let new = RamFlash::<WRITE, ERASE>::new(usize::try_from(flash.size()).unwrap_or(usize::MAX));
        let mut store = Store::new(new, layout)?;
        install(&mut store, &first.bytes, &descriptor(first))?;
        let time = attested(&bundle.director.bytes, &bundle.time.bytes)?;
        trust(&mut store, time, |store, state| V::trust(&disk, store, state, &profile, bundle))?;
        let endurance = Endurance(flash.endurance());
        let chip = Chip::holding(store.into_flash(), timings, endurance, chance);
        let handle = Box::new(chip.clone());
        Ok((Box::new(Mcu::<V, WRITE, ERASE> { profile, layout, chip, disk, key, secondary: None }), handle))
    }
}

fn oem_unknown(ecu: &Ecu) -> Error {
    match oem::factory() {
        Ok(release) => Error::Unknown { ecu: ecu.id(), release },
        Err(error) => error,
    }
}

fn descriptor(firmware: &Firmware) -> Descriptor {
    let image = &firmware.image;
    Descriptor {
        name: image.name,
        length: image.length,
        sha256: image.sha256,
        line: image.line,
        counter: image.counter,
    }
}

/// Bytes of one chunk on Ethernet, as the process that ships takes them.
const ETHERNET_CHUNK: u32 = 64 * 1_024;
/// Bytes between two durable marks of progress of an image: on Ethernet they come by the hundred kibibytes.
const LARGE_PROGRESS: u32 = 64 * 1_024;
/// The same where a kibibyte takes 34 ms.
const SMALL_PROGRESS: u32 = 16 * 1_024;
