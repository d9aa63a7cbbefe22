//! One state record, byte for byte as [`crate::state`] documents it.

use proto::crc32;
use uptane::{Attack, Counter, ImageLine, ReleaseCounter, Sha256, Time, TransactionId, Version};

use super::codec::{Decoder, Encoder};
use super::floors::{Floors, MAX_LINES};
use super::{Ending, Held, Outcome, Stage, State};
use crate::Fault;
use crate::flash::{Bank, Side};

const MAGIC: [u8; 4] = *b"CVS1";
const NAME: usize = uptane::limits::MAX_ID;
const HELD_SIZE: usize = 1 + 1 + 4 + 8 + 32;

/// Bytes of one record before padding to the write unit.
pub const RECORD_SIZE: usize = BODY_SIZE + 4;
const BODY_SIZE: usize = 4 + 8 + 17 + 1 + 2 * 33 + 4 + MAX_LINES * (1 + NAME + 8) + 3 * 8 + 2 * HELD_SIZE + 8 + 3;

/// Encodes `state` as record number `sequence`.
#[inline(never)]
pub(super) fn encode(state: &State, sequence: u64) -> Result<[u8; RECORD_SIZE], Fault> {
    let State { stage, home, bootable, received, floors, reports, nonces, time, root, targets, closed, outcome } =
        state;
    let mut record = [0; RECORD_SIZE];
    let mut encoder = Encoder::new(&mut record);
    encoder.bytes(&MAGIC)?;
    encoder.u64(sequence)?;
    encoder.byte(stage_number(*stage))?;
    encoder.bytes(&stage.transaction().map_or([0; 16], |transaction| transaction.0))?;
    encoder.byte(u8::from(*home == Bank::B))?;
    for image in bootable {
        encoder.byte(u8::from(image.is_some()))?;
        encoder.bytes(&image.map_or([0; 32], |image| image.0))?;
    }
    encoder.u32(*received)?;
    for floor in &floors.lines {
        encoder.text::<NAME>(floor.as_ref().map_or("", |(line, _)| line.as_str()))?;
        encoder.u64(floor.map_or(0, |(_, counter)| counter.get()))?;
    }
    encoder.u64(reports.get())?;
    encoder.u64(*nonces)?;
    encoder.u64(time.unix())?;
    encode_held(&mut encoder, root)?;
    encode_held(&mut encoder, targets)?;
    encoder.u64(*closed)?;
    encoder.bytes(&[ending_number(outcome.ending), attack_number(outcome.attack), outcome.check])?;
    let crc = crc32(record.get(..BODY_SIZE).ok_or(Fault::Storage)?);
    record.get_mut(BODY_SIZE..).ok_or(Fault::Storage)?.copy_from_slice(&crc.to_le_bytes());
    Ok(record)
}

/// Decodes a record and its sequence number; `Err` for anything that is not a whole, valid one.
#[inline(never)]
pub(super) fn decode(record: &[u8; RECORD_SIZE]) -> Result<(u64, State), Fault> {
    let (body, crc) = record.split_last_chunk::<4>().ok_or(Fault::Storage)?;
    let mut decoder = Decoder::new(body);
    if decoder.array()? != MAGIC || crc32(body) != u32::from_le_bytes(*crc) {
        return Err(Fault::Storage);
    }
    let sequence = decoder.u64()?;
    let state = State {
        stage: stage(decoder.byte()?, TransactionId(decoder.array()?))?,
        home: if decoder.byte()? == 0 { Bank::A } else { Bank::B },
        bootable: [image(&mut decoder)?, image(&mut decoder)?],
        received: decoder.u32()?,
        floors: decode_floors(&mut decoder)?,
        reports: Counter::new(decoder.u64()?).map_err(|_| Fault::Storage)?,
        nonces: decoder.u64()?,
        time: Time::from_unix(decoder.u64()?).map_err(|_| Fault::Storage)?,
        root: decode_held(&mut decoder)?,
        targets: decode_held(&mut decoder)?,
        closed: decoder.u64()?,
        outcome: decode_outcome(&mut decoder)?,
    };
    Ok((sequence, state))
}

fn image(decoder: &mut Decoder<'_>) -> Result<Option<Sha256>, Fault> {
    let present = decoder.byte()? == 1;
    let digest = Sha256(decoder.array()?);
    Ok(present.then_some(digest))
}

#[inline(never)]
fn decode_floors(decoder: &mut Decoder<'_>) -> Result<Floors, Fault> {
    let mut floors = Floors::default();
    for slot in &mut floors.lines {
        let line = decoder.text::<NAME>()?;
        let counter = ReleaseCounter::new(decoder.u64()?).map_err(|_| Fault::Storage)?;
        if !line.is_empty() {
            *slot = Some((ImageLine::parse(line).map_err(|_| Fault::Storage)?, counter));
        }
    }
    Ok(floors)
}

fn encode_held(encoder: &mut Encoder<'_>, held: &Option<Held>) -> Result<(), Fault> {
    let Some(Held { side, length, version, sha256 }) = held else {
        return encoder.bytes(&[0; HELD_SIZE]);
    };
    encoder.bytes(&[1, u8::from(*side == Side::Right)])?;
    encoder.u32(*length)?;
    encoder.u64(version.get())?;
    encoder.bytes(&sha256.0)
}

fn decode_held(decoder: &mut Decoder<'_>) -> Result<Option<Held>, Fault> {
    let present = decoder.byte()? == 1;
    let side = if decoder.byte()? == 0 { Side::Left } else { Side::Right };
    let (length, version, sha256) = (decoder.u32()?, decoder.u64()?, Sha256(decoder.array()?));
    if !present {
        return Ok(None);
    }
    let version = Version::new(version).map_err(|_| Fault::Storage)?;
    Ok(Some(Held { side, length, version, sha256 }))
}

fn decode_outcome(decoder: &mut Decoder<'_>) -> Result<Outcome, Fault> {
    let [ending, attack, check] = decoder.array()?;
    let attack = match attack.checked_sub(1) {
        None => None,
        Some(at) => Some(Attack::WORDS.get(usize::from(at)).ok_or(Fault::Storage)?.0),
    };
    Ok(Outcome { ending: ending_of(ending)?, attack, check })
}

/// 0 for none, otherwise one more than the place in [`Attack::WORDS`].
fn attack_number(attack: Option<Attack>) -> u8 {
    let at = attack.and_then(|attack| Attack::WORDS.iter().position(|(known, _)| *known == attack));
    at.and_then(|at| u8::try_from(at + 1).ok()).unwrap_or(0)
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

fn stage(number: u8, transaction: TransactionId) -> Result<Stage, Fault> {
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

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        for state in [full(), State::new(Bank::A, Sha256([0; 32]), Time::EPOCH)] {
            assert_eq!(decode(&encode(&state, 17).unwrap()), Ok((17, state)));
        }
    }

    #[test]
    fn a_record_with_any_bit_flipped_is_none() {
        let record = encode(&full(), 17).unwrap();
        for bit in 0..RECORD_SIZE * 8 {
            let mut torn = record;
            torn[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&torn), Err(Fault::Storage), "bit {bit}");
        }
    }
}
