//! Where the journal stands: a [`pair`](crate::pair) of files, whose value is the open transaction, or none.
//!
//! That a transaction is over is written like its states before, so that none of them comes back when one write is lost. An
//! older journal than the newest may be all that is left. It is that of the same transaction, then, or of the one before:
//! which is over, says the number that is remembered of it.
//!
//! A disk that lies for longer than one write may tear both files, for the last states of a transaction follow each other
//! quickly. What was journalled when it was opened stands in a third file, then, which is not touched until the next is.

use host::disk::Disk;
use serde_json::Value;
use uptane::TransactionId;

use crate::Error;
use crate::machine::journal::{self, BadJournal};
use crate::machine::transaction::Transaction;
use crate::pair::{Found, MAX, Pair, sealed, unsealed};

/// Name of the two files.
const NAME: &str = "journal";
/// The transaction as it was opened.
const FIRST: &str = "journal.first.json";

/// The journal.
#[derive(Debug)]
pub(super) struct Journal {
    pair: Pair,
    open: Option<Transaction>,
    /// The one file of a data folder from before there were two is still there.
    has_single: bool,
}

impl Journal {
    /// Reads what the last run left. `over` is the number of the last transaction that is over.
    pub(super) fn open(disk: &impl Disk, over: u64, broken: &mut Vec<Error>) -> Result<Self, Error> {
        let single = disk.read(NAME, MAX)?;
        let has_single = single.is_some();
        let found: Found<Option<Value>> = Pair::open(disk, NAME)?.or_single(|| single.as_deref().map(decode_line))?;
        let is_lost = found.is_lost();
        let Found { pair, value, damaged } = found;
        let journal = match value.flatten() {
            // The newest may be of a transaction that was opened since.
            None if !damaged.is_empty() => match first(disk)? {
                None if is_lost => return Err(bad(BadJournal::Damaged)),
                first => first,
            },
            journal => journal,
        };
        let open = journal.map(|journal| journal::decode(&journal)).transpose().map_err(bad)?;
        let is_outdated = !damaged.is_empty();
        broken.extend(damaged);
        let open = open.filter(|open| open.is_closed() || !is_over(open.id, over));
        Ok(Self { pair, has_single, open: open.map(|open| if is_outdated { open.outdated() } else { open }) })
    }

    pub(super) fn open_transaction(&self) -> Option<&Transaction> {
        self.open.as_ref()
    }

    pub(super) fn set(&mut self, disk: &mut impl Disk, open: Option<&Transaction>) -> Result<(), Error> {
        let id = |open: &Transaction| open.id;
        if let Some(new) = open.filter(|new| self.open.as_ref().map(id) != Some(new.id)) {
            disk.replace(FIRST, &sealed(&journal::encode(new).to_string()))?;
        }
        self.pair.write(disk, &open.map(journal::encode))?;
        self.open = open.cloned();
        if self.open.is_none() && self.has_single {
            // A release that knows no other file would go on with it.
            disk.remove(NAME)?;
            self.has_single = false;
        }
        Ok(())
    }
}

/// Numbers rise; that of a transaction that is over is remembered before its journal is. One whose journal says that it is
/// closed is closed once more, for the power may have failed before all was told.
fn is_over(transaction: TransactionId, over: u64) -> bool {
    transaction.number() <= over
}

/// The transaction as it was opened, if that is whole.
fn first(disk: &impl Disk) -> Result<Option<Value>, Error> {
    let file = disk.read(FIRST, MAX)?.filter(|bytes| unsealed(bytes).is_some());
    Ok(file.as_deref().map(decode_line).transpose()?.flatten())
}

/// A journal that stands alone in a file, with its digest: as it was opened, or that of a data folder from before there were
/// two files.
fn decode_line(bytes: &[u8]) -> Result<Option<Value>, Error> {
    let line = unsealed(bytes).ok_or(bad(BadJournal::Damaged))?;
    serde_json::from_str(line).map(Some).map_err(|_| bad(BadJournal::Unknown))
}

fn bad(source: BadJournal) -> Error {
    Error::Journal { path: NAME.into(), source }
}
