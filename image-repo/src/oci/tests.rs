use host::oci::LAYOUT;
use serde_json::{Value, json};

use super::*;

mod add;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A layout that is written as a test wants it.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// A layout with one image of two layers.
    fn with_image() -> Self {
        let bench = Self::empty();
        let image = bench.image(&[b"base", b"app"]);
        bench.index(&[image]);
        bench
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("build/blobs/sha256")).unwrap();
        fs::write(folder.path().join("build/oci-layout"), LAYOUT).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn layout(&self) -> Result<Layout, Error> {
        Layout::open(&self.at("build"))
    }

    fn choose(&self, choice: &Choice) -> Result<Chosen, Error> {
        self.layout().and_then(|layout| layout.choose(choice))
    }

    /// Where the blob with this content is.
    fn place(&self, content: &[u8]) -> PathBuf {
        self.at("build").join(blob_file(Sha256::of(content)))
    }

    /// Writes a blob, and returns its descriptor.
    fn blob(&self, media_type: &str, content: &[u8]) -> Value {
        fs::write(self.place(content), content).unwrap();
        json!({ "mediaType": media_type, "digest": format!("sha256:{}", Sha256::of(content)), "size": content.len() })
    }

    /// Writes an image with these layers, and returns the descriptor of its manifest.
    fn image(&self, layers: &[&[u8]]) -> Value {
        let config = self.blob(CONFIG, b"{}");
        let layers: Vec<_> = layers.iter().map(|layer| self.blob(LAYER, layer)).collect();
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        self.blob(MANIFEST, manifest.to_string().as_bytes())
    }

    /// Writes the index of the layout.
    fn index(&self, entries: &[Value]) {
        fs::write(self.at("build/index.json"), index(entries)).unwrap();
    }
}

fn index(entries: &[Value]) -> String {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string()
}

fn tagged(mut descriptor: Value, tag: &str) -> Value {
    descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    descriptor
}

fn digest(descriptor: &Value) -> Sha256 {
    Sha256::parse(descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:")).unwrap()
}

#[test]
fn an_image_is_chosen_by_tag_by_digest_or_because_it_is_the_only_one() {
    let bench = Bench::empty();
    let (one, two) = (bench.image(&[b"one"]), bench.image(&[b"two"]));
    bench.index(&[tagged(one.clone(), "1"), tagged(two.clone(), "2")]);
    let chosen = |choice: &Choice| bench.choose(choice).unwrap().descriptor.sha256;
    assert_eq!(chosen(&Choice::Tag("2".to_owned())), digest(&two));
    assert_eq!(chosen(&Choice::Digest(digest(&one))), digest(&one));
    bench.index(std::slice::from_ref(&one));
    assert_eq!(chosen(&Choice::Only), digest(&one));
}

#[test]
fn an_image_is_found_below_an_index_of_its_own() {
    let bench = Bench::empty();
    let (amd64, arm64) = (bench.image(&[b"amd64"]), bench.image(&[b"arm64"]));
    let several = bench.blob(INDEX, index(&[amd64, arm64.clone()]).as_bytes());
    bench.index(&[tagged(several, "1")]);
    let chosen = bench.choose(&Choice::Digest(digest(&arm64))).unwrap();
    assert_eq!(chosen.manifest.layers[0].sha256, Sha256::of(b"arm64"));
    let refused = bench.choose(&Choice::Tag("1".to_owned())).unwrap_err();
    assert!(matches!(&refused, Error::Ambiguous { images, .. } if images.contains(&digest(&arm64).to_string())));
    let single = bench.blob(INDEX, index(std::slice::from_ref(&arm64)).as_bytes());
    bench.index(&[single]);
    assert_eq!(bench.choose(&Choice::Only).unwrap().descriptor.sha256, digest(&arm64));
}

#[test]
fn an_image_that_is_not_there_or_not_the_only_one_is_refused() {
    let bench = Bench::empty();
    let (one, two) = (bench.image(&[b"one"]), bench.image(&[b"two"]));
    bench.index(&[one, tagged(two, "2")]);
    assert!(matches!(bench.choose(&Choice::Only), Err(Error::Ambiguous { .. })));
    assert!(matches!(bench.choose(&Choice::Tag("3".to_owned())), Err(Error::NoImage { .. })));
    assert!(matches!(bench.choose(&Choice::Digest(Sha256::of(b"one"))), Err(Error::NoImage { .. })));
}

#[test]
fn what_is_no_image_is_passed_over_unless_it_is_chosen() {
    let bench = Bench::empty();
    let (image, note) = (bench.image(&[b"one"]), bench.blob("text/plain", b"note"));
    bench.index(&[tagged(note, "note"), image.clone()]);
    assert_eq!(bench.choose(&Choice::Only).unwrap().descriptor.sha256, digest(&image));
    let refused = bench.choose(&Choice::Tag("note".to_owned()));
    assert!(matches!(refused, Err(Error::Inside { source: host::oci::Error::MediaType { .. }, .. })));
}

#[test]
fn indexes_in_indexes_without_end_are_not_followed() {
    let bench = Bench::empty();
    let image = bench.image(&[b"one"]);
    let nested = (0..=MAX_INDEX_DEPTH).fold(image.clone(), |inner, _| bench.blob(INDEX, index(&[inner]).as_bytes()));
    bench.index(&[nested]);
    assert!(matches!(bench.choose(&Choice::Only), Err(Error::Deep { .. })));
    assert!(matches!(bench.choose(&Choice::Digest(digest(&image))), Err(Error::Deep { .. })));
}

#[test]
fn more_indexes_than_a_search_opens_are_refused() {
    let bench = Bench::empty();
    let number = |number: usize| bench.blob(INDEX, format!("{}{}", index(&[]), " ".repeat(number)).as_bytes());
    bench.index(&(0..=MAX_INDEXES).map(number).collect::<Vec<_>>());
    assert!(matches!(bench.choose(&Choice::Digest(Sha256::of(b"")),), Err(Error::Deep { .. })));
}

#[test]
fn a_manifest_with_other_content_than_its_digest_is_refused() {
    let bench = Bench::empty();
    let image = bench.image(&[b"one"]);
    bench.index(std::slice::from_ref(&image));
    let place = bench.at("build").join(blob_file(digest(&image)));
    let changed = fs::read_to_string(&place).unwrap().replace("2", "3");
    fs::write(&place, changed).unwrap();
    let refused = bench.choose(&Choice::Only).unwrap_err();
    assert!(matches!(refused, Error::Blob { source: uptane::Error::ImageDigest, .. }), "{refused}");
}

#[test]
fn a_manifest_of_another_length_is_refused() {
    let bench = Bench::empty();
    let mut image = bench.image(&[b"one"]);
    image["size"] = json!(image["size"].as_u64().unwrap() + 1);
    bench.index(&[image]);
    assert!(matches!(bench.choose(&Choice::Only), Err(Error::Length { .. })));
}

#[test]
fn a_manifest_longer_than_the_limit_is_refused() {
    let bench = Bench::empty();
    let mut image = bench.image(&[b"one"]);
    image["size"] = json!(MAX_MANIFEST + 1);
    bench.index(&[image]);
    let refused = bench.choose(&Choice::Only).unwrap_err();
    assert!(matches!(refused, Error::Inside { source: host::oci::Error::Long { .. }, .. }), "{refused}");
}

#[test]
fn a_folder_without_oci_layout_is_none() {
    let bench = Bench::with_image();
    fs::remove_file(bench.at("build/oci-layout")).unwrap();
    assert!(matches!(bench.layout(), Err(Error::NoLayout { .. })));
}

#[test]
fn a_layout_of_another_version_is_refused() {
    let bench = Bench::with_image();
    fs::write(bench.at("build/oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert!(matches!(bench.layout(), Err(Error::Inside { source: host::oci::Error::Version { .. }, .. })));
}

#[test]
fn a_layout_without_an_index_is_refused() {
    let bench = Bench::with_image();
    fs::remove_file(bench.at("build/index.json")).unwrap();
    assert!(matches!(bench.choose(&Choice::Only), Err(Error::Host(host::Error::Missing { .. }))));
}

#[test]
fn a_link_in_the_place_of_a_file_is_not_followed() {
    let bench = Bench::with_image();
    fs::rename(bench.at("build/index.json"), bench.at("elsewhere")).unwrap();
    std::os::unix::fs::symlink(bench.at("elsewhere"), bench.at("build/index.json")).unwrap();
    assert!(matches!(bench.choose(&Choice::Only), Err(Error::NoFile { .. })));
}
