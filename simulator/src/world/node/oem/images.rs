//! The Image repository, and what it has put in front of clients.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use image_repo::facts::{Head, stored_name};
use image_repo::objects::Objects;
use image_repo::online::OnlineKeys;
use image_repo::publisher::Publisher;
use image_repo::release::Arriving;
use image_repo::role::{RoleId, TopRole};
use image_repo::store::{Memory, Store as _};
use uptane::sign::{ImageEntry, KeySet, Matching, MemorySigner, RootBuilder, RootRoles, Signer, TargetsBuilder};
use uptane::{Image, Sha256, Time, Version};

use super::super::Error;
use super::firmware::Firmware;
use super::keys::Keys;
use crate::world::scenario::Repository;

/// The repository.
#[derive(Debug)]
pub(super) struct Images {
    store: Memory,
    objects: Objects,
    /// What Targets lists.
    listed: Vec<ImageEntry>,
    /// The bytes of every image, published or not.
    bytes: BTreeMap<Sha256, Rc<[u8]>>,
    /// What clients can fetch, by its path.
    published: BTreeMap<String, Rc<[u8]>>,
}

impl Images {
    /// A new repository without images, published.
    pub(super) fn found(keys: &Keys, now: Time) -> Result<Self, Error> {
        let (listed, bytes, published) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut images = Self { store: Memory::new(), objects: Objects::in_memory(), listed, bytes, published };
        let root = images.root_file(Version::FIRST, &roles(keys)?, None, &[&signer(keys, TopRole::Root)], now)?;
        let targets = images.targets_file(Version::FIRST, &signer(keys, TopRole::Targets), now)?;
        images.publish(vec![root, targets], keys, now)?;
        Ok(images)
    }

    /// Lists these images, and publishes them.
    pub(super) fn add(&mut self, added: &[&Firmware], keys: &Keys, now: Time) -> Result<(), Error> {
        for firmware in added {
            self.bytes.insert(firmware.image.sha256, firmware.bytes.clone());
            at_once(self.objects.take(&firmware.bytes))?;
            self.listed.push(listed(firmware)?);
        }
        let version = self.version(RoleId::Targets)?.next()?;
        let targets = self.targets_file(version, &signer(keys, TopRole::Targets), now)?;
        self.publish(vec![targets], keys, now)?;
        for firmware in added {
            self.put(firmware);
        }
        Ok(())
    }

    /// Puts bytes where an image of their name and digest is; of a patch no file of the repository says anything.
    pub(super) fn put(&mut self, put: &Firmware) {
        let Firmware { image, bytes, .. } = put;
        let path = format!("targets/{}", stored_name(image.name.borrowed(), image.sha256));
        self.published.insert(path, bytes.clone());
    }

    /// Signs what is due, and publishes; Root and Targets once half of their life is over.
    pub(super) fn renew(&mut self, keys: &Keys, now: Time) -> Result<(), Error> {
        let head = self.head()?;
        let is_due =
            |role: TopRole| head.newest(&role.into()).is_some_and(|file| file.expires.since(now) < lifetime(role) / 2);
        let mut release = Vec::new();
        if is_due(TopRole::Root) {
            let roles = roles(keys)?;
            let version = self.version(RoleId::Root)?.next()?;
            release.push(self.root_file(version, &roles, Some(&roles.root), &[&signer(keys, TopRole::Root)], now)?);
        }
        if is_due(TopRole::Targets) {
            let version = self.version(RoleId::Targets)?.next()?;
            release.push(self.targets_file(version, &signer(keys, TopRole::Targets), now)?);
        }
        self.publish(release, keys, now)
    }

    /// Replaces the key of a role.
    pub(super) fn rotate(&mut self, role: TopRole, keys: &mut Keys, now: Time) -> Result<(), Error> {
        let (former, old) = (roles(keys)?, signer(keys, TopRole::Root));
        keys.replace(Repository::Image, role.word());
        let (roles, new) = (roles(keys)?, signer(keys, TopRole::Root));
        let version = self.version(RoleId::Root)?.next()?;
        let signers: &[&dyn Signer] = if role == TopRole::Root { &[&old, &new] } else { &[&old] };
        let mut release = vec![self.root_file(version, &roles, Some(&former.root), signers, now)?];
        if role == TopRole::Targets {
            let version = self.version(RoleId::Targets)?.next()?;
            release.push(self.targets_file(version, &signer(keys, TopRole::Targets), now)?);
        }
        self.publish(release, keys, now)
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
    pub(super) fn root(&self) -> Result<Vec<u8>, Error> {
        let version = self.version(RoleId::Root)?;
        Ok(at_once(self.store.file(RoleId::Root, version))?.unwrap_or_default())
    }

    fn publish(&mut self, release: Vec<Arriving>, keys: &Keys, now: Time) -> Result<(), Error> {
        let online = [TopRole::Snapshot, TopRole::Timestamp].map(|role| signer(keys, role));
        let publisher = Publisher::new(self.store.clone(), self.objects.clone(), OnlineKeys::of(online));
        at_once(publisher.publish("simulated", release, now))?;
        self.show()
    }

    /// Takes over what clients can see now.
    fn show(&mut self) -> Result<(), Error> {
        for kept in at_once(self.store.history())? {
            let path = format!("metadata/{}", kept.role.file(kept.version).file_name());
            // Only the Timestamp ever changes under its name.
            if kept.role == RoleId::Timestamp || !self.published.contains_key(&path) {
                let bytes = at_once(self.store.file(kept.role, kept.version))?.unwrap_or_default();
                self.published.insert(path, bytes.into());
            }
        }
        Ok(())
    }

    fn head(&self) -> Result<Head, Error> {
        at_once(self.store.head())
    }

    fn version(&self, role: RoleId) -> Result<Version, Error> {
        Ok(self.head()?.newest(&role).map_or(Version::FIRST, |file| file.version))
    }

    fn root_file(
        &self,
        version: Version,
        roles: &RootRoles,
        former: Option<&KeySet>,
        signers: &[&dyn Signer],
        now: Time,
    ) -> Result<Arriving, Error> {
        let expires = now.saturating_add(lifetime(TopRole::Root));
        let builder = RootBuilder::<Image>::image(version, expires, now, roles.clone());
        let signed = match former {
            None => builder.sign(signers),
            Some(former) => builder.sign_after(former, signers),
        };
        Ok(Arriving { role: RoleId::Root, bytes: signed.map_err(image_repo::Error::from)? })
    }

    fn targets_file(&self, version: Version, signer: &MemorySigner, now: Time) -> Result<Arriving, Error> {
        let mut builder = TargetsBuilder::<Image>::image(version, now.saturating_add(lifetime(TopRole::Targets)));
        for entry in &self.listed {
            builder = builder.list(entry.clone()).map_err(image_repo::Error::from)?;
        }
        let keys = KeySet::new([signer.public_key()], 1).map_err(image_repo::Error::from)?;
        let signed = builder.sign(&keys, &[signer]).map_err(image_repo::Error::from)?;
        Ok(Arriving { role: RoleId::Targets, bytes: signed })
    }
}

/// The outcome of something over memory, which waits for nothing.
fn at_once<T>(future: impl Future<Output = Result<T, image_repo::Error>>) -> Result<T, Error> {
    Ok(director::store::at_once(future).ok_or(Error::Waited)??)
}

fn signer(keys: &Keys, role: TopRole) -> MemorySigner {
    keys.of_role(Repository::Image, role.word())
}

fn roles(keys: &Keys) -> Result<RootRoles, Error> {
    let one = |role| KeySet::new([signer(keys, role).public_key()], 1).map_err(image_repo::Error::from);
    Ok(RootRoles {
        root: one(TopRole::Root)?,
        targets: one(TopRole::Targets)?,
        snapshot: one(TopRole::Snapshot)?,
        timestamp: one(TopRole::Timestamp)?,
    })
}

fn listed(firmware: &Firmware) -> Result<ImageEntry, Error> {
    let image = &firmware.image;
    let matching = Matching::new([firmware.hardware], image.line, image.counter).map_err(image_repo::Error::from)?;
    Ok(ImageEntry::new(image.name.borrowed(), image.length, image.sha256.into(), &matching))
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
