//! Metadata files ready to be sent: their tags, worked out once, and their gzip form, made once.
//!
//! The tag of a form is the SHA-256 of its bytes, so it is the same on every instance and over every store, and two forms
//! that differ never share one. What is kept is bounded in bytes ([`MOST`]); what is asked for least goes first, and is
//! made again when it is wanted.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use futures_util::TryStreamExt as _;
use object_store::{GetOptions, GetResult, GetResultPayload};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use sha2::Digest as _;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uptane::{Sha256, limits};

use super::answer::Life;
use super::body::whole;
use super::pieces::Pieces;
use super::tags;
use crate::error::Error;
use crate::objects::Objects;

/// A metadata file in the forms in which it is sent.
#[derive(Debug)]
pub(super) struct Forms {
    /// The file as it was published.
    pub plain: Form,
    /// The same as gzip, if that is shorter.
    pub gzip: Option<Form>,
}

/// One form of a file.
#[derive(Debug)]
pub(super) struct Form {
    /// With its quotes.
    pub tag: String,
    pub length: u64,
    /// None if it is too long to be kept; then it comes from the store.
    pub bytes: Option<Bytes>,
}

/// Metadata files, and the forms of them that are kept.
#[derive(Debug)]
pub(super) struct Shelf {
    objects: Objects,
    pieces: Arc<Pieces>,
    kept: Cache<String, Arc<Forms>, Weight>,
    /// Files that are being compressed.
    making: Semaphore,
}

impl Shelf {
    /// An empty shelf for the files of a store.
    pub(super) fn new(objects: Objects, pieces: Arc<Pieces>) -> Self {
        Self { objects, pieces, kept: kept(), making: Semaphore::new(MAKING) }
    }

    /// The forms of a published metadata file, if there is one.
    pub(super) async fn forms(&self, file: &str, life: Life) -> Result<Option<Arc<Forms>>, Error> {
        let made = match life {
            Life::ForEver => self.kept.get_or_insert_async(file, self.find(file)).await,
            Life::Brief => self.current(file).await,
        };
        match made {
            Ok(forms) => Ok(Some(forms)),
            Err(Missed::Absent) => Ok(None),
            Err(Missed::Failed(error)) => Err(error),
        }
    }

    /// The forms of what stands under this name now. They are kept by content.
    async fn current(&self, file: &str) -> Result<Arc<Forms>, Missed> {
        let found = self.published(file, limits::MAX_TIMESTAMP).await?;
        let bytes = whole(found, &self.pieces).await.map_err(|error| unreadable(file, &error))?;
        let digest = Sha256::of(&bytes).to_string();
        let made = async {
            let mut making = Making::new();
            making.write_all(&bytes).map_err(|error| unreadable(file, &error))?;
            making.finish().map(Arc::new).map_err(|error| unreadable(file, &error))
        };
        self.kept.get_or_insert_async(digest.as_str(), made).await
    }

    async fn find(&self, file: &str) -> Result<Arc<Forms>, Missed> {
        let found = self.published(file, limits::MAX_TARGETS).await?;
        // The semaphore is never closed.
        let permit = self.making.acquire().await;
        let runtime = tokio::runtime::Handle::current();
        let made = spawn_blocking(move || make(&runtime, found)).await;
        drop(permit);
        let made = made.map_err(io::Error::other).and_then(|made| made);
        made.map(Arc::new).map_err(|error| unreadable(file, &error))
    }

    async fn published(&self, file: &str, limit: u64) -> Result<GetResult, Missed> {
        let found = self.objects.published(&format!("metadata/{file}"), GetOptions::new()).await;
        let found = found.map_err(Missed::Failed)?.ok_or(Missed::Absent)?;
        match found.meta.size <= limit {
            true => Ok(found),
            false => Err(unreadable(file, &"it is longer than any client reads")),
        }
    }
}

fn kept() -> Cache<String, Arc<Forms>, Weight> {
    let mut options = OptionsBuilder::new();
    // In one shard, so that one long file may take what many short ones may.
    options.shards(1).weight_capacity(MOST).estimated_items_capacity(EXPECTED);
    match options.build() {
        Ok(options) => Cache::with_options(options, Weight, DefaultHashBuilder::default(), DefaultLifecycle::default()),
        // Only an absent capacity is refused, and both are given.
        Err(_) => Cache::with_weighter(EXPECTED, MOST, Weight),
    }
}

/// Why there are no forms.
enum Missed {
    Absent,
    Failed(Error),
}

fn unreadable(file: &str, reason: &impl ToString) -> Missed {
    Missed::Failed(Error::objects("read", file, reason))
}

/// Reads and compresses what was found. This takes a while, so it has a thread of its own.
fn make(runtime: &tokio::runtime::Handle, found: GetResult) -> io::Result<Forms> {
    let mut making = Making::new();
    match found.payload {
        GetResultPayload::File(mut file, _) => drop(io::copy(&mut file, &mut making)?),
        GetResultPayload::Stream(mut pieces) => {
            while let Some(piece) = runtime.block_on(pieces.try_next())? {
                making.write_all(&piece)?;
            }
        }
    }
    making.finish()
}

/// The forms of a file of which a part has been read.
struct Making {
    digest: sha2::Sha256,
    length: u64,
    plain: Vec<u8>,
    gzip: GzEncoder<Vec<u8>>,
}

impl Making {
    fn new() -> Self {
        // Neither time nor system stands in the header: the same release makes the same bytes everywhere.
        let gzip = GzBuilder::new().operating_system(UNKNOWN).write(Vec::new(), Compression::default());
        Self { digest: sha2::Sha256::new(), length: 0, plain: Vec::new(), gzip }
    }

    fn finish(self) -> io::Result<Forms> {
        let Self { digest, length, plain, gzip } = self;
        let gzip = Bytes::from(gzip.finish()?);
        let bytes = (length <= LONG).then(|| plain.into());
        let plain = Form { tag: tags::strong(Sha256(digest.finalize().into())), length, bytes };
        let gzip = Form { tag: tags::strong(Sha256::of(&gzip)), length: count(&gzip), bytes: Some(gzip) };
        Ok(Forms { gzip: (gzip.length < plain.length).then_some(gzip), plain })
    }
}

impl Write for Making {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.digest.update(bytes);
        self.length = self.length.saturating_add(count(bytes));
        match self.length <= LONG {
            true => self.plain.extend_from_slice(bytes),
            false => self.plain = Vec::new(),
        }
        self.gzip.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What forms cost, in bytes.
#[derive(Clone, Debug)]
struct Weight;

impl Weighter<String, Arc<Forms>> for Weight {
    fn weight(&self, file: &String, forms: &Arc<Forms>) -> u64 {
        let bytes = |form: &Form| form.bytes.as_ref().map_or(0, |bytes| count(bytes));
        let kept = bytes(&forms.plain).saturating_add(forms.gzip.as_ref().map_or(0, bytes));
        kept.saturating_add(count(file.as_bytes())).saturating_add(OVERHEAD)
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Bytes that are kept: every file of a catalogue of 100,000 images in 1,024 bins, in both forms.
const MOST: u64 = 64 * 1024 * 1024;
/// Files that are expected to be kept; more may be.
const EXPECTED: usize = 2_048;
/// Bytes beyond which the plain form of a file is not kept: few clients ask for it.
const LONG: u64 = 1024 * 1024;
/// Bytes that an entry costs beside its content.
const OVERHEAD: u64 = 512;
/// Files compressed at a time.
const MAKING: usize = 2;
/// RFC 1952 §2.3.1: no system in particular.
const UNKNOWN: u8 = 255;

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn forms(bytes: &[u8]) -> Forms {
        let mut making = Making::new();
        making.write_all(bytes).unwrap();
        making.finish().unwrap()
    }

    #[test]
    fn both_forms_hold_the_file_and_each_has_the_tag_of_its_own_bytes() {
        let file = br#"{"signed":{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}}"#;
        let Forms { plain, gzip } = forms(file);
        let gzip = gzip.unwrap();
        let (plain_bytes, gzip_bytes) = (plain.bytes.unwrap(), gzip.bytes.unwrap());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(gzip_bytes.as_ref()).read_to_end(&mut unpacked).unwrap();
        assert_eq!((unpacked.as_slice(), plain_bytes.as_ref()), (file.as_slice(), file.as_slice()));
        assert_eq!(plain.tag, format!("\"{}\"", Sha256::of(file)));
        assert_eq!(gzip.tag, format!("\"{}\"", Sha256::of(&gzip_bytes)));
        assert_eq!((plain.length, gzip.length), (count(file), count(&gzip_bytes)));
    }

    #[test]
    fn a_file_that_gzip_makes_longer_has_no_gzip_form() {
        assert!(forms(b"{}").gzip.is_none());
    }

    #[test]
    fn a_long_file_is_kept_only_as_gzip() {
        let long = vec![b'a'; usize::try_from(LONG).unwrap() + 1];
        let Forms { plain, gzip } = forms(&long);
        assert_eq!((plain.length, plain.bytes), (count(&long), None));
        assert_eq!(plain.tag, format!("\"{}\"", Sha256::of(&long)));
        assert!(gzip.unwrap().bytes.is_some());
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes() {
        let kept = kept();
        let form = |size: usize| Form { tag: String::new(), length: 0, bytes: Some(vec![0; size].into()) };
        for number in 0..100_u32 {
            let forms = Forms { plain: form(1024 * 1024), gzip: None };
            kept.insert(number.to_string(), Arc::new(forms));
            assert!(kept.weight() <= MOST);
        }
        assert!(kept.len() > 50);
    }
}
