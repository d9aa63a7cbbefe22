//! A Secondary on the bench: RAM flash, a valid pair of repositories, and a Primary that does everything right.

use alloc::vec::Vec;

use proto::secondary::{File, Phase, Refusal, Reply, Repo as Which, Request};
use uptane::sign::{CommandBuilder, MemorySigner, Signer};
use uptane::testing::{Repo, TestEcu, signer};
use uptane::{Action, KeyId, Length, Nonce, ReleaseCounter, Sha256, TargetName, Time, TransactionId, Version};

use crate::bank::Descriptor;
use crate::flash::ram::RamFlash;
use crate::flash::{Appender, Bank, Layout, Store};
use crate::state::State;
use crate::verifier::{Desk, PartialPlus, Verifier, provision_root};
use crate::{BUFFER_SIZE, BootError, EcuKey, Profile, Secondary};

pub(super) const LAYOUT: Layout = Layout { state_pages: 2, slot_size: 8 * 1_024, bank_size: 40 * 1_024 };
pub(super) const OPEN: TransactionId = TransactionId([1; 16]);

pub(super) type Nor = RamFlash<8, 1_024>;
pub(super) type Ecu<'f, V = PartialPlus> = Secondary<V, &'f mut Nor, Key>;

pub(super) struct Key(pub(super) MemorySigner);

impl EcuKey for Key {
    fn key_id(&self) -> KeyId {
        self.0.key_id()
    }

    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]> {
        self.0.sign(&digest.0).ok()?.try_into().ok()
    }
}

pub(super) fn primary() -> MemorySigner {
    signer("the Primary of the bench")
}

/// The second ECU of the vehicle: the first is the Primary.
pub(super) fn me(repo: &Repo) -> TestEcu {
    repo.ecus()[1]
}

pub(super) fn profile(repo: &Repo) -> Profile {
    let (ecu, hardware) = (me(repo).ecu, me(repo).hardware);
    Profile { ecu, hardware, vehicle: repo.vehicle(), primary: primary().public_key(), max_chunk: 512, progress: 1 }
}

/// Flash of an ECU that runs release 1 and trusts the repository's first Root.
pub(super) fn provisioned(repo: &Repo) -> Nor {
    let mut store = Store::new(Nor::new(128 * 1_024), LAYOUT).unwrap();
    let (me, image) = (me(repo), me(repo).image(1));
    let descriptor = Descriptor {
        name: TargetName::parse(&me.image_name(1)).unwrap().to_buf(),
        length: length(&image),
        sha256: Sha256::of(&image),
        line: me.line,
        counter: ReleaseCounter::new(1).unwrap(),
    };
    store.describe(Bank::A, &descriptor).unwrap();
    let mut appender = Appender::new(store.layout().bank(store.erase_unit(), Bank::A), 0);
    appender.push(&mut store, &image).unwrap();
    appender.finish(&mut store).unwrap();
    let mut state = State::new(Bank::A, descriptor.sha256, repo.now());
    state.floors.raise(me.line, descriptor.counter).unwrap();
    let (profile, mut buffer) = (profile(repo), [0; BUFFER_SIZE]);
    let desk =
        Desk { store: &mut store, state: &state, profile: &profile, nonce: None, buffer: &mut buffer, now: repo.now() };
    let root = provision_root(desk, repo.director().first_root()).unwrap();
    crate::provision(&mut store, &State { root: Some(root), ..state }).unwrap();
    store.into_flash()
}

pub(super) fn booted<'f>(repo: &Repo, flash: &'f mut Nor) -> Result<Ecu<'f>, BootError> {
    let key = Key(me(repo).signer());
    Ecu::boot(profile(repo), LAYOUT, flash, PartialPlus::default(), key)
}

pub(super) fn length(bytes: &[u8]) -> Length {
    Length::new(bytes.len() as u64).unwrap()
}

pub(super) fn command(repo: &Repo, action: Action, transaction: TransactionId) -> Vec<u8> {
    command_by(&primary(), repo, action, transaction)
}

pub(super) fn command_by(key: &MemorySigner, repo: &Repo, action: Action, transaction: TransactionId) -> Vec<u8> {
    let targets = Sha256::of(repo.director().targets());
    CommandBuilder { vehicle: repo.vehicle(), ecu: me(repo).ecu, action, transaction, targets }.sign(key).unwrap()
}

/// Whatever is not what was hoped for.
pub(super) fn refusal(reply: Reply<'_>) -> Result<(), Refusal> {
    match reply {
        Reply::Refused(refusal) => Err(refusal),
        Reply::Done => Ok(()),
        other => panic!("neither done nor refused: {other:?}"),
    }
}

/// Offers `bytes` as `file` from where the ECU says, and closes it.
pub(super) fn send<'f, V: Verifier<&'f mut Nor>>(
    ecu: &mut Ecu<'f, V>,
    now: Time,
    file: File,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let (mut at, chunk) = match ecu.handle(Request::Offer(file, length(bytes)), now) {
        Reply::Ready(at, chunk) => (at.get() as usize, chunk as usize),
        Reply::Refused(refusal) => return Err(refusal),
        other => panic!("neither ready nor refused: {other:?}"),
    };
    while at < bytes.len() {
        let piece = &bytes[at..bytes.len().min(at + chunk)];
        match ecu.handle(Request::Chunk(Length::new(at as u64).unwrap(), piece), now) {
            Reply::Taken(next) => at = next.get() as usize,
            Reply::Refused(refusal) => return Err(refusal),
            other => panic!("neither taken nor refused: {other:?}"),
        }
    }
    refusal(ecu.handle(Request::Close, now))
}

pub(super) fn send_time<'f, V: Verifier<&'f mut Nor>>(ecu: &mut Ecu<'f, V>, repo: &Repo) -> Result<(), Refusal> {
    send_time_of(ecu, repo, repo.now())
}

/// The time as whoever has the keys says it is.
pub(super) fn send_time_of<'f, V: Verifier<&'f mut Nor>>(
    ecu: &mut Ecu<'f, V>,
    repo: &Repo,
    time: Time,
) -> Result<(), Refusal> {
    let nonce = match ecu.handle(Request::TimeNonce, repo.now()) {
        Reply::TimeNonce(nonce) => nonce,
        Reply::Refused(refusal) => return Err(refusal),
        other => panic!("no nonce: {other:?}"),
    };
    send(ecu, repo.now(), File::Time, &repo.time(time, [nonce]))
}

pub(super) fn send_targets(ecu: &mut Ecu<'_>, repo: &Repo) -> Result<(), Refusal> {
    send(ecu, repo.now(), File::Targets(Which::Director), repo.director().targets())
}

pub(super) fn send_root<'f, V: Verifier<&'f mut Nor>>(
    ecu: &mut Ecu<'f, V>,
    repo: &Repo,
    version: u64,
) -> Result<(), Refusal> {
    let version = Version::new(version).unwrap();
    let file = uptane::verify::MetadataFile::Root(version);
    let root = repo.director().get(file).unwrap();
    send(ecu, repo.now(), File::Root(Which::Director, version), root)
}

pub(super) fn send_image(ecu: &mut Ecu<'_>, repo: &Repo) -> Result<(), Refusal> {
    send(ecu, repo.now(), File::Image, &me(repo).image(repo.release()))
}

pub(super) fn send_command(ecu: &mut Ecu<'_>, repo: &Repo, action: Action) -> Result<(), Refusal> {
    let transaction = ecu.state().stage.transaction().unwrap_or(OPEN);
    send(ecu, repo.now(), File::Command, &command(repo, action, transaction))?;
    settle(ecu);
    Ok(())
}

/// What the driver does when an answer has left.
pub(super) fn settle(ecu: &mut Ecu<'_>) {
    if ecu.wants_reset() && ecu.reset().is_ok() {
        // Where power fails, the vote is lost with it.
        let _ = ecu.vote_healthy();
    }
}

pub(super) fn begin(ecu: &mut Ecu<'_>, repo: &Repo, transaction: TransactionId) -> Result<(), Refusal> {
    refusal(ecu.handle(Request::Begin(transaction), repo.now()))
}

/// Stages the assigned image in a new transaction.
pub(super) fn stage(ecu: &mut Ecu<'_>, repo: &Repo) -> Result<(), Refusal> {
    begin(ecu, repo, OPEN)?;
    send_time(ecu, repo)?;
    send_targets(ecu, repo)?;
    send_image(ecu, repo)
}

pub(super) fn phase(ecu: &Ecu<'_>) -> Phase {
    ecu.identity().phase
}

pub(super) fn report(ecu: &mut Ecu<'_>, now: Time) -> Result<Vec<u8>, Refusal> {
    match ecu.handle(Request::Report(Nonce([3; 16])), now) {
        Reply::Report(report) => Ok(report.to_vec()),
        Reply::Refused(refusal) => Err(refusal),
        other => panic!("no report: {other:?}"),
    }
}

/// A pair of repositories that assign release 2, to an ECU that runs release 1.
pub(super) fn next_release() -> (Repo, Nor) {
    let mut repo = Repo::seeded(4);
    let flash = provisioned(&repo);
    repo.publish(|next| next.release());
    (repo, flash)
}
