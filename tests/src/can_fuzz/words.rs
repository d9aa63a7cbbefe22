//! What strangers say: messages and frames, random or nearly right.

use proto::can::{Format, Frame, Id};
use uptane::Action;
use uptane::TransactionId;

use super::chance::Chance;
use super::scene::Scene;
use super::setup::Setup;

/// A message: of anything, or of a service and nearly right.
pub(super) fn message(scene: &Scene, chance: &mut Chance) -> Vec<u8> {
    if chance.once_in(6) {
        let length = chance.choose(8, &[1, 2, 3, 20, 60, 300]);
        let length = chance.below(length) + 1;
        return chance.bytes(length);
    }
    let mut message = right(scene, chance);
    match chance.below(6) {
        0 => chance.flip(&mut message),
        1 => message.truncate(chance.below(message.len() + 1)),
        2 => {
            let length = chance.below(20);
            message.extend(chance.bytes(length));
        }
        _ => {}
    }
    message
}

/// A message that some server would take in some state.
fn right(scene: &Scene, chance: &mut Chance) -> Vec<u8> {
    let identifiers = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06];
    let identifier = [0xfd, chance.choose(0x00, &identifiers)];
    match chance.below(22) {
        0 => vec![0x10, chance.choose(0x02, &[0x01, 0x03, 0x82])],
        1 | 2 => vec![0x10, 0x02],
        3 => [&[0x22][..], &identifier].concat(),
        4 => [&[0x2e][..], &identifier, &chance.bytes(16)].concat(),
        5 => [&[0x31, 0x01, 0xf0, 0x01][..], &transaction(chance).0].concat(),
        6 => vec![0x31, chance.choose(0x01, &[0x02, 0x03]), 0xf0, 0x02],
        7 => joining(chance),
        8..=10 => offer(scene, chance),
        11..=13 => {
            let length = chance.below(1_010);
            [&[0x36, chance.choose(1, &[1, 2, 3, 4])][..], &chance.bytes(length)].concat()
        }
        14 => vec![0x37],
        15 => vec![0x11, chance.choose(0x01, &[0x03, 0x81])],
        16 => vec![0x28, chance.choose(0x03, &[0x00, 0x83]), 0x01],
        17 => vec![0x85, chance.choose(0x02, &[0x01, 0x82])],
        18 => [&[0x29, 0x05, 0x00][..], &ALGORITHM].concat(),
        19 => [&[0x29, 0x06][..], &ALGORITHM, &[0, 64], &chance.bytes(64), &[0; 4]].concat(),
        20 => vec![0x29, chance.choose(0x08, &[0x00])],
        _ => vec![0x3e, chance.choose(0x80, &[0x00])],
    }
}

/// Asks to begin a file, of the length it has, or of another.
fn offer(scene: &Scene, chance: &mut Chance) -> Vec<u8> {
    let kind = chance.choose(0x60, &[0x10, 0x20, 0x21, 0x30, 0x40, 0x50, 0x51, 0x61, 0x70, 0x81, 0xff]);
    let length = match chance.below(4) {
        0 => chance.below(usize::MAX),
        1 => chance.below(10_000),
        _ => of_kind(scene, kind),
    };
    let length = u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes();
    let version = if kind >> 4 == 2 { chance.byte() % 4 } else { 0 };
    [&[0x34, 0x00, 0x88, kind][..], &[0; 6], &[version], &length].concat()
}

/// Bytes of the file of this kind.
fn of_kind(scene: &Scene, kind: u8) -> usize {
    let [_, image, _] = &scene.images;
    match kind {
        0x20 => scene.repo.director().root().len(),
        0x50 => scene.repo.director().targets().len(),
        0x60 => image.len(),
        0x61 => scene.patch.len(),
        _ => 600,
    }
}

fn joining(chance: &mut Chance) -> Vec<u8> {
    let format = chance.choose([0x00, 0x08], &[[0x01, 0x40], [0x01, 0x09]]);
    let ids = [0, 0, 0x06, 0xa5, 0, 0, 0x06, 0xb0];
    [&[0x31, 0x01, 0xf0, 0x03, chance.byte()][..], &format, &ids].concat()
}

/// The messages that bring a command which the Primary signed in a transaction that is over, or never was.
pub(super) fn replay(scene: &Scene, chance: &mut Chance) -> Vec<Vec<u8>> {
    let action = chance.choose(Action::Activate, &[Action::Commit, Action::Rollback]);
    let release = chance.choose(2, &[3]);
    let command = scene.command(release, action, TransactionId([0; 16]));
    let length = u64::try_from(command.len()).unwrap_or_default().to_be_bytes();
    vec![
        vec![0x10, 0x02],
        [&[0x34, 0x00, 0x88, 0x70][..], &[0; 7], &length].concat(),
        [&[0x36, 0x01][..], &command].concat(),
        vec![0x37],
        vec![0x31, 0x01, 0xf0, 0x02],
    ]
}

/// What a stranger begins: not what the Primary will begin next.
fn transaction(chance: &mut Chance) -> TransactionId {
    TransactionId([chance.choose(0, &[1, 2, 0x80]); 16])
}

/// A response, to give to a tester.
pub(super) fn response(scene: &Scene, chance: &mut Chance) -> Vec<u8> {
    let services = [0x10, 0x22, 0x2e, 0x31, 0x34, 0x36, 0x37, 0x29, 0x11, 0x28, 0x85];
    match chance.below(4) {
        0 => {
            vec![0x7f, chance.choose(0x3e, &services), chance.choose(0x78, &[0x21, 0x22, 0x24, 0x34, 0x70, 0x73, 0x7f])]
        }
        1 => chance.choose(&[0x50, 0x02, 0, 0x32, 1, 0xf4][..], &[&[0x77], &[0x71, 1, 0xf0, 2, 0]]).to_vec(),
        _ => {
            let mut message = message(scene, chance);
            message.iter_mut().take(1).for_each(|service| *service |= 0x40);
            message
        }
    }
}

/// A frame: anything at all, or one with an address that somebody takes and the head of an ISO-TP frame.
pub(super) fn frame(scene: &Scene, setup: &Setup, chance: &mut Chance) -> Option<Frame> {
    let length = chance.choose(8, &[0, 1, 2, 3, 7, 8, 12, 16, 20, 24, 32, 48, 64]);
    let format = if length > 8 || chance.once_in(3) { Format::Fd } else { Format::Classical };
    let (id, byte) = address(setup, chance);
    if chance.once_in(5) {
        let id = if chance.once_in(2) { id } else { anybody(chance)? };
        return if chance.once_in(16) {
            Frame::remote(id, chance.below(9)).ok()
        } else {
            Frame::new(id, format, &chance.bytes(length)).ok()
        };
    }
    let mut data: Vec<u8> = byte.into_iter().collect();
    data.extend(pdu(scene, length.saturating_sub(data.len()), chance));
    data.resize(length, 0xcc);
    Frame::new(id, format, &data).ok()
}

/// An address that somebody takes.
fn address(setup: &Setup, chance: &mut Chance) -> (Id, Option<u8>) {
    let [ecu, second] = setup.ecu;
    let [tester, _] = setup.testers;
    let ends = [ecu.addressing.receive(), tester.addressing.receive(), second.addressing.receive()];
    let address = chance.choose(setup.group.group(), &ends);
    let broadcast = super::setup::standard(chance.choose(super::setup::BROADCAST, &[super::setup::ANSWER]));
    match chance.once_in(8) {
        true => (broadcast, None),
        false => (address.id(), address.byte()),
    }
}

fn anybody(chance: &mut Chance) -> Option<Id> {
    let raw = u16::from_le_bytes([chance.byte(), chance.byte() & 7]);
    match chance.once_in(2) {
        true => Id::standard(raw).ok(),
        false => Id::extended(u32::from(raw) << chance.below(19)).ok(),
    }
}

/// What a frame of up to `room` bytes says.
fn pdu(scene: &Scene, room: usize, chance: &mut Chance) -> Vec<u8> {
    let said = message(scene, chance);
    let short = |most: usize| said.get(..said.len().min(most)).unwrap_or_default();
    let byte = |length: usize| u8::try_from(length).unwrap_or(u8::MAX);
    match chance.below(8) {
        0 | 1 if room > 8 => [&[0, byte(short(room - 2).len())], short(room.saturating_sub(2))].concat(),
        0..=2 => [&[byte(short(room.saturating_sub(1).min(7)).len())], short(room.saturating_sub(1).min(7))].concat(),
        3 => {
            let [high, low] = u16::try_from(chance.below(0x1000)).unwrap_or_default().to_be_bytes();
            [&[0x10 | high, low], short(room)].concat()
        }
        4 => {
            let length = chance.bytes(4);
            [&[0x10, 0][..], &length, short(room)].concat()
        }
        5 | 6 => [&[0x20 | chance.byte() & 0x0f], short(room)].concat(),
        _ => vec![0x30 | chance.choose(0, &[0, 1, 2, 7]), chance.byte() & 0x1f, chance.choose(0, &[1, 0xf3, 0xff])],
    }
}

/// Ed25519, as service 29 names it.
const ALGORITHM: [u8; 16] = [0x06, 0x03, 0x2b, 0x65, 0x70, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
