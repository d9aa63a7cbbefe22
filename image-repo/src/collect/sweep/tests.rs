use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use uptane::metadata::Covers;
use uptane::sign::{
    DelegationBuilder, ImageEntry, KeySet, Matching, MemorySigner, RootBuilder, RootRoles, Signer as _, TargetsBuilder,
};
use uptane::{HardwareId, Image, ImageLine, Length, ReleaseCounter, RoleName, Sha256, TargetName, Version, limits};

use super::*;
use crate::objects::{Objects, Placed};
use crate::online::OnlineKeys;
use crate::publisher::Published;
use crate::store::Memory;

const DAY: u64 = 86_400;

fn signer(label: &str) -> MemorySigner {
    MemorySigner::from_seed(&Sha256::of(label.as_bytes()).0)
}

fn keys(label: &str) -> KeySet {
    KeySet::new([signer(label).public_key()], 1).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(work)
}

/// A repository in memory whose clock goes on by itself, and every Timestamp that clients ever saw.
///
/// What is put into memory is dated by the machine's clock, so to this clock all of it is old.
struct Years {
    publisher: Publisher<Memory>,
    now: Time,
    timestamps: Vec<Vec<u8>>,
    versions: BTreeMap<&'static str, u64>,
    counter: u64,
}

impl Years {
    fn begun() -> Self {
        Self::over(Objects::in_memory())
    }

    fn over(objects: Objects) -> Self {
        let online = ["snapshot", "timestamp"].map(signer);
        let publisher = Publisher::new(Memory::new(), objects, OnlineKeys::of(online));
        let now = host::clock::now();
        let mut years = Self { publisher, now, timestamps: Vec::new(), versions: BTreeMap::new(), counter: 0 };
        let root = Arriving { role: RoleId::Root, bytes: years.root() };
        let targets = years.file("targets", &BTreeMap::new(), 9_000);
        years.publish(vec![root, targets]).unwrap();
        years
    }

    fn after(&self, days: u64) -> Time {
        self.now.saturating_add(Duration::from_secs(days * DAY))
    }

    fn root(&self) -> Vec<u8> {
        let [root, targets, snapshot, timestamp] = ["root", "targets", "snapshot", "timestamp"].map(keys);
        let roles = RootRoles { root, targets, snapshot, timestamp };
        RootBuilder::<Image>::image(Version::FIRST, self.after(9_000), self.now, roles)
            .sign(&[&signer("root")])
            .unwrap()
    }

    /// The next file of a role, which lists these contents by these names.
    fn file(&mut self, role: &'static str, images: &BTreeMap<String, String>, days: u64) -> Arriving {
        self.counter += 1;
        let version = self.versions.get(role).copied().unwrap_or(0) + 1;
        let mut file = TargetsBuilder::image(Version::new(version).unwrap(), self.after(days));
        for (name, content) in images {
            file = file.list(entry(name, content, self.counter)).unwrap();
        }
        if role == "targets" {
            let covers = Covers::Paths(vec!["acme/*".to_owned()]);
            let acme = DelegationBuilder::role(RoleName::parse("acme").unwrap(), keys("acme"), covers);
            file = file.delegate([acme]).unwrap();
        }
        Arriving { role: role.parse().unwrap(), bytes: file.sign(&keys(role), &[&signer(role)]).unwrap() }
    }

    fn publish(&mut self, release: Vec<Arriving>) -> Result<Published, Error> {
        let published = run(self.publisher.publish("test", release, self.now));
        let timestamp = run(self.publisher.objects().published_file("timestamp.json", length(limits::MAX_TIMESTAMP)));
        self.timestamps.extend(timestamp.unwrap().map(Vec::from));
        for (role, current) in run(self.publisher.store().head()).unwrap().files {
            let name = if role == RoleId::Targets { "targets" } else { "acme" };
            if role.lists_images() {
                self.versions.insert(name, current.version.get());
            }
        }
        published
    }

    /// Publishes, and brings the images only if they are asked for.
    fn list(&mut self, role: &'static str, images: &BTreeMap<String, String>, days: u64) -> Result<Published, Error> {
        let file = self.file(role, images, days);
        match self.publish(vec![file.clone()]) {
            Err(Error::ImageMissing { .. }) => {}
            published => return published,
        }
        for content in images.values() {
            run(self.publisher.objects().take(content.as_bytes())).unwrap();
        }
        self.publish(vec![file])
    }

    fn collect(&self) -> Collected {
        run(self.publisher.collect(Mode::Remove, self.now)).unwrap()
    }

    fn wait(&mut self, days: u64) {
        self.now = self.after(days);
    }

    /// Renews Snapshot and Timestamp, as the service does all the time.
    fn renew(&mut self) {
        self.publish(Vec::new()).unwrap();
    }

    fn has(&self, name: &str) -> bool {
        run(self.publisher.objects().find(name)).unwrap().is_some()
    }

    /// Every Timestamp that a client may hold leads to everything.
    async fn check(&self) {
        for bytes in &self.timestamps {
            if self.now < expiry(bytes) {
                self.follow(bytes).await;
            }
        }
    }

    async fn follow(&self, timestamp: &[u8]) {
        let (role, version) = of_timestamp(timestamp).unwrap();
        let snapshot = self.fetch((role, version)).await;
        for (role, version) in of_snapshot(&snapshot).unwrap() {
            let bytes = self.fetch((role, version)).await;
            for listing in inspect(Arriving { role, bytes }).unwrap().listings {
                let found = self.publisher.objects().digest(&listing.stored_name()).await.unwrap();
                assert_eq!(found, Some((listing.length, listing.sha256)), "{}", listing.stored_name());
            }
        }
    }

    async fn fetch(&self, (role, version): FileId) -> Vec<u8> {
        let name = role.file(version).file_name();
        let found = self.publisher.objects().published_file(&name, length(limits::MAX_TARGETS)).await.unwrap();
        found.unwrap_or_else(|| panic!("{name} is gone")).to_vec()
    }
}

fn expiry(timestamp: &[u8]) -> Time {
    let envelope = uptane::metadata::Envelope::decode(timestamp).unwrap();
    uptane::metadata::Timestamp::decode(envelope.signed()).unwrap().expires()
}

fn length(bytes: u64) -> Length {
    Length::new(bytes).unwrap()
}

fn entry(name: &str, content: &str, counter: u64) -> ImageEntry {
    let (hardware, line) = (HardwareId::parse("hw").unwrap(), ImageLine::parse("line").unwrap());
    let matching = Matching::new([hardware], line, ReleaseCounter::new(counter).unwrap()).unwrap();
    let size = length(u64::try_from(content.len()).unwrap());
    ImageEntry::new(TargetName::parse(name).unwrap(), size, Sha256::of(content.as_bytes()).into(), &matching)
}

fn images(named: &[(&str, &str)]) -> BTreeMap<String, String> {
    named.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
}

fn in_bucket(folder: &str, file: &str, content: &str) -> String {
    format!("{IMAGES}/{folder}/{}.{file}", Sha256::of(content.as_bytes()))
}

#[test]
fn what_expired_and_was_superseded_goes_with_the_images_that_it_alone_listed() {
    let mut years = Years::begun();
    years.list("acme", &images(&[("acme/a", "old"), ("acme/b", "same")]), 20).unwrap();
    years.list("acme", &images(&[("acme/b", "same")]), 400).unwrap();
    years.wait(40);
    years.renew();
    let collected = years.collect();
    assert!(collected.files.contains(&("acme".parse().unwrap(), Version::FIRST)));
    assert_eq!(collected.images, [in_bucket("acme", "a", "old")]);
    assert!(!years.has(&in_bucket("acme", "a", "old")) && !years.has("published/metadata/1.acme.json"));
    assert!(years.has(&in_bucket("acme", "b", "same")));
    run(years.check());
    assert_eq!(years.collect(), Collected::default());
}

#[test]
fn an_image_stays_while_the_file_that_lists_it_has_not_expired() {
    let mut years = Years::begun();
    years.list("acme", &images(&[("acme/a", "old")]), 60).unwrap();
    years.list("acme", &images(&[]), 400).unwrap();
    years.wait(59);
    years.renew();
    assert_eq!(years.collect().images, Vec::<String>::new());
    years.wait(1);
    assert_eq!(years.collect().images, [in_bucket("acme", "a", "old")]);
}

#[test]
fn what_is_only_told_stays() {
    let mut years = Years::begun();
    years.list("acme", &images(&[("acme/a", "old")]), 20).unwrap();
    years.list("acme", &images(&[]), 400).unwrap();
    years.wait(40);
    years.renew();
    let told = run(years.publisher.collect(Mode::Tell, years.now)).unwrap();
    assert!(years.has(&in_bucket("acme", "a", "old")) && years.has("published/metadata/1.acme.json"));
    assert_eq!(years.collect(), told);
}

#[test]
fn a_patch_stays_though_no_file_names_it() {
    let mut years = Years::begun();
    let patch = Header { old_length: 1, new_length: 2, base: Sha256::of(b"old") }.encode();
    run(years.publisher.objects().publish_file("targets/acme/x.patch", &patch)).unwrap();
    run(years.publisher.objects().publish_file("targets/acme/x.image", b"an image")).unwrap();
    years.wait(8);
    assert_eq!(years.collect().images, [format!("{IMAGES}/acme/x.image")]);
    assert!(years.has(&format!("{IMAGES}/acme/x.patch")));
}

#[test]
fn what_came_in_goes_after_a_week_and_not_before() {
    let mut years = Years::begun();
    run(years.publisher.objects().take(b"never published")).unwrap();
    years.wait(7);
    assert_eq!(years.collect().arrivals, Vec::<String>::new());
    years.wait(1);
    assert_eq!(years.collect().arrivals, [format!("{INCOMING}/{}", Sha256::of(b"never published"))]);
}

#[test]
fn nothing_goes_while_clients_see_files_that_the_database_does_not_know() {
    let mut years = Years::begun();
    years.list("acme", &images(&[("acme/a", "old")]), 20).unwrap();
    run(years.publisher.objects().publish_file("metadata/2.acme.json", b"published before the backup was restored"))
        .unwrap();
    years.wait(40);
    let refused = run(years.publisher.collect(Mode::Remove, years.now));
    assert!(matches!(refused, Err(Error::NewerPublished { file }) if file == "2.acme.json"));
}

#[test]
fn a_listed_image_without_bytes_is_told() {
    let mut years = Years::begun();
    years.list("acme", &images(&[("acme/a", "lost")]), 20).unwrap();
    let name = in_bucket("acme", "a", "lost");
    run(years.publisher.objects().remove(&name)).unwrap();
    assert_eq!(years.collect().missing, [name]);
}

#[test]
fn a_release_beside_a_collection_loses_no_image() {
    let folder = tempfile::tempdir().unwrap();
    let mut years = Years::over(Objects::in_folder(folder.path()).unwrap());
    let (x, mut accepted) = (images(&[("acme/x", "x")]), 0);
    years.list("acme", &x, 1).unwrap();
    for _ in 0..12 {
        years.wait(31);
        years.list("acme", &images(&[]), 1).unwrap();
        years.wait(31);
        years.renew();
        // Nobody needs the image now, and one lists it again while the other removes it.
        let file = years.file("acme", &x, 1);
        let (published, collected) = run(async {
            let publishing = years.publisher.publish("test", vec![file], years.now);
            futures_util::join!(publishing, years.publisher.collect(Mode::Remove, years.now))
        });
        collected.unwrap();
        match published {
            Ok(_) => accepted += 1,
            Err(Error::ImageMissing { .. } | Error::UploadLost { .. }) => {
                years.list("acme", &x, 1).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
        let newest = run(years.publisher.store().head()).unwrap().files[&"acme".parse().unwrap()].version;
        years.versions.insert("acme", newest.get());
        assert!(years.has(&in_bucket("acme", "x", "x")));
    }
    println!("{accepted} of 12 releases came before the collection");
}

/// What a collection removes between the two looks of a publisher, the second one puts back.
#[test]
fn an_image_that_went_while_it_was_listed_again_comes_back() {
    let mut years = Years::begun();
    years.list("acme", &images(&[("acme/a", "old")]), 20).unwrap();
    let listed = run(years.publisher.store().listed("acme".parse().unwrap())).unwrap();
    years.wait(40);
    let (objects, name) = (years.publisher.objects(), in_bucket("acme", "a", "old"));
    run(async {
        // The upload is long gone; only the published image is there.
        objects.remove(&format!("{INCOMING}/{}", Sha256::of(b"old"))).await.unwrap();
        assert_eq!(objects.publish_image(&listed[0], years.now).await.unwrap(), Placed::Revived);
        objects.remove(&name).await.unwrap();
        objects.publish_image(&listed[0], years.now).await.unwrap();
        assert_eq!(objects.digest(&listed[0].stored_name()).await.unwrap().unwrap().1, Sha256::of(b"old"));
    });
}

#[test]
fn a_file_of_a_folder_is_dated_when_it_is_published_again() {
    let folder = tempfile::tempdir().unwrap();
    let objects = Objects::in_folder(folder.path()).unwrap();
    let mut years = Years::begun();
    years.list("acme", &images(&[("acme/a", "old")]), 20).unwrap();
    let listed = run(years.publisher.store().listed("acme".parse().unwrap())).unwrap();
    years.wait(40);
    run(async {
        objects.take(b"old").await.unwrap();
        objects.publish_image(&listed[0], years.now).await.unwrap();
        let name = in_bucket("acme", "a", "old");
        assert_eq!(objects.find(&name).await.unwrap().unwrap().modified, years.now);
        let later = years.after(8);
        assert_eq!(objects.publish_image(&listed[0], later).await.unwrap(), Placed::Revived);
        assert_eq!(objects.find(&name).await.unwrap().unwrap().modified, later);
        let names = std::fs::read_dir(folder.path().join(IMAGES).join("acme")).unwrap().count();
        assert_eq!(names, 1);
    });
}

#[derive(Clone, Debug)]
enum Step {
    List(&'static str, BTreeMap<String, String>, u64),
    Wait(u64),
    Collect,
}

fn step() -> impl Strategy<Value = Step> {
    let listed = proptest::collection::btree_map("[ab]", "[xyz]", 0..3);
    prop_oneof![
        3 => (prop_oneof![Just("acme"), Just("targets")], listed, 1..90_u64).prop_map(|(role, listed, days)| {
            let folder = if role == "acme" { "acme" } else { "base" };
            let listed = listed.into_iter().map(|(name, content)| (format!("{folder}/{name}"), content));
            // Whoever lets Targets expire can publish nothing more.
            Step::List(role, listed.collect(), if role == "targets" { 9_000 } else { days })
        }),
        2 => (1..30_u64).prop_map(Step::Wait),
        2 => Just(Step::Collect),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whoever_holds_an_unexpired_timestamp_can_fetch_everything_it_leads_to(
        steps in proptest::collection::vec(step(), 1..16)
    ) {
        let mut years = Years::begun();
        for step in steps {
            match step {
                Step::List(role, images, days) => drop(years.list(role, &images, days).unwrap()),
                Step::Wait(days) => {
                    years.wait(days);
                    years.renew();
                }
                Step::Collect => drop(years.collect()),
            }
            run(years.check());
        }
    }
}
