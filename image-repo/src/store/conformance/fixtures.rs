//! What the tests of stores are made of.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use host::audit::Entry;
use uptane::{HardwareId, ImageLine, Length, ReleaseCounter, RoleName, Sha256, TargetNameBuf, Time, Version};

use crate::error::Error;
use crate::facts::{Change, Listing, SignedFile};
use crate::role::RoleId;
use crate::store::server::Server;
use crate::store::{Fault, Store};

pub(in crate::store) fn run<T>(work: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(work)
}

/// The address of an empty database of this process's own server.
pub(in crate::store) fn database() -> String {
    server().database().unwrap()
}

/// One server for all tests of a process. It ends with the process.
pub(in crate::store) fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&[]).unwrap())
}

pub(in crate::store) fn role(name: &str) -> RoleId {
    name.parse().unwrap()
}

pub(in crate::store) fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

pub(in crate::store) fn file(role_name: &str, number: u64) -> SignedFile {
    let bytes = format!("{role_name} {number}").into_bytes();
    let expires = Time::from_unix(1_000_000 + number).unwrap();
    SignedFile { role: role(role_name), version: version(number), expires, bytes }
}

pub(in crate::store) fn listing(name: &str, line: &str, counter: u64) -> Listing {
    Listing {
        name: TargetNameBuf::parse(name).unwrap(),
        length: Length::new(3 + counter).unwrap(),
        sha256: Sha256::of(&counter.to_be_bytes()),
        hardware_ids: BTreeSet::from(["a-hw", "b-hw"].map(|id| HardwareId::parse(id).unwrap())),
        line: ImageLine::parse(line).unwrap(),
        release_counter: ReleaseCounter::new(counter).unwrap(),
    }
}

pub(in crate::store) fn list(role_name: &str, name: &str, counter: u64) -> Change {
    Change::List(role(role_name), listing(name, "brake", counter))
}

pub(in crate::store) fn delegate(from: &str, to: &[&str]) -> Change {
    Change::Delegate(role(from), to.iter().map(|name| RoleName::parse(name).unwrap()).collect())
}

/// Makes the changes on whatever is true.
pub(in crate::store) async fn apply(store: &impl Store, changes: &[Change]) -> Result<(), Error> {
    let generation = store.head().await?.generation;
    store.apply(generation, changes).await
}

pub(in crate::store) async fn generation(store: &impl Store) -> u64 {
    store.head().await.unwrap().generation.get()
}

pub(in crate::store) async fn listed(store: &impl Store, role_name: &str) -> Vec<Listing> {
    store.listed(role(role_name)).await.unwrap()
}

pub(in crate::store) fn used(error: &Result<(), Error>, role_name: &str, number: u64) -> bool {
    matches!(error, Err(Error::Store(Fault::VersionUsed { role: of, version: at }))
        if **of == role(role_name) && *at == version(number))
}

pub(in crate::store) fn done(previous: Option<&Entry>, object: &str) -> Entry {
    Entry::next(previous, Time::from_unix(1_000_000).unwrap(), "oem", "publish", object).unwrap()
}
