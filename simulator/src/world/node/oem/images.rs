//! The Image repository, and what it has put in front of clients.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use image_repo::old::facts::{Change, Image, RoleKey, stored_name};
use image_repo::old::make::{self, NewRole};
use image_repo::old::plan::{self, Release};
use image_repo::old::store::Memory;
use image_repo::role::TopRole;
use uptane::sign::{MemorySigner, Signer as _};
use uptane::{Sha256, Time};

use super::super::Error;
use super::firmware::Firmware;
use super::keys::Keys;
use crate::world::scenario::Repository;

/// The repository.
#[derive(Debug, Default)]
pub(super) struct Images {
    store: Memory,
    /// The bytes of every image, published or not.
    bytes: BTreeMap<Sha256, Rc<[u8]>>,
    /// What clients can fetch, by its path.
    published: BTreeMap<String, Rc<[u8]>>,
}

impl Images {
    /// A new repository without images, published.
    pub(super) fn found(keys: &Keys, now: Time) -> Result<Self, Error> {
        let made = TopRole::ALL.map(|role| {
            let signer = signer(keys, role);
            (role, record(role, &signer, 0), signer)
        });
        let new = |of: TopRole| {
            let found = made.iter().find(|(role, ..)| *role == of);
            let (_, key, signer) = found.ok_or(image_repo::Error::Incomplete { what: "key for one of its roles" })?;
            Ok(NewRole { key, signer, lifetime: lifetime(of) })
        };
        let mut images = Self::default();
        images.store.change(&make::repository(new, now)?)?;
        images.release()?;
        Ok(images)
    }

    /// Lists these images, and publishes them.
    pub(super) fn add(&mut self, added: &[&Firmware], keys: &Keys, now: Time) -> Result<(), Error> {
        for firmware in added {
            self.bytes.insert(firmware.image.sha256, firmware.bytes.clone());
            let staged = plan::add(&self.store.now(), listed(firmware))?;
            self.store.change(&staged)?;
        }
        self.renew(keys, now)
    }

    /// Puts a patch where an image of its name and digest would be, unsigned.
    pub(super) fn put(&mut self, patch: &Firmware) {
        let Firmware { image, bytes, .. } = patch;
        let path = format!("targets/{}", stored_name(image.name.borrowed(), image.sha256));
        self.published.insert(path, bytes.clone());
    }

    /// Signs what is due, and publishes; Root too once half of its life is over.
    pub(super) fn renew(&mut self, keys: &Keys, now: Time) -> Result<(), Error> {
        let facts = self.store.now();
        let root = facts.newest(TopRole::Root);
        if root.is_some_and(|root| root.expires.since(now) < lifetime(TopRole::Root) / 2) {
            let root = make::renewal(&facts, now, &signer(keys, TopRole::Root))?;
            self.store.change(&[Change::File(root)])?;
        }
        let facts = self.store.now();
        if let Some(next) = plan::sign(&facts, now)? {
            self.store.change(&make::listing(&facts, next, &signer(keys, TopRole::Targets))?)?;
        }
        let facts = self.store.now();
        let publication = plan::publish(&facts, now)?;
        self.store.change(&make::publication(&facts, publication, |role| Ok(signer(keys, role)))?)?;
        self.release()
    }

    /// Replaces the key of a role.
    pub(super) fn rotate(&mut self, role: TopRole, keys: &mut Keys, now: Time) -> Result<(), Error> {
        let facts = self.store.now();
        let new = keys.next_of_role(Repository::Image, role.word());
        let record = record(role, &new, facts.newest(TopRole::Root).map_or(0, |root| root.version.get()));
        let root = signer(keys, TopRole::Root);
        let changes = make::rotation(&facts, role, (&record, &new), &root, |role| Ok(signer(keys, role)), now)?;
        self.store.change(&changes)?;
        keys.replace(Repository::Image, role.word());
        self.release()
    }

    /// A published file.
    pub(super) fn get(&self, path: &str) -> Option<&[u8]> {
        self.published.get(path).map(AsRef::as_ref)
    }

    /// Every published file and its path.
    #[cfg(test)]
    pub(super) fn published(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.published.iter().map(|(path, bytes)| (path.as_str(), bytes.as_ref()))
    }

    /// The bytes of an image.
    pub(super) fn bytes(&self, image: Sha256) -> Option<&[u8]> {
        self.bytes.get(&image).map(AsRef::as_ref)
    }

    /// The newest Root.
    pub(super) fn root(&self) -> Vec<u8> {
        self.store.now().newest(TopRole::Root).map(|root| root.bytes.clone()).unwrap_or_default()
    }

    /// Puts everything that is due in front of clients.
    fn release(&mut self) -> Result<(), Error> {
        let facts = self.store.now();
        let mut released = Vec::new();
        for release in plan::release(&facts) {
            let bytes = match release {
                Release::Image(image) => self.bytes.get(&image.sha256).cloned(),
                Release::File(file) => Some(file.bytes.as_slice().into()),
            };
            let bytes = bytes.ok_or(image_repo::Error::Incomplete { what: "bytes for one of its images" })?;
            self.published.insert(release.path(), bytes);
            released.push(release.released());
        }
        Ok(self.store.change(&released)?)
    }
}

fn signer(keys: &Keys, role: TopRole) -> MemorySigner {
    keys.of_role(Repository::Image, role.word())
}

fn record(role: TopRole, signer: &MemorySigner, root: u64) -> RoleKey {
    RoleKey { file: format!("{}-{root}.pem", role.word()), public: signer.public_key() }
}

fn listed(firmware: &Firmware) -> Image {
    Image {
        name: firmware.image.name,
        length: firmware.image.length,
        sha256: firmware.image.sha256,
        hardware_ids: [firmware.hardware].into(),
        line: firmware.image.line,
        release_counter: firmware.image.counter,
        listed: None,
        published: false,
    }
}

/// How long files are valid: what `image-repo init` takes unless it is told otherwise.
fn lifetime(role: TopRole) -> Duration {
    let days = match role {
        TopRole::Root => 365,
        TopRole::Targets => 180,
        TopRole::Snapshot => 30,
        TopRole::Timestamp => 7,
    };
    Duration::from_secs(days * 86_400)
}
