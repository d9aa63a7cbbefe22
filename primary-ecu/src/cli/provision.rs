//! `provision`: what this Primary trusts from now on, and where everything is (§5.4.1). A ceremony: whoever runs it vouches
//! for the bundle.

use std::path::{Path, PathBuf};

use clap::Args;
use host::disk::{self, Access, Folder};
use host::keys::KeyFile;
use host::provisioning::{Repositories, VEHICLE, Vehicle};
use host::tls::Identity;
use uptane::limits::{MAX_ROOT, MAX_TIME_ATTESTATION};
use uptane::metadata::{Envelope, TimeAttestation};
use uptane::sign::Signer as _;
use uptane::verify::{Trusted, threshold};
use uptane::{Director, Image, Repository, RepositoryName, Role, Time, Version};

use crate::config::{Config, LowSpeed, Secondary};
use crate::store::Store;
use crate::{Error, driver, folder};

/// Options of `provision`.
#[derive(Debug, Args)]
pub(super) struct Provision {
    /// The data folder that `init` made.
    #[arg(long)]
    data: PathBuf,
    /// The folder that `director vehicle add` made.
    #[arg(long)]
    bundle: PathBuf,
    /// The Director: `https://host:port`. Needed unless the bundle's mapping.toml says so.
    #[arg(long)]
    director: Option<String>,
    /// The Image repository: `http://host:port`. Needed unless the bundle's mapping.toml says so.
    #[arg(long)]
    image_repo: Option<String>,
    /// The folder of the CAN bus.
    #[arg(long)]
    can: Option<PathBuf>,
    /// ECU=https://host:port, ECU=can:classical:REQUEST:RESPONSE or ECU=can:fd:REQUEST:RESPONSE; once for each Secondary.
    #[arg(long)]
    secondary: Vec<String>,
}

/// Bytes of a certificate.
const MAX_CERTIFICATE: u64 = 64 * 1024;

impl Provision {
    pub(super) fn run(self) -> Result<(), Error> {
        let place = folder::open(self.data.clone())?;
        let _lock = place.lock()?;
        let own = folder::ecu(&place)?;
        let path = self.bundle.join(VEHICLE);
        let vehicle = Vehicle::read(&path)?;
        let key = KeyFile::open_plain(&place.at(folder::KEY)?)?;
        if vehicle.primary.ecu.as_str() != own.ecu || vehicle.primary.key != key.public_key() {
            return Err(Error::damaged(&path, "it is for another Primary"));
        }
        check_same(&place, &vehicle)?;
        let (config, repositories) = (self.config(&vehicle)?, self.repositories()?);

        self.roots(&place, &repositories)?;
        self.trust(&place, &own.ecu)?;
        vehicle.write(&place.at(folder::VEHICLE)?, Access::Private)?;
        repositories.write(&place.at(folder::MAPPING)?, Access::Private)?;
        // Last: without it `run` says that this ECU is not provisioned.
        host::config::write(&place.at(folder::CONFIG)?, &config, Access::Private)?;
        driver::show(&place, &config, &folder::vehicle(&place)?)?;
        host::cli::print(format_args!("provisioned {} for vehicle {}", own.ecu, vehicle.id));
        Ok(())
    }

    fn config(&self, vehicle: &Vehicle) -> Result<Config, Error> {
        let secondaries = self.secondary.iter().map(|text| Secondary::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let can = self.can.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
        let config = Config { can, low_speed: LowSpeed::default(), secondaries };
        config.check(vehicle)?;
        Ok(config)
    }

    /// The mapping of the bundle, with the addresses of the command line (§5.2.6).
    fn repositories(&self) -> Result<Repositories, Error> {
        let mut repositories = Repositories::of_bundle(&self.bundle)?;
        let given =
            [(RepositoryName::of::<Director>(), &self.director), (RepositoryName::of::<Image>(), &self.image_repo)];
        for (name, address) in given {
            address.iter().for_each(|address| repositories.set_address(name, address));
        }
        match repositories.without_address() {
            None => Ok(repositories),
            Some(repository) => Err(Error::NoAddress { repository }),
        }
    }

    fn trust(&self, place: &Folder, own: &str) -> Result<(), Error> {
        // Refuses a certificate that is not for our key.
        Identity::open(&self.bundle.join(format!("{own}.pem")), &place.at(folder::TLS_KEY)?)?;
        disk::create_folder(&place.path().join("trust"), Access::Private)?;
        for (from, to) in [("ca.pem".to_owned(), folder::AUTHORITY), (format!("{own}.pem"), folder::CERTIFICATE)] {
            let bytes = read(&self.bundle.join(from), MAX_CERTIFICATE)?;
            disk::replace(&place.at(to)?, &bytes, Access::Private)?;
        }
        Ok(())
    }

    /// The Roots, and the time, which nobody needs to have asked for: whoever provisions vouches for it.
    fn roots(&self, place: &Folder, repositories: &Repositories) -> Result<(), Error> {
        let mut store = Store::open(place.clone())?;
        let director = provisioned::<Director>(&self.bundle.join("director-root.json"))?;
        let names = repositories.mapping().image_repositories();
        let image = |name: &RepositoryName| provisioned::<Image>(&self.bundle.join(format!("{name}-root.json")));
        let images = names.iter().map(image).collect::<Result<Vec<_>, Error>>()?;
        let path = self.bundle.join("time.json");
        let attestation = read(&path, MAX_TIME_ATTESTATION)?;
        let time = attested(&director, &attestation).map_err(|error| Error::damaged(&path, error))?;
        // Everything is verified before anything is written.
        let newest = director.root().version();
        for version in (1..newest.get()).filter_map(|version| Version::new(version).ok()) {
            let name = format!("{version}.root.json");
            if let Some(root) = disk::read(&self.bundle.join(&name), MAX_ROOT)? {
                store.keep("director", &name, &root)?;
            }
        }
        store.keep("director", &format!("{newest}.root.json"), director.root().bytes())?;
        for (name, image) in names.iter().zip(&images) {
            store.keep(name.as_str(), &format!("{}.root.json", image.root().version()), image.root().bytes())?;
        }
        store.keep("director", "time.json", &attestation)?;
        match time > store.time() {
            true => store.attested(time, newest),
            false => Ok(()),
        }
    }
}

/// A Primary belongs to one vehicle for life; the same one may be provisioned again, for example with new addresses.
fn check_same(place: &Folder, vehicle: &Vehicle) -> Result<(), Error> {
    let path = place.at(folder::VEHICLE)?;
    if path.exists() && folder::vehicle(place)?.id != vehicle.id {
        return Err(host::Error::Exists { path }.into());
    }
    Ok(())
}

fn provisioned<R: Repository>(path: &Path) -> Result<Trusted<R>, Error> {
    Trusted::provision(&read(path, MAX_ROOT)?).map_err(|error| Error::damaged(path, error))
}

/// The time an attestation tells, if the time keys of this Root signed it.
fn attested(director: &Trusted<Director>, file: &[u8]) -> Result<Time, uptane::Error> {
    let keys = director.root().view().time_keys().ok_or(uptane::Error::Schema { field: "uptane.time" })?;
    let envelope = Envelope::decode(file)?;
    threshold::check(Role::Time, &keys, &envelope)?;
    Ok(TimeAttestation::decode(envelope.signed())?.time())
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    Ok(disk::read(path, limit)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?)
}
