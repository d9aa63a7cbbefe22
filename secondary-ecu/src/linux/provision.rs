//! `provision`: what makes an ECU part of a vehicle (§5.4.1). It happens once, from a bundle that is trusted because of
//! where it was brought from.

use host::disk::{self, Access};
use proto::secondary::Verification;
use uptane::metadata::{Envelope, TimeAttestation};
use uptane::verify::{Trusted, threshold};
use uptane::{Director, Error as Refused, Role, Time};

use super::Error;
use super::args::Provision;
use super::bundle::Bundle;
use super::files::{Data, Ecu, VehicleFile};
use super::flash::FileFlash;
use super::full::Full;
use crate::flash::Store;
use crate::provisioning::{self, TrustError};
use crate::{BootError, Fault};

/// Takes the bundle. `vehicle.toml` is written last and makes the ECU part of the vehicle.
pub(super) fn provision(options: &Provision) -> Result<(), Error> {
    let data = Data::open(&options.data)?;
    let _lock = data.lock()?;
    let ecu = data.ecu()?;
    let belongs = data.path("vehicle.toml");
    if belongs.exists() {
        return Err(host::Error::Exists { path: belongs }.into());
    }
    let bundle = Bundle::read(&options.bundle, ecu.ecu)?;
    let time = attested(&bundle.director_root, &bundle.time)
        .map_err(|source| Error::Untrusted { what: "time attestation", source })?;
    trust(&data, &ecu, &bundle, time)?;
    disk::replace(&data.path("ca.pem"), bundle.authority.as_bytes(), Access::Shared)?;
    disk::replace(&data.path("tls.pem"), bundle.certificate.as_bytes(), Access::Shared)?;
    let file = VehicleFile {
        vehicle: bundle.vehicle.vehicle.to_string(),
        primary: bundle.vehicle.primary.to_string(),
        primary_key: bundle.vehicle.key.to_string(),
    };
    host::config::write(&belongs, &file, Access::Shared)?;
    host::cli::print(format_args!("{} is part of vehicle {}", ecu.ecu, bundle.vehicle.vehicle));
    Ok(())
}

/// The time that a Director's time file attests. It answers nobody's nonce and steps from nothing: like the Roots it is
/// trusted because it was brought, its signatures show that it is whole.
pub fn attested(director_root: &[u8], file: &[u8]) -> Result<Time, Fault> {
    let root = Trusted::<Director>::provision(director_root)?;
    let keys = root.root().view().time_keys().ok_or(Refused::Schema { field: "time" })?;
    let envelope = Envelope::decode(file)?;
    threshold::check(Role::Time, &keys, &envelope)?;
    Ok(TimeAttestation::decode(envelope.signed())?.time())
}

/// Stores the Roots and writes the first state record that speaks of them.
fn trust(data: &Data, ecu: &Ecu, bundle: &Bundle, time: Time) -> Result<(), Error> {
    let path = data.flash_path();
    let mut store = Store::new(FileFlash::open(&path)?, ecu.layout())?;
    let trusted = provisioning::trust(&mut store, time, |store, state| match ecu.verification {
        Verification::Full => {
            Full::provision(&data.folder, &bundle.repositories, &bundle.director_root, &bundle.image_roots)
        }
        Verification::Partial | Verification::PartialPlus => {
            provisioning::slot_root(store, state, &ecu.profile(&bundle.vehicle, 0), &bundle.director_root)
        }
    });
    trusted.map_err(|error| match error {
        TrustError::NoState => Error::Boot { path, source: BootError::NoState },
        TrustError::Root(source) => Error::Untrusted { what: "Root", source },
        TrustError::Storage(source) => Error::Prepare { path, source },
    })
}
