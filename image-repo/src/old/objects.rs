//! Images and published metadata, as objects: a folder here, a bucket elsewhere.
//!
//! ```text
//! published/metadata/1.root.json, 3.targets.json, 5.snapshot.json, timestamp.json
//! published/targets/<folder>/<sha256>.<file>
//! staged/<sha256>          images that are not listed yet
//! staged/upload-<random>   images on their way in
//! ```
//! `published/` alone is what clients need; any static server may serve it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetOptions, GetResult, ObjectStore, ObjectStoreExt as _, WriteMultipart};
use sha2::Digest as _;
use uptane::{Length, Sha256};

use crate::error::Error;
use crate::old::facts::Image;

/// The objects of one repository.
#[derive(Clone, Debug)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
}

/// An image that came in and is not staged yet.
#[derive(Debug)]
pub(crate) struct Upload {
    key: Key,
    pub length: Length,
    pub sha256: Sha256,
}

impl Objects {
    /// Objects in a folder, which must be there.
    pub(crate) fn in_folder(folder: &Path) -> Result<Self, Error> {
        let store = LocalFileSystem::new_with_prefix(folder);
        let store = store.map_err(|error| Error::objects("open", folder.display(), &error))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)) })
    }

    /// Takes in a file piece by piece, and says what it was.
    pub(crate) async fn upload(&self, path: &Path) -> Result<Upload, Error> {
        let failed = |source| Error::from(host::Error::io("read", path, source));
        let mut file = File::open(path).map_err(failed)?;
        let key = key(&format!("staged/upload-{:032x}", u128::from_be_bytes(host::random::bytes()?)))?;
        let begun = self.store.put_multipart(&key).await;
        let begun = begun.map_err(|error| Error::objects("store", path.display(), &error))?;
        let mut writer = WriteMultipart::new(begun);
        let (mut digest, mut length) = (sha2::Sha256::new(), 0_u64);
        let mut piece = vec![0; PIECE];
        loop {
            let count = file.read(&mut piece).map_err(failed)?;
            let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            digest.update(bytes);
            length = length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            writer.wait_for_capacity(1).await.map_err(|error| Error::objects("store", path.display(), &error))?;
            writer.write(bytes);
        }
        writer.finish().await.map_err(|error| Error::objects("store", path.display(), &error))?;
        let length = Length::new(length).map_err(Error::given("the image", &path.display().to_string()))?;
        Ok(Upload { key, length, sha256: Sha256(digest.finalize().into()) })
    }

    /// Keeps an upload as a staged image.
    pub(crate) async fn stage(&self, upload: &Upload) -> Result<(), Error> {
        let staged = key(&staged_name(upload.sha256))?;
        let renamed = self.store.rename(&upload.key, &staged).await;
        renamed.map_err(|error| Error::objects("stage", &upload.key, &error))
    }

    /// Drops an upload.
    pub(crate) async fn drop_upload(&self, upload: &Upload) -> Result<(), Error> {
        self.store.delete(&upload.key).await.map_err(|error| Error::objects("remove", &upload.key, &error))
    }

    /// Puts a staged image where clients find it. Doing so again is harmless.
    pub(crate) async fn publish_image(&self, image: &Image, path: &str) -> Result<(), Error> {
        let (from, to) = (key(&staged_name(image.sha256))?, key(&format!("published/{path}"))?);
        // It is there already if it was published under this name before, or a crash came between copy and record.
        if self.store.head(&to).await.is_ok_and(|found| found.size == image.length.get()) {
            return Ok(());
        }
        self.store.copy(&from, &to).await.map_err(|error| Error::objects("publish", image.name, &error))
    }

    /// Puts a metadata file where clients find it, whole and at once.
    pub(crate) async fn publish_file(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        let put = self.store.put(&key(&format!("published/{path}"))?, Bytes::copy_from_slice(bytes).into()).await;
        put.map(drop).map_err(|error| Error::objects("publish", path, &error))
    }

    /// Removes what lies staged and belongs to none of the images.
    pub(crate) async fn sweep<'i>(&self, staged: impl Iterator<Item = &'i Image>) -> Result<(), Error> {
        let wanted: Vec<_> = staged.map(|image| staged_name(image.sha256)).collect();
        let failed = |error| Error::objects("clear", "staged", &error);
        let found: Vec<_> = self.store.list(Some(&key("staged")?)).try_collect().await.map_err(failed)?;
        for object in found {
            if !wanted.iter().any(|name| *name == object.location.as_ref()) {
                self.store.delete(&object.location).await.map_err(failed)?;
            }
        }
        Ok(())
    }

    /// A published object: its size and tag, and its bytes as they are asked for. `None` if there is none.
    pub(crate) async fn published(&self, name: &str, options: GetOptions) -> Result<Option<GetResult>, Error> {
        match self.store.get_opts(&key(&format!("published/{name}"))?, options).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::objects("read", name, &error)),
        }
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
    pub(crate) async fn published_file(&self, name: &str, limit: Length) -> Result<Option<Bytes>, Error> {
        let Some(found) = self.published(&format!("metadata/{name}"), GetOptions::new()).await? else {
            return Ok(None);
        };
        if found.meta.size > limit.get() {
            return Err(Error::objects("read", name, &"it is longer than any client reads"));
        }
        found.bytes().await.map(Some).map_err(|error| Error::objects("read", name, &error))
    }
}

/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

fn staged_name(sha256: Sha256) -> String {
    format!("staged/{sha256}")
}

fn key(name: &str) -> Result<Key, Error> {
    Key::parse(name).map_err(|error| Error::objects("name", name, &error))
}
