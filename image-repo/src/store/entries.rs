//! What of the audit log can be kept, and how it is read back.

use host::audit::Entry;
use uptane::Time;

use super::fault::Fault;
use super::rows::Cells;

/// Refuses an entry that not every database can keep as it is: its hash would be another one's.
pub(super) fn check(entry: &Entry) -> Result<(), Fault> {
    let texts = [&entry.actor, &entry.action, &entry.object];
    if texts.into_iter().any(|text| text.contains('\0')) {
        return Err(Fault::Unfit { what: "an audit entry with a zero byte" });
    }
    Ok(())
}

/// The entry of a row.
pub(super) fn entry(row: &impl Cells) -> Result<Entry, Fault> {
    Ok(Entry {
        seq: row.number("seq")?,
        at: row.counted("made", Time::from_unix)?,
        actor: row.text("actor")?.to_owned(),
        action: row.text("action")?.to_owned(),
        object: row.text("object")?.to_owned(),
        previous: row.parsed("previous")?,
        hash: row.parsed("hash")?,
    })
}
