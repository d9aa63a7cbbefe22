//! Images and published metadata, as objects: a folder here, a bucket elsewhere.
//!
//! ```text
//! published/metadata/1.root.json, 3.targets.json, 5.snapshot.json, timestamp.json
//! published/targets/<folder>/<sha256>.<file>
//! incoming/<sha256>            what came in and has this digest
//! incoming/parts/<upload>/<n>  what is on its way in, in parts of the same size
//! ```
//! `published/` alone is what clients need: any static server, or the bucket itself, may serve it. Every name there but
//! one stands for one content for ever; `timestamp.json` never gives way to an older one.

mod incoming;
mod inventory;
mod timestamp;
mod url;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt as _};
use sha2::Digest as _;
use uptane::{Length, Sha256};

use crate::error::Error;
use crate::facts::Listing;

pub use incoming::{Blob, PART, Upload};
pub(crate) use inventory::{Object, Placed};
pub use url::ObjectsUrl;

/// The objects of one repository. Clones share them.
#[derive(Clone, Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Where they are, if that is a folder of this machine.
    folder: Option<PathBuf>,
}

impl Objects {
    /// Objects at a place, which must be there.
    pub fn open(url: &ObjectsUrl) -> Result<Self, Error> {
        match url {
            ObjectsUrl::Folder(folder) => Self::in_folder(folder),
            ObjectsUrl::Bucket(bucket) => Ok(Self { store: bucket.open()?, folder: None }),
        }
    }

    /// Objects in a folder, which must be there.
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        let store = LocalFileSystem::new_with_prefix(folder);
        let store = store.map_err(|error| Error::objects("open", folder.display(), &error))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), folder: Some(folder.to_owned()) })
    }

    /// Objects in memory, for a simulator: each of its futures is ready at once.
    pub fn in_memory() -> Self {
        Self { store: Arc::new(InMemory::new()), folder: None }
    }

    /// Whether the bytes of an image are at hand, published or not.
    pub(crate) async fn has(&self, image: &Listing) -> Result<bool, Error> {
        for name in [published_image(image), incoming::name(image.sha256)] {
            if let Some(length) = self.length(&name).await? {
                return match length == image.length.get() {
                    true => Ok(true),
                    false => {
                        Err(Error::ImageLength { name: Box::new(image.name), listed: image.length, brought: length })
                    }
                };
            }
        }
        Ok(false)
    }

    /// Puts a file where clients find it, whole and at once.
    pub(crate) async fn publish_file(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let put = self.store.put(&key(&format!("published/{path}"))?, Bytes::copy_from_slice(bytes).into()).await;
        put.map(drop).map_err(|error| Error::objects("publish", path, &error))
    }

    /// A published object: its size and tag, and its bytes as they are asked for. `None` if there is none.
    pub async fn published(&self, name: &str, options: GetOptions) -> Result<Option<GetResult>, Error> {
        self.get(&format!("published/{name}"), options).await
    }

    /// Length and digest of a published image, if there is one.
    pub(crate) async fn digest(&self, name: &str) -> Result<Option<(Length, Sha256)>, Error> {
        let failed = |error| Error::objects("read", name, &error);
        let Some(found) = self.published(&format!("targets/{name}"), GetOptions::new()).await? else { return Ok(None) };
        let (length, mut digest) = (Length::new(found.meta.size)?, sha2::Sha256::new());
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.try_next().await.map_err(failed)? {
            digest.update(&piece);
        }
        Ok(Some((length, Sha256(digest.finalize().into()))))
    }

    /// A whole published metadata file, if there is one.
    pub async fn published_file(&self, name: &str, limit: Length) -> Result<Option<Bytes>, Error> {
        let Some(found) = self.published(&format!("metadata/{name}"), GetOptions::new()).await? else {
            return Ok(None);
        };
        if found.meta.size > limit.get() {
            return Err(Error::objects("read", name, &"it is longer than any client reads"));
        }
        found.bytes().await.map(Some).map_err(|error| Error::objects("read", name, &error))
    }

    async fn get(&self, name: &str, options: GetOptions) -> Result<Option<GetResult>, Error> {
        match self.store.get_opts(&key(name)?, options).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::objects("read", name, &error)),
        }
    }

    async fn length(&self, name: &str) -> Result<Option<u64>, Error> {
        Ok(self.find(name).await?.map(|found| found.length))
    }
}

/// Where clients find images.
pub(crate) const IMAGES: &str = "published/targets";
/// Where clients find metadata.
pub(crate) const METADATA: &str = "published/metadata";
/// Where what is not published yet lies.
pub(crate) const INCOMING: &str = "incoming";

fn published_image(image: &Listing) -> String {
    format!("{IMAGES}/{}", image.stored_name())
}

fn key(name: &str) -> Result<Key, Error> {
    Key::parse(name).map_err(|error| Error::objects("name", name, &error))
}
