//! `pull` and `discard`: what comes into a signer's folder from elsewhere, and what goes.

use std::path::PathBuf;

use host::cli::print;
use serde_json::{Value, json};
use uptane::Time;

use crate::args::{Discard, Pull};
use crate::error::Error;
use crate::expiry;
use crate::role::RoleId;
use crate::staged::{Pulled, RoleFile, Staged};

/// Takes over a file, or every file of a folder of published metadata.
pub(crate) fn pull(args: &Pull, now: Time) -> Result<(), Error> {
    let mut staged = Staged::create(&args.repo)?;
    let is_published = args.from.is_dir();
    let paths: Vec<PathBuf> = match is_published {
        true => Staged::published_in(&args.from)?,
        false => vec![args.from.clone()],
    };
    let mut pulled = Vec::new();
    for path in paths {
        let had_root = staged.find(RoleId::Root)?.is_some();
        let (file, done) = match is_published {
            true => staged.pull_published(&path)?,
            false => staged.pull(&path, args.role)?,
        };
        if file.role() == RoleId::Root && !had_root && !args.json {
            print("this is the first Root here: compare its digest with somebody who knows it");
        }
        pulled.push((file, done));
    }
    match args.json {
        true => print(pulled.iter().map(|(file, done)| as_json(file, *done)).collect::<Value>()),
        false => pulled.iter().for_each(|(file, done)| print(as_text(file, *done, now))),
    }
    Ok(())
}

fn as_text(file: &RoleFile, done: Pulled, now: Time) -> String {
    let (role, version, digest) = (file.role(), file.version(), file.digest());
    let life = expiry::in_words(file.expires(), now);
    format!("{role} {version}: {}; {life}; what is signed has sha256 {digest}", words(done))
}

fn as_json(file: &RoleFile, done: Pulled) -> Value {
    json!({
        "role": file.role().to_string(),
        "version": file.version().get(),
        "signed_sha256": file.digest().to_string(),
        "did": words(done),
    })
}

fn words(done: Pulled) -> &'static str {
    match done {
        Pulled::Known => "nothing new",
        Pulled::Older => "older than what is here",
        Pulled::Newer => "taken over",
        Pulled::Signatures => "signatures added",
    }
}

/// Drops the staged file of a role.
pub(crate) fn discard(args: &Discard, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    let gone = staged.discard(args.role, now)?;
    print(format_args!("discarded {} {}", gone.role(), gone.version()));
    match staged.find(args.role)? {
        Some(left) => print(format_args!("the newest is {} {} again", left.role(), left.version())),
        None => print(format_args!("no file of {} is staged now; pull the published one", args.role)),
    }
    Ok(())
}
