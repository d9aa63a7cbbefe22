//! What lies where and how old it is, removing it, and having it count as new.
//!
//! A bucket says when an object was last put or copied, a folder when its file was last changed; a copy in a folder is a
//! second name of one file and must be dated by hand.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use object_store::{GetOptions, GetRange, GetResultPayload, ObjectMeta, ObjectStoreExt as _};
use uptane::{Sha256, Time};

use super::{Objects, incoming, key, published_image};
use crate::error::Error;
use crate::facts::Listing;

/// How long what nobody lists is kept: whoever is about to list it has that long, and half of it if it was there before.
pub(crate) const UNLISTED: Duration = Duration::from_secs(7 * 86_400);

/// An object that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// Its whole name.
    pub name: String,
    /// When it was put there, copied there or dated.
    pub modified: Time,
    /// Its length in bytes.
    pub length: u64,
}

impl Object {
    fn of(meta: &ObjectMeta) -> Self {
        let seconds = u64::try_from(meta.last_modified.timestamp()).unwrap_or(0);
        let modified = Time::from_unix(seconds).unwrap_or(Time::MAX);
        Self { name: meta.location.to_string(), modified, length: meta.size }
    }

    /// Whether it has lain there for so long that nobody is about to list it.
    pub(crate) fn is_old(&self, now: Time) -> bool {
        now.since(self.modified) > UNLISTED
    }
}

/// What was done to have an image where clients find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It is there, and nobody removes it within the next days.
    Safe,
    /// It had lain there for long, so that somebody may have been about to remove it when it was dated anew.
    Revived,
}

impl Objects {
    /// Everything below a folder, in the order in which the store tells it.
    pub(crate) fn below(&self, folder: &str) -> Result<impl Stream<Item = Result<Object, Error>> + use<>, Error> {
        let (prefix, folder) = (key(folder)?, folder.to_owned());
        let found = self.store.list(Some(&prefix)).map_ok(|meta| Object::of(&meta));
        Ok(found.map_err(move |error| Error::objects("list", &folder, &error)))
    }

    /// An object as it is now.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Object>, Error> {
        match self.store.head(&key(name)?).await {
            Ok(meta) => Ok(Some(Object::of(&meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::objects("read", name, &error)),
        }
    }

    /// The first bytes of an object, as many as there are; none if there is no such object.
    pub(crate) async fn beginning(&self, name: &str, count: u64) -> Result<Option<Bytes>, Error> {
        let options = GetOptions::new().with_range(Some(GetRange::Bounded(0..count)));
        let Some(found) = self.get(name, options).await? else { return Ok(None) };
        found.bytes().await.map(Some).map_err(|error| Error::objects("read", name, &error))
    }

    /// Removes an object. One that is not there is removed already.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), Error> {
        match self.store.delete(&key(name)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::objects("remove", name, &error)),
        }
    }

    /// Puts an image that is at hand where clients find it. Doing so again is harmless.
    pub(crate) async fn publish_image(&self, image: &Listing, now: Time) -> Result<Placed, Error> {
        let (to, from) = (published_image(image), incoming::name(image.sha256));
        let found = self.find(&to).await?.filter(|found| found.length == image.length.get());
        match found {
            Some(found) if now.since(found.modified) < UNLISTED / 2 => Ok(Placed::Safe),
            Some(_) => {
                self.revive(&to, &from, image.sha256, now).await?;
                Ok(Placed::Revived)
            }
            None => {
                self.place(image.sha256, &to, now).await?;
                Ok(Placed::Safe)
            }
        }
    }

    /// Has an image count as new that is where clients find it, and keeps a copy of it from which whoever finds it removed
    /// puts it back.
    async fn revive(&self, published: &str, copy: &str, sha256: Sha256, now: Time) -> Result<(), Error> {
        if self.folder.is_none() {
            self.copy(published, copy, sha256).await?;
            return self.copy(copy, published, sha256).await;
        }
        // A second name of a file must not be given to it twice: the one in between would stay.
        if self.find(copy).await?.is_none() {
            self.copy(published, copy, sha256).await?;
        }
        for name in [copy, published] {
            self.date(name, now).await?;
        }
        for name in [copy, published] {
            self.find(name).await?.ok_or(Error::UploadLost { sha256 })?;
        }
        Ok(())
    }

    /// Puts a blob that came in where it has this name.
    pub(crate) async fn place(&self, sha256: Sha256, to: &str, now: Time) -> Result<(), Error> {
        let from = incoming::name(sha256);
        // In a folder both names are of one file, so no moment is left in which the new one is old.
        self.date(&from, now).await?;
        self.copy(&from, to, sha256).await
    }

    async fn copy(&self, from: &str, to: &str, sha256: Sha256) -> Result<(), Error> {
        match self.store.copy(&key(from)?, &key(to)?).await {
            Ok(()) => Ok(()),
            // It was cleared away a moment ago.
            Err(object_store::Error::NotFound { .. }) => Err(Error::UploadLost { sha256 }),
            Err(error) => Err(Error::objects("publish", to, &error)),
        }
    }

    /// Dates a file of a folder; in a bucket the copy did.
    async fn date(&self, name: &str, now: Time) -> Result<(), Error> {
        if self.folder.is_none() {
            return Ok(());
        }
        let Some(found) = self.get(name, GetOptions::new()).await? else { return Ok(()) };
        let at = UNIX_EPOCH + Duration::from_secs(now.unix());
        match found.payload {
            GetResultPayload::File(file, _) => {
                file.set_modified(at).map_err(|error| Error::objects("date", name, &error))
            }
            GetResultPayload::Stream(_) => Ok(()),
        }
    }
}
