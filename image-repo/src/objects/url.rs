//! Where objects lie: `DIR`, or `s3://BUCKET/PREFIX`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;

use crate::error::Error;

/// A place for objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectsUrl {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of a server that speaks S3.
    Bucket(BucketUrl),
}

/// A bucket, and the prefix of its keys; the server and what it asks for stand in the environment (`AWS_ENDPOINT_URL`,
/// `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, …; `AWS_ALLOW_HTTP=true` where it has no TLS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUrl {
    bucket: String,
    prefix: String,
}

impl BucketUrl {
    pub(super) fn open(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        let built = AmazonS3Builder::from_env().with_bucket_name(&self.bucket).build();
        let store = built.map_err(|error| Error::objects("open", format_args!("s3://{}", self.bucket), &error))?;
        Ok(match self.prefix.as_str() {
            "" => Arc::new(store),
            prefix => Arc::new(PrefixStore::new(store, prefix)),
        })
    }
}

impl ObjectsUrl {
    /// The same place, where a relative folder is one below `folder`.
    pub(crate) fn within(self, folder: &Path) -> Self {
        match self {
            Self::Folder(path) => Self::Folder(folder.join(path)),
            Self::Bucket(bucket) => Self::Bucket(bucket),
        }
    }
}

/// Whatever is no bucket is a folder.
impl From<String> for ObjectsUrl {
    fn from(text: String) -> Self {
        let Some(rest) = text.strip_prefix("s3://") else { return Self::Folder(text.into()) };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        Self::Bucket(BucketUrl { bucket: bucket.to_owned(), prefix: prefix.trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for ObjectsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Bucket(BucketUrl { bucket, prefix }) if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket(BucketUrl { bucket, prefix }) => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}
