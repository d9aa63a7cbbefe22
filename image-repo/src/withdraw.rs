//! Whether vehicles still need an image that is to go: what a Director reports (`director images --json`), as far as it is
//! needed here. An ECU that lost its image must find it again, and one that is to install it must be able to.

use std::path::Path;
use std::time::Duration;

use host::disk;
use serde::Deserialize;
use uptane::{Sha256, TargetName, Time};

use crate::error::Error;

/// What a Director said at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// When it said so.
    pub at: Time,
    images: Vec<Entry>,
}

/// How many vehicles need an image for what.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Needs {
    /// They shall run it.
    pub desired: u64,
    /// They run it.
    pub installed: u64,
    /// They return to it if another one fails.
    #[serde(default)]
    pub fallback: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Entry {
    name: String,
    /// Absent where whatever has the name is meant.
    sha256: Option<String>,
    #[serde(flatten)]
    needs: Needs,
}

#[derive(Deserialize)]
struct File {
    at: String,
    images: Vec<Entry>,
}

impl Report {
    /// Reads a report, which must be one, and of these days: an empty or an old one would let go what is needed by now.
    pub(crate) fn read(path: &Path, now: Time) -> Result<Self, Error> {
        let bytes = disk::read(path, MAX_REPORT)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?;
        let report = Self::parse(&bytes).ok_or_else(|| Error::NoReport { path: path.to_owned() })?;
        match now.since(report.at) > MAX_AGE {
            true => Err(Error::OldReport { path: path.to_owned(), at: report.at }),
            false => Ok(report),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let File { at, images } = serde_json::from_slice(bytes).ok()?;
        let is_digest = |entry: &Entry| entry.sha256.as_deref().is_none_or(|hex| Sha256::parse(hex).is_ok());
        let at = Time::parse(&at).ok().filter(|_| images.iter().all(is_digest))?;
        Some(Self { at, images })
    }

    /// Who needs this content under this name; nothing if nobody does.
    pub(crate) fn needs(&self, name: TargetName<'_>, sha256: Sha256) -> Option<Needs> {
        let digest = sha256.to_string();
        let is_meant =
            |entry: &&Entry| entry.name == name.as_str() && entry.sha256.as_deref().is_none_or(|meant| meant == digest);
        let all = self.images.iter().filter(is_meant).fold(Needs::default(), |all, entry| all.and(entry.needs));
        (all != Needs::default()).then_some(all)
    }

    /// Refuses to let an image go that vehicles need.
    pub(crate) fn check_unneeded(&self, name: TargetName<'_>, sha256: Sha256) -> Result<(), Error> {
        match self.needs(name, sha256) {
            None => Ok(()),
            Some(Needs { desired, installed, fallback }) => {
                Err(Error::StillNeeded { name: Box::new(name.to_buf()), desired, installed, fallback, at: self.at })
            }
        }
    }
}

impl Needs {
    fn and(self, other: Self) -> Self {
        Self {
            desired: self.desired.saturating_add(other.desired),
            installed: self.installed.saturating_add(other.installed),
            fallback: self.fallback.saturating_add(other.fallback),
        }
    }
}

/// How old a report may be: long enough to be carried to a signer's machine.
const MAX_AGE: Duration = Duration::from_secs(7 * 86_400);
/// Bytes of a report: some hundred for each of a few hundred thousand images.
const MAX_REPORT: u64 = 128 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn report(entry: &str) -> Option<Report> {
        Report::parse(format!(r#"{{"at":"2026-11-27T12:00:00Z","vehicles":1,"images":[{entry}]}}"#).as_bytes())
    }

    fn entry(sha256: &str, desired: u64, installed: u64) -> String {
        format!(r#"{{"name":"a/b","sha256":{sha256},"desired":{desired},"installed":{installed},"fallback":0}}"#)
    }

    fn hex(content: &str) -> String {
        format!("\"{}\"", Sha256::of(content.as_bytes()))
    }

    fn refused(report: &Report, name: &str, content: &str) -> bool {
        let name = TargetName::parse(name).unwrap();
        matches!(report.check_unneeded(name, Sha256::of(content.as_bytes())), Err(Error::StillNeeded { .. }))
    }

    #[test]
    fn an_image_that_one_vehicle_shall_run_or_runs_stays() {
        for entry in [entry(&hex("x"), 1, 0), entry(&hex("x"), 0, 1)] {
            assert!(refused(&report(&entry).unwrap(), "a/b", "x"), "{entry}");
        }
    }

    #[test]
    fn an_image_that_nobody_needs_may_go() {
        let report = report(&entry(&hex("x"), 0, 0)).unwrap();
        assert!(!refused(&report, "a/b", "x") && !refused(&report, "a/c", "x"));
    }

    #[test]
    fn another_content_of_the_name_is_another_image() {
        assert!(!refused(&report(&entry(&hex("x"), 1, 1)).unwrap(), "a/b", "y"));
    }

    #[test]
    fn an_entry_without_a_digest_means_whatever_has_the_name() {
        assert!(refused(&report(&entry("null", 1, 0)).unwrap(), "a/b", "y"));
    }

    #[test]
    fn what_is_no_report_says_nothing_of_what_is_needed() {
        assert!(report("").is_some());
        assert!(report(&entry("\"short\"", 0, 0)).is_none());
        assert!(report(r#"{"name":"a/b"}"#).is_none());
        assert!(Report::parse(b"{\"images\":[]}").is_none() && Report::parse(b"").is_none());
    }
}
