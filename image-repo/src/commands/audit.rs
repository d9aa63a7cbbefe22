//! `audit`: who published what, and whether the log of it is as it was written.

use host::audit::{self, Entry};
use host::cli::print;
use serde_json::json;
use uptane::Sha256;

use crate::args::{Audit, AuditShow, AuditVerify};
use crate::config::Settings;
use crate::error::Error;
use crate::store::Store;

/// Shows the log or verifies it.
pub(crate) async fn audit(action: &Audit) -> Result<(), Error> {
    let repo = match action {
        Audit::Show(args) => &args.repo,
        Audit::Verify(args) => &args.repo,
    };
    let publisher = Settings::open(repo)?.publisher().await?;
    let done = match action {
        Audit::Show(args) => show(args, publisher.store()).await,
        Audit::Verify(args) => verify(args, publisher.store()).await,
    };
    publisher.close().await;
    done
}

async fn show(args: &AuditShow, store: &impl Store) -> Result<(), Error> {
    let mut after = args.after;
    loop {
        let entries = store.entries(after, AT_ONCE).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        after = last.seq;
        for entry in &entries {
            match args.json {
                true => print(entry.to_line()),
                false => print(line(entry)),
            }
        }
    }
}

fn line(entry: &Entry) -> String {
    let Entry { seq, at, actor, action, object, previous: _, hash: _ } = entry;
    host::cli::one_line(&format!("{seq} {at} {actor} {action} {object}"))
}

/// Entries read in one go.
const AT_ONCE: usize = 1_024;

async fn verify(args: &AuditVerify, store: &impl Store) -> Result<(), Error> {
    let found = walk(store, args.head).await?;
    if let (Some(hash), false) = (args.head, found.has_head) {
        return Err(Error::AuditCut { hash });
    }
    let Some(last) = found.last else {
        print(if args.json { json!({ "entries": 0 }).to_string() } else { "the audit log is empty".to_owned() });
        return Ok(());
    };
    let Entry { seq, at, hash, .. } = last;
    match args.json {
        true => print(json!({ "entries": seq, "at": at.to_string(), "head": hash.to_string() })),
        false => print(format_args!("{seq} entries, the last of {at}, are as they were written; head {hash}")),
    }
    Ok(())
}

struct Found {
    last: Option<Entry>,
    has_head: bool,
}

/// Verifies every entry from the first on.
async fn walk(store: &impl Store, head: Option<Sha256>) -> Result<Found, Error> {
    let mut found = Found { last: None, has_head: false };
    loop {
        let after = found.last.as_ref().map_or(0, |entry| entry.seq);
        let entries = store.entries(after, AT_ONCE).await?;
        if entries.is_empty() {
            return Ok(found);
        }
        found.has_head |= entries.iter().any(|entry| Some(entry.hash) == head);
        found.last = audit::verify_after(found.last, entries).map_err(Error::AuditBroken)?;
    }
}
