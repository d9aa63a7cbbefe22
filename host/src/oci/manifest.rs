//! The manifest of one image (image-spec 1.1, `manifest.md`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::descriptor::Written;
use super::{Descriptor, Error, MAX_LAYERS, MAX_MANIFEST, MediaType};

/// What an image consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// How a container is run.
    pub config: Descriptor,
    /// The layers, lowest first. One may be there more than once.
    pub layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    schema_version: u64,
    media_type: Option<String>,
    config: Written,
    layers: Vec<Written>,
}

impl Manifest {
    /// Reads the bytes of a manifest.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        check_length("the manifest", bytes)?;
        let form: Form = serde_json::from_slice(bytes).map_err(Error::malformed("the manifest"))?;
        check_version("the manifest", form.schema_version)?;
        check_type("the manifest", form.media_type.as_deref(), MediaType::Manifest)?;
        check_count("layers", form.layers.len(), MAX_LAYERS)?;
        let config = form.config.read("the configuration", |kind| kind == MediaType::Config)?;
        let layers =
            form.layers.iter().map(|layer| layer.read("a layer", MediaType::is_layer)).collect::<Result<_, _>>()?;
        let manifest = Self { config, layers };
        manifest.check_lengths()?;
        Ok(manifest)
    }

    /// Configuration and layers, each once.
    pub fn blobs(&self) -> Vec<&Descriptor> {
        let mut blobs: Vec<&Descriptor> = Vec::new();
        for blob in std::iter::once(&self.config).chain(&self.layers) {
            if blobs.iter().all(|known| known.sha256 != blob.sha256) {
                blobs.push(blob);
            }
        }
        blobs
    }

    fn check_lengths(&self) -> Result<(), Error> {
        let mut lengths = BTreeMap::new();
        for blob in std::iter::once(&self.config).chain(&self.layers) {
            let known = *lengths.entry(blob.sha256).or_insert(blob.length);
            if known != blob.length {
                return Err(Error::TwoLengths { sha256: blob.sha256 });
            }
        }
        Ok(())
    }
}

pub(super) fn check_length(what: &'static str, bytes: &[u8]) -> Result<(), Error> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if length > MAX_MANIFEST { Err(Error::Long { what, length, limit: MAX_MANIFEST }) } else { Ok(()) }
}

pub(super) fn check_version(what: &'static str, version: u64) -> Result<(), Error> {
    if version == 2 { Ok(()) } else { Err(Error::Version { what, version: version.to_string(), known: "2" }) }
}

/// The type a file says it has; it may say none.
pub(super) fn check_type(what: &'static str, said: Option<&str>, expected: MediaType) -> Result<(), Error> {
    match said {
        Some(said) if said != expected.as_str() => {
            Err(Error::MediaType { what, media_type: crate::cli::one_line(said) })
        }
        _ => Ok(()),
    }
}

pub(super) fn check_count(what: &'static str, count: usize, limit: usize) -> Result<(), Error> {
    if count > limit { Err(Error::Many { what, count, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uptane::Sha256;

    use super::*;

    fn descriptor(media_type: &str, content: &[u8]) -> Value {
        json!({ "mediaType": media_type, "digest": format!("sha256:{}", Sha256::of(content)), "size": content.len() })
    }

    fn good() -> Value {
        json!({
            "schemaVersion": 2,
            "mediaType": MediaType::Manifest.as_str(),
            "config": descriptor(MediaType::Config.as_str(), b"{}"),
            "layers": [
                descriptor(MediaType::LayerGzip.as_str(), b"one"),
                descriptor(MediaType::Layer.as_str(), b"two"),
                descriptor(MediaType::LayerGzip.as_str(), b"one"),
            ],
        })
    }

    /// The refusal of a manifest in which one thing is otherwise.
    fn refused(at: &str, value: Value) -> Error {
        let mut manifest = good();
        *manifest.pointer_mut(at).unwrap() = value;
        Manifest::decode(manifest.to_string().as_bytes()).unwrap_err()
    }

    #[test]
    fn a_manifest_names_its_configuration_and_each_layer() {
        let manifest = Manifest::decode(good().to_string().as_bytes()).unwrap();
        assert_eq!(manifest.layers.len(), 3);
        let digests: Vec<_> = manifest.blobs().iter().map(|blob| blob.sha256).collect();
        assert_eq!(digests, [Sha256::of(b"{}"), Sha256::of(b"one"), Sha256::of(b"two")]);
    }

    #[test]
    fn a_manifest_may_leave_its_own_type_out() {
        let mut manifest = good();
        manifest.as_object_mut().unwrap().remove("mediaType");
        assert!(Manifest::decode(manifest.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn a_digest_of_another_function_is_refused() {
        let sha512 = json!(format!("sha512:{}", uptane::Sha512::of(b"one")));
        assert!(matches!(refused("/layers/0/digest", sha512), Error::Digest { .. }));
    }

    #[test]
    fn a_digest_in_upper_case_or_of_another_length_is_refused() {
        for digest in [format!("sha256:{}", "A".repeat(64)), "sha256:00".to_owned(), "../../etc/passwd".to_owned()] {
            assert!(matches!(refused("/config/digest", json!(digest)), Error::Digest { .. }));
        }
    }

    #[test]
    fn a_layer_that_lies_elsewhere_is_refused() {
        let mut foreign = good();
        foreign["layers"][0]["urls"] = json!(["https://example.com/layer"]);
        let refused_urls = Manifest::decode(foreign.to_string().as_bytes()).unwrap_err();
        assert_eq!(refused_urls, Error::Foreign { sha256: Sha256::of(b"one") });
        let typed = refused("/layers/1/mediaType", json!("application/vnd.oci.image.layer.nondistributable.v1.tar"));
        assert_eq!(typed, Error::Foreign { sha256: Sha256::of(b"two") });
    }

    #[test]
    fn a_media_type_that_is_not_known_or_stands_elsewhere_is_refused() {
        for (at, media_type) in [
            ("/mediaType", "application/vnd.docker.distribution.manifest.v2+json"),
            ("/config/mediaType", "application/vnd.oci.empty.v1+json"),
            ("/config/mediaType", MediaType::Layer.as_str()),
            ("/layers/0/mediaType", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
            ("/layers/0/mediaType", MediaType::Config.as_str()),
        ] {
            assert!(matches!(refused(at, json!(media_type)), Error::MediaType { .. }), "{at} {media_type}");
        }
    }

    #[test]
    fn one_blob_with_two_lengths_is_refused() {
        assert_eq!(refused("/layers/2/size", json!(4)), Error::TwoLengths { sha256: Sha256::of(b"one") });
    }

    #[test]
    fn blobs_over_their_limits_are_refused() {
        let long = refused("/layers/1/size", json!(super::super::MAX_LAYER + 1));
        assert!(matches!(long, Error::Long { what: "a layer", .. }));
        let long = refused("/config/size", json!(MAX_MANIFEST + 1));
        assert!(matches!(long, Error::Long { what: "the configuration", .. }));
        let padded = format!("{}{}", " ".repeat(4 * 1024 * 1024), good());
        assert!(matches!(Manifest::decode(padded.as_bytes()), Err(Error::Long { what: "the manifest", .. })));
    }

    #[test]
    fn more_layers_than_the_limit_are_refused() {
        let many = vec![descriptor(MediaType::Layer.as_str(), b"one"); MAX_LAYERS + 1];
        assert!(matches!(refused("/layers", json!(many)), Error::Many { what: "layers", .. }));
    }

    #[test]
    fn another_version_is_refused() {
        assert!(matches!(refused("/schemaVersion", json!(1)), Error::Version { .. }));
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        for (at, value) in [("/config", json!(null)), ("/layers", json!({})), ("/layers/0/size", json!(-1))] {
            assert!(matches!(refused(at, value), Error::Malformed { .. }), "{at}");
        }
        let twice = good().to_string().replacen('{', r#"{"layers":[],"#, 1);
        assert!(matches!(Manifest::decode(twice.as_bytes()), Err(Error::Malformed { .. })));
    }
}
