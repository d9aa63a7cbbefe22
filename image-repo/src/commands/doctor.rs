//! `doctor`: what needs a hand soon in a signer's folder, and what a vehicle would say of the published one.

mod findings;
mod vehicle;

use host::cli::print;
use serde_json::{Value, json};
use uptane::Time;

use super::show_folder::files;
use super::signatures;
use crate::args::Doctor;
use crate::error::Error;
use crate::staged::{RoleFile, Signing, Staged};
use findings::Finding;

/// Looks, and says what it found. Findings are no failure: a monitor reads them.
pub(crate) fn doctor(args: &Doctor, now: Time) -> Result<(), Error> {
    let keys = super::key::known(&args.repo)?;
    let appointed = super::key::appointed(&args.repo)?;
    let staged = Staged::open(&args.repo)?;
    let files = files(&staged)?;
    let mut found = findings::keys(&keys, &appointed);
    found.extend(findings::missing_keys(&super::key::halves(&args.repo)?));
    found.extend(files.iter().flat_map(|(file, signing)| findings::of_file(file, signing, args.warn, now)));
    for (file, _) in &files {
        found.extend(findings::missing_images(&staged, file)?);
    }
    if let Some(published) = &args.published {
        found.push(vehicle::ask(published, now)?);
    }
    match args.json {
        true => print(json!({ "findings": found.iter().map(as_json).collect::<Vec<_>>() })),
        false => say(&files, &found, now),
    }
    Ok(())
}

fn say(files: &[(RoleFile, Signing)], found: &[Finding], now: Time) {
    if !files.is_empty() {
        print(signatures::overview(files, now));
        print("");
    }
    found.iter().for_each(|finding| print(format_args!("{}: {}", finding.weight.word(), finding.text)));
    let wants = found.iter().filter(|finding| finding.weight != findings::Weight::Good).count();
    print(match wants {
        0 => "nothing needs a hand".to_owned(),
        count => format!("{} to look at", host::cli::counted(count, "finding")),
    });
}

fn as_json(finding: &Finding) -> Value {
    json!({ "weight": finding.weight.word(), "text": finding.text })
}
