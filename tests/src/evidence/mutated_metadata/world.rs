//! Vehicles, what they hold, and what the repositories serve them: where mutations begin.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use uptane::testing::{Files, Next, Repo, Vehicle};
use uptane::verify::{MetadataFile, Refreshed, Trusted};
use uptane::{Director, Image, Repository, RoleName};

use super::keys::Keys;
use crate::oracle::json::Json;
use crate::oracle::{self, Audience, Held, Oracle, Served};

/// Which repository a file is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whose {
    Director,
    Image,
}

/// Which of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    Root,
    Timestamp,
    Snapshot,
    Targets,
    Delegated,
}

/// One repository as one vehicle meets it.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) held: Held,
    pub(super) served: Served,
    pub(super) keys: Keys,
}

/// A vehicle before an update, and what the update brings it while nobody interferes.
pub(super) struct World {
    pub(super) name: &'static str,
    pub(super) vehicle: Vehicle,
    pub(super) ecus: Vec<String>,
    pub(super) director: Side,
    pub(super) image: Side,
    /// Whether the Image repository delegates, so that images have to be looked for.
    pub(super) searches: bool,
    /// What `uptane` makes of the unchanged files of each, to compare a changed one of the other with.
    pub(super) ours: (Refreshed<Director>, Refreshed<Image>),
    /// What the oracle makes of them.
    pub(super) theirs: (oracle::Refreshed, oracle::Refreshed),
}

impl World {
    pub(super) fn side(&self, whose: Whose) -> &Side {
        match whose {
            Whose::Director => &self.director,
            Whose::Image => &self.image,
        }
    }

    pub(super) fn audience(&self, whose: Whose) -> (String, &[String]) {
        match whose {
            Whose::Director => (self.vehicle.vehicle.to_string(), &self.ecus),
            Whose::Image => (String::new(), &[]),
        }
    }

    pub(super) fn new(name: &'static str, vehicle: Vehicle, repo: &Repo) -> Result<Self> {
        // Undisturbed, the update succeeds.
        vehicle.clone().update(repo)?;
        let ecus: Vec<String> = repo.ecu_ids().iter().map(ToString::to_string).collect();
        let (director, image) = (side(&vehicle.director, repo.director())?, side(&vehicle.image, repo.image())?);
        let mut probe = vehicle.clone();
        let ours = (probe.refresh_director(repo.director())?, probe.refresh_image(repo.image())?);
        let (mut oracle, now) = (Oracle::default(), vehicle.now.unix());
        let id = vehicle.vehicle.to_string();
        let mut judge = |side: &Side, audience| {
            let refreshed = oracle.refresh(&side.held, &side.served, audience, now, &mut Vec::new());
            refreshed
                .map_err(|refused| anyhow::anyhow!("the oracle refuses the unchanged files of {name}: {refused:?}"))
        };
        let theirs = (judge(&director, Audience::Vehicle(&id, &ecus))?, judge(&image, Audience::Everybody)?);
        let searches = !image.served.delegated.is_empty();
        Ok(Self { name, vehicle, ecus, director, image, searches, ours, theirs })
    }
}

fn side<R: Repository>(trusted: &Trusted<R>, files: &Files) -> Result<Side> {
    let held = Held {
        root: trusted.root().bytes().to_vec(),
        timestamp: trusted.timestamp().map(|file| file.bytes().to_vec()),
        snapshot: trusted.snapshot().map(|file| file.bytes().to_vec()),
        targets: trusted.targets().map(|file| file.bytes().to_vec()),
        delegated: trusted.delegated().map(|(role, file)| (role.to_string(), file.to_vec())).collect(),
    };
    let first = trusted.root().version();
    let mut roots = BTreeMap::new();
    let mut version = first.next()?;
    while let Some(root) = files.get(MetadataFile::Root(version)) {
        roots.insert(version.get(), root.to_vec());
        version = version.next()?;
    }
    let served = Served {
        roots,
        timestamp: files.timestamp().to_vec(),
        snapshot: files.snapshot().to_vec(),
        targets: files.targets().to_vec(),
        delegated: delegated(files)?,
    };
    let held_root = files.get(MetadataFile::Root(first)).context("the held Root is served")?;
    let keys = Keys::of(held_root, files.root(), &served)?;
    Ok(Side { held, served, keys })
}

/// The files of delegated roles that Snapshot lists.
fn delegated(files: &Files) -> Result<BTreeMap<String, Vec<u8>>> {
    let snapshot = Json::read(files.snapshot()).ok().context("Snapshot is JSON")?;
    let meta = snapshot.member("signed").and_then(|signed| signed.member("meta")?.object()).context("meta")?;
    let roles = meta.keys().filter_map(|name| name.strip_suffix(".json")).filter(|role| *role != "targets");
    let file = |role: &str| Some((role.to_owned(), files.delegated(RoleName::parse(role).ok()?)?.to_vec()));
    Ok(roles.filter_map(file).collect())
}

/// Every world without delegations.
pub(super) fn all() -> Result<Vec<World>> {
    let mut worlds = Vec::new();
    let repo = Repo::seeded(2);
    let fresh = Vehicle::provisioned(&repo);
    worlds.push(World::new("first update", fresh.clone(), &repo)?);

    let mut updated = fresh.clone();
    updated.update(&repo)?;
    worlds.push(World::new("nothing new", updated.clone(), &repo)?);
    worlds.push(after("a release", &repo, &updated, Next::release)?);
    worlds.push(after("a Timestamp lost", &repo, &lost(updated.clone()), |_| {})?);
    worlds.push(after("new Roots", &repo, &updated, |next| {
        next.director.renew_root();
        next.image.renew_root();
    })?);
    worlds.push(after("other keys", &repo, &updated, |next| {
        for draft in [&mut next.director, &mut next.image] {
            for role in [uptane::Role::Root, uptane::Role::Timestamp, uptane::Role::Snapshot, uptane::Role::Targets] {
                draft.rotate(role);
            }
        }
    })?);
    worlds.push(after("richer files", &repo, &updated, enrich)?);
    worlds.push(chain(repo, fresh)?);
    Ok(worlds)
}

fn lost(mut vehicle: Vehicle) -> Vehicle {
    vehicle.forget_timestamp();
    vehicle
}

fn after(name: &'static str, repo: &Repo, vehicle: &Vehicle, change: impl FnOnce(&mut Next)) -> Result<World> {
    let mut repo = repo.clone();
    repo.publish(change);
    World::new(name, vehicle.clone(), &repo)
}

/// Three Roots at once, for a vehicle that was never updated.
fn chain(mut repo: Repo, vehicle: Vehicle) -> Result<World> {
    for role in [uptane::Role::Targets, uptane::Role::Root, uptane::Role::Timestamp] {
        repo.publish(|next| {
            next.director.rotate(role);
            next.image.rotate(role);
        });
    }
    World::new("a chain of Roots", vehicle, &repo)
}

/// Members that are optional, and members nobody knows.
fn enrich(next: &mut Next) {
    use uptane::Role::{Root, Snapshot, Targets, Timestamp};
    for draft in [&mut next.director, &mut next.image] {
        for role in [Root, Snapshot, Targets, Timestamp] {
            draft.set(role, &["note"], r#"{"list":[1,-2,null,true,"\n\"\\ü𝄞"],"of":{"a":{}}}"#);
            draft.set(role, &["uptane", "x"], "[]");
        }
        draft.set(Timestamp, &["meta", "other.json"], r#"{"version":7}"#);
        draft.set(Snapshot, &["meta", "brakes.json"], r#"{"length":9,"version":3}"#);
    }
    let ecu = ["targets", "fw/ecu-000-1.bin", "custom", "uptane", "ecus", "ecu-000"];
    let with = |last| ecu.into_iter().chain([last]).collect::<Vec<_>>();
    next.director.set(Targets, &with("order"), 3);
    next.director.set(Targets, &with("fallback"), r#""fw/ecu-000-1.bin""#);
    next.director.set(Targets, &["uptane", "campaign"], r#""spring""#);
    next.image.set(Targets, &["targets", "fw/ecu-001-1.bin", "custom", "uptane", "info"], r#"{"notes":"first"}"#);
}
