//! What a Primary tells people and scripts: `status.json`, replaced while it runs, and `history.jsonl`, one line for each
//! thing that happened. Neither is read back as truth, so neither is synchronised to disk.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uptane::{EcuId, Time};

use crate::Error;
use crate::machine::transaction::{MemberImage, Transaction};

/// `status --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The vehicle's id.
    pub vehicle: String,
    /// Every ECU of the vehicle, the Primary first.
    pub ecus: Vec<EcuStatus>,
    /// The open transaction, or the last one.
    pub transaction: Option<TransactionStatus>,
    /// The newest refusal.
    pub last_refusal: Option<Refusal>,
    /// Check-ins so far.
    pub check_ins: CheckIns,
}

/// One ECU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EcuStatus {
    /// Its id.
    pub ecu: String,
    /// `local`, `grpc`, `can-classical` or `can-fd`.
    pub transport: String,
    /// `full`, `partial-plus` or `partial`.
    pub verification: String,
    /// `single` or `two`.
    #[serde(default)]
    pub banks: String,
    /// Where it stands, in a word.
    pub phase: String,
    /// The image it runs, as far as known.
    pub running: Option<Image>,
    /// The update that is going on, or the last one.
    pub update: Option<Update>,
}

/// An image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Target name; empty while the ECU has not said.
    pub name: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// Release counter.
    pub release_counter: u64,
}

/// How one ECU gets its image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Target name of the image that ran before.
    pub before: Option<String>,
    /// Its release counter.
    pub before_counter: Option<u64>,
    /// Target name of the new image.
    pub after: String,
    /// Its release counter.
    pub after_counter: u64,
    /// Image bytes the ECU holds.
    pub done: u64,
    /// Image bytes in all.
    pub total: u64,
    /// Bytes of files sent to it, metadata and repetitions included.
    pub bytes_sent: u64,
    /// Messages that were sent to it again, because they or their answers were lost on the bus.
    #[serde(default)]
    pub repeated: u64,
    /// Wall time from the first byte to the vote or the failure.
    pub wall_seconds: f64,
    /// Time the frames of this update take on their CAN bus, both directions; none without a bus.
    pub bus_time_ns: Option<u64>,
}

/// The transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionStatus {
    /// Its id.
    pub id: String,
    /// Its state in the journal.
    pub state: String,
}

/// Something refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What failed, in a word: the failed check where verification refused.
    pub check: String,
    /// What failed, in a sentence.
    pub error: String,
    /// The attack it points to.
    pub attack: Option<String>,
    /// When, by the machine's clock.
    pub at: String,
}

/// Counters of check-ins since `init`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckIns {
    /// With nothing new to say.
    pub idle: u64,
    /// With a full manifest.
    pub full: u64,
    /// That did not get through.
    pub failed: u64,
}

impl Status {
    /// The entry of an ECU.
    pub fn ecu_mut(&mut self, ecu: EcuId) -> Option<&mut EcuStatus> {
        self.ecus.iter_mut().find(|entry| entry.ecu == ecu.as_str())
    }

    /// The entry of an ECU.
    pub fn ecu(&self, ecu: EcuId) -> Option<&EcuStatus> {
        self.ecus.iter().find(|entry| entry.ecu == ecu.as_str())
    }

    /// Shows where the transaction stands.
    pub fn show_transaction(&mut self, transaction: &Transaction) {
        let state = transaction.state.word().to_owned();
        self.transaction = Some(TransactionStatus { id: transaction.id.to_string(), state });
    }
}

impl From<&MemberImage> for Image {
    fn from(image: &MemberImage) -> Self {
        let release_counter = image.counter.get();
        Self { name: image.name.to_string(), sha256: image.sha256.to_string(), release_counter }
    }
}

impl Refusal {
    /// What `error` says.
    pub fn of(error: &Error, at: Time) -> Self {
        let attack = error.attack().map(|attack| attack.word().to_owned());
        Self { check: error.word().to_owned(), error: error.to_string(), attack, at: at.to_string() }
    }
}

/// One line of `history.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by the machine's clock.
    pub at: String,
    /// What: `committed`, `rolled-back` or `refused`.
    pub event: String,
    /// The transaction, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// In a sentence.
    pub text: String,
}

/// The two files in their folder.
#[derive(Clone, Debug)]
pub struct Board {
    folder: PathBuf,
}

/// Bytes of the history before it starts again; the one before is kept as `history.1.jsonl`.
const MAX_HISTORY: u64 = 1024 * 1024;
/// Bytes of either file that are read.
const MAX_READ: u64 = 2 * MAX_HISTORY;

impl Board {
    /// The board of this data folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What was shown last, if it can be read.
    pub fn read(&self) -> Option<Status> {
        let bytes = host::disk::read(&self.folder.join("status.json"), MAX_READ).ok()??;
        serde_json::from_slice(&bytes).ok()
    }

    /// Shows a status: readers see the old or the new one, never half of it.
    pub fn show(&self, status: &Status) -> Result<(), Error> {
        let path = self.folder.join("status.json");
        let beside = self.folder.join(".unfinished-status");
        let bytes = serde_json::to_vec(status).map_err(|error| Error::damaged(&path, error))?;
        let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, &path));
        Ok(written.map_err(|error| host::Error::io("write", &path, error))?)
    }

    /// Adds a line to the history.
    pub fn add(&self, entry: &Entry) -> Result<(), Error> {
        let path = self.folder.join("history.jsonl");
        if fs::metadata(&path).is_ok_and(|file| file.len() > MAX_HISTORY) {
            let moved = fs::rename(&path, self.folder.join("history.1.jsonl"));
            moved.map_err(|error| host::Error::io("move", &path, error))?;
        }
        let mut line = serde_json::to_vec(entry).map_err(|error| Error::damaged(&path, error))?;
        line.push(b'\n');
        let written =
            OpenOptions::new().append(true).create(true).open(&path).and_then(|mut file| file.write_all(&line));
        Ok(written.map_err(|error| host::Error::io("write", &path, error))?)
    }

    /// The history, oldest first. A line that cannot be read is left out.
    pub fn history(&self) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for name in ["history.1.jsonl", "history.jsonl"] {
            let bytes = host::disk::read(&self.folder.join(name), MAX_READ)?.unwrap_or_default();
            let lines = bytes.split(|byte| *byte == b'\n');
            entries.extend(lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok()));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_a_reader_gets() {
        let folder = tempfile::tempdir().unwrap();
        let board = Board::new(folder.path());
        assert_eq!(board.read(), None);
        let mut status = Status { vehicle: "00".into(), ..Status::default() };
        status.last_refusal = Some(Refusal::of(&Error::Refused { check: uptane::Error::ImageDigest }, Time::EPOCH));
        board.show(&status).unwrap();
        let read = board.read().unwrap();
        assert_eq!(read, status);
        assert_eq!(read.last_refusal.unwrap().check, "image-digest");
    }

    #[test]
    fn history_keeps_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let board = Board::new(folder.path());
        for event in ["refused", "committed"] {
            board
                .add(&Entry { at: String::new(), event: event.into(), transaction: None, text: String::new() })
                .unwrap();
        }
        let events: Vec<_> = board.history().unwrap().into_iter().map(|entry| entry.event).collect();
        assert_eq!(events, ["refused", "committed"]);
    }
}
