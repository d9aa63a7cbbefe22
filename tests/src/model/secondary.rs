//! A Secondary with two banks: the shipped decisions over the shipped durable state.
//!
//! [`secondary_ecu::transaction`] decides about begin, command, boot and vote; a command is a real one, signed and
//! verified. Written here is only what the machine around it does with flash: an image arrives, or is lost.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use primary_ecu::machine::transaction::{MemberImage, Standing};
use secondary_ecu::bank::Descriptor;
use secondary_ecu::flash::{Bank, Side};
use secondary_ecu::state::{Held, Stage, State};
use secondary_ecu::transaction;
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
    /// The transaction is opened and some of its image arrives.
    Part(usize),
    /// The transaction is opened and all of its image arrives and verifies.
    Whole(usize),
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
    /// Where it stands in each transaction.
    standings: [Standing; ROUNDS],
    /// The bank that must run.
    pub(super) wanted: Bank,
    /// The image it holds, if it may boot.
    pub(super) runs: Option<Image>,
    /// The image of the last commit.
    pub(super) home: Option<Image>,
    /// The counter floor.
    pub(super) floor: u64,
    /// A boot now tries the new image.
    pub(super) armed: bool,
    /// The new image has been booted and has not voted.
    pub(super) trying: bool,
}

impl Facts {
    pub(super) fn standing(&self, round: usize) -> Standing {
        self.standings.get(round).copied().unwrap_or(Standing::Absent)
    }
}

/// All Secondaries, in all their states.
pub(super) struct Secondaries {
    states: Table<State>,
    memo: Memo<(usize, Number, Happening), Option<Number>>,
    facts: Memo<Number, Facts>,
    commands: BTreeMap<(usize, usize, Errand), VerifiedCommand>,
    fault: Option<Fault>,
}

impl Secondaries {
    pub(super) fn new(fault: Option<Fault>) -> Result<Self> {
        let (states, memo, facts) = (Table::new(), Memo::new(), Memo::new());
        Ok(Self { states, memo, facts, commands: commands()?, fault })
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

    fn happen(&self, at: usize, state: &State, happening: Happening) -> Option<State> {
        match happening {
            Happening::Part(round) => arriving(state, round),
            Happening::Whole(round) => staged(&arriving(state, round)?, round),
            Happening::Lost => Some(State { stage: state.stage.unstaged(), ..unbootable(state) }),
            Happening::Command(round, errand) => self.command(at, state, round, errand),
            Happening::Boot(whole) => Some(self.boot(state, whole)),
            Happening::Vote => Some(transaction::vote(state)),
        }
    }

    fn command(&self, at: usize, state: &State, round: usize, errand: Errand) -> Option<State> {
        let open = state.stage.transaction().and_then(round_of);
        let named = if self.fault == Some(Fault::UnboundCommands) { open? } else { round };
        let command = self.commands.get(&(at, named, errand))?;
        let image = || Ok(Some(descriptor(open.unwrap_or(named))));
        transaction::carry_out(state, command, image).ok()
    }

    fn boot(&self, state: &State, whole: bool) -> State {
        match (self.fault, state.stage) {
            (Some(Fault::ForgottenVote), Stage::Healthy(open)) => {
                transaction::boot(&State { stage: Stage::Trying(open), ..*state }, whole)
            }
            _ => transaction::boot(state, whole),
        }
    }
}

/// What a request to begin and the first bytes of the image make of a state: an image is taken only while it stages, and
/// the bank it goes to may not boot until it is verified.
fn arriving(state: &State, round: usize) -> Option<State> {
    let begun = transaction::begin(state, transaction_of(round)).ok()?;
    let same = begun.bootable(begun.home.other()) == Some(digest(Image::of(round)));
    match begun.stage {
        Stage::Staged(_) if same => Some(begun),
        Stage::Staging(_) | Stage::Staged(_) => Some(State { stage: begun.stage.unstaged(), ..unbootable(&begun) }),
        Stage::Idle
        | Stage::Armed(_)
        | Stage::Trying(_)
        | Stage::Healthy(_)
        | Stage::Committed(_)
        | Stage::RolledBack(_) => None,
    }
}

fn staged(state: &State, round: usize) -> Option<State> {
    let mut next = *state;
    next.stage = Stage::Staged(state.stage.transaction()?);
    next.outcome = Default::default();
    next.set_bootable(state.home.other(), Some(digest(Image::of(round))));
    Some(next)
}

fn unbootable(state: &State) -> State {
    let mut next = *state;
    if matches!(state.stage, Stage::Staging(_) | Stage::Staged(_)) {
        next.set_bootable(state.home.other(), None);
    }
    next
}

fn facts(state: &State) -> Facts {
    let standing = |round: usize| match state.stage.transaction() == Some(transaction_of(round)) {
        true => standing(state.stage),
        false => Standing::Absent,
    };
    let wanted = transaction::wanted_bank(state.stage, state.home);
    let held = |bank| state.bootable(bank).and_then(image_of);
    Facts {
        standings: std::array::from_fn(standing),
        wanted,
        runs: held(wanted),
        home: held(state.home),
        floor: state.floors.of(line()).get(),
        armed: matches!(state.stage, Stage::Armed(_)),
        trying: matches!(state.stage, Stage::Trying(_)),
    }
}

/// How the Primary reads a stage of its own transaction.
fn standing(stage: Stage) -> Standing {
    match stage {
        Stage::Idle => Standing::Absent,
        Stage::Staging(_) => Standing::Staging,
        Stage::Staged(_) => Standing::Staged,
        Stage::Armed(_) | Stage::Trying(_) => Standing::Trial,
        Stage::Healthy(_) => Standing::Healthy,
        Stage::Committed(_) => Standing::Committed,
        Stage::RolledBack(_) => Standing::RolledBack,
    }
}

impl Image {
    /// What a transaction brings.
    pub(super) fn of(round: usize) -> Self {
        Self(u8::try_from(round + 1).unwrap_or(u8::MAX))
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

fn digest(image: Image) -> Sha256 {
    Sha256([image.0; 32])
}

fn image_of(sha256: Sha256) -> Option<Image> {
    let [number, ..] = sha256.0;
    Some(Image(number)).filter(|image| digest(*image) == sha256)
}

fn descriptor(round: usize) -> Descriptor {
    let MemberImage { name, length, sha256, line, counter } = image(round);
    Descriptor { name, length, sha256, line, counter }
}

/// The image a transaction brings to every ECU; its release counter is its number.
pub(super) fn image(round: usize) -> MemberImage {
    let made = || {
        Some(MemberImage {
            name: TargetNameBuf::parse("line/image").ok()?,
            length: Length::new(1).ok()?,
            sha256: digest(Image::of(round)),
            line: line(),
            counter: ReleaseCounter::new(u64::from(Image::of(round).0)).ok()?,
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
