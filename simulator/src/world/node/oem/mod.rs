//! The manufacturer: both repositories, as its people run them, and all keys.
//!
//! Director and Image repository are the cores that ship over their stores in memory; what an operator's commands do is done
//! here step by step. Every key and every image follows from the world's seed. Besides serving vehicles it answers what no
//! vehicle is told, for invariants: what was ever authorised for an ECU, and what the Director believes it runs.

mod firmware;
mod images;
mod inventory;
mod keys;
mod publishing;
mod shared;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use director::answer::{Request, State};
use director::enrolment::{self, Enrolment};
use director::facts::{Change, Ecu as Inventoried, Installed, LastReport};
use director::images::Refreshing;
use director::instance::Director;
use director::root_file::{self, Current, founding};
use director::store::{Memory, Store as _, at_once};
use host::provisioning::{Vehicle as Inventory, VehicleEcu};
use image_repo::role::TopRole;
use primary_ecu::machine::Answer;
use primary_ecu::node::{CheckInRequest, Statement};
use primary_ecu::provision::{Bundle, BundleFile};
use uptane::sign::MemorySigner;
use uptane::verify::Step;
use uptane::{Attack, EcuId, Image, RepositoryName, ResultCode, Role, Sha256, TargetNameBuf, Time, VehicleId, Version};

use super::Error;
use crate::world::chance::Chance;
use crate::world::description::Name;
use crate::world::scenario::{Campaign, FACTORY, Repository, Rotation};
use crate::world::vehicle::Vehicle;
use images::Images;
use inventory::inventory;
use keys::Keys;
use shared::{each_once, leads};

pub use firmware::Firmware;

/// The manufacturer of one vehicle.
#[derive(Debug)]
pub struct Oem {
    images: Images,
    director: Director<Memory>,
    keys: Keys,
    chance: Chance,
    certificate: Sha256,
    inventory: Inventory,
    bundle: Bundle,
    firmware: BTreeMap<(EcuId, Name), Firmware>,
    /// Whose images those ECUs take that hear them together: the first of their group.
    leads: BTreeMap<EcuId, EcuId>,
    releases: u64,
    authorised: BTreeMap<EcuId, BTreeSet<Sha256>>,
    believed: BTreeMap<EcuId, Sha256>,
}

impl Oem {
    /// Makes both repositories, and registers the vehicle with the images that its ECUs leave the factory with.
    pub fn found(vehicle: &Vehicle, chance: &Chance, now: Time) -> Result<Self, Error> {
        let chance = chance.split("oem");
        let keys = Keys::new(&chance);
        let mut firmware = BTreeMap::new();
        let factory = factory()?;
        let leads = leads(vehicle);
        for ecu in vehicle.ecus() {
            let size = FACTORY_IMAGE.min(usize::try_from(ecu.hardware().longest_image().0).unwrap_or(usize::MAX));
            let of = leads.get(&ecu.id()).copied().unwrap_or(ecu.id());
            let drawn = Firmware::drawn((of, ecu.hardware().id()), (&factory, 1), size, &chance)?;
            firmware.insert((ecu.id(), factory.clone()), drawn);
        }
        let mut images = Images::found(&keys, now)?;
        images.add(&each_once(firmware.values()), &keys, now)?;
        let (director, bundle) = found_director(&images, &keys, now)?;
        let (mut id, mut certificate) = ([0; 16], [0; 32]);
        chance.split("vehicle").fill(&mut id);
        chance.split("certificate").fill(&mut certificate);
        let inventory = inventory(VehicleId(id), vehicle, &keys);
        let started = firmware.iter().map(|((ecu, _), firmware)| (*ecu, firmware.image.sha256));
        let believed: BTreeMap<_, _> = started.collect();
        let authorised = believed.iter().map(|(ecu, image)| (*ecu, BTreeSet::from([*image]))).collect();
        let certificate = Sha256(certificate);
        let releases = 1;
        let oem = Self {
            images,
            director,
            keys,
            chance,
            certificate,
            inventory,
            bundle,
            firmware,
            leads,
            releases,
            authorised,
            believed,
        };
        oem.register(&factory, now)?;
        oem.refresh(now)?;
        Ok(oem)
    }

    /// Assigns a campaign's release to its ECUs, in one change.
    pub fn assign(&mut self, campaign: &Campaign, now: Time) -> Result<(), Error> {
        self.refresh(now)?;
        let image = |ecu: &EcuId| self.known(*ecu, campaign.release()).map(|firmware| firmware.image);
        let images = campaign.ecus().iter().map(|ecu| Ok((*ecu, image(ecu)?))).collect::<Result<Vec<_>, Error>>()?;
        let wanted: Vec<(EcuId, TargetNameBuf)> = images.iter().map(|(ecu, image)| (*ecu, image.name)).collect();
        let store = self.director.store();
        let facts = settled(store.by_id(self.inventory.id))?.ok_or(director::Error::UnknownVehicle)?;
        let change = director::desired::assign(&facts, &self.catalogue()?, &wanted)?;
        settled(store.apply(change))?;
        for (ecu, image) in images {
            self.authorised.entry(ecu).or_default().insert(image.sha256);
        }
        Ok(())
    }

    /// Replaces a key, by a new Root.
    pub fn rotate(&mut self, rotation: &Rotation, now: Time) -> Result<(), Error> {
        let role = word(rotation.role())?;
        match rotation.repository() {
            Repository::Image => {
                let top = TopRole::parse(role).ok_or(Error::NoKey { role: rotation.role() })?;
                self.images.rotate(top, &mut self.keys, now)?;
                self.refresh(now)
            }
            Repository::Director => {
                let current = settled(Current::of(self.director.store()))?;
                let next = self.keys.next_of_role(Repository::Director, role);
                let root = self.keys.of_role(Repository::Director, "root");
                settled(self.director.store().apply(current.rotated(role, &next, &root, now)?))?;
                self.keys.replace(Repository::Director, role);
                self.director.hold(self.keys.online());
                Ok(())
            }
        }
    }

    /// What falls due: new Timestamps and, less often, everything else; the Director looks at the Image repository.
    pub fn renew(&mut self, now: Time) -> Result<(), Error> {
        self.images.renew(&self.keys, now)?;
        let store = self.director.store();
        let epoch = settled(store.epoch())?.ok_or(director::Error::NotInitialised)?;
        let newest = settled(store.roots(epoch.root))?.pop().unwrap_or_default();
        if root_file::expires(&newest)?.since(now) < ROOT_LEFT {
            let root = self.keys.of_role(Repository::Director, "root");
            settled(store.apply(settled(Current::of(store))?.renewed(&root, now)?))?;
        }
        settled(self.director.advance_epoch(now))?;
        settled(self.director.flush())?;
        self.refresh(now)
    }

    /// The Director answers a check-in, as the Primary hears it.
    pub fn check_in(&mut self, request: &CheckInRequest, now: Time) -> Result<Box<Answer>, primary_ecu::Error> {
        let asked = asked(request);
        let reply = at_once(self.director.check_in(self.certificate, &asked, now));
        let reply = reply.unwrap_or(Err(director::Error::Conflict));
        self.believe();
        match reply {
            Ok(reply) => Ok(Box::new(Answer {
                time: reply.answer.time,
                newest_root: reply.answer.newest.root.get(),
                roots: reply.roots,
                timestamp: reply.answer.timestamp,
                snapshot: reply.answer.snapshot,
                targets: reply.answer.targets,
                manifest_wanted: reply.manifest_wanted,
            })),
            Err(error) => Err(refused(&error)),
        }
    }

    /// A file that the Image repository has published, by the path that a client asks for.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.images.get(path)
    }

    /// The bytes of an image, published or not.
    pub fn image_bytes(&self, image: Sha256) -> Option<&[u8]> {
        self.images.bytes(image)
    }

    /// The image that an ECU leaves the factory with.
    pub fn factory(&self, ecu: EcuId) -> Option<&Firmware> {
        self.firmware(ecu, &Name::parse(FACTORY)?)
    }

    /// The image of a published release, or [`FACTORY`].
    pub fn firmware(&self, ecu: EcuId, release: &Name) -> Option<&Firmware> {
        self.firmware.get(&(ecu, release.clone()))
    }

    /// The release that an image for an ECU is of.
    pub fn release_of(&self, ecu: EcuId, image: Sha256) -> Option<&Name> {
        let mut all = self.firmware.iter();
        all.find(|((of, _), firmware)| *of == ecu && firmware.image.sha256 == image).map(|((_, release), _)| release)
    }

    /// What every ECU is provisioned with.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The vehicle and its ECUs, as its Primary knows them.
    pub fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The key that an ECU of the vehicle signs with.
    pub fn signer(&self, ecu: EcuId) -> Option<MemorySigner> {
        let known = self.inventory.ecus.iter().any(|known| known.ecu == ecu);
        known.then(|| self.keys.of_ecu(ecu.as_str()))
    }

    /// Every image that this ECU was ever allowed to run.
    pub fn authorised(&self, ecu: EcuId) -> impl Iterator<Item = Sha256> {
        self.authorised.get(&ecu).into_iter().flatten().copied()
    }

    /// Whether this ECU was ever allowed to run an image.
    pub fn authorises(&self, ecu: EcuId, image: Sha256) -> bool {
        self.authorised.get(&ecu).is_some_and(|images| images.contains(&image))
    }

    /// The image that the Director believes an ECU runs.
    pub fn believes(&self, ecu: EcuId) -> Option<Sha256> {
        self.believed.get(&ecu).copied()
    }

    /// What an ECU last reported of its updates to the Director, as far as that took it: the result, and the attack it noticed.
    pub fn reported(&self, ecu: EcuId) -> Option<(ResultCode, Option<Attack>)> {
        self.last_report(ecu).map(|report| (report.result, report.attack))
    }

    /// The last report of an ECU that the Director took.
    pub fn last_report(&self, ecu: EcuId) -> Option<LastReport> {
        self.last_reports().into_iter().find(|(known, _)| *known == ecu).map(|(_, report)| report)
    }

    /// The last report of every ECU of which the Director took one.
    pub fn last_reports(&self) -> Vec<(EcuId, LastReport)> {
        let facts = at_once(self.director.store().by_id(self.inventory.id)).and_then(Result::ok).flatten();
        let ecus = facts.into_iter().flat_map(|facts| facts.ecus);
        ecus.filter_map(|ecu| Some((ecu.id, ecu.last_report?))).collect()
    }

    /// The Director verifies what the Image repository has published, as its other clients do.
    fn refresh(&self, now: Time) -> Result<(), Error> {
        let store = self.director.store();
        let mut refreshing = Refreshing::begin(settled(store.image())?, now)?;
        while let Step::Fetch { file, .. } = refreshing.next() {
            let path = format!("metadata/{}", file.file_name());
            refreshing.supply(self.images.get(&path).map(<[u8]>::to_vec))?;
        }
        refreshing.change().map_or(Ok(()), |change| settled(store.apply(change)))
    }

    fn register(&self, factory: &Name, now: Time) -> Result<(), Error> {
        let enrolment = |known: &VehicleEcu| {
            let firmware = self.known(known.ecu, factory)?;
            let image = &firmware.image;
            let installed = Installed {
                name: image.name,
                length: image.length,
                sha256: image.sha256,
                line: Some(image.line),
                counter: image.counter,
            };
            // A file of an ECU's own would be refused for plain partial verification; the vehicle is as its author has it.
            let ecu = Inventoried {
                id: known.ecu,
                hardware: known.hardware,
                verification: known.verification,
                banks: known.banks,
                key: known.key.clone(),
                installed: Some(installed),
                last_report: None,
                unreachable: None,
                desired: None,
            };
            Ok(Enrolment { ecu, is_primary: known.ecu == self.inventory.primary.ecu, tls_request: None })
        };
        let enrolments = self.inventory.ecus.iter().map(enrolment).collect::<Result<Vec<_>, Error>>()?;
        enrolment::check(&enrolments)?;
        let new = enrolment::new_vehicle(self.inventory.id, self.certificate, None, enrolments, now)?;
        settled(self.director.store().apply(Change::Register(Box::new(new))))
    }

    /// Looks up what the Director holds of the vehicle now.
    fn believe(&mut self) {
        let facts = at_once(self.director.store().by_id(self.inventory.id)).and_then(Result::ok).flatten();
        let installed = facts.into_iter().flat_map(|facts| facts.ecus);
        self.believed.extend(installed.filter_map(|ecu| Some((ecu.id, ecu.installed?.sha256))));
    }

    fn known(&self, ecu: EcuId, release: &Name) -> Result<&Firmware, Error> {
        self.firmware(ecu, release).ok_or_else(|| Error::Unknown { ecu, release: release.clone() })
    }

    fn hardware(&self, ecu: EcuId, release: &Name) -> Result<uptane::HardwareId, Error> {
        let known = self.inventory.ecus.iter().find(|known| known.ecu == ecu);
        known.map(|known| known.hardware).ok_or_else(|| Error::Unknown { ecu, release: release.clone() })
    }
}

/// A new Director that trusts the Image repository, and what it provisions vehicles with.
fn found_director(images: &Images, keys: &Keys, now: Time) -> Result<(Director<Memory>, Bundle), Error> {
    let [root, timestamp, snapshot, targets, time] =
        ["root", "timestamp", "snapshot", "targets", "time"].map(|role| keys.of_role(Repository::Director, role));
    let store = Memory::new();
    for change in founding(images.root()?, &root, [&timestamp, &snapshot, &targets, &time], now)? {
        settled(store.apply(change))?;
    }
    let epoch = settled(store.epoch())?.ok_or(director::Error::NotInitialised)?;
    let file = |bytes| BundleFile { path: "bundle".into(), bytes };
    let bundle = Bundle {
        older: Vec::new(),
        director: file(settled(store.roots(Version::FIRST))?.pop().unwrap_or_default()),
        images: vec![(RepositoryName::of::<Image>(), file(images.root()?))],
        time: file(keys.online().attest(&epoch, now, [])?),
    };
    Ok((Director::with_keys(store, keys.online()), bundle))
}

pub(super) fn factory() -> Result<Name, Error> {
    // The constant is a name; a test of scenarios holds it to that.
    Name::parse(FACTORY).ok_or(Error::Malformed(uptane::Error::BadName { kind: "Name" }))
}

/// The request as the Director's server takes it.
fn asked(request: &CheckInRequest) -> Request {
    let CheckInRequest { versions: [root, timestamp, snapshot, targets], nonces, statement } = request;
    let state = match statement {
        Statement::Idle(file) => State::Idle(file.clone()),
        Statement::Manifest(file) => State::Manifest(file.clone()),
    };
    Request {
        root: *root,
        timestamp: *timestamp,
        snapshot: *snapshot,
        targets: *targets,
        nonces: nonces.clone(),
        state,
    }
}

/// What a Primary is told by the Director's server: the check it failed, or nothing about the other side.
fn refused(error: &director::Error) -> primary_ecu::Error {
    let reason = error.to_string();
    match () {
        () if matches!(error, director::Error::CounterBehind { .. }) => primary_ecu::Error::Behind { reason },
        () if error.is_refusal() || matches!(error, director::Error::UnknownVehicle) => {
            primary_ecu::Error::Rejected { reason }
        }
        () => primary_ecu::Error::Director { reason },
    }
}

/// What a store in memory comes to.
fn settled<T>(future: impl Future<Output = Result<T, director::Error>>) -> Result<T, Error> {
    Ok(at_once(future).ok_or(Error::Waited)??)
}

/// The word that key files and Roots have for a role.
fn word(role: Role) -> Result<&'static str, Error> {
    let words = [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets].map(|role| (role, role.type_name()));
    let found = words.into_iter().chain([(Role::Time, "time")]).find(|(known, _)| *known == role);
    found.map(|(_, word)| word).ok_or(Error::NoKey { role })
}

/// Bytes of the image that ECUs leave the factory with.
const FACTORY_IMAGE: usize = 8 * 1_024;
/// What is left of a Director Root's life when it is renewed: half of it.
const ROOT_LEFT: std::time::Duration = std::time::Duration::from_secs(182 * 86_400);
