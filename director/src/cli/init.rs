//! `director init`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use host::disk::{self, Access};
use host::keys::{Algorithm, KeyFile, PassphraseArgs};
use host::tls::{Authority, Purpose};
use uptane::Time;

use super::Data;
use crate::files::{self, Config};
use crate::root_file;
use crate::store::{Sqlite, Store as _};
use crate::{Error, images};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// A Root of the Image repository that is trusted from the start
    #[arg(long, value_name = "FILE")]
    image_root: PathBuf,
    /// Where the Image repository is served
    #[arg(long, value_name = "URL")]
    image_url: String,
    /// A name the server is reached by besides localhost and 127.0.0.1
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    public_name: String,
}

pub(super) async fn run(args: &Args) -> Result<(), Error> {
    let folder = args.data.path();
    if files::database(folder).exists() {
        return Err(Error::AlreadyInitialised);
    }
    // Whatever can be wrong with the arguments is found before anything is written.
    let passphrase = args.passphrase.read_new("New passphrase of the offline keys")?;
    let image_root = read_image_root(&args.image_root)?;
    host::fetch::Fetcher::plain(&args.image_url)?;
    let now = host::clock::now();

    disk::create_folder(folder, Access::Private)?;
    for part in ["keys", "ca", "tls"] {
        disk::create_folder(&folder.join(part), Access::Private)?;
    }
    make_certificates(folder, &args.public_name, now)?;
    let root_key = KeyFile::generate(&files::key(folder, "root"), Algorithm::Ed25519, &passphrase)?;
    let online = make_online_keys(folder)?;
    let config = Config { image_url: args.image_url.clone() };
    host::config::write(&files::config(folder), &config, Access::Shared)?;

    let [timestamp, snapshot, targets, time] = &online;
    let founding = root_file::founding(image_root, &root_key, [timestamp, snapshot, targets, time], now)?;
    let store = Sqlite::create(&files::database(folder)).await?;
    for change in founding {
        store.apply(change).await?;
    }
    host::cli::print(format_args!("a new Director in {}", folder.display()));
    Ok(())
}

fn read_image_root(path: &Path) -> Result<Vec<u8>, Error> {
    let missing = || host::Error::Missing { path: path.to_owned() };
    let bytes = disk::read(path, uptane::limits::MAX_ROOT)?.ok_or_else(missing)?;
    images::check_root(&bytes)?;
    Ok(bytes)
}

fn make_online_keys(folder: &Path) -> Result<[KeyFile; 4], Error> {
    let [timestamp, snapshot, targets, time] = files::ONLINE_ROLES;
    let make = |role| KeyFile::generate_plain(&files::key(folder, role), Algorithm::Ed25519);
    Ok([make(timestamp)?, make(snapshot)?, make(targets)?, make(time)?])
}

fn make_certificates(folder: &Path, public_name: &str, now: Time) -> Result<(), Error> {
    let authority = Authority::create("Convoy Director", now, AUTHORITY_LIFETIME)?;
    let (certificate, key) = files::authority_paths(folder);
    disk::create(&key, authority.key().as_bytes(), Access::Private)?;
    disk::create(&certificate, authority.certificate().as_bytes(), Access::Shared)?;

    let (certificate, key) = files::server_paths(folder);
    let request = host::tls::generate_key(&key, "director")?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    if !names.iter().any(|name| name == public_name) {
        names.push(public_name.to_owned());
    }
    let issued = authority.issue(&request, "director", &names, Purpose::Server, now, AUTHORITY_LIFETIME)?;
    Ok(disk::create(&certificate, issued.as_bytes(), Access::Shared)?)
}

/// How long the authority and the server's certificate last: as long as a vehicle.
const AUTHORITY_LIFETIME: Duration = Duration::from_secs(20 * 365 * 86_400);
