//! `show --repo DIR` in a signer's folder: every staged file, and how far it is signed.

use std::path::Path;

use host::cli::print;
use serde_json::Value;
use uptane::Time;

use super::signatures;
use crate::error::Error;
use crate::staged::{RoleFile, Signing, Staged};

/// Shows the folder.
pub(super) fn show(repo: &Path, now: Time, as_json: bool) -> Result<(), Error> {
    let files = files(&Staged::open(repo)?)?;
    match as_json {
        true => print(files.iter().map(|(file, signing)| signatures::json(file, signing)).collect::<Value>()),
        false => print(signatures::overview(&files, now)),
    }
    Ok(())
}

/// Every staged file with who signed it.
pub(super) fn files(staged: &Staged) -> Result<Vec<(RoleFile, Signing)>, Error> {
    let mut files = Vec::new();
    for role in staged.roles()? {
        let file = staged.get(role)?;
        let signing = staged.signing(&file)?;
        files.push((file, signing));
    }
    Ok(files)
}
