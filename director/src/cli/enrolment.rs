//! From what an ECU hands over to be registered (§5.3.2.2) to what the inventory keeps.

use std::path::Path;

use host::provisioning::{self, EcuRole, Image};
use proto::secondary::Verification;

use crate::Error;
use crate::facts::{Ecu, Installed};

/// An ECU to be registered.
#[derive(Debug)]
pub(super) struct Enrolment {
    pub(super) ecu: Ecu,
    pub(super) is_primary: bool,
    pub(super) tls_request: Option<String>,
}

/// Reads one file. Plain partial verification is refused: such an ECU follows no Root and does not know its vehicle.
pub(super) fn read(path: &Path) -> Result<Enrolment, Error> {
    let file = provisioning::Enrolment::read(path)?;
    let provisioning::Enrolment { ecu, hardware, role, verification, key, tls_csr, image } = file;
    if verification == Verification::Partial {
        return Err(Error::Enrolment { path: path.to_owned(), field: "verification" });
    }
    let ecu = Ecu {
        id: ecu,
        hardware,
        verification,
        key,
        installed: image.map(installed),
        last_report: None,
        unreachable: None,
        desired: None,
    };
    Ok(Enrolment { ecu, is_primary: role == EcuRole::Primary, tls_request: tls_csr })
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
            match read(&path) {
                Ok(enrolment) => assert!(taken && !enrolment.is_primary, "{word}"),
                Err(error) => assert!(
                    !taken && matches!(error, Error::Enrolment { field: "verification", .. }),
                    "{word}: {error}"
                ),
            }
        }
    }
}
