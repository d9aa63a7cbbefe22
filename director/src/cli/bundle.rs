//! The bundle: what the ECUs of a new vehicle are provisioned with (§5.4.1). It holds no secret.

use std::fs;
use std::path::Path;

use host::disk::{self, Access};
use serde::Serialize;
use uptane::EcuId;

use crate::Error;
use crate::facts::{Ecu, NewVehicle};

/// Everything that goes into the folder.
pub(super) struct Bundle<'a> {
    pub(super) new: &'a NewVehicle,
    /// Every Director Root, from version 1 on.
    pub(super) director_roots: Vec<Vec<u8>>,
    pub(super) image_root: Vec<u8>,
    /// A first time attestation, over no nonce: whoever provisions vouches for it.
    pub(super) time: Vec<u8>,
    pub(super) authority: String,
    pub(super) certificates: Vec<(EcuId, String)>,
}

/// `vehicle.toml`.
#[derive(Serialize)]
struct VehicleFile {
    vehicle: String,
    primary: PrimaryEntry,
    ecu: Vec<EcuEntry>,
}

#[derive(Serialize)]
struct PrimaryEntry {
    ecu: String,
    public_key: String,
}

#[derive(Serialize)]
struct EcuEntry {
    ecu: String,
    hardware_id: String,
    verification: &'static str,
    public_key: String,
}

impl Bundle<'_> {
    /// Writes the bundle to a new folder; on failure nothing of it stays.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        if folder.exists() {
            return Err(host::Error::Exists { path: folder.to_owned() }.into());
        }
        self.write_files(folder).inspect_err(|_| discard(folder))
    }

    fn write_files(&self, folder: &Path) -> Result<(), Error> {
        disk::create_folder(folder, Access::Shared)?;
        let file = |name: &str, bytes: &[u8]| disk::create(&folder.join(name), bytes, Access::Shared);
        for (version, root) in (1..).zip(&self.director_roots) {
            file(&format!("{version}.root.json"), root)?;
        }
        file("director-root.json", self.director_roots.last().map_or(&[], Vec::as_slice))?;
        file("image-root.json", &self.image_root)?;
        file("time.json", &self.time)?;
        file("ca.pem", self.authority.as_bytes())?;
        for (ecu, certificate) in &self.certificates {
            file(&format!("{ecu}.pem"), certificate.as_bytes())?;
        }
        Ok(host::config::write(&folder.join("vehicle.toml"), &self.vehicle(), Access::Shared)?)
    }

    fn vehicle(&self) -> VehicleFile {
        let NewVehicle { vehicle, ecus } = self.new;
        let key = |ecu: &Ecu| ecu.key.to_string();
        let primary = ecus.iter().find(|ecu| ecu.id == vehicle.primary);
        VehicleFile {
            vehicle: vehicle.id.to_string(),
            primary: PrimaryEntry {
                ecu: vehicle.primary.to_string(),
                public_key: primary.map(key).unwrap_or_default(),
            },
            ecu: ecus.iter().map(entry).collect(),
        }
    }
}

fn entry(ecu: &Ecu) -> EcuEntry {
    EcuEntry {
        ecu: ecu.id.to_string(),
        hardware_id: ecu.hardware.to_string(),
        verification: ecu.verification.word(),
        public_key: ecu.key.to_string(),
    }
}

/// Removes a folder that [`Bundle::write`] made.
pub(super) fn discard(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!("{} is left over: {error}", folder.display());
    }
}
