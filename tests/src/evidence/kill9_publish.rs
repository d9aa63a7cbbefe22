//! `kill9-publish`: instances of the service are ended with `kill -9` while four suppliers publish without pause.
//!
//! Every supplier has a role of its own, and each of its releases adds an image. A release whose reply was lost is published
//! again until it is acknowledged. After each kill the instance is started anew, and a TUF client follows the repository from
//! where it was: everything that was acknowledged must be there. No name of the published tree ever has two contents.

mod suppliers;
mod tree;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Item;
use crate::guest::chance::Chance;
use crate::oem::{self, Oem, TufClient, Writer};
use crate::postgres;
use crate::programs::Service;
use crate::record::{Limit, Record};
use suppliers::{Instances, SUPPLIERS, Suppliers, image_name};
use tree::Tree;

pub(super) const ITEM: Item = Item {
    name: "kill9-publish",
    promise: "kill -9 of an instance during publications: no acknowledged one is lost, no version has two contents",
    show,
};

/// Kills of each arrangement.
const KILLS: usize = 100;
/// Milliseconds of load before a kill: at least, and so many more at most.
const LOAD: (u64, u64) = (20, 400);

fn show(record: &mut Record) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let kills = record.few().unwrap_or(KILLS);
    arrangement(record, "SQLite, one instance", &folder.path().join("sqlite"), None, kills)?;
    let server = postgres::Server::start(&[])?;
    let url = server.database()?;
    arrangement(record, "PostgreSQL, two instances", &folder.path().join("postgres"), Some(&url), kills)
}

fn arrangement(record: &mut Record, name: &str, folder: &Path, database: Option<&str>, kills: usize) -> Result<()> {
    let mut rig = Rig::start(folder, database, record.seed())?;
    for kill in 0..kills {
        let back = rig.kill().with_context(|| format!("{name}: kill {kill}"))?;
        record.sample(&format!("{name}: seconds until an instance serves again"), back.as_secs_f64());
    }
    let Rig { oem: _oem, running: _running, suppliers, mut tree, client, verified, .. } = rig;
    let (acknowledged, again) = suppliers.stop()?;
    tree.look()?;
    client.refresh()?;
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let mut figure =
        |what: &str, value: usize, limit: Limit| record.figure(format!("{name}: {what}"), count(value), "", limit);
    figure("kills", kills, Limit::AtLeast(1.0));
    figure("kills after which a client verified all that was acknowledged", verified, Limit::Exactly(count(kills)));
    figure("acknowledged publications", acknowledged, Limit::AtLeast(count(kills)));
    figure("publications sent again for want of a reply", again, Limit::Shown);
    figure("published names", tree.names(), Limit::AtLeast(count(kills)));
    figure("names with two contents", tree.changed(), Limit::Exactly(0.0));
    Ok(())
}

/// A repository under load.
struct Rig {
    oem: Oem,
    running: Vec<Service>,
    instances: Arc<Instances>,
    suppliers: Suppliers,
    client: TufClient,
    tree: Tree,
    chance: Chance,
    verified: usize,
}

impl Rig {
    /// One instance over a file, or two over a database server.
    fn start(folder: &Path, database: Option<&str>, seed: u64) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let delegations = SUPPLIERS.iter().map(|name| oem::delegation(name, &format!("{name}/*")));
        let targets = oem::listing(1, [])?.delegate(delegations.collect::<Result<Vec<_>>>()?)?;
        let options: Vec<_> = database.into_iter().flat_map(|url| ["--database", url]).collect();
        let oem = Oem::found(folder, targets, &options)?;
        let roles = SUPPLIERS.map(|name| [name]);
        let writers = SUPPLIERS.iter().zip(&roles).map(|(name, roles)| Writer { name, roles });
        oem.admit(&writers.collect::<Vec<_>>())?;
        let count = if database.is_some() { 2 } else { 1 };
        let running = (0..count).map(|_| oem.serve()).collect::<Result<Vec<_>>>()?;
        let urls = running.iter().map(|instance| Ok(instance.other("writers")?.to_owned()));
        let instances = Arc::new(Instances::new(urls.collect::<Result<_>>()?));
        let first = running.first().context("an instance")?;
        let client = TufClient::begin(&folder.join("client"), &oem.root(), first.url())?;
        let suppliers = Suppliers::start(&instances, oem.authority(), seed)?;
        let tree = Tree::of(&oem.repo().join("published"));
        Ok(Self { oem, running, instances, suppliers, client, tree, chance: Chance(seed), verified: 0 })
    }

    /// Kills an instance after some time under load, starts it again, and has a client follow. How long it took to serve again.
    fn kill(&mut self) -> Result<Duration> {
        thread::sleep(Duration::from_millis(LOAD.0 + self.chance.next() % LOAD.1));
        let victim = usize::try_from(self.chance.next())? % self.running.len();
        let place = self.running.get_mut(victim).context("an instance")?;
        place.kill();
        let dead = host::clock::stopwatch();
        let acknowledged = self.suppliers.acknowledged();
        *place = self.oem.serve()?;
        let back = dead.elapsed();
        self.instances.moved(victim, place.other("writers")?);
        self.client.read_from(place.url());
        self.client.refresh()?;
        let names = SUPPLIERS.iter().zip(acknowledged).filter(|(_, version)| *version > 0);
        let names: Vec<_> = names.map(|(name, version)| image_name(name, version)).collect();
        if !names.is_empty() {
            self.client.download(names.iter().map(String::as_str))?;
        }
        self.tree.look()?;
        self.verified += 1;
        Ok(back)
    }
}
