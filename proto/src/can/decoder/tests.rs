//! A decoder hears what the encoder says, and nothing else.

use alloc::vec::Vec;

use proptest::prelude::*;

use super::super::tests::any_frame;
use super::super::{Confinement, wire_bits, wire_bits_from};
use super::*;

fn bits(frame: &Frame) -> Vec<bool> {
    let mut bits = Vec::new();
    wire_bits(frame, |bit, _| bits.push(bit));
    bits
}

/// What becomes of a decoder that is handed `bits`: the frame, or the fault and where.
fn heard(mut decoder: Decoder, bits: &[bool]) -> Result<Frame, (Fault, usize)> {
    for (at, bit) in bits.iter().enumerate() {
        match decoder.push(*bit) {
            Ok(Heard::End) => return Ok(decoder.frame().unwrap()),
            Ok(Heard::Bit | Heard::Stuff | Heard::Valid) => {}
            Err(fault) => return Err((fault, at)),
        }
    }
    panic!("the frame does not end");
}

fn classical() -> Frame {
    Frame::classical(Id::standard(0x2a5).unwrap(), &[0x55; 8]).unwrap()
}

/// The bits of a frame with the one at `at` flipped.
fn flipped(frame: &Frame, at: usize) -> Vec<bool> {
    let mut bits = bits(frame);
    bits[at] = !bits[at];
    bits
}

#[test]
fn six_equal_bits_are_a_stuff_error_at_the_sixth() {
    let frame = Frame::classical(Id::standard(0).unwrap(), &[]).unwrap();
    // Start of frame and four bits of the identifier, then a stuff bit.
    assert_eq!(heard(Decoder::new(), &flipped(&frame, 5)), Err((Fault::Stuff, 5)));
}

#[test]
fn a_wrong_checksum_is_reported_at_the_ack_delimiter() {
    let frame = classical();
    let (at, ack_delimiter) = (40, bits(&frame).len() - 3 - 7 - 1);
    assert_eq!(heard(Decoder::new(), &flipped(&frame, at)), Err((Fault::Crc, ack_delimiter)));
}

#[test]
fn delimiters_and_end_of_frame_have_one_form() {
    let frame = classical();
    let end = bits(&frame).len() - 3;
    for at in [end - 10, end - 8, end - 7, end - 2] {
        assert_eq!(heard(Decoder::new(), &flipped(&frame, at)), Err((Fault::Form, at)));
    }
    assert_eq!(heard(Decoder::new(), &flipped(&frame, end - 1)), Err((Fault::LastBit, end - 1)));
}

#[test]
fn a_missing_acknowledgement_is_the_senders_business() {
    let frame = classical();
    assert_eq!(heard(Decoder::new(), &flipped(&frame, bits(&frame).len() - 3 - 9)), Ok(frame));
}

#[test]
fn a_classical_controller_takes_an_fd_frame_for_a_form_error() {
    let frame = Frame::fd(Id::standard(0x555).unwrap(), &[1]).unwrap();
    assert_eq!(heard(Decoder::classical(), &bits(&frame)), Err((Fault::Form, 14)));
}

#[test]
fn a_passive_sender_says_so_in_an_fd_frame_and_is_heard_all_the_same() {
    let frame = Frame::fd(Id::standard(0x555).unwrap(), &[0x55; 64]).unwrap();
    let mut passive = Vec::new();
    wire_bits_from(Confinement::Passive, &frame, |bit, _| passive.push(bit));
    assert_ne!(passive, bits(&frame));
    assert_eq!(heard(Decoder::new(), &passive), Ok(frame));
}

proptest! {
    #[test]
    fn every_frame_is_heard_as_it_was_sent(frame in any_frame()) {
        prop_assert_eq!(heard(Decoder::new(), &bits(&frame)), Ok(frame));
    }

    #[test]
    fn a_decoder_knows_the_rate_of_every_bit(frame in any_frame()) {
        let mut decoder = Decoder::new();
        let mut end = false;
        wire_bits(&frame, |bit, rate| {
            if !end {
                assert_eq!(decoder.rate(), rate);
                end = decoder.push(bit) == Ok(Heard::End);
            }
        });
    }

    #[test]
    fn one_flipped_bit_is_always_noticed(frame in any_frame(), at in 1_usize..2_000) {
        let count = bits(&frame).len() - 3;
        let (at, ack) = (1 + at % (count - 1), count - 9);
        prop_assume!(at != ack);
        // The bits behind an early fault are what the sender would have gone on with.
        prop_assert!(catch(&flipped(&frame, at)).is_none_or(|other| other != frame));
    }
}

/// The frame heard, if one was; a frame that became longer ends without its end.
fn catch(bits: &[bool]) -> Option<Frame> {
    let mut decoder = Decoder::new();
    let ended = bits.iter().map_while(|bit| decoder.push(*bit).ok()).any(|heard| heard == Heard::End);
    ended.then(|| decoder.frame()).flatten()
}
