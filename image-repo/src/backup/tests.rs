use std::collections::BTreeMap;

use uptane::metadata::Covers;
use uptane::sign::{
    DelegationBuilder, ImageEntry, KeySet, Matching, MemorySigner, RootBuilder, RootRoles, Signer as _, TargetsBuilder,
};
use uptane::{HardwareId, Image, ImageLine, Length, ReleaseCounter, RoleName, Sha256, TargetName, Time, Version};

use super::restore::{Restored, put_images, restore};
use super::take::{Images, take};
use super::*;
use crate::objects::Objects;
use crate::online::OnlineKeys;
use crate::publisher::{LEAP, Published, Publisher};
use crate::release::Arriving;
use crate::store::server::Server;
use crate::store::{Memory, Postgres, Sqlite, Store};

fn run<T>(work: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(work)
}

fn now() -> Time {
    host::clock::now()
}

fn year() -> Time {
    now().saturating_add(std::time::Duration::from_secs(365 * 86_400))
}

fn signer(label: &str) -> MemorySigner {
    MemorySigner::from_seed(&Sha256::of(label.as_bytes()).0)
}

fn keys(label: &str) -> KeySet {
    KeySet::new([signer(label).public_key()], 1).unwrap()
}

fn over<S: Store>(store: S, objects: Objects) -> Publisher<S> {
    let online = ["snapshot", "timestamp"].map(signer);
    Publisher::new(store, objects, OnlineKeys::of(online))
}

fn root(version: u64) -> Arriving {
    let [root, targets, snapshot, timestamp] = ["root", "targets", "snapshot", "timestamp"].map(keys);
    let roles = RootRoles { root, targets, snapshot, timestamp };
    let root = RootBuilder::<Image>::image(Version::new(version).unwrap(), year(), now(), roles);
    Arriving { role: RoleId::Root, bytes: root.sign(&[&signer("root")]).unwrap() }
}

/// The file of a role, signed by whoever has this key.
fn signed(role: &str, version: u64, images: &[(&str, u64)], by: &str) -> Arriving {
    let mut file = TargetsBuilder::image(Version::new(version).unwrap(), year());
    for (content, counter) in images {
        let (hardware, line) = (HardwareId::parse("hw").unwrap(), ImageLine::parse("line").unwrap());
        let matching = Matching::new([hardware], line, ReleaseCounter::new(*counter).unwrap()).unwrap();
        let length = Length::new(u64::try_from(content.len()).unwrap()).unwrap();
        let name = format!("acme/{content}");
        let sha256 = Sha256::of(content.as_bytes());
        file = file.list(ImageEntry::new(TargetName::parse(&name).unwrap(), length, sha256.into(), &matching)).unwrap();
    }
    if role == "targets" {
        let covers = Covers::Paths(vec!["acme/*".to_owned()]);
        let acme = DelegationBuilder::role(RoleName::parse("acme").unwrap(), keys("acme"), covers);
        file = file.delegate([acme]).unwrap();
    }
    Arriving { role: role.parse().unwrap(), bytes: file.sign(&keys(by), &[&signer(by)]).unwrap() }
}

fn acme(version: u64, images: &[(&str, u64)]) -> Arriving {
    signed("acme", version, images, "acme")
}

async fn publish<S: Store>(publisher: &Publisher<S>, release: Vec<Arriving>) -> Result<Published, Error> {
    publisher.publish("test", release, now()).await
}

async fn bring<S: Store>(publisher: &Publisher<S>, content: &str) {
    publisher.objects().take(content.as_bytes()).await.unwrap();
}

/// A repository whose line `line` once had release 9, and that lists `old` as release 5 of another one.
async fn founded(objects: Objects) -> Publisher<Memory> {
    let publisher = over(Memory::new(), objects);
    publish(&publisher, vec![root(1), signed("targets", 1, &[], "targets")]).await.unwrap();
    for (version, content, counter) in [(1, "gone", 8), (2, "old", 9)] {
        bring(&publisher, content).await;
        publish(&publisher, vec![acme(version, &[(content, counter)])]).await.unwrap();
    }
    publish(&publisher, vec![root(2)]).await.unwrap();
    publisher
}

async fn backed_up<S: Store>(publisher: &Publisher<S>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    take(publisher, folder.path(), Images::Copied, now()).await.unwrap();
    folder
}

async fn restored<S: Store>(folder: &Path, publisher: &Publisher<S>) -> Result<Restored, Error> {
    restore(&Backup::open(folder)?, publisher, Vec::new(), now()).await
}

/// What a store knows, but for what the repository signs and its generation.
async fn known<S: Store>(store: &S) -> String {
    let mut known = String::new();
    for (role, current) in store.head().await.unwrap().files {
        if role == RoleId::Root || role.lists_images() {
            let file = store.file(role, current.version).await.unwrap();
            known += &format!("{role} {current:?} {file:?} {:?}\n", store.listed(role).await.unwrap());
        }
    }
    let acme = RoleName::parse("acme").unwrap();
    format!("{known} {:?} {:?}", store.lines().await.unwrap(), store.delegators(acme).await.unwrap())
}

/// What clients see of the newest files: everything that Timestamp leads to, verified.
async fn whole<S: Store>(publisher: &Publisher<S>) -> BTreeMap<RoleId, Version> {
    let objects = publisher.objects();
    let limit = Length::new(limits::MAX_TARGETS).unwrap();
    let timestamp = objects.published_file("timestamp.json", limit).await.unwrap().unwrap();
    let (role, version) = crate::collect::of_timestamp(&timestamp).unwrap();
    let snapshot = objects.published_file(&file_name(role, version), limit).await.unwrap().unwrap();
    let files = crate::collect::of_snapshot(&snapshot).unwrap();
    for (role, version) in &files {
        let bytes = objects.published_file(&file_name(*role, *version), limit).await.unwrap().unwrap().to_vec();
        for listing in crate::release::inspect(Arriving { role: *role, bytes }).unwrap().listings {
            let found = objects.digest(&listing.stored_name()).await.unwrap();
            assert_eq!(found, Some((listing.length, listing.sha256)));
        }
    }
    assert!(objects.published_file("1.root.json", limit).await.unwrap().is_some());
    files.into_iter().collect()
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

async fn comes_back_whole(store: impl Store) {
    let publisher = founded(Objects::in_memory()).await;
    let (folder, before) = (backed_up(&publisher).await, publish(&publisher, Vec::new()).await.unwrap());
    let after = over(store, Objects::in_memory());
    let done = restored(folder.path(), &after).await.unwrap();
    assert_eq!(known(after.store()).await, known(publisher.store()).await);
    assert!(done.missing.is_empty() && done.taken_over.is_empty() && done.left.is_empty());
    assert_eq!(done.published.timestamp.get(), before.timestamp.get() + LEAP + 1);
    assert_eq!(done.published.snapshot.get(), before.snapshot.get() + LEAP + 1);
    whole(&after).await;
}

#[test]
fn what_was_lost_altogether_comes_back_into_memory() {
    run(comes_back_whole(Memory::new()));
}

#[test]
fn what_was_lost_altogether_comes_back_into_a_file() {
    let folder = tempfile::tempdir().unwrap();
    run(async {
        comes_back_whole(Sqlite::create(&folder.path().join("state.sqlite")).await.unwrap()).await;
    });
}

#[test]
fn what_was_lost_altogether_comes_back_into_postgresql() {
    let server = Server::start(&[]).unwrap();
    run(async {
        comes_back_whole(Postgres::connect(&server.database().unwrap()).await.unwrap()).await;
    });
}

#[test]
fn the_audit_log_comes_back_and_goes_on() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = backed_up(&publisher).await;
        let after = over(Memory::new(), Objects::in_memory());
        restored(folder.path(), &after).await.unwrap();
        let before = publisher.store().entries(0, 1000).await.unwrap();
        let log = after.store().entries(0, 1000).await.unwrap();
        assert!(!before.is_empty() && log.starts_with(&before) && log.len() > before.len());
        host::audit::verify(log).unwrap();
    });
}

#[test]
fn a_line_never_goes_back_though_its_highest_release_was_taken_out() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        publish(&publisher, vec![acme(3, &[])]).await.unwrap();
        let folder = backed_up(&publisher).await;
        let after = over(Memory::new(), Objects::in_memory());
        restored(folder.path(), &after).await.unwrap();
        bring(&after, "older").await;
        let refused = publish(&after, vec![acme(4, &[("older", 7)])]).await;
        assert!(matches!(refused, Err(Error::CounterTaken { .. })));
    });
}

#[test]
fn what_people_published_after_the_backup_is_taken_over_from_the_tree() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = backed_up(&publisher).await;
        bring(&publisher, "new").await;
        publish(&publisher, vec![acme(3, &[("new", 10)]), root(3)]).await.unwrap();
        let seen = publish(&publisher, vec![signed("targets", 2, &[], "targets")]).await.unwrap();
        let after = over(Memory::new(), publisher.objects().clone());
        let done = restored(folder.path(), &after).await.unwrap();
        assert_eq!(done.taken_over.len(), 3);
        assert!(done.published.timestamp > seen.timestamp && done.published.snapshot > seen.snapshot);
        assert_eq!(known(after.store()).await, known(publisher.store()).await);
        let clients = whole(&after).await;
        assert_eq!(clients[&"acme".parse().unwrap()], version(3));
        assert_eq!(clients[&RoleId::Targets], version(2));
    });
}

#[test]
fn a_forged_file_in_the_tree_is_left_and_the_genuine_ones_are_taken_over() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = backed_up(&publisher).await;
        publish(&publisher, vec![acme(3, &[])]).await.unwrap();
        publish(&publisher, vec![signed("targets", 2, &[], "targets")]).await.unwrap();
        let forged = signed("acme", 3, &[], "somebody").bytes;
        publisher.objects().publish_file("metadata/3.acme.json", &forged).await.unwrap();
        let after = over(Memory::new(), publisher.objects().clone());
        let done = restored(folder.path(), &after).await.unwrap();
        assert_eq!(done.left, [("acme".parse().unwrap(), version(3))]);
        assert_eq!(done.taken_over, [(RoleId::Targets, version(2))]);
        assert_eq!(whole(&after).await[&"acme".parse().unwrap()], version(2));
    });
}

#[test]
fn a_lost_bucket_is_filled_again_from_the_database_and_the_backup() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = backed_up(&publisher).await;
        let after = over(publisher.store().clone(), Objects::in_memory());
        let missing = put_images(&Backup::open(folder.path()).unwrap(), &after, now()).await.unwrap();
        after.mend().await.unwrap();
        assert_eq!(missing, Vec::<String>::new());
        assert_eq!(whole(&after).await, whole(&publisher).await);
    });
}

#[test]
fn images_that_are_nowhere_are_told() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = tempfile::tempdir().unwrap();
        take(&publisher, folder.path(), Images::Named, now()).await.unwrap();
        let after = over(Memory::new(), Objects::in_memory());
        let done = restored(folder.path(), &after).await.unwrap();
        assert_eq!(done.missing.len(), 2);
    });
}

#[test]
fn a_database_with_a_repository_is_not_restored_into() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = backed_up(&publisher).await;
        let refused = restored(folder.path(), &publisher).await;
        assert!(matches!(refused, Err(Error::Backup(Fault::NotEmpty))));
    });
}

#[test]
fn a_restoration_that_was_cut_short_publishes_nothing() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = backed_up(&publisher).await;
        // The backup's online keys are not the repository's: its completion fails.
        let after = Publisher::new(Memory::new(), Objects::in_memory(), OnlineKeys::default());
        assert!(matches!(restored(folder.path(), &after).await, Err(Error::NoOnlineKey { .. })));
        let with_keys = over(after.store().clone(), after.objects().clone());
        assert!(matches!(publish(&with_keys, Vec::new()).await, Err(Error::Incomplete { .. })));
        assert!(matches!(restored(folder.path(), &with_keys).await, Err(Error::Backup(Fault::NotEmpty))));
    });
}

/// Changes a part of a backup, which is then refused and changes nothing.
fn refuses(part: impl FnOnce(&Path) -> PathBuf) -> Error {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = backed_up(&publisher).await;
        let path = part(folder.path());
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let after = over(Memory::new(), Objects::in_memory());
        let refused = restored(folder.path(), &after).await.unwrap_err();
        assert_eq!(after.store().head().await.unwrap().newest(&RoleId::Root), None);
        refused
    })
}

#[test]
fn a_damaged_manifest_is_refused() {
    let refused = refuses(|folder| folder.join("backup.json"));
    assert!(matches!(refused, Error::Backup(Fault::Damaged { file }) if file == "backup.json"));
}

#[test]
fn a_damaged_file_is_refused() {
    let refused = refuses(|folder| folder.join("metadata/2.acme.json"));
    assert!(matches!(refused, Error::Backup(Fault::Damaged { file }) if file == "2.acme.json"));
}

#[test]
fn a_damaged_audit_log_is_refused() {
    let refused = refuses(|folder| folder.join("audit.jsonl"));
    assert!(matches!(refused, Error::Backup(Fault::Damaged { .. }) | Error::AuditBroken(_)), "{refused}");
}

#[test]
fn a_damaged_image_is_refused() {
    let refused = refuses(|folder| folder.join(format!("images/{}", Sha256::of(b"old"))));
    assert!(matches!(refused, Error::Backup(Fault::Damaged { .. })), "{refused}");
}

#[test]
fn a_folder_without_a_finished_backup_is_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Backup::open(folder.path()), Err(Error::Backup(Fault::NotABackup { .. }))));
}

#[test]
fn a_backup_is_never_written_over_another() {
    run(async {
        let publisher = founded(Objects::in_memory()).await;
        let folder = backed_up(&publisher).await;
        let again = take(&publisher, folder.path(), Images::Named, now()).await;
        assert!(matches!(again, Err(Error::Backup(Fault::Exists { .. }))));
    });
}
