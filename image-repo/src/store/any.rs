//! The store that a configuration names.

use std::collections::BTreeMap;

use host::audit::Entry;
use uptane::{ImageLine, ReleaseCounter, RoleName, TargetNameBuf, Version};

use super::{DatabaseUrl, Memory, Postgres, Sqlite, Store};
use crate::error::Error;
use crate::facts::{Change, Generation, Head, Kept, Listing, SignedFile};
use crate::role::RoleId;

/// A store of any kind.
#[derive(Clone, Debug)]
pub enum AnyStore {
    /// In memory.
    Memory(Memory),
    /// In a PostgreSQL database.
    Postgres(Postgres),
    /// In an SQLite file.
    Sqlite(Sqlite),
}

impl AnyStore {
    /// Makes the store of an address. A file must not be there; a database server keeps what it has.
    pub async fn create(url: &DatabaseUrl) -> Result<Self, Error> {
        match url {
            DatabaseUrl::Sqlite(path) => Sqlite::create(path).await.map(Self::Sqlite),
            DatabaseUrl::Memory | DatabaseUrl::Postgres(_) => Self::open(url).await,
        }
    }

    /// Opens the store of an address. A file must be there; one in memory is empty.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, Error> {
        match url {
            DatabaseUrl::Memory => Ok(Self::Memory(Memory::new())),
            DatabaseUrl::Postgres(options) => Postgres::with((**options).clone()).await.map(Self::Postgres),
            DatabaseUrl::Sqlite(path) => Sqlite::open(path).await.map(Self::Sqlite),
        }
    }

    /// Closes its connections.
    pub async fn close(self) {
        match self {
            Self::Memory(_) => {}
            Self::Postgres(store) => store.close().await,
            Self::Sqlite(store) => store.close().await,
        }
    }
}

/// Asks whichever store it is.
macro_rules! delegate {
    ($self:ident.$method:ident($($argument:ident),*)) => {
        match $self {
            Self::Memory(store) => store.$method($($argument),*).await,
            Self::Postgres(store) => store.$method($($argument),*).await,
            Self::Sqlite(store) => store.$method($($argument),*).await,
        }
    };
}

impl Store for AnyStore {
    async fn head(&self) -> Result<Head, Error> {
        delegate!(self.head())
    }

    async fn file(&self, role: RoleId, version: Version) -> Result<Option<Vec<u8>>, Error> {
        delegate!(self.file(role, version))
    }

    async fn listed(&self, role: RoleId) -> Result<Vec<Listing>, Error> {
        delegate!(self.listed(role))
    }

    async fn named(&self, names: &[TargetNameBuf]) -> Result<Vec<(RoleId, Listing)>, Error> {
        delegate!(self.named(names))
    }

    async fn highest(&self, lines: &[ImageLine]) -> Result<BTreeMap<ImageLine, ReleaseCounter>, Error> {
        delegate!(self.highest(lines))
    }

    async fn lines(&self) -> Result<Vec<(ImageLine, ReleaseCounter)>, Error> {
        delegate!(self.lines())
    }

    async fn delegators(&self, role: RoleName) -> Result<Vec<RoleId>, Error> {
        delegate!(self.delegators(role))
    }

    async fn unpublished(&self) -> Result<Vec<SignedFile>, Error> {
        delegate!(self.unpublished())
    }

    async fn published(&self, files: &[(RoleId, Version)]) -> Result<(), Error> {
        delegate!(self.published(files))
    }

    async fn history(&self) -> Result<Vec<Kept>, Error> {
        delegate!(self.history())
    }

    async fn prune(&self, files: &[(RoleId, Version)]) -> Result<(), Error> {
        delegate!(self.prune(files))
    }

    async fn entries(&self, after: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        delegate!(self.entries(after, limit))
    }

    async fn apply(&self, expected: Generation, changes: &[Change]) -> Result<(), Error> {
        delegate!(self.apply(expected, changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Fault;
    use crate::store::conformance::{apply, database, generation, list, run};

    #[test]
    fn the_address_says_which_store_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("sqlite:{}", folder.path().join("state.sqlite").display());
        run(async {
            for url in [file, database()] {
                let url = url.parse().unwrap();
                let store = AnyStore::create(&url).await.unwrap();
                apply(&store, &[list("targets", "fw.bin", 1)]).await.unwrap();
                store.close().await;
                let store = AnyStore::open(&url).await.unwrap();
                assert_eq!((generation(&store).await, store.listed(RoleId::Targets).await.unwrap().len()), (1, 1));
            }
            let memory = AnyStore::open(&DatabaseUrl::Memory).await.unwrap();
            assert_eq!(generation(&memory).await, 0);
        });
    }

    #[test]
    fn a_file_is_made_once_and_opened_only_if_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("state.sqlite"));
        run(async {
            assert!(matches!(AnyStore::open(&url).await, Err(Error::Store(Fault::Missing { .. }))));
            AnyStore::create(&url).await.unwrap().close().await;
            assert!(matches!(AnyStore::create(&url).await, Err(Error::Store(Fault::Exists { .. }))));
        });
    }
}
