//! A repository on this machine: its database, its objects and its key files.
//!
//! ```text
//! DIR/state.sqlite      what it knows
//! DIR/keys/             mode 0700: root.pem and targets.pem encrypted, snapshot.pem and timestamp.pem plain
//! DIR/published/        what clients see, and `DIR/staged/` (see `objects`)
//! DIR/lock              held by the command that is changing it
//! ```

use std::path::{Path, PathBuf};

use host::disk::{Access, Folder, Lock};
use host::keys::{Algorithm, KeyFile, Passphrase};
use uptane::sign::Signer as _;

use crate::error::Error;
use crate::objects::Objects;
use crate::old::facts::{Change, Facts, RoleKey};
use crate::old::plan::{self, Release};
use crate::old::store::{Sqlite, Store as _};
use crate::role::TopRole;

/// A repository that one command works on; every other command waits outside.
#[derive(Debug)]
pub(crate) struct Repo {
    path: PathBuf,
    store: Sqlite,
    objects: Objects,
    _lock: Lock,
}

impl Repo {
    /// Makes an empty repository in the folder, which must be there and empty.
    pub(crate) async fn create(path: &Path) -> Result<Self, Error> {
        for (folder, access) in [("keys", Access::Private), ("published", Access::Shared), ("staged", Access::Private)]
        {
            host::disk::create_folder(&path.join(folder), access)?;
        }
        let lock = Folder::open(path, Access::Shared)?.lock()?;
        let store = Sqlite::create(&path.join(DATABASE)).await?;
        Ok(Self { path: path.to_owned(), store, objects: Objects::in_folder(path)?, _lock: lock })
    }

    /// Opens the repository in the folder.
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        if !path.join(DATABASE).is_file() {
            return Err(Error::NotARepository { path: path.to_owned() });
        }
        let lock = Folder::open(path, Access::Shared)?.lock()?;
        let store = Sqlite::open(&path.join(DATABASE)).await?;
        Ok(Self { path: path.to_owned(), store, objects: Objects::in_folder(path)?, _lock: lock })
    }

    /// Its objects.
    pub(crate) fn objects(&self) -> &Objects {
        &self.objects
    }

    /// What it knows.
    pub(crate) async fn facts(&mut self) -> Result<Facts, Error> {
        self.store.facts().await
    }

    /// Makes changes true, all or none.
    pub(crate) async fn apply(&mut self, changes: &[Change]) -> Result<(), Error> {
        self.store.apply(changes).await
    }

    /// Shows clients everything that is made and not yet published. What a crash cut short is made up for here.
    pub(crate) async fn release(&mut self) -> Result<(), Error> {
        let facts = self.facts().await?;
        for release in plan::release(&facts) {
            match release {
                Release::Image(image) => self.objects.publish_image(image, &release.path()).await?,
                Release::File(file) => self.objects.publish_file(&release.path(), &file.bytes).await?,
            }
            self.store.apply(&[release.released()]).await?;
        }
        self.objects.sweep(facts.images.values().filter(|image| image.listed.is_none())).await
    }

    /// Closes it.
    pub(crate) async fn close(self) -> Result<(), Error> {
        self.store.close().await
    }

    /// Makes the key of a role in a new file, and says how to record it.
    pub(crate) fn generate_key(
        &self,
        role: TopRole,
        file: String,
        passphrase: &Passphrase,
    ) -> Result<(KeyFile, RoleKey), Error> {
        let path = self.key_path(&file);
        let key = match role.is_offline() {
            true => KeyFile::generate(&path, Algorithm::Ed25519, passphrase)?,
            false => KeyFile::generate_plain(&path, Algorithm::Ed25519)?,
        };
        let record = RoleKey { file, public: key.public_key() };
        Ok((key, record))
    }

    /// Opens the key of an offline role.
    pub(crate) fn offline_key(&self, facts: &Facts, role: TopRole, passphrase: &Passphrase) -> Result<KeyFile, Error> {
        self.checked_key(facts, role, |path| KeyFile::open(path, passphrase))
    }

    /// Opens the key of an online role.
    pub(crate) fn online_key(&self, facts: &Facts, role: TopRole) -> Result<KeyFile, Error> {
        self.checked_key(facts, role, KeyFile::open_plain)
    }

    fn checked_key(
        &self,
        facts: &Facts,
        role: TopRole,
        open: impl FnOnce(&Path) -> Result<KeyFile, host::Error>,
    ) -> Result<KeyFile, Error> {
        let record = facts.keys.get(&role).ok_or(Error::Incomplete { what: "key for one of its roles" })?;
        let path = self.key_path(&record.file);
        let key = open(&path)?;
        (key.public_key() == record.public).then_some(key).ok_or(Error::WrongKey { path })
    }

    fn key_path(&self, file: &str) -> PathBuf {
        self.path.join("keys").join(file)
    }
}

const DATABASE: &str = "state.sqlite";
