//! The data folder: what is in it, and how it is read.

use std::path::{Path, PathBuf};

use host::disk::{Access, Folder, Lock};
use host::provisioning;
use proto::secondary::Verification;
use serde::{Deserialize, Serialize};
use uptane::sign::Signer as _;
use uptane::{EcuId, HardwareId, KeyId, PublicKey, Sha256, VehicleId};

use super::Error;
use super::flash::{ERASE_UNIT, FileFlash};
use crate::flash::{Banks, Layout, Store};
use crate::{EcuKey, Profile};

/// Bytes of one metadata slot.
const SLOT_SIZE: u32 = 128 * 1024;
const STATE_PAGES: u32 = 8;
/// A kill costs at most so much of an image again; every mark costs two synchronisations of the file.
const PROGRESS: u32 = 64 * 1024;

/// `ecu.toml`: who this ECU is.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EcuFile {
    ecu: String,
    hardware_id: String,
    verification: String,
    bank_size: u32,
    /// Two, as almost everywhere, if it does not say.
    #[serde(default, skip_serializing_if = "are_two")]
    banks: provisioning::Banks,
}

/// `vehicle.toml`: where it belongs.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VehicleFile {
    pub(super) vehicle: String,
    pub(super) primary: String,
    pub(super) primary_key: String,
}

/// Who this ECU is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ecu {
    pub(super) ecu: EcuId,
    pub(super) hardware: HardwareId,
    pub(super) verification: Verification,
    pub(super) bank_size: u32,
    pub(super) banks: Banks,
}

/// Where it belongs.
#[derive(Clone, Debug)]
pub(super) struct Vehicle {
    pub(super) vehicle: VehicleId,
    pub(super) primary: EcuId,
    pub(super) key: PublicKey,
}

/// The data folder of one ECU.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) folder: Folder,
}

impl Data {
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        Ok(Self { folder: Folder::create(path, Access::Private)? })
    }

    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { folder: Folder::open(path, Access::Private)? })
    }

    /// Keeps every other process that would write out.
    pub(super) fn lock(&self) -> Result<Lock, Error> {
        Ok(self.folder.lock()?)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn ecu(&self) -> Result<Ecu, Error> {
        let EcuFile { ecu, hardware_id, verification, bank_size, banks } = host::config::read(&self.path("ecu.toml"))?;
        Ok(Ecu {
            ecu: named("the ECU id in ecu.toml", EcuId::parse(&ecu))?,
            hardware: named("the hardware id in ecu.toml", HardwareId::parse(&hardware_id))?,
            verification: named("the verification in ecu.toml", verification.parse())?,
            bank_size,
            banks: banks.into(),
        })
    }

    pub(super) fn write_ecu(&self, ecu: &Ecu) -> Result<(), Error> {
        let file = EcuFile {
            ecu: ecu.ecu.to_string(),
            hardware_id: ecu.hardware.to_string(),
            verification: ecu.verification.to_string(),
            bank_size: ecu.bank_size,
            banks: ecu.banks.into(),
        };
        Ok(host::config::write(&self.path("ecu.toml"), &file, Access::Shared)?)
    }

    /// Where the ECU belongs; an error that says what to do if it belongs nowhere yet.
    pub(super) fn vehicle(&self) -> Result<Vehicle, Error> {
        let path = self.path("vehicle.toml");
        if !path.exists() {
            return Err(Error::NotProvisioned { path: self.folder.path().to_owned() });
        }
        let VehicleFile { vehicle, primary, primary_key } = host::config::read(&path)?;
        Ok(Vehicle {
            vehicle: named("the vehicle id in vehicle.toml", VehicleId::parse(&vehicle))?,
            primary: named("the Primary's id in vehicle.toml", EcuId::parse(&primary))?,
            key: named("the Primary's key in vehicle.toml", PublicKey::parse_ed25519(&primary_key))?,
        })
    }

    pub(super) fn flash_path(&self) -> PathBuf {
        self.path("flash.img")
    }

    pub(super) fn key(&self) -> Result<ReportKey, Error> {
        Ok(ReportKey(host::keys::KeyFile::open_plain(&self.path("report.key"))?))
    }
}

impl Ecu {
    pub(super) fn layout(&self) -> Layout {
        Layout { state_pages: STATE_PAGES, slot_size: SLOT_SIZE, bank_size: self.bank_size, banks: self.banks }
    }

    pub(super) fn create_flash(&self, path: &Path) -> Result<Store<FileFlash>, Error> {
        let layout = self.layout();
        Ok(Store::new(FileFlash::create(path, layout.needed(ERASE_UNIT))?, layout)?)
    }

    pub(super) fn profile(&self, vehicle: &Vehicle, max_chunk: u32) -> Profile {
        Profile {
            ecu: self.ecu,
            hardware: self.hardware,
            vehicle: vehicle.vehicle,
            primary: vehicle.key.clone(),
            max_chunk,
            progress: PROGRESS,
        }
    }
}

fn are_two(banks: &provisioning::Banks) -> bool {
    *banks == provisioning::Banks::Two
}

impl From<provisioning::Banks> for Banks {
    fn from(banks: provisioning::Banks) -> Self {
        match banks {
            provisioning::Banks::Single => Self::Single,
            provisioning::Banks::Two => Self::Two,
        }
    }
}

impl From<Banks> for provisioning::Banks {
    fn from(banks: Banks) -> Self {
        match banks {
            Banks::Single => Self::Single,
            Banks::Two => Self::Two,
        }
    }
}

/// The ECU's key, in a file.
#[derive(Debug)]
pub(super) struct ReportKey(pub(super) host::keys::KeyFile);

impl EcuKey for ReportKey {
    fn key_id(&self) -> KeyId {
        self.0.key_id()
    }

    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]> {
        self.0.sign(&digest.0).ok()?.try_into().ok()
    }
}

/// Says which name it was that broke its grammar.
pub(super) fn named<T>(what: &'static str, parsed: Result<T, uptane::Error>) -> Result<T, Error> {
    parsed.map_err(|source| Error::Name { what, source })
}
