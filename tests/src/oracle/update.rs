//! One refresh of a repository: steps 2 to 5, or 6 to 9, of §5.4.4.2.

use std::collections::BTreeSet;

use super::file::{Listed, check_bytes};
use super::roles::{Body, Image, Root, Said, Snapshot, Targets, Timestamp};
use super::{Audience, Held, Oracle, Refused, Served};

/// What a refresh came to.
#[derive(Clone, Debug)]
pub struct Refreshed {
    pub(super) snapshot: Said<Snapshot>,
    pub(super) targets: Said<Targets>,
    /// Whether a new Root ended the trust in whatever was held.
    pub forgot: bool,
    /// Whether Snapshot and Targets are others than those held.
    pub is_new: (bool, bool),
}

/// The refresh under way.
struct Cycle<'a> {
    oracle: &'a mut Oracle,
    audience: Audience<'a>,
    now: u64,
    root: Said<Root>,
    timestamp: Option<Said<Timestamp>>,
    snapshot: Option<Said<Snapshot>>,
    targets: Option<Said<Targets>>,
    forgot: bool,
}

impl Oracle {
    /// Judges what a repository serves, and tells `fetched` the name of each file it looks at.
    pub fn refresh(
        &mut self,
        held: &Held,
        served: &Served,
        audience: Audience<'_>,
        now: u64,
        fetched: &mut Vec<String>,
    ) -> Result<Refreshed, Refused> {
        let kept = |file: &Option<Vec<u8>>| file.clone();
        let mut cycle = Cycle {
            oracle: self,
            audience,
            now,
            root: Said::read(&held.root, MAX_ROOT)?,
            timestamp: kept(&held.timestamp).map(|file| Said::read(&file, MAX_TIMESTAMP)).transpose()?,
            snapshot: kept(&held.snapshot).map(|file| Said::read(&file, MAX_SNAPSHOT)).transpose()?,
            targets: kept(&held.targets).map(|file| Said::read(&file, MAX_TARGETS)).transpose()?,
            forgot: false,
        };
        cycle.roots(served, fetched)?;
        let timestamp = cycle.timestamp(served, fetched)?;
        let (snapshot, is_new_snapshot) = cycle.snapshot(&timestamp.body.0, served, fetched)?;
        let (targets, is_new_targets) = cycle.targets(snapshot.body.targets()?, served, fetched)?;
        Ok(Refreshed { snapshot, targets, forgot: cycle.forgot, is_new: (is_new_snapshot, is_new_targets) })
    }
}

impl Cycle<'_> {
    /// §5.4.4.3.
    fn roots(&mut self, served: &Served, fetched: &mut Vec<String>) -> Result<(), Refused> {
        loop {
            let next = self.root.header.version + 1;
            let Some(file) = served.roots.get(&next) else { break };
            fetched.push(format!("{next}.root.json"));
            let root: Said<Root> = Said::read(file, MAX_ROOT)?;
            self.oracle.check_signed(&root.file, self.root.body.appointed("root")?)?;
            self.oracle.check_signed(&root.file, root.body.appointed("root")?)?;
            root.header.check_repository(self.audience)?;
            if root.header.version != next {
                return Err(Refused("successor"));
            }
            let is_rotated = |role: &&str| !self.root.body.gives_same(&root.body, role);
            if ["timestamp", "snapshot", "targets"].iter().any(is_rotated) {
                (self.timestamp, self.snapshot, self.targets) = (None, None, None);
                self.forgot = true;
            }
            self.root = root;
        }
        self.root.header.check_expiry(self.now)
    }

    /// §5.4.4.4.
    fn timestamp(&mut self, served: &Served, fetched: &mut Vec<String>) -> Result<Said<Timestamp>, Refused> {
        fetched.push("timestamp.json".into());
        let offered: Said<Timestamp> = Said::read(&served.timestamp, MAX_TIMESTAMP)?;
        self.check_made_for_us(&offered)?;
        let timestamp = match &self.timestamp {
            Some(held) => {
                check_follows(held, &offered)?;
                if offered.body.0.version < held.body.0.version {
                    return Err(Refused("Timestamp lists an older Snapshot"));
                }
                // The same content again is no news, whoever signed it.
                if offered.header.version == held.header.version { held.clone() } else { offered }
            }
            None => offered,
        };
        timestamp.header.check_expiry(self.now)?;
        // §5.2.5: at least one digest of Snapshot.
        timestamp.body.0.hashes.as_ref().ok_or(Refused("no digest of Snapshot"))?;
        Ok(timestamp)
    }

    /// §5.4.4.5; whether the Snapshot is another than the one held.
    fn snapshot(
        &mut self,
        listed: &Listed,
        served: &Served,
        fetched: &mut Vec<String>,
    ) -> Result<(Said<Snapshot>, bool), Refused> {
        if let Some(held) = self.snapshot.clone().filter(|held| held.file.check_listed(listed).is_ok()) {
            self.check_made_for_us(&held)?;
            held.header.check_expiry(self.now)?;
            return Ok((held, false));
        }
        fetched.push(format!("{}.snapshot.json", listed.version));
        let snapshot: Said<Snapshot> = self.fetch(&served.snapshot, listed, MAX_SNAPSHOT)?;
        if let Some(held) = &self.snapshot {
            check_follows(held, &snapshot)?;
            for (name, before) in &held.body.0 {
                let after = snapshot.body.0.get(name).ok_or(Refused("withdrawn"))?;
                if after.version < before.version {
                    return Err(Refused("an older file is listed"));
                }
            }
        }
        snapshot.header.check_expiry(self.now)?;
        let is_new = self.snapshot.as_ref().is_none_or(|held| held.file.received != snapshot.file.received);
        Ok((snapshot, is_new))
    }

    /// §5.4.4.6; whether the Targets are others than those held.
    fn targets(
        &mut self,
        listed: &Listed,
        served: &Served,
        fetched: &mut Vec<String>,
    ) -> Result<(Said<Targets>, bool), Refused> {
        if let Some(held) = self.targets.clone().filter(|held| held.file.check_listed(listed).is_ok()) {
            self.check_made_for_us(&held)?;
            held.header.check_expiry(self.now)?;
            self.check_director(&held.body)?;
            return Ok((held, false));
        }
        fetched.push(format!("{}.targets.json", listed.version));
        let targets: Said<Targets> = self.fetch(&served.targets, listed, MAX_TARGETS)?;
        if let Some(held) = &self.targets {
            check_follows(held, &targets)?;
        }
        targets.header.check_expiry(self.now)?;
        self.check_director(&targets.body)?;
        let is_new = self.targets.as_ref().is_none_or(|held| held.file.received != targets.file.received);
        Ok((targets, is_new))
    }

    /// A file that its parent lists, signed and made for us.
    fn fetch<T: Body>(&mut self, received: &[u8], listed: &Listed, limit: usize) -> Result<Said<T>, Refused> {
        check_bytes(received, listed)?;
        let said = Said::read(received, limit)?;
        self.check_made_for_us(&said)?;
        said.file.check_version(listed)?;
        Ok(said)
    }

    /// Signed by its role, of this repository, for this vehicle.
    fn check_made_for_us<T: Body>(&mut self, said: &Said<T>) -> Result<(), Refused> {
        self.oracle.check_signed(&said.file, self.root.body.appointed(T::TYPE)?)?;
        said.header.check_audience(self.audience)
    }

    /// §5.4.4.6 steps 6 to 8.
    fn check_director(&self, targets: &Targets) -> Result<(), Refused> {
        let Audience::Vehicle(_, ecus) = self.audience else { return Ok(()) };
        if targets.delegations.is_some() {
            return Err(Refused("the Director delegates"));
        }
        let images = targets.images()?;
        if images.values().any(|image| image.ecus.is_empty()) {
            return Err(Refused("an image for no ECU"));
        }
        if images.values().flat_map(|image| image.ecus.values()).any(|said| said.encrypted) {
            return Err(Refused("an encrypted image"));
        }
        check_ecus(images.values(), ecus)
    }
}

fn check_ecus<'i>(images: impl Iterator<Item = &'i Image>, known: &[String]) -> Result<(), Refused> {
    let mut named = BTreeSet::new();
    for ecu in images.flat_map(|image| image.ecus.keys()) {
        if !named.insert(ecu) {
            return Err(Refused("an ECU twice"));
        }
        if !known.contains(ecu) {
            return Err(Refused("an unknown ECU"));
        }
    }
    Ok(())
}

/// Not older than the file held; the same version has the same content.
pub(super) fn check_follows<T: Body>(held: &Said<T>, offered: &Said<T>) -> Result<(), Refused> {
    match offered.header.version.cmp(&held.header.version) {
        std::cmp::Ordering::Less => Err(Refused("rollback")),
        std::cmp::Ordering::Equal if !offered.file.says_the_same_as(&held.file) => Err(Refused("two contents")),
        std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => Ok(()),
    }
}

const MAX_ROOT: usize = 512 * 1024;
const MAX_TIMESTAMP: usize = 64 * 1024;
const MAX_SNAPSHOT: usize = 4 * 1024 * 1024;
pub(super) const MAX_TARGETS: usize = 64 * 1024 * 1024;
