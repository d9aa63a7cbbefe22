//! The one published name whose content changes: it never gives way to an older one, however many processes publish.
//!
//! In a bucket the put carries the tag of what it replaces (RFC 9110 §13.1.1), so that a late one is refused by the bucket. In a
//! folder processes take turns by a lock that ends with its process.

use std::fs::File;
use std::path::Path;

use bytes::Bytes;
use host::disk::{self, Access};
use object_store::{GetOptions, PutMode, PutOptions, UpdateVersion};
use uptane::{Version, limits};

use super::{Objects, key};
use crate::error::Error;

const NAME: &str = "published/metadata/timestamp.json";

impl Objects {
    /// Puts a Timestamp in front of clients, unless they see one that is as new or newer. `genuine` says of what they see
    /// which version it is, and nothing of what nobody signed.
    pub(crate) async fn publish_timestamp(
        &self,
        version: Version,
        bytes: &[u8],
        genuine: impl Fn(&[u8]) -> Option<Version> + Send,
    ) -> Result<(), Error> {
        match &self.folder {
            Some(folder) => in_folder(folder, version, bytes, genuine),
            None => self.in_bucket(version, bytes, genuine).await,
        }
    }

    async fn in_bucket(
        &self,
        version: Version,
        bytes: &[u8],
        genuine: impl Fn(&[u8]) -> Option<Version> + Send,
    ) -> Result<(), Error> {
        let failed = |error| Error::objects("publish", "timestamp.json", &error);
        for _ in 0..ATTEMPTS {
            let mode = match self.get(NAME, GetOptions::new()).await? {
                None => PutMode::Create,
                Some(found) => {
                    let update = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
                    let seen = found.bytes().await.map_err(failed)?;
                    if genuine(&seen).is_some_and(|seen| seen >= version) {
                        return Ok(());
                    }
                    PutMode::Update(update)
                }
            };
            let put =
                self.store.put_opts(&key(NAME)?, Bytes::copy_from_slice(bytes).into(), PutOptions::from(mode)).await;
            match put {
                Ok(_) => return Ok(()),
                // Another process was faster: what it put is looked at again.
                Err(object_store::Error::Precondition { .. } | object_store::Error::AlreadyExists { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(Error::Conflict)
    }
}

/// How often another process may be faster.
const ATTEMPTS: usize = 16;

/// Nothing is waited for while the lock is held, and it is held for one small file.
fn in_folder(
    folder: &Path,
    version: Version,
    bytes: &[u8],
    genuine: impl Fn(&[u8]) -> Option<Version>,
) -> Result<(), Error> {
    let path = folder.join(NAME);
    disk::create_folder(path.parent().unwrap_or(folder), Access::Shared)?;
    let _lock = lock(&folder.join("published/.timestamp.lock"))?;
    let seen = disk::read(&path, limits::MAX_TIMESTAMP)?;
    if seen.and_then(|seen| genuine(&seen)).is_some_and(|seen| seen >= version) {
        return Ok(());
    }
    Ok(disk::replace(&path, bytes, Access::Shared)?)
}

fn lock(path: &Path) -> Result<File, host::Error> {
    let failed = |source| host::Error::io("lock", path, source);
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}
