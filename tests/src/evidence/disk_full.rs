//! `disk-full`: every call of a publication that takes space on disk fails once with ENOSPC.
//!
//! A small library, loaded before the program, counts the calls that take space in the repository's folder (creating, writing,
//! synchronising, linking, renaming, of files and of the database) and lets one of them fail. Publication after publication
//! another call fails, until one has no call of that number.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use image_repo::grpc::client::Client;
use image_repo::role::RoleId;

use super::Item;
use crate::oem::{self, Firmware, Oem, TufClient, Writer};
use crate::programs::{self, Service};
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "disk-full",
    promise: "each write of a publication fails once for want of space: what is published stays valid, the next one works",
    show,
};

const SOURCE: &str = include_str!("disk_full/full.c");
/// More calls than any publication makes.
const ENDLESS: usize = 10_000;
/// Fewer calls than a publication that keeps what it promises can make: files, their folders, a database and its journal.
const FEWEST: f64 = 20.0;

fn show(record: &mut Record) -> Result<()> {
    programs::need_package("gcc")?;
    let folder = tempfile::tempdir()?;
    let disk = Disk::build(folder.path())?;
    by_command(record, &folder.path().join("command"), &disk)?;
    by_service(record, &folder.path().join("service"), &disk)
}

/// A disk that can be full for one call.
struct Disk {
    library: PathBuf,
    turn: PathBuf,
    count: PathBuf,
}

impl Disk {
    fn build(folder: &Path) -> Result<Self> {
        let (source, library) = (folder.join("full.c"), folder.join("full.so"));
        fs::write(&source, SOURCE)?;
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).args(["-ldl", "-lpthread"]);
        programs::output(&mut compile)?;
        Ok(Self { library, turn: folder.join("turn"), count: folder.join("count") })
    }

    /// Has a program meet this disk in `folder`.
    fn under<'c>(&self, command: &'c mut Command, folder: &Path) -> &'c mut Command {
        command.env("LD_PRELOAD", &self.library).env("FULL_FOLDER", folder);
        command.env("FULL_TURN", &self.turn).env("FULL_COUNT", &self.count)
    }

    /// Lets the call with this number fail; 0 lets none.
    fn fail(&self, number: usize) -> Result<()> {
        // In one step, so that nobody reads half a number.
        let beside = self.turn.with_extension("new");
        fs::write(&beside, number.to_string())?;
        Ok(fs::rename(beside, &self.turn)?)
    }

    /// How many calls there were since then.
    fn calls(&self) -> Result<usize> {
        let text = fs::read_to_string(&self.count).context("nothing was counted")?;
        text.trim().parse().with_context(|| format!("{text:?} is no count"))
    }
}

/// What became of the publications.
#[derive(Default)]
struct Tally {
    failed: usize,
    stood: usize,
    valid: usize,
    next: usize,
}

impl Tally {
    fn record(&self, record: &mut Record, how: &str) {
        let calls = self.failed + self.stood;
        let of = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        record.figure(format!("{how}: calls that failed once"), of(calls), "", Limit::AtLeast(FEWEST));
        record.figure(format!("{how}: of these, publications that failed"), of(self.failed), "", Limit::Shown);
        record.figure(format!("{how}: of these, publications that stood it"), of(self.stood), "", Limit::Shown);
        record.figure(
            format!("{how}: times a client verified afterwards"),
            of(self.valid),
            "",
            Limit::Exactly(of(calls)),
        );
        record.figure(
            format!("{how}: times the next publication worked"),
            of(self.next),
            "",
            Limit::Exactly(of(calls)),
        );
    }
}

/// The release of a supplier with this version: one more image, whose bytes no other release has.
struct Release {
    images: Vec<Firmware>,
}

impl Release {
    fn next(&mut self) -> Result<(Firmware, Vec<u8>)> {
        let release = u64::try_from(self.images.len())? + 1;
        let bytes = format!("firmware {release} ").repeat(4_000).into_bytes();
        let image = Firmware { name: format!("acme/fw-{release}.bin"), bytes, hardware: "acme-hw".to_owned(), release };
        self.images.push(image.clone());
        let file = oem::listing(release, &self.images)?.sign(&oem::keys("acme")?, &[&oem::signer("acme")])?;
        Ok((image, file))
    }
}

fn found(folder: &Path) -> Result<Oem> {
    fs::create_dir_all(folder)?;
    let oem = Oem::found(folder, oem::listing(1, [])?.delegate([oem::delegation("acme", "acme/*")?])?, &[])?;
    oem.admit(&[Writer { name: "acme", roles: &["acme"] }])?;
    Ok(oem)
}

/// Publications by the command line, each a process of its own.
fn by_command(record: &mut Record, folder: &Path, disk: &Disk) -> Result<()> {
    let oem = found(folder)?;
    let server = oem.serve()?;
    let client = TufClient::begin(&folder.join("client"), &oem.root(), server.url())?;
    let (mut release, mut tally) = (Release { images: Vec::new() }, Tally::default());
    for number in 1..ENDLESS {
        let (image, file) = release.next()?;
        let path = folder.join("acme.json");
        fs::write(&path, file)?;
        let images = oem.repo().join("staged/images");
        fs::create_dir_all(&images)?;
        fs::write(images.join(uptane::Sha256::of(&image.bytes).to_string()), &image.bytes)?;
        disk.fail(number)?;
        let mut publish = oem.command("release publish")?;
        let published = programs::output(disk.under(publish.arg(&path), &oem.repo()));
        let struck = disk.calls()? >= number;
        disk.fail(0)?;
        if !struck {
            published?;
            break;
        }
        tally.judge(
            record,
            number,
            published.map(drop),
            &client,
            &mut || {
                fs::write(images.join(uptane::Sha256::of(&image.bytes).to_string()), &image.bytes)?;
                programs::output(oem.command("release publish")?.arg(&path)).map(drop)
            },
            &image,
        )?;
    }
    tally.record(record, "command");
    Ok(())
}

/// Publications through the service, which goes on running.
fn by_service(record: &mut Record, folder: &Path, disk: &Disk) -> Result<()> {
    let oem = found(folder)?;
    disk.fail(0)?;
    let mut serve = oem.command("serve")?;
    let server = Service::start(disk.under(serve.args(["--listen", "127.0.0.1:0"]).stderr(oem.log()?), &oem.repo()))?;
    let client = TufClient::begin(&folder.join("client"), &oem.root(), server.url())?;
    let runtime = host::serve::runtime()?;
    let (mut release, mut tally) = (Release { images: Vec::new() }, Tally::default());
    for number in 1..ENDLESS {
        let (image, file) = release.next()?;
        let mut publish = || -> Result<()> {
            runtime.block_on(async {
                let mut writer: Client = oem.client(server.other("writers")?, "acme").await?;
                oem::publish(&mut writer, RoleId::Delegated(uptane::RoleName::parse("acme")?), file.clone(), &[&image])
                    .await
            })
        };
        disk.fail(number)?;
        let published = publish();
        let struck = disk.calls()? >= number;
        disk.fail(0)?;
        if !struck {
            published?;
            break;
        }
        tally.judge(record, number, published, &client, &mut publish, &image)?;
    }
    tally.record(record, "service");
    Ok(())
}

impl Tally {
    /// After the call with this number failed: what clients see verifies, and the same release is published at last.
    fn judge(
        &mut self,
        record: &mut Record,
        number: usize,
        published: Result<()>,
        client: &TufClient,
        again: &mut dyn FnMut() -> Result<()>,
        image: &Firmware,
    ) -> Result<()> {
        match published {
            Ok(()) => self.stood += 1,
            Err(error) => {
                self.failed += 1;
                record.note(format!("call {number:>3}: {error:#}"));
            }
        }
        match client.refresh() {
            Ok(()) => self.valid += 1,
            Err(error) => record.note(format!("call {number:>3}: a client refuses: {error:#}")),
        }
        match again().and_then(|()| client.refresh()).and_then(|()| client.download([image.name.as_str()])) {
            Ok(()) => self.next += 1,
            Err(error) => bail!("after call {number} nothing can be published: {error:#}"),
        }
        Ok(())
    }
}
