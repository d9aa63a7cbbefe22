use host::disk::{Access, Disk as _, Folder};
use proto::secondary::{Phase, Verification};
use uptane::{HardwareId, ImageLine, Length, ReleaseCounter, RepositoryName, TargetNameBuf, Version};

use super::*;
use crate::machine::transaction::{Member, MemberImage, Transaction};
use crate::node::stage::{Current, Patch};
use crate::store::AcceptedVersions;

/// A Secondary that takes whole files and remembers them.
struct Fake {
    phase: Phase,
    chunk: u32,
    offered: Option<(File, u64)>,
    held: Vec<u8>,
    taken: Vec<(File, Vec<u8>)>,
    refuses: Option<File>,
    /// The same, but not the next time.
    refuses_once: Option<File>,
    /// Forgets what it holds at this many bytes, once.
    forgets_at: Option<usize>,
}

const TRANSACTION: TransactionId = TransactionId([4; 16]);

impl Fake {
    fn new(phase: Phase) -> Self {
        let (taken, refuses, refuses_once) = (vec![], None, None);
        Self { phase, chunk: 7, offered: None, held: vec![], taken, refuses, refuses_once, forgets_at: None }
    }

    fn identity(&self) -> Identity {
        Identity {
            ecu: ecu(),
            hardware: HardwareId::parse("hw").unwrap(),
            verification: Verification::PartialPlus,
            director_root: Version::FIRST,
            image_root: None,
            running: Sha256([1; 32]),
            phase: self.phase,
        }
    }

    fn close(&mut self) -> Answer {
        let Some((file, _)) = self.offered.take() else { return Answer::Refused(Refusal::Offset(Length::ZERO)) };
        if self.refuses == Some(file) || self.refuses_once.take_if(|once| *once == file).is_some() {
            self.held.clear();
            return Answer::Refused(Refusal::Check(14));
        }
        self.taken.push((file, std::mem::take(&mut self.held)));
        if matches!(file, File::Image | File::Patch) {
            self.phase = Phase::Staged(TRANSACTION);
        }
        Answer::Done
    }

    fn chunk(&mut self, offset: Length, data: &[u8]) -> Answer {
        let held = || Length::new(u64::try_from(self.held.len()).unwrap()).unwrap();
        if offset != held() {
            return Answer::Refused(Refusal::Offset(held()));
        }
        self.held.extend_from_slice(data);
        if self.forgets_at.is_some_and(|at| self.held.len() >= at) {
            self.forgets_at = None;
            self.held.clear();
        }
        Answer::Taken(Length::new(u64::try_from(self.held.len()).unwrap()).unwrap())
    }
}

impl Fake {
    fn reply(&mut self, request: Request<'_>) -> Answer {
        match request {
            Request::Identify => Answer::Identity(self.identity()),
            Request::TimeNonce => Answer::TimeNonce(Nonce([2; 16])),
            Request::Begin(id) => {
                self.phase = Phase::Staging(id);
                Answer::Done
            }
            Request::Offer(file, length) => {
                self.offered = Some((file, length.get()));
                Answer::Ready(Length::new(u64::try_from(self.held.len()).unwrap()).unwrap(), self.chunk)
            }
            Request::Chunk(offset, data) => self.chunk(offset, data),
            Request::Close => self.close(),
            Request::Report(_) => Answer::Report(b"report".to_vec()),
        }
    }
}

/// An errand to its end: what was seen, and how many bytes of files of ours were sent.
fn run(fake: &mut Fake, mut errand: Errand<Folder>) -> (Result<Standing, Failure>, u64) {
    let mut sent = 0;
    while let Turn::Ask(request) = errand.turn() {
        let reply = fake.reply(request);
        sent += errand.answer(Ok(reply)).map_or(0, |progress| progress.sent);
    }
    let Done::Stands(_, _, seen) = errand.end() else { panic!("no errand of a transaction") };
    (seen, sent)
}

fn ecu() -> EcuId {
    EcuId::parse("brake").unwrap()
}

fn image(sha256: Sha256) -> MemberImage {
    MemberImage {
        name: TargetNameBuf::parse("brake/fw.bin").unwrap(),
        length: Length::new(1).unwrap(),
        sha256,
        line: ImageLine::parse("brake").unwrap(),
        counter: ReleaseCounter::new(1).unwrap(),
    }
}

/// How the ECU is read in a transaction that brings it the image of all twos, if it has a single bank with this fallback.
fn reading(fallback: Option<Sha256>) -> Reading {
    let member = Member::new(ecu(), HardwareId::parse("hw").unwrap(), image(Sha256([2; 32])), 0);
    let member = match fallback {
        Some(fallback) => member.with_fallback(image(fallback)),
        None => member,
    };
    let (transaction, _) = Transaction::open(TRANSACTION, Sha256([9; 32]), vec![member]);
    let [member] = transaction.members() else { panic!("one member") };
    Reading::of(&transaction, member)
}

const PATCH: &[u8] = b"a patch";
const IMAGE: &[u8] = b"an image of some length";

/// The errand that brings time, Targets and an image.
fn stage(folder: &tempfile::TempDir) -> Errand<Folder> {
    stage_by(folder, None)
}

/// The same, with a patch of the image that the ECU runs.
fn stage_by_patch(folder: &tempfile::TempDir) -> Errand<Folder> {
    stage_by(folder, Some(Patch { name: "downloads/patch".to_owned(), base: Sha256([1; 32]) }))
}

fn stage_by(folder: &tempfile::TempDir, patch: Option<Patch>) -> Errand<Folder> {
    let mut disk = Folder::create(folder.path(), Access::Private).unwrap();
    let files = [("metadata/director/time.json", b"time".as_slice()), ("metadata/director/1.targets.json", b"targets")];
    for (name, bytes) in files.into_iter().chain([("downloads/image", IMAGE), ("downloads/patch", PATCH)]) {
        disk.replace(name, bytes).unwrap();
    }
    let versions = AcceptedVersions { snapshot: 1, targets: 1, ..AcceptedVersions::default() };
    let (name, roots) = (RepositoryName::parse("director").unwrap(), vec![Version::FIRST]);
    let director = Current { name, roots, versions, delegated: vec![] };
    let stage = Stage { director, images: vec![], image: "downloads/image".to_owned(), patch, shared: None };
    Errand::new(ecu(), Purpose::Stage(reading(None), Box::new(stage), disk))
}

fn command(due: &'static [Standing]) -> Errand<Folder> {
    let bytes = b"activate".to_vec();
    Errand::new(ecu(), Purpose::Command(Command { reading: reading(None), bytes, due, handover: None }))
}

#[test]
fn staging_hands_over_every_file_whole() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    assert_eq!(run(&mut fake, stage(&folder)), (Ok(Standing::Staged), 34));
    let taken: Vec<_> = fake.taken.iter().map(|(_, bytes)| bytes.as_slice()).collect();
    assert_eq!(taken, [b"time", b"targets".as_slice(), IMAGE]);
}

#[test]
fn a_secondary_that_forgot_is_served_from_where_it_stands() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    fake.forgets_at = Some(14);
    assert_eq!(run(&mut fake, stage(&folder)).0, Ok(Standing::Staged));
    assert_eq!(fake.taken[2].1, IMAGE);
}

#[test]
fn an_interrupted_file_goes_on_where_it_broke_off() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Staging(TRANSACTION)));
    fake.held = b"tim".to_vec();
    assert_eq!(run(&mut fake, stage(&folder)), (Ok(Standing::Staged), 31));
}

#[test]
fn a_refused_time_is_passed_over_and_a_refused_image_is_not() {
    for (refused, ends) in
        [(File::Time, Ok(Standing::Staged)), (File::Image, Err(Failure::Refused(Refusal::Check(14))))]
    {
        let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
        fake.refuses = Some(refused);
        assert_eq!(run(&mut fake, stage(&folder)).0, ends);
    }
}

#[test]
fn roles_that_are_refused_are_all_brought_once_more() {
    let role = File::Targets(proto::secondary::Repo::Director);
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    fake.refuses_once = Some(role);
    assert_eq!(run(&mut fake, stage(&folder)).0, Ok(Standing::Staged));
    let taken: Vec<File> = fake.taken.iter().map(|(file, _)| *file).collect();
    assert_eq!(taken, [File::Time, File::Time, role, File::Image]);

    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    fake.refuses = Some(role);
    assert_eq!(run(&mut fake, stage(&folder)).0, Err(Failure::Refused(Refusal::Check(14))));
    assert_eq!(fake.taken.len(), 2, "the time, twice");
}

#[test]
fn an_image_that_arrived_as_another_is_brought_once_more() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    fake.refuses_once = Some(File::Image);
    assert_eq!(run(&mut fake, stage(&folder)), (Ok(Standing::Staged), 68));
    assert_eq!(fake.taken.last(), Some(&(File::Image, IMAGE.to_vec())));
}

#[test]
fn a_patch_that_is_taken_spares_the_image() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    assert_eq!(run(&mut fake, stage_by_patch(&folder)).0, Ok(Standing::Staged));
    assert_eq!(fake.taken.last(), Some(&(File::Patch, PATCH.to_vec())));
}

#[test]
fn where_a_patch_is_refused_the_image_comes_in_the_same_errand() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    fake.refuses = Some(File::Patch);
    assert_eq!(run(&mut fake, stage_by_patch(&folder)).0, Ok(Standing::Staged));
    assert_eq!(fake.taken.last(), Some(&(File::Image, IMAGE.to_vec())));
}

#[test]
fn where_a_patch_is_gone_the_image_comes() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    let errand = stage_by_patch(&folder);
    std::fs::remove_file(folder.path().join("downloads/patch")).unwrap();
    assert_eq!(run(&mut fake, errand).0, Ok(Standing::Staged));
    assert_eq!(fake.taken.last(), Some(&(File::Image, IMAGE.to_vec())));
}

#[test]
fn a_patch_that_is_cut_short_between_two_pieces_gives_way_to_the_image() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    fake.chunk = 3;
    let mut errand = stage_by_patch(&folder);
    while let Turn::Ask(request) = errand.turn() {
        let is_in_patch = matches!(request, Request::Chunk(..)) && matches!(fake.offered, Some((File::Patch, _)));
        let reply = fake.reply(request);
        if is_in_patch {
            std::fs::write(folder.path().join("downloads/patch"), b"").unwrap();
            fake.held.clear();
        }
        errand.answer(Ok(reply));
    }
    assert_eq!(fake.taken.last(), Some(&(File::Image, IMAGE.to_vec())));
}

#[test]
fn a_missing_file_of_ours_ends_the_errand_with_its_name() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    let errand = stage(&folder);
    std::fs::remove_file(folder.path().join("downloads/image")).unwrap();
    assert_eq!(run(&mut fake, errand).0, Err(Failure::Unreadable("downloads/image".to_owned())));
}

#[test]
fn a_request_stays_the_same_until_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut errand = stage(&folder);
    assert_eq!(errand.turn(), Turn::Ask(Request::Identify));
    assert_eq!(errand.turn(), Turn::Ask(Request::Identify));
    errand.answer(Err(Silent::new("cut")));
    assert_eq!(errand.turn(), Turn::Over);
    // An answer that comes too late changes nothing.
    errand.answer(Ok(Answer::Done));
    let Done::Stands(_, _, seen) = errand.end() else { panic!("no errand of a transaction") };
    assert_eq!(seen, Err(Failure::Silent("cut".to_owned())));
}

#[test]
fn a_command_is_sent_only_where_it_is_due() {
    let mut fake = Fake::new(Phase::Trial(TRANSACTION));
    assert_eq!(run(&mut fake, command(&[Standing::Staged])).0, Ok(Standing::Trial));
    assert_eq!(fake.taken, []);
    let mut fake = Fake::new(Phase::Staged(TRANSACTION));
    assert_eq!(run(&mut fake, command(&[Standing::Staged])), (Ok(Standing::Staged), 0));
    assert_eq!(fake.taken, [(File::Command, b"activate".to_vec())]);
}

mod sharing;
mod single_bank;
