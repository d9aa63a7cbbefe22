//! The bundle: what the ECUs of a new vehicle are provisioned with (§5.4.1). It holds no secret.

use std::fs;
use std::path::Path;

use host::disk::{self, Access};
use host::provisioning::{Primary, VEHICLE, Vehicle, VehicleEcu};
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
        Ok(self.vehicle()?.write(&folder.join(VEHICLE), Access::Shared)?)
    }

    fn vehicle(&self) -> Result<Vehicle, Error> {
        let NewVehicle { vehicle, ecus } = self.new;
        let primary = ecus.iter().find(|ecu| ecu.id == vehicle.primary);
        let primary = primary.ok_or(Error::UnknownEcu { ecu: vehicle.primary })?;
        Ok(Vehicle {
            id: vehicle.id,
            primary: Primary { ecu: primary.id, key: primary.key.clone() },
            ecus: ecus.iter().map(entry).collect(),
        })
    }
}

fn entry(ecu: &Ecu) -> VehicleEcu {
    VehicleEcu {
        ecu: ecu.id,
        hardware: ecu.hardware,
        verification: ecu.verification,
        banks: ecu.banks,
        key: ecu.key.clone(),
    }
}

/// Removes a folder that [`Bundle::write`] made.
pub(super) fn discard(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!("{} is left over: {error}", folder.display());
    }
}
