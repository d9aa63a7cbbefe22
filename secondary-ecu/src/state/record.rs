//! One state record, byte for byte as [`crate::state`] documents it.

use uptane::{Attack, Counter, ImageLine, ReleaseCounter, Sha256, Time, TransactionId, Version};

use super::codec::{Codec, SEAL, seal, unseal};
use super::floors::{Floors, MAX_LINES};
use super::{Ending, Held, Outcome, Stage, State};
use crate::Fault;
use crate::flash::{Bank, Side};

const MAGIC: [u8; 4] = *b"CVS1";
const NAME: usize = uptane::limits::MAX_ID;
const HELD_SIZE: usize = 1 + 1 + 4 + 8 + 32;

/// Bytes of one record before padding to the write unit.
pub const RECORD_SIZE: usize = BODY_SIZE + SEAL;
const BODY_SIZE: usize = 4 + 8 + 17 + 1 + 2 * 33 + 4 + MAX_LINES * (1 + NAME + 8) + 3 * 8 + 2 * HELD_SIZE + 8 + 3;

/// Encodes `state` as record number `sequence`.
#[inline(never)]
pub(super) fn encode(state: &State, sequence: u64, record: &mut [u8; RECORD_SIZE]) -> Result<(), Fault> {
    go_over(&mut state.clone(), sequence, Codec::writer(record))?;
    seal(record)
}

/// Decodes a record into `state`; its sequence number. `Err` for anything that is not a whole, valid one.
#[inline(never)]
pub(super) fn decode(record: &[u8; RECORD_SIZE], state: &mut State) -> Result<u64, Fault> {
    go_over(state, 0, Codec::reader(unseal(record)?))
}

impl State {
    /// Whether a record of `other` would be the same.
    #[inline(never)]
    pub(crate) fn is_recorded_as(&self, other: &Self) -> Result<bool, Fault> {
        let [mut own, mut others] = [[0; RECORD_SIZE]; 2];
        encode(self, 0, &mut own)?;
        encode(other, 0, &mut others)?;
        Ok(own == others)
    }
}

/// Every field of a record, in the order in which they stand.
#[inline(never)]
fn go_over(state: &mut State, sequence: u64, mut codec: Codec<'_>) -> Result<u64, Fault> {
    let State { stage, home, bootable, received, floors, reports, nonces, time, root, targets, closed, outcome } =
        state;
    if codec.array(MAGIC) != MAGIC {
        return Err(Fault::Storage);
    }
    let sequence = codec.u64(sequence);
    *stage = go_over_stage(*stage, &mut codec)?;
    *home = if codec.flag(*home == Bank::B) { Bank::B } else { Bank::A };
    for image in bootable {
        let is_some = codec.flag(image.is_some());
        codec.bytes(&mut image.get_or_insert(Sha256([0; 32])).0);
        if !is_some {
            *image = None;
        }
    }
    *received = codec.u32(*received);
    go_over_floors(floors, &mut codec)?;
    *reports = Counter::new(codec.u64(reports.get()))?;
    *nonces = codec.u64(*nonces);
    *time = Time::from_unix(codec.u64(time.unix()))?;
    go_over_held(root, &mut codec)?;
    go_over_held(targets, &mut codec)?;
    *closed = codec.u64(*closed);
    *outcome = go_over_outcome(*outcome, &mut codec)?;
    codec.finish().map(|()| sequence)
}

#[inline(never)]
fn go_over_stage(stage: Stage, codec: &mut Codec<'_>) -> Result<Stage, Fault> {
    let number = codec.byte(stage_number(stage));
    let transaction = TransactionId(codec.array(stage.transaction().map_or([0; 16], |transaction| transaction.0)));
    stage_of(number, transaction)
}

#[inline(never)]
fn go_over_floors(floors: &mut Floors, codec: &mut Codec<'_>) -> Result<(), Fault> {
    for slot in &mut floors.lines {
        let (line, floor) = slot.as_ref().map_or(("", ReleaseCounter::ZERO), |(line, floor)| (line.as_str(), *floor));
        let mut name = [0; NAME];
        let line = codec.text(line, &mut name)?;
        let floor = ReleaseCounter::new(codec.u64(floor.get()))?;
        *slot = if line.is_empty() { None } else { Some((ImageLine::parse(line)?, floor)) };
    }
    Ok(())
}

#[inline(never)]
fn go_over_held(held: &mut Option<Held>, codec: &mut Codec<'_>) -> Result<(), Fault> {
    let (side, length, version, sha256) = match held {
        Some(Held { side, length, version, sha256 }) => (*side, *length, version.get(), sha256.0),
        None => (Side::Left, 0, 0, [0; 32]),
    };
    let is_some = codec.flag(held.is_some());
    let side = if codec.flag(side == Side::Right) { Side::Right } else { Side::Left };
    let (length, version, sha256) = (codec.u32(length), codec.u64(version), Sha256(codec.array(sha256)));
    *held = match is_some {
        true => Some(Held { side, length, version: Version::new(version)?, sha256 }),
        false => None,
    };
    Ok(())
}

fn go_over_outcome(outcome: Outcome, codec: &mut Codec<'_>) -> Result<Outcome, Fault> {
    let Outcome { ending, attack, check } = outcome;
    let [ending, attack, check] = codec.array([ending_number(ending), attack_number(attack), check]);
    Ok(Outcome { ending: ending_of(ending)?, attack: attack_of(attack)?, check })
}

/// 0 for none, otherwise one more than the place in [`Attack::WORDS`].
fn attack_number(attack: Option<Attack>) -> u8 {
    let at = attack.and_then(|attack| Attack::WORDS.iter().position(|(known, _)| *known == attack));
    at.and_then(|at| u8::try_from(at + 1).ok()).unwrap_or(0)
}

fn attack_of(number: u8) -> Result<Option<Attack>, Fault> {
    let Some(at) = number.checked_sub(1) else { return Ok(None) };
    Attack::WORDS.get(usize::from(at)).map(|(attack, _)| Some(*attack)).ok_or(Fault::Storage)
}

fn stage_number(stage: Stage) -> u8 {
    match stage {
        Stage::Idle => 0,
        Stage::Staging(_) => 1,
        Stage::Staged(_) => 2,
        Stage::Armed(_) => 3,
        Stage::Trying(_) => 4,
        Stage::Healthy(_) => 5,
        Stage::Committed(_) => 6,
        Stage::RolledBack(_) => 7,
    }
}

fn stage_of(number: u8, transaction: TransactionId) -> Result<Stage, Fault> {
    Ok(match number {
        0 => Stage::Idle,
        1 => Stage::Staging(transaction),
        2 => Stage::Staged(transaction),
        3 => Stage::Armed(transaction),
        4 => Stage::Trying(transaction),
        5 => Stage::Healthy(transaction),
        6 => Stage::Committed(transaction),
        7 => Stage::RolledBack(transaction),
        _ => return Err(Fault::Storage),
    })
}

fn ending_number(ending: Ending) -> u8 {
    match ending {
        Ending::None => 0,
        Ending::Installed => 1,
        Ending::Refused => 2,
        Ending::StorageFailed => 3,
        Ending::ActivationFailed => 4,
        Ending::RolledBack => 5,
    }
}

fn ending_of(number: u8) -> Result<Ending, Fault> {
    Ok(match number {
        0 => Ending::None,
        1 => Ending::Installed,
        2 => Ending::Refused,
        3 => Ending::StorageFailed,
        4 => Ending::ActivationFailed,
        5 => Ending::RolledBack,
        _ => return Err(Fault::Storage),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> State {
        let mut state = State::new(Bank::B, Sha256([3; 32]), Time::from_unix(1_800_000_000).unwrap());
        let held =
            Held { side: Side::Right, length: 4_000, version: Version::new(9).unwrap(), sha256: Sha256([5; 32]) };
        state.stage = Stage::Healthy(TransactionId([7; 16]));
        state.floors.raise(ImageLine::parse("brake").unwrap(), ReleaseCounter::new(12).unwrap()).unwrap();
        (state.root, state.targets, state.received, state.nonces) = (Some(held), Some(held), 65_536, 4);
        state.close(TransactionId([8; 16]));
        state.outcome = Outcome { ending: Ending::Refused, attack: Some(Attack::SlowRetrieval), check: 35 };
        state
    }

    fn encoded(state: &State) -> [u8; RECORD_SIZE] {
        let mut record = [0xee; RECORD_SIZE];
        encode(state, 17, &mut record).unwrap();
        record
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        for state in [full(), State::new(Bank::A, Sha256([0; 32]), Time::EPOCH)] {
            let mut found = State::new(Bank::A, Sha256([9; 32]), Time::EPOCH);
            assert_eq!(decode(&encoded(&state), &mut found), Ok(17));
            assert_eq!(found, state);
        }
    }

    #[test]
    fn a_record_with_any_bit_flipped_is_none() {
        let record = encoded(&full());
        for bit in 0..RECORD_SIZE * 8 {
            let mut torn = record;
            torn[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&torn, &mut full()), Err(Fault::Storage), "bit {bit}");
        }
    }
}
