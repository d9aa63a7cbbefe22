//! The configuration of a repository: `image-repo.toml` in its folder, and variables of the environment that go before it.
//!
//! ```toml
//! database = "postgres://oem@db.example/images"   # or sqlite:PATH; default: state.sqlite in the folder
//! objects = "s3://images/brakes"                  # or a folder; default: the folder itself
//! online_keys = "keys"                            # key files of Snapshot and Timestamp, not encrypted
//! alarm_days = 14                                 # alarms this long before a file expires that people must sign
//!
//! [director]                                      # absent: nobody asks whether vehicles need an image
//! report = "in-use.json"                          # what `director images --json` prints, kept up to date by others
//!
//! [write]                                         # the write side; absent: files are only read
//! listen = "0.0.0.0:8443"
//! certificate = "server.pem"                      # PEM, with its key beside it
//! key = "server.key"
//! client_authority = "writers-ca.pem"             # for client certificates; absent: tokens alone
//!
//! [[writer]]
//! name = "acme"
//! roles = ["acme", "acme-brakes"]
//! token_sha256 = "…"                              # or certificate = SHA-256 of the client certificate in DER
//! ```
//! Paths are relative to the folder. `CONVOY_DATABASE` and `CONVOY_OBJECTS` go before the file, so that a password need not
//! stand in one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::objects::{Objects, ObjectsUrl};
use crate::online::OnlineKeys;
use crate::publisher::Publisher;
use crate::store::{AnyStore, DatabaseUrl};
use crate::writers::{Writer, Writers};

/// The name of the file.
pub(crate) const FILE: &str = "image-repo.toml";
/// The database of a repository that names none.
const DATABASE: &str = "state.sqlite";

/// What the file says.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub online_keys: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub director: Option<Director>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<Write>,
    #[serde(default, rename = "writer", skip_serializing_if = "Vec::is_empty")]
    pub writers: Vec<Writer>,
}

/// Who knows what vehicles need.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Director {
    /// What it reports.
    pub report: PathBuf,
}

/// The write side.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Write {
    pub listen: SocketAddr,
    pub certificate: PathBuf,
    pub key: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_authority: Option<PathBuf>,
}

/// Where a repository's parts are.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub folder: PathBuf,
    pub config: Config,
    database: DatabaseUrl,
    objects: ObjectsUrl,
}

impl Settings {
    /// The settings of the repository in a folder.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        let file = folder.join(FILE);
        let config = if file.is_file() { host::config::read(&file)? } else { Config::default() };
        Self::of(folder, config)
    }

    /// What a configuration means in a folder.
    pub(crate) fn of(folder: &Path, config: Config) -> Result<Self, Error> {
        let from = |variable: &str, said: &Option<String>| std::env::var(variable).ok().or_else(|| said.clone());
        let database = match from("CONVOY_DATABASE", &config.database) {
            Some(url) => within(folder, url.parse()?),
            None => DatabaseUrl::Sqlite(folder.join(DATABASE)),
        };
        let objects = from("CONVOY_OBJECTS", &config.objects);
        let objects = objects.map_or_else(|| ObjectsUrl::Folder(PathBuf::new()), |url| url.into());
        let objects = objects.within(folder);
        Ok(Self { folder: folder.to_owned(), config, database, objects })
    }

    /// Whether there is a repository: its database, and whatever is told of it by others.
    pub(crate) fn is_repository(&self) -> bool {
        match &self.database {
            DatabaseUrl::Sqlite(path) => path.is_file(),
            DatabaseUrl::Memory | DatabaseUrl::Postgres(_) => self.folder.join(FILE).is_file(),
        }
    }

    /// Its published files alone, without a database or a key.
    pub(crate) fn objects(&self) -> Result<Objects, Error> {
        Objects::open(&self.objects)
    }

    /// Opens the repository.
    pub(crate) async fn publisher(&self) -> Result<Publisher<AnyStore>, Error> {
        if !self.is_repository() {
            return Err(Error::NotARepository { path: self.folder.clone() });
        }
        self.publisher_over(AnyStore::open(&self.database).await?)
    }

    /// Makes the repository's database, which must not be there.
    pub(crate) async fn create(&self) -> Result<Publisher<AnyStore>, Error> {
        self.publisher_over(AnyStore::create(&self.database).await?)
    }

    fn publisher_over(&self, store: AnyStore) -> Result<Publisher<AnyStore>, Error> {
        let keys = self.path(self.config.online_keys.as_deref().unwrap_or(Path::new("keys")));
        let report = self.config.director.as_ref().map(|director| self.path(&director.report));
        Ok(Publisher::new(store, self.objects()?, OnlineKeys::open(&keys)?).asking(report))
    }

    /// The same with another database and other objects, if they are given.
    pub(crate) fn with(mut self, database: Option<&str>, objects: Option<&str>) -> Result<Self, Error> {
        if let Some(url) = database {
            self.database = within(&self.folder, url.parse()?);
            self.config.database = Some(url.to_owned());
        }
        if let Some(url) = objects {
            self.objects = ObjectsUrl::from(url.to_owned()).within(&self.folder);
            self.config.objects = Some(url.to_owned());
        }
        Ok(self)
    }

    /// Opens the repository's database, or makes it if it is a file that is not there.
    pub(crate) async fn create_or_open(&self) -> Result<Publisher<AnyStore>, Error> {
        match &self.database {
            DatabaseUrl::Sqlite(path) if !path.exists() => self.create().await,
            DatabaseUrl::Memory | DatabaseUrl::Postgres(_) | DatabaseUrl::Sqlite(_) => {
                self.publisher_over(AnyStore::open(&self.database).await?)
            }
        }
    }

    /// Writes down where the parts are, unless the folder has a configuration, which is its operator's.
    pub(crate) fn keep(&self) -> Result<(), Error> {
        let file = self.folder.join(FILE);
        let is_told = self.config.database.is_some() || self.config.objects.is_some();
        if is_told && !file.exists() {
            host::config::write(&file, &self.config, host::disk::Access::Private)?;
        }
        Ok(())
    }

    /// Who may publish.
    pub(crate) fn writers(&self) -> Result<Writers, Error> {
        Writers::of(&self.config.writers)
    }

    /// A path that the configuration names.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

fn within(folder: &Path, url: DatabaseUrl) -> DatabaseUrl {
    match &url {
        DatabaseUrl::Sqlite(path) => DatabaseUrl::Sqlite(folder.join(path)),
        DatabaseUrl::Memory | DatabaseUrl::Postgres(_) => url,
    }
}
