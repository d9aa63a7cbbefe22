//! What a vehicle that knows the first Root says of a published folder.

use std::path::Path;

use host::disk;
use uptane::limits::MAX_ROOT;
use uptane::verify::{Refresh, Step, Trusted};
use uptane::{Image, Time};

use super::findings::{Finding, Weight};
use crate::error::Error;

/// Refreshes from the first Root on, and says how that ended.
pub(super) fn ask(published: &Path, now: Time) -> Result<Finding, Error> {
    let folder = published.join("metadata");
    let first = folder.join("1.root.json");
    let root = disk::read(&first, MAX_ROOT)?.ok_or(host::Error::Missing { path: first })?;
    let trusted = match Trusted::<Image>::provision(&root) {
        Ok(trusted) => trusted,
        Err(reason) => return Ok(refused("the first Root", reason)),
    };
    let mut refresh = Refresh::image(trusted, now);
    while let Step::Fetch { file, limit } = refresh.next() {
        let name = file.file_name();
        let bytes = disk::read(&folder.join(&name), limit.get())?;
        if let Err(reason) = refresh.supply(bytes.map(Into::into)) {
            return Ok(refused(&name, reason));
        }
        // Nothing of it is stored: the next one begins at the first Root again.
        drop(refresh.keep());
    }
    Ok(match refresh.next() {
        Step::Refused(reason) => refused("the metadata", reason),
        Step::Fetch { .. } | Step::Done => {
            let text = format!("a vehicle takes what is published in {}", published.display());
            Finding { weight: Weight::Good, text }
        }
    })
}

fn refused(what: &str, reason: uptane::Error) -> Finding {
    Finding { weight: Weight::Wrong, text: format!("a vehicle refuses {what}: {reason}") }
}
