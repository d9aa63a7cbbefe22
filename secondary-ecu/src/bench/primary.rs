//! What a Primary does, step by step.

#![expect(clippy::wildcard_enum_match_arm, reason = "what was not hoped for ends the test, whichever it is")]

use alloc::vec::Vec;

use proto::secondary::{File, Phase, Refusal, Reply, Repo as Which, Request};
use uptane::sign::{CommandBuilder, MemorySigner, Signer};
use uptane::testing::{Repo, TestEcu, signer};
use uptane::verify::MetadataFile;
use uptane::{Action, KeyId, Length, Nonce, Sha256, Time, TransactionId, Version};

use super::sure;
use crate::flash::Flash;
use crate::verifier::Verifier;
use crate::{EcuKey, Profile, Secondary};

/// An ECU's key in memory.
#[derive(Debug)]
pub struct Key(pub MemorySigner);

impl EcuKey for Key {
    fn key_id(&self) -> KeyId {
        self.0.key_id()
    }

    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]> {
        self.0.sign(&digest.0).ok()?.try_into().ok()
    }
}

/// The key whose commands the ECU takes.
pub fn primary() -> MemorySigner {
    signer("the Primary of the bench")
}

/// The second ECU of the vehicle: the first is the Primary.
pub fn me(repo: &Repo) -> TestEcu {
    let second = repo.ecus().get(1).copied();
    second.unwrap_or_else(|| panic!("a vehicle on the bench has two ECUs"))
}

/// What that ECU was told when it was made.
pub fn profile(repo: &Repo) -> Profile {
    let (ecu, hardware) = (me(repo).ecu, me(repo).hardware);
    Profile { ecu, hardware, vehicle: repo.vehicle(), primary: primary().public_key(), max_chunk: 512, progress: 1 }
}

/// How long these bytes are.
pub fn length(bytes: &[u8]) -> Length {
    sure(Length::new(sure(u64::try_from(bytes.len()))))
}

/// A command of the Primary.
pub fn command(repo: &Repo, action: Action, transaction: TransactionId) -> Vec<u8> {
    command_by(&primary(), repo, action, transaction)
}

/// A command that this key signs.
pub fn command_by(key: &MemorySigner, repo: &Repo, action: Action, transaction: TransactionId) -> Vec<u8> {
    let targets = Sha256::of(repo.director().targets());
    let command = CommandBuilder { vehicle: repo.vehicle(), ecu: me(repo).ecu, action, transaction, targets };
    sure(command.sign(key))
}

/// Whatever is not what was hoped for.
pub fn refusal(reply: Reply<'_>) -> Result<(), Refusal> {
    match reply {
        Reply::Refused(refusal) => Err(refusal),
        Reply::Done => Ok(()),
        other => panic!("neither done nor refused: {other:?}"),
    }
}

/// Offers `bytes` as `file` from where the ECU says, and closes it.
pub fn send<V: Verifier<F>, F: Flash>(
    ecu: &mut Secondary<V, F, Key>,
    now: Time,
    file: File,
    bytes: &[u8],
) -> Result<(), Refusal> {
    let (mut at, chunk) = match ecu.handle(Request::Offer(file, length(bytes)), now) {
        Reply::Ready(at, chunk) => (at, sure(usize::try_from(chunk))),
        Reply::Refused(refusal) => return Err(refusal),
        other => panic!("neither ready nor refused: {other:?}"),
    };
    loop {
        let rest = bytes.get(sure(usize::try_from(at.get()))..).unwrap_or_default();
        let Some(piece) = rest.get(..rest.len().min(chunk)).filter(|piece| !piece.is_empty()) else { break };
        match ecu.handle(Request::Chunk(at, piece), now) {
            Reply::Taken(next) => at = next,
            Reply::Refused(refusal) => return Err(refusal),
            other => panic!("neither taken nor refused: {other:?}"),
        }
    }
    refusal(ecu.handle(Request::Close, now))
}

/// Asks for a nonce, and answers it with the time.
pub fn send_time<V: Verifier<F>, F: Flash>(ecu: &mut Secondary<V, F, Key>, repo: &Repo) -> Result<(), Refusal> {
    send_time_of(ecu, repo, repo.now())
}

/// The time as whoever has the keys says it is.
pub fn send_time_of<V: Verifier<F>, F: Flash>(
    ecu: &mut Secondary<V, F, Key>,
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

/// Sends Director Targets.
pub fn send_targets<V: Verifier<F>, F: Flash>(ecu: &mut Secondary<V, F, Key>, repo: &Repo) -> Result<(), Refusal> {
    send(ecu, repo.now(), File::Targets(Which::Director), repo.director().targets())
}

/// Sends a Director Root.
pub fn send_root<V: Verifier<F>, F: Flash>(
    ecu: &mut Secondary<V, F, Key>,
    repo: &Repo,
    version: u64,
) -> Result<(), Refusal> {
    send_root_of(ecu, repo, Which::Director, version)
}

/// Sends a Root of either repository.
pub fn send_root_of<V: Verifier<F>, F: Flash>(
    ecu: &mut Secondary<V, F, Key>,
    repo: &Repo,
    which: Which,
    version: u64,
) -> Result<(), Refusal> {
    let version = sure(Version::new(version));
    let files = if which == Which::Director { repo.director() } else { repo.image() };
    let root = files.get(MetadataFile::Root(version));
    let root = root.unwrap_or_else(|| panic!("there is no Root {version}"));
    send(ecu, repo.now(), File::Root(which, version), root)
}

/// Sends the image of the release that is assigned.
pub fn send_image<V: Verifier<F>, F: Flash>(ecu: &mut Secondary<V, F, Key>, repo: &Repo) -> Result<(), Refusal> {
    send(ecu, repo.now(), File::Image, &me(repo).image(repo.release()))
}

/// Sends a command in the transaction that is open, and lets the ECU do what it asks for.
pub fn send_command<V: Verifier<F>, F: Flash>(
    ecu: &mut Secondary<V, F, Key>,
    repo: &Repo,
    action: Action,
) -> Result<(), Refusal> {
    let transaction = ecu.state().stage.transaction().unwrap_or(OPEN);
    send(ecu, repo.now(), File::Command, &command(repo, action, transaction))?;
    settle(ecu);
    Ok(())
}

/// What the driver does when an answer has left.
pub fn settle<V: Verifier<F>, F: Flash>(ecu: &mut Secondary<V, F, Key>) {
    if ecu.wants_reset() && ecu.reset().is_ok() {
        // Where power fails, the vote is lost with it.
        let _ = ecu.vote_healthy();
    }
}

/// Begins a transaction.
pub fn begin<V: Verifier<F>, F: Flash>(
    ecu: &mut Secondary<V, F, Key>,
    repo: &Repo,
    transaction: TransactionId,
) -> Result<(), Refusal> {
    refusal(ecu.handle(Request::Begin(transaction), repo.now()))
}

/// Where the ECU stands.
pub fn phase<V: Verifier<F>, F: Flash>(ecu: &Secondary<V, F, Key>) -> Phase {
    ecu.identity().phase
}

/// Asks for a report.
pub fn report<V: Verifier<F>, F: Flash>(ecu: &mut Secondary<V, F, Key>, now: Time) -> Result<Vec<u8>, Refusal> {
    match ecu.handle(Request::Report(Nonce([3; 16])), now) {
        Reply::Report(report) => Ok(report.to_vec()),
        Reply::Refused(refusal) => Err(refusal),
        other => panic!("no report: {other:?}"),
    }
}

/// The transaction of a bench where nothing else is said.
pub const OPEN: TransactionId = TransactionId([1; 16]);
