//! Opening a data folder: what `init` and `provision` put there, read back and parsed.

use std::path::PathBuf;

use host::disk::{Access, Disk as _, Folder};
use host::provisioning::{Repositories, Vehicle};
use host::tls::Identity;

use crate::Error;
use crate::config::{Config, Ecu};
use crate::grpc::Trust;

/// The signing key.
pub(crate) const KEY: &str = "keys/ecu.pem";
/// The TLS key.
pub(crate) const TLS_KEY: &str = "keys/tls.pem";
/// The authority's certificate.
pub(crate) const AUTHORITY: &str = "trust/ca.pem";
/// The TLS certificate.
pub(crate) const CERTIFICATE: &str = "trust/tls.pem";
/// What this ECU is.
pub(crate) const ECU: &str = "ecu.toml";
/// How the other ECUs are reached.
pub(crate) const CONFIG: &str = "config.toml";
/// Which ECUs the vehicle has: a copy of the bundle's.
pub(crate) const VEHICLE: &str = host::provisioning::VEHICLE;
/// Which repositories there are, where they are, and which must agree on which images.
pub(crate) const MAPPING: &str = host::provisioning::MAPPING;
/// Bytes of a certificate.
const MAX_CERTIFICATE: u64 = 64 * 1024;

/// The folder, which `init` made.
pub(crate) fn open(data: PathBuf) -> Result<Folder, Error> {
    Ok(Folder::open(data, Access::Private)?)
}

/// What this ECU is.
pub(crate) fn ecu(folder: &Folder) -> Result<Ecu, Error> {
    Ok(host::config::read(&folder.at(ECU)?)?)
}

/// How the other ECUs are reached.
pub(crate) fn config(folder: &Folder) -> Result<Config, Error> {
    Ok(host::config::read(&folder.at(CONFIG)?)?)
}

/// The repository mapping, which is read before anything else (§5.4.4.2). A Primary needs the address of every
/// repository (§5.2.6).
pub(crate) fn repositories(folder: &Folder) -> Result<Repositories, Error> {
    let repositories = Repositories::read(&folder.at(MAPPING)?)?;
    match repositories.without_address() {
        None => Ok(repositories),
        Some(repository) => Err(Error::NoAddress { repository }),
    }
}

/// Which ECUs the vehicle has, sorted by id.
pub(crate) fn vehicle(folder: &Folder) -> Result<Vehicle, Error> {
    let mut vehicle = Vehicle::read(&folder.at(VEHICLE)?)?;
    vehicle.ecus.sort_by_key(|ecu| ecu.ecu);
    Ok(vehicle)
}

/// What this ECU shows, and whom it trusts.
pub(crate) fn trust(folder: &Folder) -> Result<Trust, Error> {
    let identity = Identity::open(&folder.at(CERTIFICATE)?, &folder.at(TLS_KEY)?)?;
    let path = folder.at(AUTHORITY)?;
    let authority = folder.read(AUTHORITY, MAX_CERTIFICATE)?.ok_or(host::Error::Missing { path: path.clone() })?;
    let authority = String::from_utf8(authority).map_err(|error| Error::damaged(&path, error))?;
    Ok(Trust { identity, authority })
}
