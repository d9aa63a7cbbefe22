//! `init`: keys, flash with a first image, and what the Director needs to enrol this ECU.

use std::path::Path;

use host::disk;
use host::keys::KeyFile;
use host::provisioning::{ENROLMENT, EcuRole, FirstImage, Image, NewEcu};
use uptane::{Length, Sha256};

use super::Error;
use super::args::Init;
use super::files::{Data, Ecu, named};
use crate::bank::Descriptor;
use crate::provisioning;

/// Makes a new ECU. An ECU that is there already is left as it is; `ecu.toml` is written last and makes it one.
pub(super) fn init(options: &Init) -> Result<(), Error> {
    let data = Data::create(&options.data)?;
    let _lock = data.lock()?;
    let exists = data.path("ecu.toml");
    if exists.exists() {
        return Err(host::Error::Exists { path: exists }.into());
    }
    let ecu = Ecu {
        ecu: options.ecu,
        hardware: options.hardware_id,
        verification: options.verification.into(),
        bank_size: options.bank_size,
        banks: options.banks.into(),
    };
    let (image, descriptor) = image(options)?;
    remove_leftovers(&data)?;
    let flash = data.flash_path();
    let mut store = ecu.create_flash(&flash)?;
    provisioning::install(&mut store, &image, &descriptor).map_err(|source| Error::Prepare { path: flash, source })?;
    enrol(&data, &ecu, descriptor)?;
    data.write_ecu(&ecu)?;
    host::cli::print(format_args!("made {} in {}", options.ecu, options.data.display()));
    Ok(())
}

fn enrol(data: &Data, ecu: &Ecu, image: Descriptor) -> Result<(), Error> {
    let Descriptor { name, length, sha256, line, counter } = image;
    let new = NewEcu {
        ecu: ecu.ecu,
        hardware: ecu.hardware,
        role: EcuRole::Secondary,
        verification: ecu.verification,
        banks: ecu.banks.into(),
        image: Image { name, length, sha256, counter, line: Some(line) },
        key: &data.path("report.key"),
        tls_key: &data.path("tls.key"),
    };
    Ok(new.enrol()?.write(&data.path(ENROLMENT))?)
}

/// What an `init` that was cut short left behind: nobody was told of its keys.
fn remove_leftovers(data: &Data) -> Result<(), Error> {
    KeyFile::remove(&data.path("report.key"))?;
    for name in ["tls.key", "flash.img", ENROLMENT] {
        disk::remove(&data.path(name))?;
    }
    Ok(())
}

/// The image the ECU leaves the factory with.
fn image(options: &Init) -> Result<(Vec<u8>, Descriptor), Error> {
    let (first, hardware) = (&options.image, options.hardware_id);
    let line = named("the image line", first.line(hardware))?;
    let image = match first.path() {
        Some(path) => read_image(path, options.bank_size)?,
        None => FirstImage::made_for(hardware),
    };
    let length = named("the image's length", Length::new(u64::try_from(image.len()).unwrap_or(u64::MAX)))?;
    let descriptor = Descriptor {
        name: named("the image's name", first.name(hardware))?,
        length,
        sha256: Sha256::of(&image),
        line,
        counter: first.counter(),
    };
    Ok((image, descriptor))
}

fn read_image(path: &Path, bank_size: u32) -> Result<Vec<u8>, Error> {
    let length = std::fs::metadata(path).map_err(|source| host::Error::io("read", path, source))?.len();
    if length > u64::from(bank_size) {
        return Err(Error::TooLong { length, bank_size });
    }
    let image = disk::read(path, bank_size.into())?;
    Ok(image.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?)
}
