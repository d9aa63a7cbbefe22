//! What an ECU is told, by whom, and what is said to all ECUs at once: the server's side.

use super::brake::{ED25519, proof_by, proof_message};
use super::*;
use crate::uds::{Control, DtcSetting, Messages, Reset, Traffic};

#[test]
fn the_ecu_is_told_exactly_what_was_asked() {
    let asked = [
        (&[0x28, 0x00, 0x01], Control::Communication(Traffic::Both, Messages::Normal)),
        (&[0x28, 0x01, 0x01], Control::Communication(Traffic::ReceiveOnly, Messages::Normal)),
        (&[0x28, 0x02, 0x02], Control::Communication(Traffic::SendOnly, Messages::NetworkManagement)),
        (&[0x28, 0x03, 0x03], Control::Communication(Traffic::Neither, Messages::All)),
    ];
    let mut pair = Pair::authenticated();
    pair.serve(&[0x10, 0x03]);
    for (message, control) in asked {
        assert_eq!(pair.serve(message), [[0x68, message[1]]]);
        assert_eq!(pair.handler.obeyed.last(), Some(&control));
    }
    assert_eq!(pair.serve(&[0x85, 0x02]), [[0xc5, 0x02]]);
    assert_eq!(pair.serve(&[0x85, 0x01]), [[0xc5, 0x01]]);
    let settings = [Control::DtcSetting(DtcSetting::Off), Control::DtcSetting(DtcSetting::On)];
    assert_eq!(pair.handler.obeyed[4..], settings);
}

#[test]
fn a_reset_comes_after_its_answer_and_ends_the_session() {
    for (message, reset) in [(0x01, Reset::Hard), (0x03, Reset::Soft)] {
        let mut pair = Pair::authenticated();
        pair.serve(&[0x10, 0x03]);
        pair.serve(&[0x28, 0x03, 0x01]);
        pair.handler.obeyed.clear();
        let mut out = [0; 8];
        assert_eq!(pair.server.handle(&[0x11, message], pair.now, &mut pair.handler, &mut out), 2);
        assert_eq!(out[..2], [0x51, message]);
        assert!(pair.handler.obeyed.is_empty() && pair.server.is_pending());
        assert_eq!(pair.server.poll(pair.now, &mut pair.handler, &mut out), None);
        assert_eq!(pair.handler.obeyed.last(), Some(&Control::Reset(reset)));
        assert_eq!(pair.handler.obeyed.len(), 3, "loud and recording faults before that");
        assert_eq!(pair.serve(&[0x11, 0x01]), [[0x7f, 0x11, 0x34]]);
    }
}

#[test]
fn a_reset_without_an_answer_comes_too() {
    let mut pair = Pair::authenticated();
    assert!(pair.serve(&[0x11, 0x81]).is_empty());
    assert_eq!(pair.handler.obeyed, [Control::Reset(Reset::Hard)]);
}

#[test]
fn the_authentication_there_is_is_challenge_and_response_with_a_key_pair() {
    let mut pair = Pair::brake();
    assert_eq!(pair.serve(&[0x29, 0x08]), [[0x69, 0x08, 0x03]]);
    let verified = [&[0x69, 0x06, 0x12][..], &ED25519, &[0, 0]].concat();
    assert_eq!(pair.proven_by("ecu primary"), [vec![0x7f, 0x29, 0x78], verified]);
    assert_eq!(pair.serve(&[0x29, 0x00]), [[0x69, 0x00, 0x10]]);
    assert_eq!(pair.serve(&[0x11, 0x01]), [[0x7f, 0x11, 0x34]]);
}

#[test]
fn a_wrong_proof_opens_nothing_and_the_third_one_makes_the_tester_wait() {
    let mut pair = Pair::brake();
    for code in [0x58, 0x58, 0x36] {
        assert_eq!(pair.proven_by("ecu stranger"), [[0x7f, 0x29, 0x78], [0x7f, 0x29, code]]);
        assert_eq!(pair.serve(&[0x11, 0x01]), [[0x7f, 0x11, 0x34]]);
    }
    let request = brake::challenge_request();
    pair.now += PROOF_DELAY - Duration::from_nanos(1);
    assert_eq!(pair.serve(&request), [[0x7f, 0x29, 0x37]]);
    pair.now += Duration::from_nanos(1);
    assert_eq!(pair.proven_by("ecu primary")[1][..3], [0x69, 0x06, 0x12]);
}

#[test]
fn a_good_proof_forgives_the_wrong_ones_before() {
    let mut pair = Pair::brake();
    for _ in 0..3 {
        pair.proven_by("ecu stranger");
        pair.proven_by("ecu stranger");
        assert_eq!(pair.proven_by("ecu primary")[1][..3], [0x69, 0x06, 0x12]);
    }
}

#[test]
fn a_challenge_is_answered_once_and_the_newest_alone() {
    let mut pair = Pair::brake();
    let old = pair.challenged();
    let new = pair.challenged();
    assert_ne!(old, new);
    assert_eq!(pair.serve(&proof_message(&proof_by("ecu primary", old)))[1], [0x7f, 0x29, 0x58]);
    assert_eq!(pair.serve(&proof_message(&proof_by("ecu primary", new))), [[0x7f, 0x29, 0x24]]);
}

#[test]
fn a_challenge_ends_with_its_session() {
    let mut pair = Pair::brake();
    let challenge = pair.challenged();
    pair.now += S3 + Duration::from_nanos(1);
    assert_eq!(pair.serve(&proof_message(&proof_by("ecu primary", challenge))), [[0x7f, 0x29, 0x24]]);
}

#[test]
fn an_ecu_that_can_make_no_challenge_says_so() {
    let mut pair = Pair::brake();
    for _ in 0..255 {
        pair.challenged();
    }
    assert_eq!(pair.serve(&brake::challenge_request()), [[0x7f, 0x29, 0x59]]);
}

#[test]
fn an_ecu_that_does_not_know_the_primary_refuses_to_be_silenced_even_when_all_are_asked() {
    let mut pair = Pair::brake();
    pair.serve_all(&[0x10, 0x83]);
    assert_eq!(pair.serve_all(&[0x85, 0x82]), [[0x7f, 0x85, 0x34]]);
    assert_eq!(pair.serve_all(&[0x28, 0x83, 0x01]), [[0x7f, 0x28, 0x34]]);
    assert!(pair.handler.obeyed.is_empty());
}

#[test]
fn what_concerns_one_ecu_is_not_answered_when_all_are_asked() {
    let mut pair = Pair::authenticated();
    // Unknown service, sub-function, identifier, session.
    for message in [&[0x99][..], &[0x10, 0x44], &[0x22, 0xf1, 0x90], &[0x28, 0x03, 0x01]] {
        assert!(pair.serve_all(message).is_empty(), "{message:02x?}");
        assert_eq!(pair.serve(message)[0][0], 0x7f, "{message:02x?}");
    }
    // What makes no sense but for one.
    for session in [0x01, 0x02] {
        pair.serve(&[0x10, session]);
        for service in [0x29, 0x2e, 0x31, 0x34, 0x36, 0x37] {
            for message in [&[service][..], &[service, 0x01], &[service, 0x00, 0x88, 0x10]] {
                assert!(pair.serve_all(message).is_empty(), "{message:02x?}");
            }
        }
    }
    assert_eq!(pair.serve_all(&[0x22, 0xfd, 0x05]).concat()[..3], [0x62, 0xfd, 0x05]);
    assert_eq!(pair.serve_all(&[0x3e, 0x00]), [[0x7e, 0x00]]);
    assert_eq!(pair.serve_all(&[0x22, 0xfd]), [[0x7f, 0x22, 0x13]], "a wrong length is told");
}

#[test]
fn a_message_to_all_changes_no_reason_that_somebody_may_still_ask_for() {
    let mut pair = Pair::brake();
    pair.serve(&[0x22, 0xfd, 0x04]);
    for message in [&[0x99][..], &[0x36, 0x01, 0x00], &[0x22, 0xf1, 0x90]] {
        pair.serve_all(message);
    }
    assert_eq!(pair.serve(&[0x22, 0xfd, 0x05]), [[0x62, 0xfd, 0x05, 0x04]]);
}
