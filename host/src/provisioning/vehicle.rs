//! `vehicle.toml`: which ECUs a vehicle has, as the Director's operator registered it.

use std::path::Path;

use proto::secondary::Verification;
use serde::{Deserialize, Serialize};
use uptane::{EcuId, HardwareId, PublicKey, VehicleId};

use super::Banks;
use super::form::text;
use crate::disk::Access;
use crate::{Error, config};

/// The file's name in a bundle.
pub const VEHICLE: &str = "vehicle.toml";

/// What the file says. Its layout is in [`crate::provisioning`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vehicle {
    /// The vehicle's id.
    #[serde(with = "text", rename = "vehicle")]
    pub id: VehicleId,
    /// Its Primary.
    pub primary: Primary,
    /// All its ECUs, the Primary among them, in the order they were registered.
    #[serde(rename = "ecu")]
    pub ecus: Vec<VehicleEcu>,
}

/// The Primary of a [`Vehicle`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Primary {
    /// Its id.
    #[serde(with = "text")]
    pub ecu: EcuId,
    /// The public half of its signing key.
    #[serde(with = "text", rename = "public_key")]
    pub key: PublicKey,
}

/// One ECU of a [`Vehicle`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleEcu {
    /// Its id.
    #[serde(with = "text")]
    pub ecu: EcuId,
    /// What it is.
    #[serde(with = "text", rename = "hardware_id")]
    pub hardware: HardwareId,
    /// How it verifies.
    #[serde(with = "text")]
    pub verification: Verification,
    /// How many images it has room for.
    #[serde(default, skip_serializing_if = "Banks::are_two")]
    pub banks: Banks,
    /// The public half of its signing key.
    #[serde(with = "text", rename = "public_key")]
    pub key: PublicKey,
}

impl Vehicle {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        config::read(path)
    }

    /// Writes the file.
    pub fn write(&self, path: &Path, access: Access) -> Result<(), Error> {
        config::write(path, self, access)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn vehicle() -> Vehicle {
        let ecu = |name: &str, verification, key| VehicleEcu {
            ecu: EcuId::parse(name).unwrap(),
            hardware: HardwareId::parse(&format!("{name}-hw")).unwrap(),
            verification,
            banks: if key == 3 { Banks::Single } else { Banks::Two },
            key: PublicKey::Ed25519([key; 32]),
        };
        let ecus = vec![
            ecu("gateway", Verification::Full, 1),
            ecu("brake", Verification::PartialPlus, 2),
            ecu("mirror", Verification::PartialPlus, 3),
        ];
        let primary = Primary { ecu: EcuId::parse("gateway").unwrap(), key: PublicKey::Ed25519([1; 32]) };
        Vehicle { id: VehicleId([7; 16]), primary, ecus }
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(VEHICLE);
        vehicle().write(&path, Access::Shared).unwrap();
        assert_eq!(Vehicle::read(&path).unwrap(), vehicle());
    }

    #[test]
    fn the_members_stand_in_the_documented_order_and_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(VEHICLE);
        vehicle().write(&path, Access::Shared).unwrap();
        let (gateway, brake, mirror) = ("01".repeat(32), "02".repeat(32), "03".repeat(32));
        let expected = format!(
            "vehicle = \"{}\"\n\n[primary]\necu = \"gateway\"\npublic_key = \"{gateway}\"\n\n\
             [[ecu]]\necu = \"gateway\"\nhardware_id = \"gateway-hw\"\nverification = \"full\"\n\
             public_key = \"{gateway}\"\n\n\
             [[ecu]]\necu = \"brake\"\nhardware_id = \"brake-hw\"\nverification = \"partial-plus\"\n\
             public_key = \"{brake}\"\n\n\
             [[ecu]]\necu = \"mirror\"\nhardware_id = \"mirror-hw\"\nverification = \"partial-plus\"\n\
             banks = \"single\"\npublic_key = \"{mirror}\"\n",
            "07".repeat(16)
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn an_unknown_member_is_refused_wherever_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(VEHICLE);
        vehicle().write(&path, Access::Shared).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for place in ["vehicle = ", "ecu = \"gateway\"", "hardware_id = \"brake-hw\""] {
            fs::write(&path, text.replacen(place, &format!("colour = \"red\"\n{place}"), 1)).unwrap();
            let error = Vehicle::read(&path).unwrap_err();
            assert!(matches!(error, Error::Configuration { line: Some(_), .. }), "{place}: {error}");
        }
    }
}
