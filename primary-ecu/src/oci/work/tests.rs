use host::oci::{MediaType, check_layout};
use uptane::TargetNameBuf;

use super::*;

const LAYER: &[u8] = b"a layer of some bytes";

struct Bench {
    place: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { place: tempfile::tempdir().unwrap() }
    }

    fn out(&self) -> PathBuf {
        self.place.path().join("nav")
    }

    fn work(&self) -> Work {
        Work::begin(&self.out()).unwrap()
    }

    /// Whether a blob stands under its name in what is being made.
    fn has_blob(&self, content: &[u8]) -> bool {
        self.place.path().join(".unfinished-nav").join(place(Sha256::of(content))).exists()
    }
}

fn length(count: usize) -> Length {
    Length::new(u64::try_from(count).unwrap()).unwrap()
}

fn blob(content: &[u8]) -> Blob {
    let name = TargetNameBuf::parse("nav/app.sha256-0").unwrap();
    Blob { name, length: length(content.len()), sha256: Sha256::of(content) }
}

fn cut() -> Result<(), FetchError> {
    Err(FetchError::Incomplete { got: 0, expected: Length::ZERO })
}

/// Takes a whole blob.
fn take(work: &mut Work, content: &[u8]) {
    let mut arriving = work.take(blob(content)).unwrap();
    arriving.start(Length::ZERO, None).unwrap();
    arriving.write(content).unwrap();
    arriving.end(Ok(())).unwrap();
}

#[test]
fn a_blob_that_broke_off_goes_on_where_it_stopped() {
    let bench = Bench::new();
    let mut work = bench.work();
    let mut arriving = work.take(blob(LAYER)).unwrap();
    arriving.start(Length::ZERO, Some("\"one\"")).unwrap();
    arriving.write(&LAYER[..8]).unwrap();
    assert!(matches!(arriving.end(cut()), Err(Error::Fetch { .. })));
    drop(work);

    let mut work = bench.work();
    assert!(!work.has(&blob(LAYER)).unwrap() && !bench.has_blob(LAYER));
    let mut arriving = work.take(blob(LAYER)).unwrap();
    assert_eq!(arriving.resume(), Some(Resume { offset: length(8), entity_tag: "\"one\"".to_owned() }));
    arriving.start(length(8), Some("\"one\"")).unwrap();
    arriving.write(&LAYER[8..]).unwrap();
    arriving.end(Ok(())).unwrap();
    assert!(work.has(&blob(LAYER)).unwrap());
    assert_eq!(work.read(Sha256::of(LAYER)).unwrap(), LAYER);
}

#[test]
fn a_part_that_a_power_cut_may_have_torn_is_not_taken_up_again() {
    let bench = Bench::new();
    let mut work = bench.work();
    let mut arriving = work.take(blob(LAYER)).unwrap();
    arriving.start(Length::ZERO, Some("\"one\"")).unwrap();
    arriving.write(&LAYER[..8]).unwrap();
    drop(work);
    assert_eq!(bench.work().take(blob(LAYER)).unwrap().resume(), None);
}

#[test]
fn other_content_is_refused_and_never_stands_under_a_name() {
    let bench = Bench::new();
    let mut work = bench.work();
    let mut arriving = work.take(blob(LAYER)).unwrap();
    arriving.start(Length::ZERO, Some("\"one\"")).unwrap();
    arriving.write(&[b'x'; LAYER.len()]).unwrap();
    let refused = arriving.end(Ok(())).unwrap_err();
    assert!(matches!(refused, Error::Refused { source: uptane::Error::ImageDigest, .. }), "{refused}");
    assert!(!bench.has_blob(LAYER));
    assert_eq!(work.take(blob(LAYER)).unwrap().resume(), None);
}

#[test]
fn bytes_beyond_the_listed_length_are_refused() {
    let bench = Bench::new();
    let mut work = bench.work();
    let mut arriving = work.take(blob(LAYER)).unwrap();
    arriving.start(Length::ZERO, None).unwrap();
    arriving.write(LAYER).unwrap();
    arriving.write(b"more").unwrap_err();
    let refused = arriving.end(cut()).unwrap_err();
    assert!(matches!(refused, Error::Refused { source: uptane::Error::ImageLength { .. }, .. }), "{refused}");
    assert!(!bench.has_blob(LAYER));
}

#[test]
fn a_blob_that_was_damaged_since_is_fetched_again() {
    let bench = Bench::new();
    let mut work = bench.work();
    take(&mut work, LAYER);
    let place = work.folder.at(&place(Sha256::of(LAYER))).unwrap();
    fs::write(place, [b'x'; LAYER.len()]).unwrap();
    assert!(!work.has(&blob(LAYER)).unwrap());
    assert!(!bench.has_blob(LAYER));
}

#[test]
fn an_empty_blob_is_taken() {
    let bench = Bench::new();
    let mut work = bench.work();
    let mut arriving = work.take(blob(b"")).unwrap();
    arriving.start(Length::ZERO, None).unwrap();
    arriving.end(Ok(())).unwrap();
    assert!(work.has(&blob(b"")).unwrap());
}

#[test]
fn the_layout_appears_whole_with_its_own_blobs_alone() {
    let bench = Bench::new();
    let mut work = bench.work();
    for content in [LAYER, b"{}", b"of an earlier run"] {
        take(&mut work, content);
    }
    assert!(!bench.out().exists());
    let manifest = Descriptor { media_type: MediaType::Manifest, sha256: Sha256::of(b"{}"), length: length(2) };
    work.finish(&manifest, &[Sha256::of(LAYER), Sha256::of(b"{}")].into()).unwrap();
    check_layout(&fs::read(bench.out().join(LAYOUT_FILE)).unwrap()).unwrap();
    let index = Index::decode(&fs::read(bench.out().join(INDEX_FILE)).unwrap()).unwrap();
    assert_eq!(index.entries()[0].descriptor(), Ok(manifest));
    assert_eq!(fs::read_dir(bench.out().join("blobs/sha256")).unwrap().count(), 2);
    assert_eq!(fs::read_dir(bench.place.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn what_stands_in_the_place_of_the_layout_is_left_alone() {
    let bench = Bench::new();
    fs::write(bench.out(), b"something").unwrap();
    assert!(matches!(Work::begin(&bench.out()), Err(Error::Exists { .. })));
    assert_eq!(fs::read(bench.out()).unwrap(), b"something");
}

#[test]
fn two_at_once_do_not_make_one_layout() {
    let bench = Bench::new();
    let first = bench.work();
    assert!(matches!(Work::begin(&bench.out()), Err(Error::Host(host::Error::InUse { .. }))));
    drop(first);
    bench.work();
}
