use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use uptane::{Role, Time};

use super::*;
use crate::args::{Action, Command};
use crate::error::Error;

fn days(count: u32) -> Time {
    Time::parse("2026-11-22T12:00:00Z").unwrap().saturating_add(count * Duration::from_secs(86_400))
}

/// Runs a command line at some time, on the repository in `folder`.
fn at(now: Time, folder: &Path, line: &str) -> Result<(), Error> {
    let passphrase = folder.join("passphrase");
    std::fs::write(&passphrase, "correct horse").unwrap();
    let mut words: Vec<_> = std::iter::once("image-repo").chain(line.split(' ')).map(str::to_owned).collect();
    words.extend(["--repo".to_owned(), folder.join("repo").to_str().unwrap().to_owned()]);
    if !matches!(line, "publish" | "verify") {
        words.extend(["--passphrase-file".to_owned(), passphrase.to_str().unwrap().to_owned()]);
    }
    let command = Command::try_parse_from(words).unwrap();
    host::serve::runtime().unwrap().block_on(async {
        match &command.action {
            Action::Init(args) => init(args, now).await,
            Action::Sign(args) => sign(args, now),
            Action::Publish(args) => publish(args, now).await,
            Action::Verify(args) => verify(args, now).await,
            Action::Root(args) => root(args, now).await,
            Action::Audit(_)
            | Action::Backup(_)
            | Action::Gc(_)
            | Action::Restore(_)
            | Action::Key(_)
            | Action::Targets(_)
            | Action::Delegate(_)
            | Action::Pull(_)
            | Action::Discard(_)
            | Action::Release(_)
            | Action::Show(_)
            | Action::Doctor(_)
            | Action::Serve(_)
            | Action::Delta(_)
            | Action::Completions(_)
            | Action::Man(_) => panic!("{line} has no time"),
        }
    })
}

#[test]
fn an_expired_root_stops_everything_until_it_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    at(days(0), folder.path(), "init --root-days 100 --targets-days 300").unwrap();
    let is_root = |done| matches!(done, Err(Error::Expired { role: Role::Root, .. }));
    for command in ["sign", "publish", "verify"] {
        assert!(is_root(at(days(100), folder.path(), command)), "{command}");
    }
    at(days(100), folder.path(), "root renew").unwrap();
    at(days(100), folder.path(), "publish").unwrap();
    at(days(100), folder.path(), "verify").unwrap();
}

#[test]
fn publishing_daily_keeps_a_repository_alive_until_targets_must_be_signed() {
    let folder = tempfile::tempdir().unwrap();
    at(days(0), folder.path(), "init --targets-days 90").unwrap();
    for day in 1..90 {
        at(days(day), folder.path(), "publish").unwrap();
        at(days(day), folder.path(), "verify").unwrap();
    }
    let refused = at(days(90), folder.path(), "publish");
    assert!(matches!(refused, Err(Error::Expired { role: Role::Targets, .. })));
    at(days(90), folder.path(), "sign").unwrap();
    at(days(90), folder.path(), "publish").unwrap();
    at(days(90), folder.path(), "verify").unwrap();
}

#[test]
fn a_repository_nobody_publishes_is_frozen_to_its_clients() {
    let folder = tempfile::tempdir().unwrap();
    at(days(0), folder.path(), "init").unwrap();
    at(days(6), folder.path(), "verify").unwrap();
    let refused = at(days(7), folder.path(), "verify");
    assert!(matches!(refused, Err(Error::Expired { role: Role::Timestamp, .. })));
}
