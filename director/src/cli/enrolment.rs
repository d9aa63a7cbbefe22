//! `enrolment.toml`: what an ECU hands over to be registered (§5.3.2.2). The private halves stay in the ECU.

use std::path::Path;

use serde::Deserialize;
use uptane::{EcuId, HardwareId, ImageLine, Length, PublicKey, ReleaseCounter, Sha256, TargetNameBuf};

use crate::Error;
use crate::facts::{Ecu, Installed, Verification};

/// An ECU to be registered.
#[derive(Debug)]
pub(super) struct Enrolment {
    pub(super) ecu: Ecu,
    pub(super) is_primary: bool,
    pub(super) tls_request: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    ecu: String,
    hardware_id: String,
    role: EcuRole,
    #[serde(default = "full")]
    verification: String,
    public_key: String,
    tls_csr: Option<String>,
    image: Option<ImageFile>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum EcuRole {
    Primary,
    Secondary,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageFile {
    name: String,
    length: u64,
    sha256: String,
    release_counter: u64,
    line: Option<String>,
}

fn full() -> String {
    Verification::Full.word().to_owned()
}

/// Reads one file; every field is parsed here and nowhere else.
pub(super) fn read(path: &Path) -> Result<Enrolment, Error> {
    let file: File = host::config::read(path)?;
    let wrong = |field: &'static str| move |_| Error::Enrolment { path: path.to_owned(), field };
    let verification = Verification::from_word(&file.verification).ok_or(());
    let ecu = Ecu {
        id: EcuId::parse(&file.ecu).map_err(wrong("ecu"))?,
        hardware: HardwareId::parse(&file.hardware_id).map_err(wrong("hardware_id"))?,
        verification: verification.map_err(|()| Error::Enrolment { path: path.to_owned(), field: "verification" })?,
        key: PublicKey::parse_ed25519(&file.public_key).map_err(wrong("public_key"))?,
        installed: file.image.map(installed).transpose().map_err(wrong("image"))?,
        last_report: None,
        unreachable: None,
        desired: None,
    };
    Ok(Enrolment { ecu, is_primary: file.role == EcuRole::Primary, tls_request: file.tls_csr })
}

fn installed(image: ImageFile) -> Result<Installed, uptane::Error> {
    Ok(Installed {
        name: TargetNameBuf::parse(&image.name)?,
        length: Length::new(image.length)?,
        sha256: Sha256::parse(&image.sha256)?,
        line: image.line.as_deref().map(ImageLine::parse).transpose()?,
        counter: ReleaseCounter::new(image.release_counter)?,
    })
}
