//! `init`: a new Primary, with keys nobody else ever sees.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use host::disk::{self, Access, Folder};
use host::keys::KeyFile;
use host::provisioning::{Banks, ENROLMENT, EcuRole, FirstImage, Image, NewEcu};
use proto::secondary::Verification;
use uptane::{EcuId, HardwareId, Length};

use crate::config::Ecu;
use crate::machine::transaction::MemberImage;
use crate::slots::digest_of;
use crate::{Error, folder, provision};

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
    #[command(flatten)]
    image: FirstImage,
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
        KeyFile::remove(&place.at(folder::KEY)?)?;
        for name in [folder::TLS_KEY, ENROLMENT] {
            disk::remove(&place.at(name)?)?;
        }
        let (image, source) = self.factory_image(&place)?;
        provision::make(&place, self.ecu, &image, pieces(&source)?)?;
        self.enrol(&place, &image)?;
        let ecu = Ecu { ecu: self.ecu.to_string(), hardware_id: self.hardware_id.to_string() };
        host::config::write(&own, &ecu, Access::Private)?;
        host::cli::print(format_args!("made {} in {}", self.ecu, self.data.display()));
        Ok(())
    }

    fn enrol(&self, place: &Folder, image: &MemberImage) -> Result<(), Error> {
        disk::create_folder(&place.path().join("keys"), Access::Private)?;
        let MemberImage { name, length, sha256, line, counter } = *image;
        let new = NewEcu {
            ecu: self.ecu,
            hardware: self.hardware_id,
            role: EcuRole::Primary,
            verification: Verification::Full,
            banks: Banks::Two,
            image: Image { name, length, sha256, counter, line: Some(line) },
            key: &place.at(folder::KEY)?,
            tls_key: &place.at(folder::TLS_KEY)?,
        };
        Ok(new.enrol()?.write(&place.at(ENROLMENT)?)?)
    }

    /// The image the ECU leaves the factory with, and where it is.
    fn factory_image(&self, place: &Folder) -> Result<(MemberImage, PathBuf), Error> {
        let source = match self.image.path() {
            Some(path) => path.to_owned(),
            None => {
                let path = place.at("factory.bin")?;
                disk::replace(&path, &FirstImage::made_for(self.hardware_id), Access::Private)?;
                path
            }
        };
        Ok((self.describe(&source)?, source))
    }

    fn describe(&self, source: &Path) -> Result<MemberImage, Error> {
        let bad = |what: uptane::Error| Error::BadArgument { what };
        Ok(MemberImage {
            name: self.image.name(self.hardware_id).map_err(bad)?,
            length: Length::new(length_of(source)?).map_err(bad)?,
            sha256: digest_of(pieces(source)?)?,
            line: self.image.line(self.hardware_id).map_err(bad)?,
            counter: self.image.counter(),
        })
    }
}

/// A file, piece by piece.
fn pieces(path: &Path) -> Result<impl FnMut(&mut [u8]) -> Result<usize, Error>, Error> {
    let mut file = File::open(path).map_err(|error| host::Error::io("read", path, error))?;
    let path = path.to_owned();
    Ok(move |chunk: &mut [u8]| Ok(file.read(chunk).map_err(|error| host::Error::io("read", &path, error))?))
}

/// Bytes of a file.
fn length_of(path: &Path) -> Result<u64, Error> {
    Ok(std::fs::metadata(path).map_err(|error| host::Error::io("read", path, error))?.len())
}
