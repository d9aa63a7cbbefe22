//! `enrolment.toml`: what an ECU hands over to be registered (§5.3.2.2). The private halves stay in the ECU.

use std::path::Path;

use proto::secondary::Verification;
use serde::{Deserialize, Serialize};
use uptane::sign::Signer as _;
use uptane::{EcuId, HardwareId, ImageLine, Length, PublicKey, ReleaseCounter, Sha256, TargetNameBuf};

use super::Banks;
use super::form::{number, optional_text, text};
use crate::disk::Access;
use crate::keys::{Algorithm, KeyFile};
use crate::{Error, config, tls};

/// The file's name in an ECU's data folder.
pub const ENROLMENT: &str = "enrolment.toml";

/// What the file says. Its layout is in [`crate::provisioning`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The ECU's id.
    #[serde(with = "text")]
    pub ecu: EcuId,
    /// What it is.
    #[serde(with = "text", rename = "hardware_id")]
    pub hardware: HardwareId,
    /// Which part it has in its vehicle.
    pub role: EcuRole,
    /// How it verifies.
    #[serde(with = "text", default = "full")]
    pub verification: Verification,
    /// How many images it has room for.
    #[serde(default, skip_serializing_if = "Banks::are_two")]
    pub banks: Banks,
    /// The public half of its signing key.
    #[serde(with = "text", rename = "public_key")]
    pub key: PublicKey,
    /// Its request for a TLS certificate, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_csr: Option<String>,
    /// The image it leaves the factory with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// Which part an ECU has in its vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EcuRole {
    /// It speaks to the Director.
    Primary,
    /// It speaks to its Primary.
    Secondary,
}

/// The `[image]` of an enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Its name in the Image repository.
    #[serde(with = "text")]
    pub name: TargetNameBuf,
    /// Bytes.
    #[serde(with = "number")]
    pub length: Length,
    /// Digest.
    #[serde(with = "text")]
    pub sha256: Sha256,
    /// Release counter.
    #[serde(with = "number", rename = "release_counter")]
    pub counter: ReleaseCounter,
    /// The line that counter counts in, where it is known.
    #[serde(with = "optional_text", default, skip_serializing_if = "Option::is_none")]
    pub line: Option<ImageLine>,
}

impl Enrolment {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        config::read(path)
    }

    /// Writes the file, for anyone to read: it holds no secret.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        config::write(path, self, Access::Shared)
    }
}

/// An ECU that `init` is making.
#[derive(Clone, Copy, Debug)]
pub struct NewEcu<'a> {
    /// Its id.
    pub ecu: EcuId,
    /// What it is.
    pub hardware: HardwareId,
    /// Which part it will have in its vehicle.
    pub role: EcuRole,
    /// How it verifies.
    pub verification: Verification,
    /// How many images it has room for.
    pub banks: Banks,
    /// The image it leaves the factory with.
    pub image: Image,
    /// Where its signing key goes.
    pub key: &'a Path,
    /// Where its TLS key goes.
    pub tls_key: &'a Path,
}

impl NewEcu<'_> {
    /// Makes both keys in new files that only the owner may read, and says what the ECU hands over.
    pub fn enrol(self) -> Result<Enrolment, Error> {
        let Self { ecu, hardware, role, verification, banks, image, key, tls_key } = self;
        let key = KeyFile::generate_plain(key, Algorithm::Ed25519)?.public_key();
        let tls_csr = Some(tls::generate_key(tls_key, ecu.as_str())?);
        Ok(Enrolment { ecu, hardware, role, verification, banks, key, tls_csr, image: Some(image) })
    }
}

fn full() -> Verification {
    Verification::Full
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn enrolled(folder: &Path) -> Enrolment {
        let image = Image {
            name: TargetNameBuf::parse("brake/fw-1.bin").unwrap(),
            length: Length::new(9).unwrap(),
            sha256: Sha256::of(b"one"),
            counter: ReleaseCounter::new(1).unwrap(),
            line: Some(ImageLine::parse("brake").unwrap()),
        };
        let new = NewEcu {
            ecu: EcuId::parse("brake").unwrap(),
            hardware: HardwareId::parse("brake-hw").unwrap(),
            role: EcuRole::Secondary,
            verification: Verification::PartialPlus,
            banks: Banks::Two,
            image,
            key: &folder.join("ecu.pem"),
            tls_key: &folder.join("tls.pem"),
        };
        new.enrol().unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(ENROLMENT);
        let enrolment = enrolled(folder.path());
        enrolment.write(&path).unwrap();
        assert_eq!(Enrolment::read(&path).unwrap(), enrolment);

        let bare = Enrolment { banks: Banks::Single, tls_csr: None, image: None, ..enrolment };
        bare.write(&path).unwrap();
        assert_eq!(Enrolment::read(&path).unwrap(), bare);
    }

    #[test]
    fn the_members_stand_in_the_documented_order_and_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(ENROLMENT);
        let enrolment = Enrolment { tls_csr: Some("PEM".to_owned()), ..enrolled(folder.path()) };
        enrolment.write(&path).unwrap();
        let expected = format!(
            "ecu = \"brake\"\nhardware_id = \"brake-hw\"\nrole = \"secondary\"\nverification = \"partial-plus\"\n\
             public_key = \"{}\"\ntls_csr = \"PEM\"\n\n[image]\nname = \"brake/fw-1.bin\"\nlength = 9\n\
             sha256 = \"{}\"\nrelease_counter = 1\nline = \"brake\"\n",
            enrolment.key,
            Sha256::of(b"one")
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn the_key_enrolled_is_the_one_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let enrolment = enrolled(folder.path());
        let key = KeyFile::open_plain(&folder.path().join("ecu.pem")).unwrap();
        assert_eq!(enrolment.key, key.public_key());
    }

    #[test]
    fn an_unknown_member_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(ENROLMENT);
        enrolled(folder.path()).write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for (written, line) in
            [(format!("vin = \"x\"\n{text}"), 1), (format!("{text}vin = \"x\"\n"), text.lines().count() + 1)]
        {
            fs::write(&path, written).unwrap();
            let error = Enrolment::read(&path).unwrap_err();
            assert!(matches!(error, Error::Configuration { line: Some(at), .. } if at == line), "{error}");
        }
    }

    #[test]
    fn a_malformed_value_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(ENROLMENT);
        enrolled(folder.path()).write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let faults = [
            ("ecu = \"brake\"", "ecu = \"../brake\"", 1),
            ("\"brake-hw\"", "\"brake hw\"", 2),
            ("\"secondary\"", "\"tertiary\"", 3),
            ("\"partial-plus\"", "\"blind\"", 4),
            ("public_key = \"", "public_key = \"00", 5),
        ];
        for (good, bad, line) in faults {
            fs::write(&path, text.replacen(good, bad, 1)).unwrap();
            let error = Enrolment::read(&path).unwrap_err();
            assert!(matches!(error, Error::Configuration { line: Some(at), .. } if at == line), "{bad}: {error}");
        }
        for (good, bad) in
            [("brake/fw-1.bin", "brake/../fw"), ("length = 9", "length = -9"), ("sha256 = \"", "sha256 = \"0")]
        {
            fs::write(&path, text.replacen(good, bad, 1)).unwrap();
            assert!(matches!(Enrolment::read(&path), Err(Error::Configuration { .. })), "{bad}");
        }
    }
}
