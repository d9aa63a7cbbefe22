//! Handing one file to a Secondary: offered, sent from where the Secondary wants it, closed.

use std::fs::File as Source;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use proto::secondary::{File, Refusal, Request};
use uptane::Length;

use crate::driver::transport::{Answer, Transport};

/// Why an errand did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It answered something that is no answer to the request.
    Confused,
    /// The Secondary refused.
    Refused(Refusal),
    /// No answer.
    Silent(String),
    /// A file of ours cannot be read.
    Unreadable(PathBuf),
}

/// A file to hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) file: File,
    /// Bytes the Secondary holds.
    pub(crate) held: u64,
    /// Bytes just sent.
    pub(crate) sent: u64,
}

/// Largest chunk this Primary sends, whatever a Secondary would take.
const MAX_CHUNK: usize = 64 * 1024;
/// How often a Secondary may send the Primary back to another offset of one file.
const MAX_REWINDS: u32 = 16;

/// Hands over a file of ours.
pub(super) async fn deliver(
    link: &mut impl Transport,
    delivery: &Delivery,
    progress: &mut impl FnMut(Progress),
) -> Result<(), Failure> {
    let unreadable = || Failure::Unreadable(delivery.path.clone());
    let source = Source::open(&delivery.path).map_err(|_| unreadable())?;
    let length = source.metadata().map_err(|_| unreadable())?.len();
    send(link, delivery.file, &mut Bytes::File { source, length, path: &delivery.path }, progress).await
}

/// Hands over bytes at hand.
pub(super) async fn hand_over(link: &mut impl Transport, file: File, bytes: &[u8]) -> Result<(), Failure> {
    send(link, file, &mut Bytes::Memory(bytes), &mut |_| {}).await
}

/// Asks for something that is answered with [`Answer::Done`].
pub(super) async fn done(link: &mut impl Transport, request: Request<'_>) -> Result<(), Failure> {
    let answer = link.ask(request).await?;
    let Answer::Done = answer else { return Err(unexpected(answer)) };
    Ok(())
}

/// An answer that was not the one hoped for.
pub(super) fn unexpected(answer: Answer) -> Failure {
    match answer {
        Answer::Refused(refusal) => Failure::Refused(refusal),
        Answer::Identity(_)
        | Answer::TimeNonce(_)
        | Answer::Ready(..)
        | Answer::Taken(_)
        | Answer::Done
        | Answer::Report(_) => Failure::Confused,
    }
}

async fn send(
    link: &mut impl Transport,
    file: File,
    bytes: &mut Bytes<'_>,
    progress: &mut impl FnMut(Progress),
) -> Result<(), Failure> {
    let length = Length::new(bytes.length()).map_err(|_| Failure::Confused)?;
    let answer = link.ask(Request::Offer(file, length)).await?;
    let Answer::Ready(mut offset, chunk) = answer else { return Err(unexpected(answer)) };
    let mut buffer = vec![0; usize::try_from(chunk).unwrap_or(MAX_CHUNK).clamp(1, MAX_CHUNK)];
    let mut rewinds = 0;
    while offset < length {
        let chunk = bytes.read(offset.get(), &mut buffer)?;
        let sent = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        let answer = link.ask(Request::Chunk(offset, chunk)).await?;
        let expected = offset.get().saturating_add(sent);
        let (Answer::Taken(held) | Answer::Refused(Refusal::Offset(held))) = answer else {
            return Err(unexpected(answer));
        };
        rewinds += u32::from(held.get() != expected);
        if rewinds > MAX_REWINDS {
            return Err(Failure::Confused);
        }
        offset = held;
        progress(Progress { file, held: offset.get(), sent });
    }
    done(link, Request::Close).await
}

/// The bytes of a file on their way.
enum Bytes<'a> {
    Memory(&'a [u8]),
    File { source: Source, length: u64, path: &'a Path },
}

impl Bytes<'_> {
    fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::File { length, .. } => *length,
        }
    }

    /// As much as there is from `offset` on, and fits.
    fn read<'b>(&mut self, offset: u64, buffer: &'b mut [u8]) -> Result<&'b [u8], Failure> {
        let left = usize::try_from(self.length().saturating_sub(offset)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let place = buffer.get_mut(..most).unwrap_or_default();
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(offset).map_err(|_| Failure::Confused)?;
                place.copy_from_slice(bytes.get(from..from.saturating_add(most)).ok_or(Failure::Confused)?);
            }
            Self::File { source, path, .. } => {
                let read = source.seek(SeekFrom::Start(offset)).and_then(|_| source.read_exact(place));
                read.map_err(|_| Failure::Unreadable(path.to_path_buf()))?;
            }
        }
        Ok(place)
    }
}
