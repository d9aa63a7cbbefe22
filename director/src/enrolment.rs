//! From what an ECU hands over to be registered (§5.3.2.2) to what the inventory keeps.

use std::path::Path;

use host::provisioning::{self, EcuRole, Image};
use proto::secondary::Verification;
use uptane::limits::MAX_ECUS;
use uptane::{Sha256, Time, VehicleId};

use crate::Error;
use crate::epoch::ContentSeq;
use crate::facts::{Ecu, Installed, NewVehicle, Vehicle};

/// An ECU to be registered.
#[derive(Debug)]
pub struct Enrolment {
    /// As the inventory keeps it.
    pub ecu: Ecu,
    /// Whether it is its vehicle's Primary.
    pub is_primary: bool,
    /// Its request for a TLS certificate, PEM.
    pub tls_request: Option<String>,
}

impl Enrolment {
    /// Reads one file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refused = |field| Error::Enrolment { path: path.to_owned(), field };
        Self::of(provisioning::Enrolment::read(path)?).map_err(refused)
    }

    /// What such a file says, or the member that is refused. Plain partial verification is: such an ECU follows no Root
    /// and does not know its vehicle.
    pub fn of(file: provisioning::Enrolment) -> Result<Self, &'static str> {
        let provisioning::Enrolment { ecu, hardware, role, verification, banks, key, tls_csr, image } = file;
        if verification == Verification::Partial {
            return Err("verification");
        }
        let ecu = Ecu {
            id: ecu,
            hardware,
            verification,
            banks,
            key,
            installed: image.map(installed),
            last_report: None,
            unreachable: None,
            desired: None,
        };
        Ok(Self { ecu, is_primary: role == EcuRole::Primary, tls_request: tls_csr })
    }
}

/// Refuses ECUs that cannot be those of one vehicle: the Primary is the first, and none is there twice.
pub fn check(enrolments: &[Enrolment]) -> Result<(), Error> {
    if enrolments.len() > MAX_ECUS {
        return Err(uptane::Error::Limit { what: "ECUs" }.into());
    }
    for (index, enrolment) in enrolments.iter().enumerate() {
        let id = enrolment.ecu.id;
        if enrolments.iter().take(index).any(|before| before.ecu.id == id || before.ecu.key == enrolment.ecu.key) {
            return Err(Error::EcuTwice { ecu: id });
        }
        if enrolment.is_primary != (index == 0) {
            return Err(Error::PrimaryFirst { ecu: id });
        }
    }
    Ok(())
}

/// A vehicle to be registered, of ECUs that were checked. Its Primary shows the certificate with this fingerprint.
pub fn new_vehicle(
    id: VehicleId,
    certificate: Sha256,
    vin: Option<String>,
    enrolments: Vec<Enrolment>,
    now: Time,
) -> Result<NewVehicle, Error> {
    let ecus: Vec<_> = enrolments.into_iter().map(|enrolment| enrolment.ecu).collect();
    let primary = ecus.first().ok_or(Error::NoTlsRequest)?.id;
    let vehicle = Vehicle {
        id,
        vin,
        certificate,
        primary,
        registered: now,
        content_seq: ContentSeq::FIRST,
        manifest: None,
        seen: None,
    };
    Ok(NewVehicle { vehicle, ecus })
}

fn installed(image: Image) -> Installed {
    let Image { name, length, sha256, counter, line } = image;
    Installed { name, length, sha256, line, counter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ecu_of_plain_partial_verification_is_not_registered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("enrolment.toml");
        for (word, taken) in [("full", true), ("partial-plus", true), ("partial", false)] {
            let key = "00".repeat(32);
            let text = format!(
                "ecu = \"brake\"\nhardware_id = \"hw\"\nrole = \"secondary\"\nverification = \"{word}\"\n\
                 public_key = \"{key}\"\n"
            );
            std::fs::write(&path, text).unwrap();
            match Enrolment::read(&path) {
                Ok(enrolment) => assert!(taken && !enrolment.is_primary, "{word}"),
                Err(error) => assert!(
                    !taken && matches!(error, Error::Enrolment { field: "verification", .. }),
                    "{word}: {error}"
                ),
            }
        }
    }
}
