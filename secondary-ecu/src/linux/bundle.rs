//! The bundle that `director vehicle add` writes for a vehicle.

use std::path::{Path, PathBuf};

use host::disk;
use host::provisioning::{self, Repositories, VEHICLE};
use uptane::limits::{MAX_ROOT, MAX_TIME_ATTESTATION};
use uptane::{EcuId, RepositoryName};

use super::Error;
use super::files::Vehicle;

/// What of it is for one Secondary.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) vehicle: Vehicle,
    pub(super) director_root: Vec<u8>,
    pub(super) repositories: Repositories,
    /// A Root for each Image repository of the mapping.
    pub(super) image_roots: Vec<Vec<u8>>,
    pub(super) time: Vec<u8>,
    pub(super) authority: String,
    pub(super) certificate: String,
}

/// Bytes of a certificate in PEM.
const MAX_PEM: u64 = 64 * 1024;

impl Bundle {
    pub(super) fn read(folder: &Path, ecu: EcuId) -> Result<Self, Error> {
        let provisioning::Vehicle { id, primary, ecus } = provisioning::Vehicle::read(&folder.join(VEHICLE))?;
        if !ecus.iter().any(|named| named.ecu == ecu) {
            return Err(Error::NotInBundle { path: folder.to_owned() });
        }
        let repositories = Repositories::of_bundle(folder)?;
        let names = repositories.mapping().image_repositories();
        let image_root = |name: RepositoryName| file(folder.join(format!("{name}-root.json")), MAX_ROOT);
        Ok(Self {
            image_roots: names.into_iter().map(image_root).collect::<Result<_, _>>()?,
            repositories,
            vehicle: Vehicle { vehicle: id, primary: primary.ecu, key: primary.key },
            director_root: file(folder.join("director-root.json"), MAX_ROOT)?,
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
