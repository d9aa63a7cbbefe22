//! What is known of the ECUs of a vehicle (§5.3.2.2).

use host::provisioning::{Banks as Has, Primary, Vehicle as Inventory, VehicleEcu};
use proto::secondary::Verification as Verifies;
use uptane::VehicleId;
use uptane::sign::Signer as _;

use super::keys::Keys;
use crate::world::vehicle::{Banks, Ecu, Vehicle, Verification};

/// The vehicle as its Primary and the Director know it.
pub(super) fn inventory(id: VehicleId, vehicle: &Vehicle, keys: &Keys) -> Inventory {
    let key = |ecu: &Ecu| keys.of_ecu(ecu.id().as_str()).public_key();
    let ecus = vehicle.ecus().map(|ecu| VehicleEcu {
        ecu: ecu.id(),
        hardware: ecu.hardware().id(),
        verification: match ecu.verification() {
            Verification::Full => Verifies::Full,
            Verification::Partial => Verifies::Partial,
            Verification::PartialPlus => Verifies::PartialPlus,
        },
        banks: match ecu.hardware().banks() {
            Banks::Single => Has::Single,
            Banks::Two => Has::Two,
        },
        key: key(ecu),
    });
    let primary = Primary { ecu: vehicle.primary().id(), key: key(vehicle.primary()) };
    Inventory { id, primary, ecus: ecus.collect() }
}
