//! `show FILE`: any metadata file for people: what it says, who signed it, when it expires.

mod beside;
mod contents;

use std::path::Path;

use host::cli::print;
use host::disk;
use serde_json::Value;
use uptane::Time;
use uptane::limits::MAX_TARGETS;

use super::signatures;
use crate::error::Error;
use crate::expiry;
use crate::role::RoleId;
use crate::staged::{self, RoleFile, Signing, role_of_file};

/// Shows the file at `path`, judged by the Root at `root` or by the one beside it.
pub(crate) fn show_path(
    path: &Path,
    role: Option<RoleId>,
    root: Option<&Path>,
    now: Time,
    as_json: bool,
) -> Result<(), Error> {
    let file = read(path, role)?;
    let signing = Signing::of(&file, beside::key_sets(&file, path, root)?);
    show(&file, &signing, now, as_json)
}

/// Shows a file.
pub(super) fn show(file: &RoleFile, signing: &Signing, now: Time, as_json: bool) -> Result<(), Error> {
    if as_json {
        let mut shown = signatures::json(file, signing);
        if let Value::Object(members) = &mut shown {
            members.insert("says".to_owned(), contents::as_json(file)?);
        }
        print(shown);
        return Ok(());
    }
    print(format_args!("{} {}, which {}", file.role(), file.version(), expiry::in_words(file.expires(), now)));
    print(format_args!("what is signed has sha256 {}\n", file.digest()));
    print(contents::as_text(file)?);
    print("");
    print(signatures::text(signing));
    Ok(())
}

/// The file at `path`, of the role that is given, that its name says, or that it can be read as.
fn read(path: &Path, role: Option<RoleId>) -> Result<RoleFile, Error> {
    let bytes = disk::read(path, MAX_TARGETS)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?;
    if let Some(role) = role.or_else(|| role_of_file(path)) {
        // A draft may be called anything: its name is a hint unless it was given.
        match RoleFile::decode(role, &bytes, path) {
            Err(_) if !matches!(role, RoleId::Root | RoleId::Targets) => {}
            done => return Ok(done?),
        }
    }
    let kinds = [RoleId::Root, RoleId::Targets, RoleId::Snapshot, RoleId::Timestamp];
    let known = kinds.into_iter().find_map(|role| RoleFile::decode(role, &bytes, path).ok());
    Ok(known.ok_or_else(|| staged::Error::NoMetadata { path: path.to_owned() })?)
}
