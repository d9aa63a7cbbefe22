//! A Secondary without a heap verifies a large Director Targets file while it arrives.
//!
//! Partial verification is done by a program of its own (`tests/probes/stream`), which is built with `uptane` without
//! features, as firmware is; full verification of the same files is done here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use uptane::testing::{Files, Repo};
use uptane::verify::image::Permits as _;
use uptane::verify::{Mapping, Refresh, Refreshed, Step, Trusted, agree};
use uptane::{Director, Image, ReleaseCounter, Repository, RepositoryName};

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "partial-stream",
    promise: "PV+ verifies the Director Targets of 100 ECUs in pieces of any size, without a heap, as full verification does",
    show,
};

const ECUS: usize = 100;

/// Piece sizes the program tries: from 1 byte to its one buffer of 2 KiB.
const SIZES: f64 = 2_048.0;

fn show(record: &mut Record) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut repo = Repo::seeded(ECUS);
    repo.publish(|next| next.director.renew_root());
    let expected = verify_fully(&repo)?;
    record.figure("ECUs approved by full verification", count(expected.len())?, "", Limit::Exactly(100.0));
    record.figure("Director Targets", count(repo.director().targets().len())?, "bytes", Limit::Shown);

    let said = programs::output(&mut command(&repo, folder.path())?)?;
    let (mut equal, mut refused, mut ecus) = (0_u32, 0_u32, BTreeSet::new());
    for line in said.lines() {
        match line.split_once(' ') {
            Some(("state", bytes)) => {
                record.figure("state of the stream", bytes.parse()?, "bytes", Limit::AtMost(16_384.0))
            }
            Some((_, "refused")) => refused += 1,
            Some((_, verified)) => {
                equal += u32::from(expected.contains(verified));
                ecus.insert(verified);
            }
            None => bail!("probe-stream says {line}"),
        }
    }
    record.figure("piece sizes with the result of full verification", f64::from(equal), "", Limit::Exactly(SIZES));
    record.figure("ECUs verified for", count(ecus.len())?, "", Limit::Exactly(100.0));
    record.figure("files with a flipped bit refused", f64::from(refused), "", Limit::Exactly(SIZES));
    Ok(())
}

fn count(number: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(number)?))
}

fn command(repo: &Repo, folder: &Path) -> Result<Command> {
    let mut command = Command::new(programs::probe("probe-stream")?);
    let director = repo.director();
    let files = [
        ("1.root.json", director.first_root()),
        ("2.root.json", director.root()),
        ("targets.json", director.targets()),
    ];
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes)?;
        command.arg(folder.join(name));
    }
    command.arg(repo.vehicle().to_string()).arg(repo.now().to_string());
    command.args(repo.ecus().iter().map(|ecu| format!("{}={}", ecu.ecu, ecu.hardware)));
    Ok(command)
}

/// What full verification makes of the same files: for each ECU the line that `probe-stream` should print.
fn verify_fully(repo: &Repo) -> Result<BTreeSet<String>> {
    let trusted = Trusted::<Director>::provision(repo.director().first_root())?;
    let director = Refresh::director(trusted, repo.vehicle(), Some(&repo.ecu_ids()), repo.now());
    let director = refresh(director, repo.director())?;
    let trusted = Trusted::<Image>::provision(repo.image().first_root())?;
    let image = refresh(Refresh::image(trusted, repo.now()), repo.image())?;
    let vouching = [(RepositoryName::of::<Image>(), image.targets())];
    let approved = agree(&Mapping::basic(), &director.targets(), &vouching, |_, _| ReleaseCounter::default())?;
    let targets = director.targets();
    let (version, sha256) = (targets.file().version().get(), targets.file().sha256());
    let line = |entry: &uptane::verify::ApprovedEntry| {
        let listed = entry.image().image();
        let digest = listed.hashes.sha256().context("the test images have SHA-256 digests")?;
        let (ecu, name, length) = (entry.ecu(), listed.name.borrowed(), listed.length.get());
        let (line, counter) = (listed.line, listed.release_counter.get());
        let order = entry.order().map_or("none".to_owned(), |order| order.to_string());
        Ok(format!("{ecu} {version} {sha256} {} {digest} {length} {line} {counter} {order}", name.as_str()))
    };
    approved.entries().iter().map(line).collect()
}

fn refresh<R: Repository>(mut refresh: Refresh<R>, files: &Files) -> Result<Refreshed<R>> {
    loop {
        match refresh.next() {
            Step::Fetch { file, .. } => refresh.supply(files.get(file).map(Into::into))?,
            Step::Refused(error) => return Err(error.into()),
            Step::Done => break,
        }
    }
    refresh.finish().ok().context("the refresh is not done")
}
