//! Handing one file to a Secondary: offered, sent from where the Secondary wants it, closed.

use host::disk::Bulk;
use proto::secondary::{File, Refusal, Request};
use uptane::Length;

use super::Turn;
use crate::node::Answer;

/// Why an errand did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// It answered something that is no answer to the request.
    Confused,
    /// The Secondary refused.
    Refused(Refusal),
    /// No answer.
    Silent(String),
    /// A file of ours cannot be read: its name.
    Unreadable(String),
}

/// A file to hand over, by its name on the Primary's disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) file: File,
    pub(crate) name: String,
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which file.
    pub file: File,
    /// Bytes the Secondary holds.
    pub held: u64,
    /// Bytes just sent.
    pub sent: u64,
}

/// A file on its way.
#[derive(Debug)]
pub(super) struct Sending<D> {
    file: File,
    source: Source<D>,
    length: Length,
    at: At,
    /// The bytes of the present chunk.
    chunk: Vec<u8>,
    /// Bytes at a time, as far as the Secondary has said.
    most: usize,
    rewinds: u32,
    progress: Option<Progress>,
    /// Whether the Secondary is asked to hear it with others once it has been offered.
    with_others: bool,
}

/// What became of a file.
pub(super) enum Sent<D> {
    /// More is to come.
    Partly(Sending<D>),
    /// The Secondary has taken it.
    Whole,
}

#[derive(Debug)]
enum Source<D> {
    Memory(Vec<u8>),
    Disk(D, String),
}

#[derive(Debug)]
enum At {
    Offering,
    /// Asked to hear it with others.
    Joining,
    /// It hears it.
    Hearing,
    Chunk(Length),
    Closing,
}

/// Largest chunk this Primary sends, whatever a Secondary would take.
const MAX_CHUNK: usize = 64 * 1024;
/// How often a Secondary may send the Primary back to another offset of one file.
const MAX_REWINDS: u32 = 16;

impl<D: Bulk> Sending<D> {
    /// A file of ours.
    pub(super) fn of_disk(disk: D, delivery: Delivery) -> Result<Self, Failure> {
        let Delivery { file, name } = delivery;
        match disk.length(&name) {
            Ok(Some(length)) => Self::new(file, length, Source::Disk(disk, name)),
            Ok(None) | Err(_) => Err(Failure::Unreadable(name)),
        }
    }

    /// Bytes at hand.
    pub(super) fn of_memory(file: File, bytes: Vec<u8>) -> Result<Self, Failure> {
        Self::new(file, u64::try_from(bytes.len()).unwrap_or(u64::MAX), Source::Memory(bytes))
    }

    fn new(file: File, length: u64, source: Source<D>) -> Result<Self, Failure> {
        let length = Length::new(length).map_err(|_| Failure::Confused)?;
        let (at, chunk) = (At::Offering, Vec::new());
        Ok(Self { file, source, length, at, chunk, most: 1, rewinds: 0, progress: None, with_others: false })
    }

    /// The same, which the Secondary hears with others if it joins them.
    pub(super) fn with_others(self) -> Self {
        Self { with_others: true, ..self }
    }

    /// Which file.
    pub(super) fn file(&self) -> File {
        self.file
    }

    /// Whether all of it is there, and it is judged now.
    pub(super) fn is_closing(&self) -> bool {
        matches!(self.at, At::Closing)
    }

    /// Reads the chunk that is due; once, however often it is sent.
    pub(super) fn read(&mut self) -> Result<(), Failure> {
        let At::Chunk(offset) = self.at else { return Ok(()) };
        if !self.chunk.is_empty() {
            return Ok(());
        }
        let left = usize::try_from(self.length.get().saturating_sub(offset.get())).unwrap_or(usize::MAX);
        let most = left.min(self.most);
        match &self.source {
            Source::Memory(bytes) => {
                let from = usize::try_from(offset.get()).map_err(|_| Failure::Confused)?;
                let chunk = bytes.get(from..from.saturating_add(most)).ok_or(Failure::Confused)?;
                self.chunk.extend_from_slice(chunk);
            }
            Source::Disk(disk, name) => {
                self.chunk.resize(most, 0);
                let read = disk.read_at(name, offset.get(), &mut self.chunk);
                let whole = read.is_ok_and(|count| count == most);
                whole.then_some(()).ok_or_else(|| Failure::Unreadable(name.clone()))?;
            }
        }
        Ok(())
    }

    /// What to do, once the chunk is read.
    pub(super) fn turn(&self) -> Turn<'_> {
        match self.at {
            At::Offering => Turn::Ask(Request::Offer(self.file, self.length)),
            At::Joining => Turn::Join,
            At::Hearing => Turn::Hear,
            At::Chunk(offset) => Turn::Ask(Request::Chunk(offset, &self.chunk)),
            At::Closing => Turn::Ask(Request::Close),
        }
    }

    /// Whether the Secondary is being asked to hear it with others.
    pub(super) fn is_joining(&self) -> bool {
        matches!(self.at, At::Joining)
    }

    /// It was asked. Whether it joined is told to whoever says the file to all.
    pub(super) fn listen(self) -> Self {
        Self { at: At::Hearing, ..self }
    }

    /// The broadcast is over for it, heard to the end or not.
    pub(super) fn hear(&mut self, is_complete: bool) {
        if let At::Hearing = self.at {
            (self.at, self.with_others) = (if is_complete { At::Closing } else { At::Offering }, false);
        }
    }

    /// Takes the answer to the last request.
    pub(super) fn answer(mut self, answer: Answer) -> Result<Sent<D>, Failure> {
        match (&self.at, answer) {
            (At::Offering, Answer::Ready(offset, most)) => {
                self.most = usize::try_from(most).unwrap_or(MAX_CHUNK).clamp(1, MAX_CHUNK);
                Ok(Sent::Partly(if self.with_others { self.join(offset) } else { self.go_on(offset) }))
            }
            (At::Chunk(offset), Answer::Taken(held) | Answer::Refused(Refusal::Offset(held))) => {
                let sent = u64::try_from(self.chunk.len()).unwrap_or(u64::MAX);
                self.rewinds += u32::from(held.get() != offset.get().saturating_add(sent));
                if self.rewinds > MAX_REWINDS {
                    return Err(Failure::Confused);
                }
                let progress = Progress { file: self.file, held: held.get(), sent };
                self.progress = matches!(self.source, Source::Disk(..)).then_some(progress);
                Ok(Sent::Partly(self.go_on(held)))
            }
            (At::Closing, Answer::Done) => Ok(Sent::Whole),
            (At::Offering | At::Joining | At::Hearing | At::Chunk(_) | At::Closing, answer) => Err(unexpected(answer)),
        }
    }

    /// How far the last answer brought a file of ours; said once.
    pub(super) fn progress(&mut self) -> Option<Progress> {
        self.progress.take()
    }

    /// Of a file that is there as a whole already nothing is left to be heard.
    fn join(mut self, offset: Length) -> Self {
        self.at = if offset < self.length { At::Joining } else { At::Closing };
        self
    }

    fn go_on(mut self, offset: Length) -> Self {
        self.chunk.clear();
        self.at = if offset < self.length { At::Chunk(offset) } else { At::Closing };
        self
    }
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
