//! `provision`: what this Primary trusts from now on, and where everything is (§5.4.1). A ceremony: whoever runs it vouches
//! for the bundle.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::Args;
use host::can::Place;
use host::disk::{self, Access, Folder};
use host::keys::KeyFile;
use host::provisioning::{Repositories, VEHICLE, Vehicle};
use host::tls::Identity;
use uptane::limits::{MAX_ROOT, MAX_TIME_ATTESTATION};
use uptane::sign::Signer as _;
use uptane::{Director, Image, RepositoryName, Version};

use crate::config::{CanBudget, Config, LowSpeed, Percent, Secondary};
use crate::provision::{Bundle, BundleFile};
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
    /// The CAN bus: an interface such as `can0`, or the folder of a bus between processes, such as `./bus` or `unix:bus`.
    #[arg(long)]
    can: Option<Place>,
    /// Per cent of the time of the CAN bus that updates may take; all of it if not given.
    #[arg(long, requires = "can", value_parser = clap::value_parser!(u8).range(1..=100))]
    can_percent: Option<u8>,
    /// Bits per second of the CAN bus, of which --can-percent is a share.
    #[arg(long, requires = "can_percent", default_value = "500000")]
    can_bit_rate: NonZeroU32,
    /// Bits per second in the data phase of CAN FD.
    #[arg(long, requires = "can_percent", default_value = "2000000")]
    can_data_bit_rate: NonZeroU32,
    /// ECU=https://host:port, ECU=can:classical:REQUEST:RESPONSE or ECU=can:fd:REQUEST:RESPONSE; once for each Secondary.
    /// Secondaries on CAN that hear images together have the same BROADCAST in :BROADCAST:ANSWER after that.
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

        self.roots(&repositories)?.keep(&place)?;
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
        let can = self.can.clone().map(Place::absolute);
        let (bit_rate, data_bit_rate) = (self.can_bit_rate, self.can_data_bit_rate);
        let percent = self.can_percent.map(Percent::try_from).transpose()?;
        let can_budget = percent.map(|percent| CanBudget { percent, bit_rate, data_bit_rate });
        let config = Config { can, can_budget, low_speed: LowSpeed::default(), secondaries };
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

    /// What the bundle says of whom to trust, and of the time.
    fn roots(&self, repositories: &Repositories) -> Result<Bundle, Error> {
        let file = |name: String, limit: u64| -> Result<BundleFile, Error> {
            let path = self.bundle.join(name);
            Ok(BundleFile { bytes: read(&path, limit)?, path })
        };
        let director = file("director-root.json".to_owned(), MAX_ROOT)?;
        let names = repositories.mapping().image_repositories();
        let image = |name: &RepositoryName| Ok((*name, file(format!("{name}-root.json"), MAX_ROOT)?));
        let images = names.iter().map(image).collect::<Result<Vec<_>, Error>>()?;
        let time = file("time.json".to_owned(), MAX_TIME_ATTESTATION)?;
        let mut older = Vec::new();
        for version in (1..director.version()?.get()).filter_map(|version| Version::new(version).ok()) {
            let root = disk::read(&self.bundle.join(format!("{version}.root.json")), MAX_ROOT)?;
            older.extend(root.map(|root| (version, root)));
        }
        Ok(Bundle { older, director, images, time })
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

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    Ok(disk::read(path, limit)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?)
}
