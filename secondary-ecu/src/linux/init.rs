//! `init`: keys, flash with a first image, and what the Director needs to enrol this ECU.

use std::path::Path;

use host::disk::{self, Access};
use serde::Serialize;
use uptane::sign::Signer as _;
use uptane::{ImageLine, Length, Sha256, TargetName, Time};

use super::Error;
use super::args::Init;
use super::files::{Data, Ecu, named};
use super::flash::FileFlash;
use crate::bank::Descriptor;
use crate::flash::{Appender, Bank, Store};
use crate::state::State;
use crate::{Fault, verification_word};

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
    };
    let (image, descriptor) = image(options)?;
    remove_leftovers(&data)?;
    let key = host::keys::KeyFile::generate_plain(&data.path("report.key"))?;
    let tls_csr = host::tls::generate_key(&data.path("tls.key"), options.ecu.as_str())?;
    let flash = data.flash_path();
    let mut store = ecu.create_flash(&flash)?;
    install(&mut store, &image, &descriptor).map_err(|source| Error::Prepare { path: flash, source })?;
    let enrolment = Enrolment {
        ecu: options.ecu.to_string(),
        hardware_id: options.hardware_id.to_string(),
        role: "secondary",
        verification: verification_word(ecu.verification),
        public_key: key.public_key().to_string(),
        tls_csr,
        image: enrolled(&descriptor),
    };
    host::config::write(&data.path("enrolment.toml"), &enrolment, Access::Shared)?;
    data.write_ecu(&ecu)?;
    host::cli::print(format_args!("made {} in {}", options.ecu, options.data.display()));
    Ok(())
}

/// What an `init` that was cut short left behind: nobody was told of its keys.
fn remove_leftovers(data: &Data) -> Result<(), Error> {
    for name in ["report.key", "tls.key", "flash.img", "enrolment.toml"] {
        disk::remove(&data.path(name))?;
    }
    Ok(())
}

/// The image the ECU leaves the factory with.
fn image(options: &Init) -> Result<(Vec<u8>, Descriptor), Error> {
    let line =
        named("the image line", options.line.map_or_else(|| ImageLine::parse(options.hardware_id.as_str()), Ok))?;
    let image = match &options.image {
        Some(path) => read_image(path, options.bank_size)?,
        None => format!("factory image of {}\n", options.hardware_id).into_bytes(),
    };
    let name = match &options.image_name {
        Some(name) => name.clone(),
        None => format!("factory/{}.bin", options.hardware_id),
    };
    let length = named("the image's length", Length::new(u64::try_from(image.len()).unwrap_or(u64::MAX)))?;
    let descriptor = Descriptor {
        name: named("the image's name", TargetName::parse(&name))?.to_buf(),
        length,
        sha256: Sha256::of(&image),
        line,
        counter: options.release_counter,
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

/// Puts the image into bank A, and makes bank A home.
fn install(store: &mut Store<FileFlash>, image: &[u8], descriptor: &Descriptor) -> Result<(), Fault> {
    store.describe(Bank::A, descriptor)?;
    let mut appender = Appender::new(store.layout().bank(store.erase_unit(), Bank::A), 0);
    appender.push(store, image)?;
    appender.finish(store)?;
    let mut state = State::new(Bank::A, descriptor.sha256, Time::EPOCH);
    state.floors.raise(descriptor.line, descriptor.counter)?;
    crate::provision(store, &state)
}

fn enrolled(descriptor: &Descriptor) -> EnrolledImage {
    let Descriptor { name, length, sha256, line, counter } = descriptor;
    EnrolledImage {
        name: name.to_string(),
        length: length.get(),
        sha256: sha256.to_string(),
        release_counter: counter.get(),
        line: line.to_string(),
    }
}
