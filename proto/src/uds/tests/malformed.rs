//! Every service, and every way in which a message of it can be wrong: what is answered, and that the next session works.

use alloc::vec;
use alloc::vec::Vec;

use super::brake::{Brake, ED25519, challenge_request, proof_message};
use super::*;

/// What came before.
#[derive(Clone, Copy, Debug)]
enum Before {
    /// Nothing.
    Nothing,
    /// The extended session.
    Extended,
    /// The programming session.
    Programming,
    /// A file is open, of which three bytes are there.
    Open,
    /// All blocks of a file are there.
    Exited,
    /// The tester is the Primary.
    Proven,
    /// And in the extended session.
    ProvenExtended,
    /// The ECU moves.
    Moving,
    /// A challenge waits for its answer.
    Challenged,
}

use Before::*;

/// Of a file of four bytes.
fn offer() -> Vec<u8> {
    [&[0x34, 0x00, 0x88, 0x50][..], &[0; 7], &4_u64.to_be_bytes()].concat()
}

fn after(before: Before) -> Pair<Brake> {
    let mut pair = match before {
        Proven | ProvenExtended | Moving => Pair::authenticated(),
        Nothing | Extended | Programming | Open | Exited | Challenged => Pair::brake(),
    };
    let messages: Vec<Vec<u8>> = match before {
        Nothing | Proven => vec![],
        Extended | ProvenExtended | Moving => vec![vec![0x10, 0x03]],
        Programming => vec![vec![0x10, 0x02]],
        Open => vec![vec![0x10, 0x02], offer(), vec![0x36, 0x01, 7, 7, 7]],
        Exited => vec![vec![0x10, 0x02], offer(), vec![0x36, 0x01, 7, 7, 7, 7], vec![0x37]],
        Challenged => vec![challenge_request()],
    };
    for message in messages {
        assert_ne!(pair.serve(&message)[0][0], 0x7f, "{before:?} {message:02x?}");
    }
    pair.handler.is_moving = matches!(before, Moving);
    pair
}

/// The ECU did nothing, and takes a whole file from its next tester.
fn works_on(mut pair: Pair<Brake>, message: &[u8]) {
    assert!(pair.handler.obeyed.is_empty(), "{message:02x?}");
    let closed = pair.handler.closed;
    pair.handler.taken = 0;
    for (request, expected) in [
        (Request::Offer(File::Image, length(2)), Reply::Ready(Length::ZERO, 62)),
        (Request::Chunk(Length::ZERO, &[7, 7]), Reply::Taken(length(2))),
        (Request::Close, Reply::Done),
    ] {
        assert_eq!(pair.ask(request, |reply| reply == expected), Ok(true), "{message:02x?}");
    }
    assert_eq!(pair.handler.closed, closed + 1, "{message:02x?}");
}

fn check(wrong: &[(Before, &[u8], u8)]) {
    for (before, message, code) in wrong {
        let mut pair = after(*before);
        assert_eq!(pair.serve(message), [[0x7f, message[0], *code]], "{before:?} {message:02x?}");
        works_on(pair, message);
    }
}

#[test]
fn a_wrong_session_reset_or_tester_present_is_told_what_is_wrong() {
    check(&[
        (Nothing, &[0x10], 0x13),
        (Nothing, &[0x10, 0x01, 0x00], 0x13),
        (Nothing, &[0x10, 0x00], 0x12),
        (Nothing, &[0x10, 0x04], 0x12),
        (Nothing, &[0x10, 0x84], 0x12),
        (Nothing, &[0x10, 0x05, 0x00], 0x12),
        (Nothing, &[0x3e], 0x13),
        (Nothing, &[0x3e, 0x00, 0x00], 0x13),
        (Nothing, &[0x3e, 0x80, 0x00], 0x13),
        (Nothing, &[0x3e, 0x01], 0x12),
        (Nothing, &[0x3e, 0x81], 0x12),
        (Nothing, &[0x11, 0x01], 0x34),
        (Nothing, &[0x11], 0x34),
        (Proven, &[0x11], 0x13),
        (Proven, &[0x11, 0x00], 0x12),
        (Proven, &[0x11, 0x02], 0x12),
        (Proven, &[0x11, 0x04, 0x00], 0x12),
        (Proven, &[0x11, 0x01, 0x00], 0x13),
        (Moving, &[0x11, 0x01], 0x22),
        (Moving, &[0x11, 0x83], 0x22),
    ]);
}

#[test]
fn a_wrong_identifier_is_told_what_is_wrong() {
    check(&[
        (Nothing, &[0x22], 0x13),
        (Nothing, &[0x22, 0xfd], 0x13),
        (Nothing, &[0x22, 0xfd, 0x00, 0xfd], 0x13),
        (Nothing, &[0x22, 0xfd, 0x00, 0xfd, 0x01], 0x13),
        (Nothing, &[0x22, 0xf1, 0x90], 0x31),
        (Nothing, &[0x22, 0xfd, 0x02], 0x31),
        (Nothing, &[0x22, 0xfd, 0x03], 0x22),
        (Nothing, &[0x22, 0xfd, 0x04], 0x22),
        (Exited, &[0x22, 0xfd, 0x04], 0x22),
        (Nothing, &[0x2e], 0x13),
        (Nothing, &[0x2e, 0xfd, 0x02], 0x13),
        (Nothing, &[0x2e, 0xfd, 0x02, 1, 2, 3], 0x13),
        (Nothing, &[0x2e, 0xfd, 0x02, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], 0x13),
        (Nothing, &[0x2e, 0xf1, 0x90, 1], 0x31),
        (Nothing, &[0x2e, 0xfd, 0x00, 1], 0x31),
    ]);
}

#[test]
fn a_wrong_control_of_messages_or_trouble_codes_is_told_what_is_wrong() {
    check(&[
        (Nothing, &[0x28, 0x03, 0x01], 0x7f),
        (Proven, &[0x28, 0x03, 0x01], 0x7f),
        (Extended, &[0x28, 0x03, 0x01], 0x34),
        (Extended, &[0x28], 0x34),
        (Programming, &[0x28, 0x03, 0x01], 0x34),
        (ProvenExtended, &[0x28], 0x13),
        (ProvenExtended, &[0x28, 0x03], 0x13),
        (ProvenExtended, &[0x28, 0x03, 0x01, 0x00], 0x13),
        (ProvenExtended, &[0x28, 0x04, 0x01, 0x00, 0x0a], 0x12),
        (ProvenExtended, &[0x28, 0x06], 0x12),
        (ProvenExtended, &[0x28, 0x03, 0x00], 0x31),
        (ProvenExtended, &[0x28, 0x03, 0x04], 0x31),
        (ProvenExtended, &[0x28, 0x03, 0x11], 0x31),
        (Moving, &[0x28, 0x03, 0x01], 0x22),
        (Nothing, &[0x85, 0x02], 0x7f),
        (Extended, &[0x85, 0x02], 0x34),
        (ProvenExtended, &[0x85], 0x13),
        (ProvenExtended, &[0x85, 0x00], 0x12),
        (ProvenExtended, &[0x85, 0x03], 0x12),
        (ProvenExtended, &[0x85, 0x02, 0xff, 0xff, 0xff], 0x31),
        (Moving, &[0x85, 0x82], 0x22),
    ]);
}

#[test]
fn a_wrong_authentication_is_told_what_is_wrong() {
    let rsa = [&[0x29, 0x05, 0x00, 0x06, 0x03, 0x2a][..], &[0; 13]].concat();
    let secured = [&[0x29, 0x05, 0x01][..], &ED25519].concat();
    let long = [&challenge_request()[..], &[0]].concat();
    let proof = proof_message(&[7; 64]);
    let mut of_rsa = proof.clone();
    of_rsa[4] = 0x2a;
    let with_challenge = [&proof[..86 - 2], &[0, 1, 9, 0, 0]].concat();
    check(&[
        (Nothing, &[0x29], 0x13),
        (Nothing, &[0x29, 0x00, 0x00], 0x13),
        (Nothing, &[0x29, 0x08, 0x00], 0x13),
        (Nothing, &[0x29, 0x01], 0x12),
        (Nothing, &[0x29, 0x07], 0x12),
        (Nothing, &[0x29, 0x09], 0x12),
        (Nothing, &[0x29, 0x05], 0x13),
        (Nothing, &long, 0x13),
        (Nothing, &rsa, 0x31),
        (Nothing, &secured, 0x31),
        (Nothing, &proof, 0x24),
        (Nothing, &[0x29, 0x06], 0x24),
        (Challenged, &[0x29, 0x06], 0x13),
        (Challenged, &proof[..proof.len() - 1], 0x13),
        (Challenged, &proof_message(&[7; 63]), 0x13),
        (Challenged, &proof_message(&[7; 65]), 0x13),
        (Challenged, &with_challenge, 0x13),
        (Challenged, &of_rsa, 0x31),
    ]);
}

#[test]
fn a_wrong_routine_is_told_what_is_wrong() {
    check(&[
        (Nothing, &[0x31, 0x01, 0xf0, 0x02], 0x7f),
        (Extended, &[0x31, 0x01, 0xf0, 0x02], 0x7f),
        (Nothing, &[0x31], 0x7f),
        (Programming, &[0x31], 0x13),
        (Programming, &[0x31, 0x01], 0x13),
        (Programming, &[0x31, 0x01, 0xf0], 0x13),
        (Programming, &[0x31, 0x01, 0xff, 0x00], 0x31),
        (Programming, &[0x31, 0x02, 0xff, 0x00], 0x31),
        (Programming, &[0x31, 0x02, 0xf0, 0x01], 0x12),
        (Programming, &[0x31, 0x04, 0xf0, 0x02], 0x12),
        (Programming, &[0x31, 0x01, 0xf0, 0x01, 1], 0x13),
        (Exited, &[0x31, 0x01, 0xf0, 0x02, 1], 0x13),
        (Programming, &[0x31, 0x01, 0xf0, 0x02], 0x24),
        (Programming, &[0x31, 0x03, 0xf0, 0x02], 0x24),
        (Open, &[0x31, 0x01, 0xf0, 0x02], 0x24),
        (Exited, &[0x31, 0x03, 0xf0, 0x02], 0x24),
    ]);
}

#[test]
fn a_wrong_download_is_told_what_is_wrong() {
    let [mut unknown, mut compressed, mut wide] = [offer(), offer(), offer()];
    (unknown[3], compressed[1]) = (0x99, 0x10);
    wide[11] = 0xff;
    let mut long = offer();
    long.push(0);
    check(&[
        (Nothing, &[0x34, 0x00, 0x88], 0x7f),
        (Extended, &offer(), 0x7f),
        (Programming, &[0x34], 0x13),
        (Programming, &[0x34, 0x00], 0x13),
        (Programming, &[0x34, 0x00, 0x88], 0x13),
        (Programming, &offer()[..18], 0x13),
        (Programming, &long, 0x13),
        (Programming, &[0x34, 0x00, 0x44, 0, 0, 0, 0, 0, 0, 0], 0x13),
        (Programming, &[0x34, 0x00, 0x44, 0, 0, 0, 0, 0, 0, 0, 0], 0x31),
        (Programming, &[0x34, 0x00, 0x00], 0x31),
        (Programming, &unknown, 0x31),
        (Programming, &compressed, 0x31),
        // A length of more than 53 bits.
        (Programming, &wide, 0x31),
    ]);
}

#[test]
fn a_wrong_block_or_exit_is_told_what_is_wrong() {
    let too_long = [&[0x36, 0x02][..], &[7; 63]].concat();
    check(&[
        (Nothing, &[0x36, 0x01, 0x00], 0x7f),
        (Extended, &[0x36, 0x01, 0x00], 0x7f),
        (Programming, &[0x36], 0x13),
        (Programming, &[0x36, 0x01], 0x13),
        (Programming, &[0x36, 0x01, 0x00], 0x24),
        (Exited, &[0x36, 0x02, 0x00], 0x24),
        (Open, &[0x36, 0x02], 0x13),
        (Open, &too_long, 0x13),
        (Open, &[0x36, 0x00, 0x00], 0x73),
        (Open, &[0x36, 0x03, 0x00], 0x73),
        (Nothing, &[0x37], 0x7f),
        (Programming, &[0x37], 0x24),
        (Open, &[0x37], 0x24),
        (Open, &[0x37, 0x00], 0x13),
    ]);
}

#[test]
fn a_service_that_is_not_there_is_told_so() {
    for service in 0..=u8::MAX {
        let known = [0x10, 0x11, 0x22, 0x28, 0x29, 0x2e, 0x31, 0x34, 0x36, 0x37, 0x3e, 0x85];
        if !known.contains(&service) {
            check(&[(Nothing, &[service], 0x11), (Programming, &[service, 0x80, 0x00], 0x11)]);
        }
    }
    let mut without_ecu = silent();
    for service in [0x11, 0x28, 0x29, 0x85] {
        assert_eq!(without_ecu.serve(&[service, 0x01]), [[0x7f, service, 0x11]]);
    }
}

#[test]
fn a_file_longer_than_any_block_is_still_taken_after_a_block_that_was_too_long() {
    let mut pair = after(Open);
    pair.serve(&[&[0x36, 0x02][..], &[7; 63]].concat());
    assert_eq!(pair.serve(&[&[0x36, 0x02][..], &[7; 62]].concat()), [[0x76, 0x02, 0, 0, 0, 0, 0, 0, 0, 65]]);
}

proptest! {
    #[test]
    fn whatever_a_tester_says_the_next_one_updates_the_ecu(
        messages in proptest::collection::vec((0..12_usize, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..24)), 0..24)
    ) {
        let services = [0x10, 0x11, 0x22, 0x28, 0x29, 0x2e, 0x31, 0x34, 0x36, 0x37, 0x3e, 0x85];
        let mut pair = Pair::brake();
        for (service, whole, mut rest) in messages {
            let message = if whole && services[service] == 0x34 { offer() } else {
                rest.insert(0, services[service]);
                rest
            };
            pair.serve(&message);
            pair.serve_all(&message);
        }
        works_on(pair, &[]);
    }
}
