//! The machine behind its UDS server: what a tester does that is not the Primary, or is and goes too far.

#![expect(clippy::wildcard_enum_match_arm, reason = "what was not hoped for ends the test, whichever it is")]

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;
use proto::secondary::{File, Phase, Refusal, Reply, Repo as Which, Request};
use proto::uds::{Client, Control, Ecu as Vehicle, Handler, Reset, S3, Server};
use uptane::sign::prove;
use uptane::testing::{Repo, signer};
use uptane::verify::proof::{Challenge, ProvenPrimary};
use uptane::verify::signature::BadSignature;
use uptane::{Action, Nonce, Sha256, Time, TransactionId};

use super::bench::*;
use crate::bench::primary;

const ROOM: usize = 1_024;

/// The ECU: it resets when it is told to, and sends nothing that could be silenced.
struct Brake<'f> {
    machine: Ecu<'f>,
    time: Time,
    resets: usize,
}

impl Handler for Brake<'_> {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self.machine.handle(request, self.time)
    }

    fn ecu(&mut self) -> Option<&mut dyn Vehicle> {
        Some(self)
    }
}

impl Vehicle for Brake<'_> {
    fn challenge(&mut self) -> Option<Nonce> {
        self.machine.challenge().ok()
    }

    fn prove(&self, challenge: Nonce, proof: &[u8; 64]) -> Result<ProvenPrimary, BadSignature> {
        self.machine.prove(challenge, proof)
    }

    fn permits(&self, control: Control) -> bool {
        !matches!(control, Control::Reset(_)) || self.machine.permits_reset()
    }

    fn obey(&mut self, control: Control) {
        if let Control::Reset(_) = control {
            self.resets += 1;
            self.machine.reset().unwrap();
        }
    }
}

/// A Primary at the ECU, and a record of all it has said.
struct Line<'f> {
    repo: Repo,
    client: Client<ROOM>,
    server: Server,
    ecu: Brake<'f>,
    said: Vec<Vec<u8>>,
    now: Duration,
}

impl<'f> Line<'f> {
    fn new(repo: &Repo, flash: &'f mut Nor) -> Self {
        let ecu = Brake { machine: booted(repo, flash).unwrap(), time: repo.now(), resets: 0 };
        Self {
            repo: repo.clone(),
            client: Client::proving(),
            server: Server::new(ROOM),
            ecu,
            said: vec![],
            now: Duration::ZERO,
        }
    }

    fn serve(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        let mut out = [0; ROOM];
        let len = self.server.handle(message, self.now, &mut self.ecu, &mut out);
        let mut responses = vec![out[..len].to_vec()];
        responses.extend(self.server.poll(self.now, &mut self.ecu, &mut out).map(|len| out[..len].to_vec()));
        responses
    }

    /// Goes on with what the client does, to its end.
    fn conclude<T>(&mut self, judge: impl Fn(Reply<'_>) -> T) -> Result<T, proto::Error> {
        loop {
            if let Some(nonce) = self.client.challenge() {
                let challenge = Challenge { vehicle: self.repo.vehicle(), ecu: me(&self.repo).ecu, nonce };
                self.client.prove(Some(&prove(&challenge, &primary()).unwrap()))?;
            }
            let message = self.client.poll(self.now)?.unwrap().to_vec();
            self.said.push(message.clone());
            for response in self.serve(&message) {
                if let Some(reply) = self.client.handle(&response, self.now)? {
                    return Ok(judge(reply));
                }
            }
        }
    }

    fn ask(&mut self, request: Request<'_>) -> Result<(), Refusal> {
        self.client.start(request).unwrap();
        self.conclude(refusal).unwrap()
    }

    fn send(&mut self, file: File, bytes: &[u8]) -> Result<(), Refusal> {
        self.client.start(Request::Offer(file, length(bytes))).unwrap();
        let ready = |reply: Reply<'_>| match reply {
            Reply::Ready(at, _) => Ok(at),
            Reply::Refused(refusal) => Err(refusal),
            other => panic!("{other:?}"),
        };
        let mut at = usize::try_from(self.conclude(ready).unwrap()?.get()).unwrap();
        for chunk in bytes[at..].chunks(512) {
            self.client.start(Request::Chunk(length(&bytes[..at]), chunk)).unwrap();
            let taken = |reply: Reply<'_>| match reply {
                Reply::Taken(_) => Ok(()),
                Reply::Refused(refusal) => Err(refusal),
                other => panic!("{other:?}"),
            };
            self.conclude(taken).unwrap()?;
            at += chunk.len();
        }
        self.ask(Request::Close)
    }

    fn stage(&mut self, transaction: TransactionId) -> Result<(), Refusal> {
        self.ask(Request::Begin(transaction))?;
        let (targets, image) = (self.repo.director().targets().to_vec(), me(&self.repo).image(self.repo.release()));
        self.send(File::Targets(Which::Director), &targets)?;
        self.send(File::Image, &image)
    }

    fn command(&mut self, action: Action, transaction: TransactionId) -> Result<(), Refusal> {
        self.send(File::Command, &command(&self.repo, action, transaction))?;
        if self.ecu.machine.wants_reset() {
            self.ecu.machine.reset().unwrap();
            // An ECU that resets has no session.
            (self.client, self.server) = (Client::proving(), Server::new(ROOM));
        }
        Ok(())
    }

    fn update(&mut self, transaction: TransactionId) -> Result<(), Refusal> {
        self.stage(transaction)?;
        self.command(Action::Activate, transaction)?;
        self.ecu.machine.vote_healthy().unwrap();
        self.command(Action::Commit, transaction)
    }

    fn phase(&self) -> Phase {
        phase(&self.ecu.machine)
    }

    fn runs(&self, release: u64) -> bool {
        self.ecu.machine.identity().running == Sha256::of(&me(&self.repo).image(release))
    }

    fn control(&mut self, control: Control) -> Result<(), Refusal> {
        self.client.control(control).unwrap();
        self.conclude(refusal).unwrap()
    }
}

const NEXT: TransactionId = TransactionId([2; 16]);

#[test]
fn an_update_goes_through_over_uds() {
    let (repo, mut flash) = next_release();
    let mut line = Line::new(&repo, &mut flash);
    line.update(OPEN).unwrap();
    assert_eq!(line.phase(), Phase::Committed(OPEN));
    assert!(line.runs(2));
}

/// The roll back of the transaction closed last may end one that has only been staged, as an unsigned Begin does: that costs
/// time.
#[test]
fn nothing_that_was_recorded_of_an_update_changes_what_runs_when_it_is_played_again() {
    let (repo, mut flash) = next_release();
    let mut line = Line::new(&repo, &mut flash);
    line.stage(OPEN).unwrap();
    line.command(Action::Activate, OPEN).unwrap();
    line.ecu.machine.vote_healthy().unwrap();
    line.command(Action::Rollback, OPEN).unwrap();
    let recorded = core::mem::take(&mut line.said);
    for begins in [false, true] {
        if begins {
            line.ask(Request::Begin(NEXT)).unwrap();
        }
        line.server = Server::new(ROOM);
        for message in &recorded {
            line.serve(message);
        }
        assert!(line.runs(1) && !line.ecu.machine.wants_reset());
        assert!(matches!(line.phase(), Phase::RolledBack(_) | Phase::Staging(_)), "{:?}", line.phase());
    }
    line.client = Client::proving();
    line.update(TransactionId([3; 16])).unwrap();
    assert!(line.runs(2));
}

#[test]
fn a_command_that_is_not_of_the_primary_or_of_another_transaction_is_refused_by_name() {
    let (repo, mut flash) = next_release();
    let mut line = Line::new(&repo, &mut flash);
    line.stage(OPEN).unwrap();
    let forged = command_by(&signer("somebody"), &repo, Action::Activate, OPEN);
    assert!(matches!(line.send(File::Command, &forged), Err(Refusal::Check(_))));
    let other = line.command(Action::Activate, NEXT);
    assert_eq!(other, Err(Refusal::Check(uptane::Error::WrongTransaction.code())));
    assert_eq!(line.phase(), Phase::Staged(OPEN));
    line.command(Action::Activate, OPEN).unwrap();
}

#[test]
fn a_reset_costs_nothing_but_is_refused_while_an_image_is_on_trial_even_to_the_primary() {
    let (repo, mut flash) = next_release();
    let mut line = Line::new(&repo, &mut flash);
    line.control(Control::Reset(Reset::Hard)).unwrap();
    line.stage(OPEN).unwrap();
    line.control(Control::Reset(Reset::Soft)).unwrap();
    assert_eq!((line.ecu.resets, line.phase()), (2, Phase::Staged(OPEN)));
    line.command(Action::Activate, OPEN).unwrap();
    assert_eq!(line.phase(), Phase::Trial(OPEN));
    assert_eq!(line.control(Control::Reset(Reset::Hard)), Err(Refusal::Phase));
    assert_eq!((line.ecu.resets, line.phase()), (2, Phase::Trial(OPEN)));
    line.ecu.machine.vote_healthy().unwrap();
    line.control(Control::Reset(Reset::Hard)).unwrap();
    assert_eq!((line.ecu.resets, line.phase()), (3, Phase::Healthy(OPEN)));
    assert!(line.runs(2));
}

#[test]
fn a_stranger_resets_nothing() {
    let (repo, mut flash) = next_release();
    let mut line = Line::new(&repo, &mut flash);
    for message in [[0x11, 0x01], [0x11, 0x81], [0x11, 0x03]] {
        assert_eq!(line.serve(&message), [[0x7f, 0x11, 0x34]]);
    }
    assert_eq!(line.ecu.resets, 0);
}

#[test]
fn a_tester_that_stops_in_the_middle_of_an_image_leaves_the_ecu_to_the_next() {
    let (repo, mut flash) = next_release();
    let mut line = Line::new(&repo, &mut flash);
    line.ask(Request::Begin(OPEN)).unwrap();
    let targets = repo.director().targets().to_vec();
    line.send(File::Targets(Which::Director), &targets).unwrap();
    let image = me(&repo).image(2);
    let offer = [&[0x34, 0x00, 0x88, 0x60][..], &[0; 7], &length(&image).get().to_be_bytes()].concat();
    assert_eq!(line.serve(&offer)[1][0], 0x74);
    assert_eq!(line.serve(&[&[0x36, 0x01][..], &image[..100]].concat())[0][0], 0x76);
    line.now += 2 * S3 + S3;
    assert_eq!(line.serve(&[&[0x36, 0x02][..], &image[100..200]].concat()), [[0x7f, 0x36, 0x7f]]);
    assert!(line.runs(1));
    line.client = Client::new();
    line.update(NEXT).unwrap();
    assert!(line.runs(2));
}

#[test]
fn challenges_never_come_again_and_asking_for_them_wears_no_flash() {
    let (repo, mut flash) = next_release();
    let mut given = alloc::collections::BTreeSet::new();
    for boot in 1..=4 {
        let mut ecu = booted(&repo, &mut flash).unwrap();
        for _ in 0..50 {
            assert!(given.insert(ecu.challenge().unwrap()));
        }
        assert_eq!(ecu.state().nonces, boot, "one step for each start");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_a_tester_says_the_image_that_runs_is_untouched_and_the_next_update_goes_through(
        messages in proptest::collection::vec(
            (0..12_usize, 0..4_u8, proptest::collection::vec(any::<u8>(), 0..40)), 0..40
        )
    ) {
        let (repo, mut flash) = next_release();
        let mut line = Line::new(&repo, &mut flash);
        let services = [0x10, 0x11, 0x22, 0x28, 0x29, 0x2e, 0x31, 0x34, 0x36, 0x37, 0x3e, 0x85];
        for (service, kind, rest) in messages {
            let offer = |file: u8| [&[0x34, 0x00, 0x88, file][..], &[0; 13], &[1, 0]].concat();
            let message = match kind {
                0 => [&[services[service]][..], &rest].concat(),
                1 => vec![0x10, 0x02],
                2 => offer([0x10, 0x20, 0x50, 0x60, 0x70][service % 5]),
                _ => [&[0x36, 0x01][..], &rest].concat(),
            };
            line.serve(&message);
        }
        prop_assert!(line.runs(1) && line.ecu.resets == 0 && !line.ecu.machine.wants_reset());
        // Transactions are numbered, and a tester may have begun any.
        line.update(TransactionId([255; 16])).unwrap();
        prop_assert!(line.runs(2));
    }
}
