//! `init`: a new Primary, with keys nobody else ever sees.

use std::path::{Path, PathBuf};

use clap::Args;
use host::disk::{self, Access, Folder};
use host::keys::KeyFile;
use serde::Serialize;
use uptane::sign::Signer as _;
use uptane::{EcuId, HardwareId, ImageLine, Length, ReleaseCounter, TargetName};

use crate::config::Ecu;
use crate::machine::transaction::MemberImage;
use crate::slots::{Slots, digest_of, length_of};
use crate::store::Store;
use crate::{Error, folder};

/// Options of `init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The data folder, which is made.
    #[arg(long)]
    data: PathBuf,
    /// This ECU's id, unique in the vehicle.
    #[arg(long)]
    ecu: EcuId,
    /// What hardware it is.
    #[arg(long)]
    hardware_id: HardwareId,
    /// The image it leaves the factory with; without one it makes a small one.
    #[arg(long, requires = "image_name")]
    image: Option<PathBuf>,
    /// That image's name in the Image repository.
    #[arg(long)]
    image_name: Option<String>,
    /// That image's release counter.
    #[arg(long, default_value = "0", value_parser = counter)]
    release_counter: ReleaseCounter,
    /// The line of images that counter counts in; the hardware id if not given.
    #[arg(long)]
    line: Option<ImageLine>,
}

/// `enrolment.toml`.
#[derive(Serialize)]
struct Enrolment {
    ecu: String,
    hardware_id: String,
    role: &'static str,
    verification: &'static str,
    public_key: String,
    tls_csr: String,
    image: EnrolledImage,
}

#[derive(Serialize)]
struct EnrolledImage {
    name: String,
    length: u64,
    sha256: String,
    release_counter: u64,
    line: String,
}

impl Init {
    pub(super) fn run(self) -> Result<(), Error> {
        let place = Folder::create(&self.data, Access::Private)?;
        let _lock = place.lock()?;
        // Written last: without it an earlier `init` was cut short, and nobody was told of its keys.
        let own = place.at(folder::ECU)?;
        if own.exists() {
            return Err(host::Error::Exists { path: own }.into());
        }
        for name in [folder::KEY, folder::TLS_KEY, ENROLMENT] {
            disk::remove(&place.at(name)?)?;
        }
        let (image, source) = self.factory_image(&place)?;
        Slots::create(place.clone(), &image, &source)?;
        Store::open(place.clone())?.raise([(self.ecu, image.line, image.counter)])?;
        self.enrol(&place, &image)?;
        let ecu = Ecu { ecu: self.ecu.to_string(), hardware_id: self.hardware_id.to_string() };
        host::config::write(&own, &ecu, Access::Private)?;
        host::cli::print(format_args!("made {} in {}", self.ecu, self.data.display()));
        Ok(())
    }

    fn enrol(&self, place: &Folder, image: &MemberImage) -> Result<(), Error> {
        disk::create_folder(&place.path().join("keys"), Access::Private)?;
        let key = KeyFile::generate_plain(&place.at(folder::KEY)?)?;
        let tls_csr = host::tls::generate_key(&place.at(folder::TLS_KEY)?, self.ecu.as_str())?;
        let enrolment = Enrolment {
            ecu: self.ecu.to_string(),
            hardware_id: self.hardware_id.to_string(),
            role: "primary",
            verification: "full",
            public_key: key.public_key().to_string(),
            tls_csr,
            image: EnrolledImage {
                name: image.name.to_string(),
                length: image.length.get(),
                sha256: image.sha256.to_string(),
                release_counter: image.counter.get(),
                line: image.line.to_string(),
            },
        };
        Ok(host::config::write(&place.at(ENROLMENT)?, &enrolment, Access::Shared)?)
    }

    /// The image the ECU leaves the factory with, and where it is.
    fn factory_image(&self, place: &Folder) -> Result<(MemberImage, PathBuf), Error> {
        let source = match &self.image {
            Some(path) => path.clone(),
            None => {
                let path = place.at("factory.bin")?;
                let image = format!("factory image of {}\n", self.hardware_id);
                disk::replace(&path, image.as_bytes(), Access::Private)?;
                path
            }
        };
        let name = self.image_name.clone().unwrap_or_else(|| format!("factory/{}.bin", self.hardware_id));
        Ok((self.describe(&name, &source)?, source))
    }

    fn describe(&self, name: &str, source: &Path) -> Result<MemberImage, Error> {
        let bad = |what: uptane::Error| Error::BadArgument { what };
        Ok(MemberImage {
            name: TargetName::parse(name).map_err(bad)?.to_buf(),
            length: Length::new(length_of(source)?).map_err(bad)?,
            sha256: digest_of(source)?,
            line: self.line.map_or_else(|| ImageLine::parse(self.hardware_id.as_str()), Ok).map_err(bad)?,
            counter: self.release_counter,
        })
    }
}

/// For the Director's operator.
const ENROLMENT: &str = "enrolment.toml";

fn counter(text: &str) -> Result<ReleaseCounter, String> {
    let number = text.parse().map_err(|_| "not a number".to_owned())?;
    ReleaseCounter::new(number).map_err(|error| error.to_string())
}
