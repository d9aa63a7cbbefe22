//! What one blob is (image-spec 1.1, `descriptor.md`).

use std::collections::BTreeMap;

use serde::Deserialize;
use uptane::{Length, Sha256};

use super::{Error, MAX_LAYER, MAX_MANIFEST};

/// The kinds of blobs a release may carry (image-spec 1.1, `media-types.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// Names manifests.
    Index,
    /// Names the configuration and the layers.
    Manifest,
    /// How a container is run.
    Config,
    /// A layer.
    Layer,
    /// A layer, compressed with gzip.
    LayerGzip,
    /// A layer, compressed with Zstandard.
    LayerZstd,
}

const KNOWN: [MediaType; 6] = [
    MediaType::Index,
    MediaType::Manifest,
    MediaType::Config,
    MediaType::Layer,
    MediaType::LayerGzip,
    MediaType::LayerZstd,
];

/// How the types of layers begin that are not in an image.
const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.";

impl MediaType {
    /// The type of this text, if it is one of them.
    pub fn parse(text: &str) -> Option<Self> {
        KNOWN.into_iter().find(|known| known.as_str() == text)
    }

    /// Its text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Index => "application/vnd.oci.image.index.v1+json",
            Self::Manifest => "application/vnd.oci.image.manifest.v1+json",
            Self::Config => "application/vnd.oci.image.config.v1+json",
            Self::Layer => "application/vnd.oci.image.layer.v1.tar",
            Self::LayerGzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Self::LayerZstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }

    /// Whether it is a layer.
    pub fn is_layer(self) -> bool {
        matches!(self, Self::Layer | Self::LayerGzip | Self::LayerZstd)
    }

    /// Bytes that a blob of this type may have.
    fn limit(self) -> u64 {
        if self.is_layer() { MAX_LAYER } else { MAX_MANIFEST }
    }
}

/// One blob: what it is, and the only bytes it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// What it is.
    pub media_type: MediaType,
    /// Its digest.
    pub sha256: Sha256,
    /// Its length.
    pub length: Length,
}

/// A descriptor as it stands in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    pub(super) media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Written {
    /// The descriptor, which is `what` to messages and must be of a type that may stand there.
    pub(super) fn read(&self, what: &'static str, may_be: impl Fn(MediaType) -> bool) -> Result<Descriptor, Error> {
        let sha256 = self.sha256()?;
        if !self.urls.is_empty() || self.media_type.starts_with(FOREIGN) {
            return Err(Error::Foreign { sha256 });
        }
        let media_type = MediaType::parse(&self.media_type).filter(|kind| may_be(*kind));
        let media_type =
            media_type.ok_or_else(|| Error::MediaType { what, media_type: crate::cli::one_line(&self.media_type) })?;
        let limit = media_type.limit();
        let long = || Error::Long { what, length: self.size, limit };
        let length = Length::new(self.size).ok().filter(|length| length.get() <= limit).ok_or_else(long)?;
        Ok(Descriptor { media_type, sha256, length })
    }

    /// Its digest.
    pub(super) fn sha256(&self) -> Result<Sha256, Error> {
        let digest = self.digest.strip_prefix("sha256:").and_then(|hex| Sha256::parse(hex).ok());
        digest.ok_or_else(|| Error::Digest { digest: crate::cli::one_line(&self.digest) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_media_type_is_read_back_from_its_text() {
        for kind in KNOWN {
            assert_eq!(MediaType::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(MediaType::parse("text/plain"), None);
    }
}
