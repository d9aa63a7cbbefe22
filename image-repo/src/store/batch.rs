//! Changes in their order, as many of one kind together as one statement takes.
//!
//! Rows reach a database as one JSON array of arrays, which both of them unpack. So a hundred thousand listings take
//! some dozen statements whose text is fixed, and memory is bounded by [`MAX_ROWS`].

use std::collections::BTreeMap;

use host::audit::Entry;
use serde_json::{Value, json};
use uptane::{HardwareId, ImageLine, ReleaseCounter, RoleName, TargetNameBuf, Version};

use super::rows::SEPARATOR;
use crate::facts::{Change, Lifetimes, Listing, SignedFile};
use crate::role::RoleId;

/// What one or two statements make true.
#[derive(Debug)]
pub(super) enum Batch<'c> {
    /// A file.
    File(&'c SignedFile),
    /// Listings, no two of the same role and name, and the releases they raise their lines to.
    List { listings: Rows, lines: Rows },
    /// Names that roles list no more.
    Unlist(Rows),
    /// All that a role delegates to.
    Delegate { delegator: &'c RoleId, roles: Rows },
    /// Lifetimes.
    Lifetimes(&'c Lifetimes),
    /// What somebody did.
    Record(&'c Entry),
}

/// Rows as a JSON array of arrays.
pub(super) type Rows = String;

/// The batches that make these changes true.
pub(super) fn batches(changes: &[Change]) -> impl Iterator<Item = Batch<'_>> {
    changes.chunk_by(together).flat_map(|run| run.chunks(MAX_ROWS)).filter_map(batch)
}

fn together(one: &Change, other: &Change) -> bool {
    matches!((one, other), (Change::List(..), Change::List(..)) | (Change::Unlist(..), Change::Unlist(..)))
}

fn batch(run: &[Change]) -> Option<Batch<'_>> {
    Some(match run.first()? {
        Change::File(file) => Batch::File(file),
        Change::List(..) => list(run),
        Change::Unlist(..) => Batch::Unlist(rows(run.iter().filter_map(unlisted))),
        Change::Delegate(delegator, roles) => {
            let roles = rows(roles.iter().map(|role| json!([delegator.to_string(), RoleName::as_str(role)])));
            Batch::Delegate { delegator, roles }
        }
        Change::Lifetimes(lifetimes) => Batch::Lifetimes(lifetimes),
        Change::Record(entry) => Batch::Record(entry),
    })
}

fn unlisted(change: &Change) -> Option<Value> {
    match change {
        Change::Unlist(role, name) => Some(json!([role.to_string(), name.as_str()])),
        Change::File(_) | Change::List(..) | Change::Delegate(..) | Change::Lifetimes(_) | Change::Record(_) => None,
    }
}

/// Of two listings of one name the later one counts; both raise their line.
fn list(run: &[Change]) -> Batch<'_> {
    let (mut listings, mut lines) = (BTreeMap::new(), BTreeMap::<ImageLine, ReleaseCounter>::new());
    for change in run {
        let Change::List(role, listing) = change else { continue };
        let highest = lines.entry(listing.line).or_default();
        *highest = listing.release_counter.max(*highest);
        listings.insert((role, &listing.name), listing);
    }
    let listings = listings.into_iter().map(|((role, _), listing)| listed(role, listing));
    let lines = lines.into_iter().map(|(line, highest)| json!([line.as_str(), highest.get()]));
    Batch::List { listings: rows(listings), lines: rows(lines) }
}

fn listed(role: &RoleId, listing: &Listing) -> Value {
    let Listing { name, length, sha256, hardware_ids, line, release_counter } = listing;
    let ids: Vec<_> = hardware_ids.iter().map(HardwareId::as_str).collect();
    json!([
        role.to_string(),
        name.as_str(),
        length.get(),
        sha256.to_string(),
        ids.join(SEPARATOR.encode_utf8(&mut [0; 4])),
        line.as_str(),
        release_counter.get(),
    ])
}

/// Names to ask for.
pub(super) fn names(names: &[TargetNameBuf]) -> impl Iterator<Item = Rows> {
    names.chunks(MAX_ROWS).map(|chunk| rows(chunk.iter().map(|name| json!([name.as_str()]))))
}

/// Lines to ask for.
pub(super) fn lines(lines: &[ImageLine]) -> impl Iterator<Item = Rows> {
    lines.chunks(MAX_ROWS).map(|chunk| rows(chunk.iter().map(|line| json!([line.as_str()]))))
}

/// Files to change.
pub(super) fn files(files: &[(RoleId, Version)]) -> impl Iterator<Item = Rows> {
    let row = |(role, version): &(RoleId, Version)| json!([role.to_string(), version.get()]);
    files.chunks(MAX_ROWS).map(move |chunk| rows(chunk.iter().map(row)))
}

fn rows(rows: impl Iterator<Item = Value>) -> Rows {
    Value::from_iter(rows).to_string()
}

/// Rows of one statement: some megabytes at most.
const MAX_ROWS: usize = 4_096;
