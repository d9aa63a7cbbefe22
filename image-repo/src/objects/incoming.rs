//! What is on its way in. A blob is known by its digest once all of it is there; until then it lies in parts of one size, so
//! that an upload goes on where it stopped, with this process or another.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{GetOptions, ObjectStoreExt as _, WriteMultipart};
use sha2::Digest as _;
use uptane::{Length, Sha256};

use super::{Objects, key};
use crate::error::Error;

/// Bytes of every part of an upload but the last.
pub const PART: u64 = 8 * 1024 * 1024;

/// Bytes that are to come in, and who sends them: nobody spoils what another sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// What they are to be.
    pub blob: Blob,
    folder: String,
}

/// Bytes, known by their digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// How many there are.
    pub length: Length,
    /// Their digest.
    pub sha256: Sha256,
}

impl Upload {
    /// An upload by the writer of this name.
    pub fn new(writer: &str, blob: Blob) -> Self {
        let Blob { length, sha256 } = blob;
        let id = Sha256::of(format!("{sha256} {length} {writer}").as_bytes());
        Self { blob, folder: format!("incoming/parts/{id}") }
    }

    fn part(&self, number: u64) -> String {
        format!("{}/{number:08}", self.folder)
    }

    /// How long a part is when it is whole.
    pub(crate) fn part_length(&self, number: u64) -> u64 {
        self.blob.length.get().saturating_sub(number.saturating_mul(PART)).min(PART)
    }
}

impl Objects {
    /// The blob's bytes, if all of them came in; longer ones than `limit` are refused.
    pub(crate) async fn incoming(&self, sha256: Sha256, limit: u64) -> Result<Option<Bytes>, Error> {
        let Some(found) = self.get(&name(sha256), GetOptions::new()).await? else { return Ok(None) };
        if found.meta.size > limit {
            return Err(Error::TooLong { what: sha256.to_string(), limit });
        }
        found.bytes().await.map(Some).map_err(|error| Error::objects("read", sha256, &error))
    }

    /// Whether all of a blob came in.
    pub(crate) async fn is_whole(&self, blob: Blob) -> Result<bool, Error> {
        Ok(self.length(&name(blob.sha256)).await? == Some(blob.length.get()))
    }

    /// How many of an upload's bytes are there: whole parts, from the first on.
    pub(crate) async fn received(&self, upload: &Upload) -> Result<u64, Error> {
        if self.is_whole(upload.blob).await? {
            return Ok(upload.blob.length.get());
        }
        let mut received = 0;
        for number in 0.. {
            let whole = upload.part_length(number);
            if whole == 0 || self.length(&upload.part(number)).await? != Some(whole) {
                break;
            }
            received += whole;
        }
        Ok(received)
    }

    /// Keeps a part of an upload.
    pub(crate) async fn put_part(&self, upload: &Upload, number: u64, bytes: Bytes) -> Result<(), Error> {
        let put = self.store.put(&key(&upload.part(number))?, bytes.into()).await;
        put.map(drop).map_err(|error| Error::objects("store", upload.blob.sha256, &error))
    }

    /// Makes a blob of its parts, all of which are there. One with another digest is none, and its parts go.
    pub(crate) async fn assemble(&self, upload: &Upload) -> Result<(), Error> {
        if !self.is_whole(upload.blob).await? {
            let made = self.join(upload).await?;
            if made != upload.blob.sha256 {
                self.discard(upload).await?;
                return Err(Error::WrongDigest { given: upload.blob.sha256, found: made });
            }
        }
        self.discard(upload).await
    }

    /// Writes the parts one after the other, and puts them in the blob's place if they have its digest.
    async fn join(&self, upload: &Upload) -> Result<Sha256, Error> {
        let failed = |error| Error::objects("store", upload.blob.sha256, &error);
        let key = key(&name(upload.blob.sha256))?;
        let mut writer = WriteMultipart::new(self.store.put_multipart(&key).await.map_err(failed)?);
        let mut digest = sha2::Sha256::new();
        for number in 0..upload.blob.length.get().div_ceil(PART) {
            let part = self.get(&upload.part(number), GetOptions::new()).await?;
            let mut pieces = part.ok_or(Error::UploadLost { sha256: upload.blob.sha256 })?.into_stream();
            while let Some(piece) = pieces.try_next().await.map_err(failed)? {
                digest.update(&piece);
                writer.wait_for_capacity(1).await.map_err(failed)?;
                writer.write(&piece);
            }
        }
        let made = Sha256(digest.finalize().into());
        let ended = if made == upload.blob.sha256 { writer.finish().await.map(drop) } else { writer.abort().await };
        ended.map_err(failed)?;
        Ok(made)
    }

    /// Drops the parts of an upload.
    pub(crate) async fn discard(&self, upload: &Upload) -> Result<(), Error> {
        self.delete_below(&upload.folder).await
    }

    pub(super) async fn delete_below(&self, folder: &str) -> Result<(), Error> {
        let failed = |error| Error::objects("clear", folder, &error);
        let found: Vec<_> = self.store.list(Some(&key(folder)?)).try_collect().await.map_err(failed)?;
        for object in found {
            self.store.delete(&object.location).await.map_err(failed)?;
        }
        Ok(())
    }

    /// Takes in a file of this machine, and says what it is.
    pub(crate) async fn bring(&self, path: &Path) -> Result<Blob, Error> {
        let failed = |error| Error::objects("store", path.display(), &error);
        let unread = |source| Error::from(host::Error::io("read", path, source));
        let mut file = File::open(path).map_err(unread)?;
        let arriving: Key = key(&format!("incoming/{:032x}", u128::from_be_bytes(host::random::bytes()?)))?;
        let mut writer = WriteMultipart::new(self.store.put_multipart(&arriving).await.map_err(failed)?);
        let (mut digest, mut length, mut piece) = (sha2::Sha256::new(), 0_u64, vec![0; PIECE]);
        loop {
            let count = file.read(&mut piece).map_err(unread)?;
            let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            digest.update(bytes);
            length = length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            writer.wait_for_capacity(1).await.map_err(failed)?;
            writer.write(bytes);
        }
        writer.finish().await.map_err(failed)?;
        let length = Length::new(length).map_err(Error::given("the image", &path.display().to_string()))?;
        let blob = Blob { length, sha256: Sha256(digest.finalize().into()) };
        self.store.rename(&arriving, &key(&name(blob.sha256))?).await.map_err(failed)?;
        Ok(blob)
    }

    /// Takes in bytes that are at hand.
    pub async fn take(&self, bytes: &[u8]) -> Result<Blob, Error> {
        let sha256 = Sha256::of(bytes);
        let put = self.store.put(&key(&name(sha256))?, Bytes::copy_from_slice(bytes).into()).await;
        put.map_err(|error| Error::objects("store", sha256, &error))?;
        Ok(Blob { length: Length::new(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?, sha256 })
    }
}

/// Bytes read at a time.
const PIECE: usize = 64 * 1024;

/// Where a blob lies until an image or file of its digest is published.
pub(super) fn name(sha256: Sha256) -> String {
    format!("incoming/{sha256}")
}
