//! A Secondary: the shipped decisions over the shipped durable state.
//!
//! [`secondary_ecu::transaction`] decides about begin, command, image, boot and vote; a command is a real one, signed and
//! verified. Written here, and for a single bank in [`super::single_bank`], is only what the machine around it does with
//! flash: an image arrives, or is lost.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use primary_ecu::machine::transaction::MemberImage;
use proto::secondary::Phase;
use secondary_ecu::bank::Descriptor;
use secondary_ecu::flash::{Bank, Banks, Side};
use secondary_ecu::state::{Held, Stage, State};
use secondary_ecu::transaction::{self, Intake};
use uptane::sign::{CommandBuilder, MemorySigner, Signer as _};
use uptane::verify::partial::{CommandStream, VerifiedCommand};
use uptane::{
    Action, EcuId, HardwareId, ImageLine, Length, ReleaseCounter, Sha256, TargetNameBuf, Time, TransactionId,
    VehicleId, Version,
};

use super::Fault;
use super::table::{Memo, Number, Table};
use super::world::{Errand, Image, MOST, ROUNDS};

/// Digest of the Director Targets file. Both transactions carry out the same one, so that nothing but its id tells a
/// command of the first from one of the second.
pub(super) const TARGETS: Sha256 = Sha256([9; 32]);

/// What happens to a Secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Happening {
    /// The transaction is opened and some of its image arrives; nothing of it, where there is a single bank.
    Part(usize),
    /// The transaction is opened and all of its image arrives and verifies; it is announced, where there is a single bank.
    Whole(usize),
    /// This image stands in the only bank, and verifies.
    Taken(Intake, Image),
    /// What was staged turns out not to be what must run.
    Lost,
    /// A command of this transaction arrives.
    Command(usize, Errand),
    /// A reset, and whether the bank that shall run holds what it may boot.
    Boot(bool),
    /// The new image votes healthy.
    Vote,
}

/// What matters of a durable state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    /// What it says of itself.
    pub(super) phase: Phase,
    /// The transaction it is in.
    pub(super) open: Option<usize>,
    /// The bank that must run.
    pub(super) wanted: Bank,
    /// The image that may boot from there.
    pub(super) bootable: Option<Image>,
    /// The image of the last commit.
    pub(super) home: Option<Image>,
    /// The counter floor.
    pub(super) floor: u64,
    /// A boot now tries the new image.
    pub(super) armed: bool,
    /// The new image has been booted and has not voted.
    pub(super) trying: bool,
}

/// All Secondaries, in all their states.
pub(super) struct Secondaries {
    states: Table<State>,
    memo: Memo<(usize, Number, Happening), Option<Number>>,
    facts: Memo<Number, Facts>,
    commands: BTreeMap<(usize, usize, Errand), VerifiedCommand>,
    single_bank: Option<usize>,
    fault: Option<Fault>,
}

impl Secondaries {
    pub(super) fn new(single_bank: Option<usize>, fault: Option<Fault>) -> Result<Self> {
        let (states, memo, facts) = (Table::new(), Memo::new(), Memo::new());
        Ok(Self { states, memo, facts, commands: commands()?, single_bank, fault })
    }

    /// As it left the factory.
    pub(super) fn first(&self) -> Result<Number> {
        let targets = Held { side: Side::Left, length: 1, version: Version::FIRST, sha256: TARGETS };
        let state = State::new(Bank::A, digest(Image(0)), Time::EPOCH);
        Ok(self.states.number(State { targets: Some(targets), ..state }))
    }

    pub(super) fn facts(&self, state: Number) -> Facts {
        self.facts.get(state, || facts(&self.states.get(state)))
    }

    /// The state after something happened; none if it was refused or changed nothing.
    pub(super) fn after(&self, at: usize, state: Number, happening: Happening) -> Option<Number> {
        self.memo.get((at, state, happening), || {
            let before = self.states.get(state);
            let next = self.happen(at, &before, happening)?;
            (next != *before).then(|| self.states.number(next))
        })
    }

    pub(super) fn count(&self) -> usize {
        self.states.len()
    }

    /// What an image that is offered to the only bank is; `runs` says whether anything runs.
    pub(super) fn intake(&self, state: Number, runs: bool) -> Option<Intake> {
        let state = self.states.get(state);
        match (self.fault, transaction::intake(&state, Banks::Single, runs)) {
            (Some(Fault::OpenGate), Some(Intake::Announce)) => Some(Intake::Install),
            (_, intake) => intake,
        }
    }

    fn banks(&self, at: usize) -> Banks {
        if self.single_bank == Some(at) { Banks::Single } else { Banks::Two }
    }

    fn happen(&self, at: usize, state: &State, happening: Happening) -> Option<State> {
        let banks = self.banks(at);
        match happening {
            Happening::Part(round) => arriving(state, banks, round),
            Happening::Whole(round) => staged(&arriving(state, banks, round)?, banks, round),
            Happening::Taken(intake, of) => taken(state, intake, of),
            Happening::Lost => is_filling(state.stage).then(|| changed(state, transaction::give_up)),
            Happening::Command(round, errand) => self.command(at, state, round, errand),
            Happening::Boot(whole) => Some(self.boot(state, banks, whole)),
            Happening::Vote => Some(changed(state, transaction::vote)),
        }
    }

    fn command(&self, at: usize, state: &State, round: usize, errand: Errand) -> Option<State> {
        let open = state.stage.transaction().and_then(round_of);
        let named = if self.fault == Some(Fault::UnboundCommands) { open? } else { round };
        let command = self.commands.get(&(at, named, errand))?;
        let image = || Ok(Some(descriptor(Image::of(open.unwrap_or(named)))));
        let mut next = *state;
        transaction::carry_out(&mut next, self.banks(at), command, image).ok()?;
        Some(next)
    }

    fn boot(&self, state: &State, banks: Banks, whole: bool) -> State {
        changed(state, |next| {
            if let (Some(Fault::ForgottenVote), Stage::Healthy(open)) = (self.fault, next.stage) {
                next.stage = Stage::Trying(open);
            }
            transaction::boot(next, banks, whole);
        })
    }
}

/// What a request to begin and the first bytes of the image make of a state: an image is taken only while it stages, and
/// the bank it goes to may not boot until it is verified. To a single bank nothing goes yet.
fn arriving(state: &State, banks: Banks, round: usize) -> Option<State> {
    let mut begun = *state;
    transaction::begin(&mut begun, transaction_of(round)).ok()?;
    let same = begun.bootable(begun.home.other()) == Some(digest(Image::of(round)));
    let is_kept = banks == Banks::Single || matches!(begun.stage, Stage::Staged(_)) && same;
    match is_filling(begun.stage) {
        true if is_kept => Some(begun),
        true => Some(changed(&begun, transaction::give_up)),
        false => None,
    }
}

fn staged(state: &State, banks: Banks, round: usize) -> Option<State> {
    let intake = transaction::intake(state, banks, true)?;
    taken(state, intake, Image::of(round))
}

fn taken(state: &State, intake: Intake, image: Image) -> Option<State> {
    let image = descriptor(image).content().ok()?;
    Some(changed(state, |next| transaction::take(next, intake, &image)))
}

fn changed(state: &State, change: impl FnOnce(&mut State)) -> State {
    let mut next = *state;
    change(&mut next);
    next
}

fn is_filling(stage: Stage) -> bool {
    matches!(stage, Stage::Staging(_) | Stage::Staged(_))
}

fn facts(state: &State) -> Facts {
    let wanted = transaction::wanted_bank(state.stage, state.home);
    let bootable = |bank| state.bootable(bank).and_then(image_of);
    Facts {
        phase: state.stage.phase(),
        open: state.stage.transaction().and_then(round_of),
        wanted,
        bootable: bootable(wanted),
        home: bootable(state.home),
        floor: state.floors.of(line()).get(),
        armed: matches!(state.stage, Stage::Armed(_)),
        trying: matches!(state.stage, Stage::Trying(_)),
    }
}

impl Image {
    /// What a transaction brings.
    pub(super) fn of(round: usize) -> Self {
        Self::nth(round + 1)
    }

    /// This image, by age.
    pub(super) fn nth(number: usize) -> Self {
        Self(u8::try_from(number).unwrap_or(u8::MAX))
    }
}

/// The id of a transaction.
pub(super) fn transaction_of(round: usize) -> TransactionId {
    let Image(number) = Image::of(round);
    TransactionId::new(number.into(), [number; 8])
}

fn round_of(transaction: TransactionId) -> Option<usize> {
    (0..ROUNDS).find(|round| transaction_of(*round) == transaction)
}

/// The digest of an image; that of none is no image's.
pub(super) fn running(image: Option<Image>) -> Sha256 {
    image.map_or(Sha256([u8::MAX; 32]), digest)
}

fn digest(image: Image) -> Sha256 {
    Sha256([image.0; 32])
}

fn image_of(sha256: Sha256) -> Option<Image> {
    let [number, ..] = sha256.0;
    Some(Image(number)).filter(|image| digest(*image) == sha256)
}

fn descriptor(of: Image) -> Descriptor {
    let MemberImage { name, length, sha256, line, counter } = image(of);
    Descriptor { name, length, sha256, line, counter }
}

/// An image; its release counter is its number.
pub(super) fn image(of: Image) -> MemberImage {
    let made = || {
        Some(MemberImage {
            name: TargetNameBuf::parse("line/image").ok()?,
            length: Length::new(1).ok()?,
            sha256: digest(of),
            line: line(),
            counter: ReleaseCounter::new(u64::from(of.0)).ok()?,
        })
    };
    made().unwrap_or_else(|| unreachable!("these are valid"))
}

fn line() -> ImageLine {
    ImageLine::parse("line").unwrap_or_else(|_| unreachable!("this is valid"))
}

/// The name of an ECU.
pub(super) fn ecu(at: usize) -> EcuId {
    EcuId::parse(&format!("ecu-{at}")).unwrap_or_else(|_| unreachable!("this is valid"))
}

/// What every ECU is.
pub(super) fn hardware() -> HardwareId {
    HardwareId::parse("hardware").unwrap_or_else(|_| unreachable!("this is valid"))
}

/// Every command there can be, as its Secondary has verified it.
fn commands() -> Result<BTreeMap<(usize, usize, Errand), VerifiedCommand>> {
    let signer = MemorySigner::from_seed(&[1; 32]);
    let vehicle = VehicleId([3; 16]);
    let mut commands = BTreeMap::new();
    for (at, round) in (0..MOST).flat_map(|at| (0..ROUNDS).map(move |round| (at, round))) {
        for (errand, action) in [
            (Errand::Activate, Action::Activate),
            (Errand::Commit, Action::Commit),
            (Errand::RollBack, Action::Rollback),
        ] {
            let transaction = transaction_of(round);
            let command = CommandBuilder { vehicle, ecu: ecu(at), action, transaction, targets: TARGETS };
            let mut stream = CommandStream::new(signer.public_key(), ecu(at), vehicle);
            stream.feed(&command.sign(&signer).context("signing a command")?).context("verifying a command")?;
            commands.insert((at, round, errand), stream.finish().context("verifying a command")?);
        }
    }
    Ok(commands)
}
