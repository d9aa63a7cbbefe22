//! The bundle that `director vehicle add` writes for a vehicle.

use std::path::{Path, PathBuf};

use host::disk;
use serde::Deserialize;
use uptane::limits::{MAX_ROOT, MAX_TIME_ATTESTATION};
use uptane::{EcuId, PublicKey, VehicleId};

use super::Error;
use super::files::{Vehicle, named};

/// `vehicle.toml`. Other programs of other releases write it, so what is not known here is passed over.
#[derive(Debug, Deserialize)]
struct VehicleToml {
    vehicle: String,
    primary: PrimaryToml,
    #[serde(default)]
    ecu: Vec<EcuToml>,
}

#[derive(Debug, Deserialize)]
struct PrimaryToml {
    ecu: String,
    public_key: String,
}

#[derive(Debug, Deserialize)]
struct EcuToml {
    ecu: String,
}

/// What of it is for one Secondary.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) vehicle: Vehicle,
    pub(super) director_root: Vec<u8>,
    pub(super) image_root: Vec<u8>,
    pub(super) time: Vec<u8>,
    pub(super) authority: String,
    pub(super) certificate: String,
}

/// Bytes of a certificate in PEM.
const MAX_PEM: u64 = 64 * 1024;

impl Bundle {
    pub(super) fn read(folder: &Path, ecu: EcuId) -> Result<Self, Error> {
        let toml: VehicleToml = host::config::read(&folder.join("vehicle.toml"))?;
        if !toml.ecu.iter().any(|named| named.ecu == ecu.as_str()) {
            return Err(Error::NotInBundle { path: folder.to_owned() });
        }
        let vehicle = Vehicle {
            vehicle: named("the vehicle id in the bundle", VehicleId::parse(&toml.vehicle))?,
            primary: named("the Primary's id in the bundle", EcuId::parse(&toml.primary.ecu))?,
            key: named("the Primary's key in the bundle", PublicKey::parse_ed25519(&toml.primary.public_key))?,
        };
        Ok(Self {
            vehicle,
            director_root: file(folder.join("director-root.json"), MAX_ROOT)?,
            image_root: file(folder.join("image-root.json"), MAX_ROOT)?,
            time: file(folder.join("time.json"), MAX_TIME_ATTESTATION)?,
            authority: text(folder.join("ca.pem"))?,
            certificate: text(folder.join(format!("{ecu}.pem")))?,
        })
    }
}

fn file(path: PathBuf, limit: u64) -> Result<Vec<u8>, Error> {
    Ok(disk::read(&path, limit)?.ok_or(host::Error::Missing { path })?)
}

fn text(path: PathBuf) -> Result<String, Error> {
    let bytes = file(path, MAX_PEM)?;
    let wrong = |error: std::string::FromUtf8Error| host::Error::BadCertificate {
        what: "a PEM file",
        reason: error.to_string(),
    };
    Ok(String::from_utf8(bytes).map_err(wrong)?)
}
