//! Where a description comes from: a file, or what is part of this program.

use std::path::Path;

use super::Error;
use crate::world::description::{MAX_FILE, Mistakes};

/// A description and the name its mistakes are reported under.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

/// The ready description of the name `given`, or else the file.
pub(super) fn find(given: &str, kind: &'static str, ready: &[(&'static str, &'static str)]) -> Result<Source, Error> {
    let text = match ready.iter().find(|(name, _)| *name == given) {
        Some((_, text)) => (*text).to_owned(),
        None => read(Path::new(given)).map_err(|fault| match fault {
            Fault::NotText { at } => Error::NotText { path: given.into(), at },
            Fault::Unreadable(source) => Error::Unknown {
                kind,
                name: given.to_owned(),
                source,
                ready: ready.iter().map(|(name, _)| *name).collect(),
            },
        })?,
    };
    Ok(Source { name: given.to_owned(), text })
}

/// Why a file is no text.
pub(super) enum Fault {
    NotText { at: usize },
    Unreadable(std::io::Error),
}

/// The text of a file; of one that is too long for a description no more than shows that it is.
pub(super) fn read(path: &Path) -> Result<String, Fault> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_FILE).unwrap_or(u64::MAX).saturating_add(1);
    let file = std::fs::File::open(path).map_err(Fault::Unreadable)?;
    file.take(most).read_to_end(&mut bytes).map_err(Fault::Unreadable)?;
    if bytes.len() > MAX_FILE {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    String::from_utf8(bytes).map_err(|error| Fault::NotText { at: error.utf8_error().valid_up_to() })
}

/// Prints what was found in a description, and ends the command accordingly.
pub(super) fn verdict<T>(name: &str, read: &Result<T, Mistakes>, json: bool, right: &str) -> Result<(), Error> {
    let mistakes = read.as_ref().err();
    if json {
        host::cli::print(as_json(name, mistakes));
    } else {
        match mistakes {
            None => host::cli::print(format!("{name}: {right}")),
            Some(mistakes) => mistakes.lines().for_each(host::cli::print),
        }
    }
    match mistakes {
        None => Ok(()),
        Some(mistakes) => Err(Error::Mistaken { file: name.to_owned(), mistakes: mistakes.list().len() }),
    }
}

fn as_json(name: &str, mistakes: Option<&Mistakes>) -> serde_json::Value {
    let list = mistakes.map_or_else(Vec::new, |mistakes| mistakes.list().to_vec());
    let list: Vec<_> = list
        .iter()
        .map(|mistake| {
            serde_json::json!({ "line": mistake.line, "column": mistake.column, "message": mistake.kind.to_string() })
        })
        .collect();
    serde_json::json!({ "file": name, "right": list.is_empty(), "mistakes": list })
}
