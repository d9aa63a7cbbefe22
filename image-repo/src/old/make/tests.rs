//! A repository in memory, published without a runtime and read as a client reads it.

use std::collections::{BTreeMap, BTreeSet};

use uptane::sign::MemorySigner;
use uptane::verify::{Refresh, Refreshed, Step, Trusted};
use uptane::{HardwareId, Image, ImageLine, Length, ReleaseCounter, Sha256, TargetName};

use super::*;
use crate::old::facts;
use crate::old::plan::Release;
use crate::old::store::Memory;

/// An OEM: its keys, what its repository knows, and what clients see.
struct Oem {
    keys: BTreeMap<TopRole, (MemorySigner, RoleKey)>,
    store: Memory,
    published: BTreeMap<String, Vec<u8>>,
}

fn now() -> Time {
    Time::parse("2026-11-22T12:00:00Z").unwrap()
}

fn key(seed: u8) -> (MemorySigner, RoleKey) {
    let signer = MemorySigner::from_seed(&[seed; 32]);
    let record = RoleKey { file: format!("{seed}.pem"), public: signer.public_key() };
    (signer, record)
}

impl Oem {
    fn new() -> Self {
        let keys: BTreeMap<_, _> = TopRole::ALL.into_iter().zip((1..).map(key)).collect();
        let mut oem = Self { keys, store: Memory::new(), published: BTreeMap::new() };
        let role = |of| {
            let (signer, key) = &oem.keys[&of];
            Ok(NewRole { key, signer, lifetime: Duration::from_secs(86_400) })
        };
        let changes = repository(role, now()).unwrap();
        oem.change(&changes);
        oem
    }

    /// Makes changes true, and shows clients what follows.
    fn change(&mut self, changes: &[Change]) {
        self.store.change(changes).unwrap();
        let facts = self.store.now();
        for release in plan::release(&facts) {
            let bytes = match release {
                Release::Image(_) => IMAGE.to_vec(),
                Release::File(file) => file.bytes.clone(),
            };
            self.published.insert(release.path(), bytes);
            self.store.change(&[release.released()]).unwrap();
        }
    }

    fn add(&mut self) {
        let image = facts::Image {
            name: TargetName::parse("brake/fw.bin").unwrap().to_buf(),
            length: Length::new(u64::try_from(IMAGE.len()).unwrap()).unwrap(),
            sha256: Sha256::of(IMAGE),
            hardware_ids: BTreeSet::from([HardwareId::parse("brake-hw").unwrap()]),
            line: ImageLine::parse("brake").unwrap(),
            release_counter: ReleaseCounter::new(1).unwrap(),
            listed: None,
            published: false,
        };
        let staged = plan::add(&self.store.now(), image).unwrap();
        self.change(&staged);
        let facts = self.store.now();
        let next = plan::sign(&facts, now()).unwrap().unwrap();
        // Signed, and not yet in front of clients.
        self.store.change(&listing(&facts, next, &self.keys[&TopRole::Targets].0).unwrap()).unwrap();
    }

    fn publish(&mut self) {
        let facts = self.store.now();
        let due = plan::publish(&facts, now()).unwrap();
        let changes = publication(&facts, due, |role| Ok(&self.keys[&role].0)).unwrap();
        self.change(&changes);
    }

    fn rotate(&mut self, role: TopRole, seed: u8) {
        let new = key(seed);
        let (facts, root) = (self.store.now(), &self.keys[&TopRole::Root].0);
        let open = |role| Ok(&self.keys[&role].0);
        let changes = rotation(&facts, role, (&new.1, &new.0), root, open, now()).unwrap();
        self.keys.insert(role, new);
        self.change(&changes);
    }

    /// What a client that trusts the first Root comes to trust.
    fn read(&self) -> Refreshed<Image> {
        let trusted = Trusted::<Image>::provision(&self.published["metadata/1.root.json"]).unwrap();
        let mut refresh = Refresh::image(trusted, now());
        while let Step::Fetch { file, .. } = refresh.next() {
            let bytes = self.published.get(&format!("metadata/{}", file.file_name()));
            refresh.supply(bytes.map(|bytes| bytes.clone().into())).unwrap();
        }
        refresh.finish().map_err(|_| "refused").unwrap()
    }

    fn listed(&self) -> usize {
        self.read().targets().view().targets().count()
    }
}

const IMAGE: &[u8] = b"firmware";

#[test]
fn what_is_added_signed_and_published_is_what_a_client_finds() {
    let mut oem = Oem::new();
    assert_eq!(oem.listed(), 0);
    oem.add();
    oem.publish();
    assert_eq!(oem.listed(), 1);
    let stored = format!("targets/brake/{}.fw.bin", Sha256::of(IMAGE));
    assert_eq!(oem.published[&stored], IMAGE);
}

#[test]
fn a_client_follows_the_rotation_of_every_key() {
    let mut oem = Oem::new();
    oem.add();
    oem.publish();
    for (role, seed) in TopRole::ALL.into_iter().zip(10..) {
        oem.rotate(role, seed);
        assert_eq!(oem.listed(), 1, "{role}");
    }
    oem.publish();
    assert_eq!(oem.listed(), 1);
    assert!(oem.published.contains_key("metadata/5.root.json"));
}
