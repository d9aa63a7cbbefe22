//! A whole vehicle, both repositories and no runtime: what is asked is answered at once.

use host::disk::{Access, Folder};
use host::fetch::Sink as _;
use host::provisioning::{Banks, Primary as VehiclePrimary, VehicleEcu};
use proto::secondary::{File, Phase, Refusal, Request, Verification};
use uptane::sign::{InstalledImage, MemorySigner, ReportBuilder, ReportedVersions};
use uptane::testing::{Repo, TestEcu};
use uptane::verify::MetadataFile;
use uptane::{Counter, ReleaseCounter, ResultCode, TargetNameBuf, TransactionId, Version};

use super::*;
use crate::provision::{self, Bundle, BundleFile};

mod patch;
mod single_bank;

use patch::PatchWorld;

/// The repositories, and one Secondary that believes everything.
struct World {
    repo: Repo,
    banks: Banks,
    /// Its new image gives up before it votes.
    sick: bool,
    /// The image it runs; 0 for none.
    release: u64,
    phase: Phase,
    transaction: TransactionId,
    counter: u64,
    offered: Option<File>,
    held: Vec<u8>,
    patch: PatchWorld,
}

fn member_image(ecu: &TestEcu, release: u64) -> MemberImage {
    let bytes = ecu.image(release);
    MemberImage {
        name: TargetNameBuf::parse(&ecu.image_name(release)).unwrap(),
        length: Length::new(u64::try_from(bytes.len()).unwrap()).unwrap(),
        sha256: Sha256::of(&bytes),
        line: ecu.line,
        counter: ReleaseCounter::new(release).unwrap(),
    }
}

impl World {
    /// A vehicle that runs release 1, with release 2 published.
    fn new(disk: &Folder) -> Self {
        let mut repo = Repo::seeded(2);
        let own = &repo.ecus()[0];
        let mut bytes = own.image(1);
        let source = |chunk: &mut [u8]| {
            let count = chunk.len().min(bytes.len());
            chunk[..count].copy_from_slice(&bytes.drain(..count).collect::<Vec<_>>());
            Ok(count)
        };
        provision::make(disk, own.ecu, &member_image(own, 1), source).unwrap();
        let file = |bytes: &[u8]| BundleFile { path: "bundle".into(), bytes: bytes.to_vec() };
        let images = vec![(RepositoryName::of::<uptane::Image>(), file(repo.image().root()))];
        let (director, time) = (file(repo.director().root()), file(&repo.time(repo.now(), [])));
        Bundle { older: vec![], director, images, time }.keep(disk).unwrap();
        repo.publish(|next| next.release());
        let transaction = TransactionId([0; 16]);
        Self {
            repo,
            banks: Banks::Two,
            sick: false,
            release: 1,
            phase: Phase::Idle,
            transaction,
            counter: 0,
            offered: None,
            held: vec![],
            patch: PatchWorld::default(),
        }
    }

    fn boot(&self, disk: &Folder) -> Node<Folder, MemorySigner> {
        self.try_boot(disk).unwrap()
    }

    fn try_boot(&self, disk: &Folder) -> Result<Node<Folder, MemorySigner>, Error> {
        let ecus = self.repo.ecus().iter().map(|ecu| VehicleEcu {
            ecu: ecu.ecu,
            hardware: ecu.hardware,
            verification: Verification::Full,
            banks: if ecu.ecu == self.brake().ecu { self.banks } else { Banks::Two },
            key: ecu.signer().public_key(),
        });
        let own = &self.repo.ecus()[0];
        let primary = VehiclePrimary { ecu: own.ecu, key: own.signer().public_key() };
        let vehicle = Vehicle { id: self.repo.vehicle(), primary, ecus: ecus.collect() };
        Node::boot(disk.clone(), vehicle, Mapping::basic(), own.signer())
    }

    fn brake(&self) -> &TestEcu {
        &self.repo.ecus()[1]
    }

    /// One cycle, or as many steps of it.
    fn cycle(&mut self, node: &mut Node<Folder, MemorySigner>, seed: u8, steps: usize) -> Option<Result<(), Error>> {
        node.begin([seed; 32]).unwrap();
        for _ in 0..steps {
            match node.poll().unwrap().expect("nothing is under way") {
                Step::Finished(result) => return Some(result),
                Step::News(_) => {}
                Step::Ask(ask) => node.take(self.done(ask)).unwrap(),
            }
        }
        None
    }

    fn done(&mut self, ask: Ask<Folder>) -> Done {
        match ask {
            Ask::CheckIn(request) => Done::CheckedIn(Ok(Box::new(self.answer(&request)))),
            Ask::Fetch { path, .. } => Done::Fetched(Ok(self.served(&path))),
            Ask::Download(mut download) => {
                let of = self.repo.ecus().iter().find(|ecu| download.path().contains(ecu.ecu.as_str())).unwrap();
                if download.path().ends_with(".patch") {
                    return self.patch.serve(*download);
                }
                download.start(Length::ZERO, None).unwrap();
                let release = if download.path().ends_with("-1.bin") { 1 } else { 2 };
                download.write(&of.image(release)).unwrap();
                download.end(Ok(()))
            }
            Ask::Errand(mut errand) => {
                while let Turn::Ask(request) = errand.turn() {
                    let reply = self.reply(request);
                    errand.answer(Ok(reply));
                }
                errand.end()
            }
        }
    }

    fn answer(&self, request: &CheckInRequest) -> DirectorAnswer {
        let files = self.repo.director();
        DirectorAnswer {
            time: self.repo.time(self.repo.now(), request.nonces.iter().copied()),
            newest_root: 1,
            roots: vec![],
            timestamp: Some(files.timestamp().to_vec()),
            snapshot: Some(files.snapshot().to_vec()),
            targets: Some(files.targets().to_vec()),
            manifest_wanted: false,
        }
    }

    fn served(&self, path: &str) -> Option<Vec<u8>> {
        let name = path.strip_prefix("metadata/").unwrap();
        let version = name.split('.').next().and_then(|number| Version::new(number.parse().ok()?).ok());
        let kinds = [MetadataFile::Timestamp].into_iter().chain(version.into_iter().flat_map(|version| {
            [MetadataFile::Root(version), MetadataFile::Snapshot(version), MetadataFile::Targets(version)]
        }));
        let file = kinds.into_iter().find(|file| file.file_name() == name)?;
        self.repo.image().get(file).map(<[u8]>::to_vec)
    }

    fn reply(&mut self, request: Request<'_>) -> Answer {
        match request {
            Request::Identify => Answer::Identity(Identity {
                ecu: self.brake().ecu,
                hardware: self.brake().hardware,
                verification: Verification::Full,
                director_root: Version::FIRST,
                image_root: Some(Version::FIRST),
                running: if self.release == 0 {
                    Sha256([0; 32])
                } else {
                    Sha256::of(&self.brake().image(self.release))
                },
                phase: self.phase,
            }),
            Request::TimeNonce => Answer::TimeNonce(Nonce([2; 16])),
            Request::Begin(id) => {
                (self.phase, self.transaction) = (Phase::Staging(id), id);
                Answer::Done
            }
            Request::Offer(file, length) => {
                self.patch.offered.push(file);
                (self.offered, self.held) = (Some(file), vec![]);
                Answer::Ready(if self.is_announced(file) { length } else { Length::ZERO }, 100)
            }
            Request::Chunk(_, bytes) => {
                self.held.extend_from_slice(bytes);
                Answer::Taken(Length::new(u64::try_from(self.held.len()).unwrap()).unwrap())
            }
            Request::Close if self.banks == Banks::Single => self.close_single(),
            Request::Close => self.close(),
            Request::Report(nonce) => Answer::Report(self.report(nonce)),
        }
    }

    fn close(&mut self) -> Answer {
        let commanded = |word: &str| String::from_utf8_lossy(&self.held).contains(word);
        match self.offered {
            Some(File::Image) if self.held == self.brake().image(2) => self.phase = Phase::Staged(self.transaction),
            Some(File::Image) => return Answer::Refused(Refusal::Check(1)),
            Some(File::Patch) if self.patch.is_taken(&self.held) => self.phase = Phase::Staged(self.transaction),
            Some(File::Patch) => return Answer::Refused(Refusal::NotForMe),
            Some(File::Command) if commanded("activate") => {
                (self.phase, self.release) = (Phase::Healthy(self.transaction), 2);
            }
            Some(File::Command) if commanded("commit") => self.phase = Phase::Committed(self.transaction),
            Some(File::Command) => (self.phase, self.release) = (Phase::RolledBack(self.transaction), 1),
            Some(_) | None => {}
        }
        Answer::Done
    }

    fn report(&mut self, nonce: Nonce) -> Vec<u8> {
        self.counter += 1;
        let MemberImage { name, length, sha256, counter, .. } = member_image(self.brake(), self.release);
        let report = ReportBuilder {
            ecu: self.brake().ecu,
            hardware_id: self.brake().hardware,
            vehicle: self.repo.vehicle(),
            counter: Counter::new(self.counter).unwrap(),
            time: self.repo.now(),
            image: InstalledImage { name, length, sha256, release_counter: counter },
            result: ResultCode::None,
            attack: None,
            targets_version: ReportedVersions::default().targets,
            nonce: Some(nonce),
            transaction: None,
            campaign: None,
        };
        report.sign(&self.brake().signer()).unwrap()
    }
}

fn disk() -> (tempfile::TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::create(place.path(), Access::Private).unwrap();
    (place, folder)
}

#[test]
fn a_vehicle_is_updated_without_a_runtime() {
    let (_place, disk) = disk();
    let mut world = World::new(&disk);
    let mut node = world.boot(&disk);
    assert!(matches!(world.cycle(&mut node, 1, usize::MAX), Some(Ok(()))));
    assert_eq!(node.running().unwrap(), member_image(&world.repo.ecus()[0], 2));
    assert_eq!((world.release, world.phase), (2, Phase::Committed(world.transaction)));
    assert_eq!(node.store().memory().outcome.result, "installed");
    // Nothing is left to do, nor to clear up.
    assert!(matches!(world.cycle(&mut node, 2, usize::MAX), Some(Ok(()))));
    assert!(host::disk::Disk::list(&disk, "downloads").unwrap().is_empty());
}

#[test]
fn a_primary_that_stops_between_any_two_steps_ends_the_update_after_it_starts_again() {
    for steps in (0..).step_by(7) {
        let (_place, disk) = disk();
        let mut world = World::new(&disk);
        let whole = world.cycle(&mut world.boot(&disk), 1, steps).is_some();
        let mut node = world.boot(&disk);
        let ended = world.cycle(&mut node, 2, usize::MAX);
        assert!(matches!(ended, Some(Ok(()))), "stopped after {steps} steps: {ended:?}");
        assert_eq!(node.running().unwrap(), member_image(&world.repo.ecus()[0], 2), "{steps}");
        assert_eq!(world.release, 2, "{steps}");
        if whole {
            assert!(steps > 40, "a cycle of {steps} steps");
            return;
        }
    }
}

/// Tears both files of a value.
fn tear(place: &tempfile::TempDir, value: &str) {
    for side in 0..2 {
        let path = place.path().join(format!("state/{value}.{side}.json"));
        assert!(path.exists(), "{}", path.display());
        std::fs::write(path, b"{").unwrap();
    }
}

#[test]
fn a_primary_goes_on_where_both_files_of_a_value_are_torn() {
    for torn in [vec!["accepted"], vec!["counters"], vec!["primary"], vec!["accepted", "counters", "primary"]] {
        let (place, disk) = disk();
        let mut world = World::new(&disk);
        let mut node = world.boot(&disk);
        assert!(matches!(world.cycle(&mut node, 1, usize::MAX), Some(Ok(()))));
        let (time, signed) = (node.store().time(), node.store().memory().signed);
        let (accepted, floors) = (node.store().accepted().clone(), node.store().floors());
        drop(node);
        torn.iter().for_each(|value| tear(&place, value));
        let mut node = world.boot(&disk);
        assert_eq!((node.store().time(), node.store().accepted()), (time, &accepted), "{torn:?}");
        assert!(node.store().memory().signed >= signed, "{torn:?}");
        let own = &world.repo.ecus()[0];
        assert_eq!(node.store().floors()[&(own.ecu, own.line)], floors[&(own.ecu, own.line)], "{torn:?}");
        node.begin([2; 32]).unwrap();
        let told = std::iter::from_fn(|| match node.poll().unwrap() {
            Some(Step::News(News::Damaged(damaged))) => Some(damaged.to_string()),
            _ => None,
        });
        assert_eq!(told.count(), 2 * torn.len(), "{torn:?}");
        let mut node = world.boot(&disk);
        assert!(matches!(world.cycle(&mut node, 3, usize::MAX), Some(Ok(()))), "{torn:?}");
        assert_eq!((node.store().accepted(), world.release), (&accepted, 2), "{torn:?}");
    }
}

#[test]
fn where_memory_and_report_are_torn_the_counters_go_on_behind_the_last_mark() {
    let (place, disk) = disk();
    let mut world = World::new(&disk);
    let mut node = world.boot(&disk);
    assert!(matches!(world.cycle(&mut node, 1, usize::MAX), Some(Ok(()))));
    let (time, signed) = (node.store().time(), node.store().memory().signed);
    drop(node);
    tear(&place, "primary");
    let own = world.repo.ecus()[0].ecu;
    std::fs::write(place.path().join(format!("state/reports/{own}.json")), b"{").unwrap();
    let mut node = world.boot(&disk);
    assert!(node.store().memory().signed >= signed);
    assert_eq!(node.store().time(), time);
    assert!(matches!(world.cycle(&mut node, 2, usize::MAX), Some(Ok(()))));
}

#[test]
fn a_primary_does_not_go_on_where_nothing_says_which_counters_were_used_or_what_it_runs() {
    let (place, disk) = disk();
    let mut world = World::new(&disk);
    assert!(matches!(world.cycle(&mut world.boot(&disk), 1, usize::MAX), Some(Ok(()))));
    for file in ["reports", "mark.json"] {
        std::fs::rename(place.path().join("state").join(file), place.path().join(format!("state/no-{file}"))).unwrap();
    }
    let intact = ["primary", "slots"].map(|value| place.path().join(format!("state/{value}.0.json")));
    let intact = intact.map(|path| (std::fs::read(&path).unwrap(), path));
    for (value, (file, path)) in ["primary", "slots"].iter().zip(intact) {
        tear(&place, value);
        let error = world.try_boot(&disk).err().unwrap();
        assert!(error.to_string().contains(&format!("state/{value}")), "{error}");
        std::fs::write(path, file).unwrap();
        world.boot(&disk);
    }
}

#[test]
fn a_primary_that_has_forgotten_counters_goes_on_above_them_and_remembers_that() {
    let (_place, disk) = disk();
    let mut world = World::new(&disk);
    let mut node = world.boot(&disk);
    let forgotten = node.store().memory().signed;
    node.begin([1; 32]).unwrap();
    let result = loop {
        match node.poll().unwrap().expect("nothing is under way") {
            Step::Finished(result) => break result,
            Step::Ask(Ask::CheckIn(_)) => {
                node.take(Done::CheckedIn(Err(Error::Behind { reason: "1 after 900000".to_owned() }))).unwrap();
            }
            Step::Ask(ask) => node.take(world.done(ask)).unwrap(),
            Step::News(_) => {}
        }
    };
    assert!(matches!(result, Err(Error::Behind { .. })), "{result:?}");
    drop(node);
    let mut node = world.boot(&disk);
    assert!(node.store().memory().signed > forgotten + 900_000);
    assert!(matches!(world.cycle(&mut node, 2, usize::MAX), Some(Ok(()))));
}

#[test]
fn a_director_that_does_not_answer_ends_the_cycle_and_is_told_everything_the_next_time() {
    let (_place, disk) = disk();
    let mut world = World::new(&disk);
    let mut node = world.boot(&disk);
    node.begin([1; 32]).unwrap();
    let result = loop {
        match node.poll().unwrap().expect("nothing is under way") {
            Step::Finished(result) => break result,
            Step::Ask(Ask::CheckIn(_)) => {
                node.take(Done::CheckedIn(Err(Error::Director { reason: "cut".to_owned() }))).unwrap();
            }
            Step::Ask(ask) => node.take(world.done(ask)).unwrap(),
            Step::News(_) => {}
        }
    };
    assert!(matches!(result, Err(Error::Director { .. })));
    assert_eq!(node.store().memory().manifest, None);
}
