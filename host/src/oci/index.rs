//! An index of manifests and other indexes (image-spec 1.1, `image-index.md`).

use serde::Deserialize;
use serde_json::json;
use uptane::Sha256;

use super::descriptor::Written;
use super::manifest::{check_count, check_length, check_type, check_version};
use super::{Descriptor, Error, MAX_ENTRIES, MediaType};

/// The annotation under which an entry of a layout's index has its tag.
const TAG: &str = "org.opencontainers.image.ref.name";

/// What an index names.
#[derive(Clone, Debug)]
pub struct Index(Vec<Entry>);

/// One entry, which is judged when it is chosen: an index may hold what is not for us.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Entry(Written);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    schema_version: u64,
    media_type: Option<String>,
    manifests: Vec<Entry>,
}

impl Index {
    /// Reads the bytes of an index.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        check_length("the index", bytes)?;
        let form: Form = serde_json::from_slice(bytes).map_err(Error::malformed("the index"))?;
        check_version("the index", form.schema_version)?;
        check_type("the index", form.media_type.as_deref(), MediaType::Index)?;
        check_count("entries of an index", form.manifests.len(), MAX_ENTRIES)?;
        Ok(Self(form.manifests))
    }

    /// The bytes of an index that names one manifest.
    pub fn of(manifest: &Descriptor) -> Vec<u8> {
        let Descriptor { media_type, sha256, length } = manifest;
        let entry = json!({
            "mediaType": media_type.as_str(),
            "digest": format!("sha256:{sha256}"),
            "size": length.get(),
        });
        let index = json!({ "schemaVersion": 2, "mediaType": MediaType::Index.as_str(), "manifests": [entry] });
        index.to_string().into_bytes()
    }

    /// Its entries, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }
}

impl Entry {
    /// Its tag, if it has one.
    pub fn tag(&self) -> Option<&str> {
        self.0.annotations.get(TAG).map(String::as_str)
    }

    /// Its digest.
    pub fn sha256(&self) -> Result<Sha256, Error> {
        self.0.sha256()
    }

    /// Whether it is an image or an index of images; others are passed over (image-spec 1.1, `image-index.md`).
    pub fn is_image(&self) -> bool {
        MediaType::parse(&self.0.media_type).is_some_and(names_an_image)
    }

    /// What it names, which must be a manifest or an index.
    pub fn descriptor(&self) -> Result<Descriptor, Error> {
        self.0.read("an entry of the index", names_an_image)
    }
}

fn names_an_image(kind: MediaType) -> bool {
    matches!(kind, MediaType::Manifest | MediaType::Index)
}

#[cfg(test)]
mod tests {
    use uptane::Length;

    use super::*;

    #[test]
    fn an_index_of_one_manifest_is_read_back() {
        let length = Length::new(7).unwrap();
        let manifest = Descriptor { media_type: MediaType::Manifest, sha256: Sha256::of(b"m"), length };
        let index = Index::decode(&Index::of(&manifest)).unwrap();
        assert_eq!(index.entries().iter().map(Entry::descriptor).collect::<Vec<_>>(), [Ok(manifest)]);
        assert_eq!(index.entries()[0].tag(), None);
    }

    #[test]
    fn an_entry_of_another_type_is_no_image_and_refused_when_it_is_chosen() {
        let entry = json!({ "mediaType": "text/plain", "digest": format!("sha256:{}", Sha256::of(b"")), "size": 0 });
        let index = json!({ "schemaVersion": 2, "manifests": [entry] }).to_string();
        let index = Index::decode(index.as_bytes()).unwrap();
        assert!(!index.entries()[0].is_image());
        assert!(matches!(index.entries()[0].descriptor(), Err(Error::MediaType { .. })));
    }

    #[test]
    fn more_entries_than_the_limit_are_refused() {
        let entry = json!({ "mediaType": "x", "digest": "x", "size": 0 });
        let index = json!({ "schemaVersion": 2, "manifests": vec![entry; MAX_ENTRIES + 1] }).to_string();
        assert!(matches!(Index::decode(index.as_bytes()), Err(Error::Many { .. })));
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (text, version) in [("{}", false), (r#"{"schemaVersion":1,"manifests":[]}"#, true), ("[", false)] {
            let refused = Index::decode(text.as_bytes()).unwrap_err();
            assert_eq!(matches!(refused, Error::Version { .. }), version, "{text}");
        }
    }
}
