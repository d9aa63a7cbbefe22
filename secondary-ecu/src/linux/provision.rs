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
use crate::state::pages::Pages;
use crate::state::{Held, State};
use crate::verifier::{Desk, provision_root};
use crate::{BUFFER_SIZE, BootError, Fault};

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
    let time = attested(&bundle).map_err(|source| Error::Untrusted { what: "time attestation", source })?;
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

/// The time the bundle attests. It answers nobody's nonce and steps from nothing: like the Roots it is trusted because
/// it was brought, its signatures show that it is whole.
fn attested(bundle: &Bundle) -> Result<Time, Fault> {
    let root = Trusted::<Director>::provision(&bundle.director_root)?;
    let keys = root.root().view().time_keys().ok_or(Refused::Schema { field: "time" })?;
    let envelope = Envelope::decode(&bundle.time)?;
    threshold::check(Role::Time, &keys, &envelope)?;
    Ok(TimeAttestation::decode(envelope.signed())?.time())
}

/// Stores the Roots and writes the first state record that speaks of them.
fn trust(data: &Data, ecu: &Ecu, bundle: &Bundle, time: Time) -> Result<(), Error> {
    let path = data.flash_path();
    let mut store = Store::new(FileFlash::open(&path)?, ecu.layout())?;
    let no_state = |_| Error::Boot { path: path.clone(), source: BootError::NoState };
    let (mut pages, state) = Pages::mount(&mut store).map_err(no_state)?;
    let untrusted = |source| Error::Untrusted { what: "Root", source };
    let root = match ecu.verification {
        Verification::Full => {
            Full::provision(&data.folder, &bundle.repositories, &bundle.director_root, &bundle.image_roots)
        }
        Verification::Partial | Verification::PartialPlus => slot_root(&mut store, &state, ecu, bundle),
    };
    let next = State { root: Some(root.map_err(untrusted)?), time, ..state };
    pages.append(&mut store, &next).map_err(|source| Error::Prepare { path, source })
}

fn slot_root(store: &mut Store<FileFlash>, state: &State, ecu: &Ecu, bundle: &Bundle) -> Result<Held, Fault> {
    let profile = ecu.profile(&bundle.vehicle, 0);
    let mut buffer = [0; BUFFER_SIZE];
    let desk = Desk { store, state, profile: &profile, nonce: None, buffer: &mut buffer, now: state.time };
    provision_root(desk, &bundle.director_root)
}
