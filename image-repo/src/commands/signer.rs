//! Which command of a family is meant, and in which kind of folder it works: a signer's, or that of a repository of one
//! machine, which has a database.

use std::path::Path;

use uptane::Time;

use super::{completions, delegate as delegation, key as keys, one_machine, root_draft, targets as listing};
use crate::args::{Completions, Delegate, Key, Renew, Root, Rotate, Show, Targets};
use crate::config::Settings;
use crate::error::Error;

/// Works on keys.
pub(crate) fn key(action: &Key) -> Result<(), Error> {
    match action {
        Key::Generate(args) => keys::generate(args),
        Key::Import(args) => keys::import(args),
        Key::List(args) => keys::list(args),
        Key::ExportPublic(args) => keys::export_public(args),
    }
}

/// Works on images.
pub(crate) fn targets(action: &Targets, now: Time) -> Result<(), Error> {
    match action {
        Targets::Add(args) => listing::add(args, now),
        Targets::New(args) => listing::new(args, now),
        Targets::Remove(args) => listing::remove(args, now),
        Targets::Renew(args) => listing::renew(args, now),
        Targets::Sign(args) => listing::sign(args, now),
    }
}

/// Works on delegations.
pub(crate) fn delegate(action: &Delegate, now: Time) -> Result<(), Error> {
    match action {
        Delegate::Add(args) => delegation::add(args, now),
        Delegate::Bins(args) => delegation::bins(args, now),
        Delegate::Remove(args) => delegation::remove(args, now),
        Delegate::List(args) => delegation::list(args),
    }
}

/// Works on Root.
pub(crate) async fn root(action: &Root, now: Time) -> Result<(), Error> {
    match action {
        Root::New(args) => root_draft::new(args, now),
        Root::Renew(args) => renew(args, now).await,
        Root::Rotate(args) => rotate(args, now).await,
        Root::Threshold(args) => root_draft::threshold(args, now),
        Root::Sign(args) => root_draft::sign(args, now),
        Root::Show(args) => root_draft::show(args, now),
    }
}

async fn renew(args: &Renew, now: Time) -> Result<(), Error> {
    match is_one_machine(&args.repo)? {
        true => one_machine::renew(args, now).await,
        false => root_draft::renew(args, now),
    }
}

async fn rotate(args: &Rotate, now: Time) -> Result<(), Error> {
    match is_one_machine(&args.repo)? && args.remove.is_empty() && args.add.is_empty() {
        true => one_machine::rotate(args, now).await,
        false => root_draft::rotate(args, now),
    }
}

/// Shows a file, or everything in a folder.
pub(crate) async fn show(args: &Show, now: Time) -> Result<(), Error> {
    match (&args.file, &args.repo) {
        (Some(file), _) => super::show_file::show_path(file, args.role, args.root.as_deref(), now, args.json),
        (None, Some(repo)) => match Settings::open(repo)?.is_repository() {
            true => super::show::show(repo, args.json, now).await,
            false => super::show_folder::show(repo, now, args.json),
        },
        // The command line demands one of them.
        (None, None) => Ok(()),
    }
}

/// Prints a shell's completions.
pub(crate) fn complete(args: &Completions) -> Result<(), Error> {
    completions::completions(args);
    Ok(())
}

/// Whether the folder holds a repository and what its people sign.
fn is_one_machine(repo: &Path) -> Result<bool, Error> {
    Ok(repo.join("staged/root.json").is_file() && Settings::open(repo)?.is_repository())
}
