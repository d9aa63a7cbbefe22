//! Sessions: what works in which, what ends one, and what ends with it. Two testers, and one that leaves.

use super::brake::{Brake, proof_by, proof_message};
use super::*;
use crate::uds::{Control, DtcSetting, Messages, Traffic};

const QUIET: Control = Control::Communication(Traffic::Neither, Messages::Normal);
const LOUD: Control = Control::Communication(Traffic::Both, Messages::All);
const FAULTS_OFF: Control = Control::DtcSetting(DtcSetting::Off);
const FAULTS_ON: Control = Control::DtcSetting(DtcSetting::On);

/// The Primary has silenced the ECU.
fn quiet() -> Pair<Brake> {
    let mut pair = Pair::authenticated();
    pair.serve(&[0x10, 0x03]);
    assert_eq!(pair.serve(&[0x28, 0x03, 0x01]), [[0x68, 0x03]]);
    assert_eq!(pair.serve(&[0x85, 0x02]), [[0xc5, 0x02]]);
    assert_eq!(pair.handler.obeyed, [QUIET, FAULTS_OFF]);
    pair.handler.obeyed.clear();
    pair
}

/// Of a file of one byte.
fn offer() -> Vec<u8> {
    [&[0x34, 0x00, 0x88, 0x50][..], &[0; 7], &1_u64.to_be_bytes()].concat()
}

#[test]
fn every_service_works_where_the_table_says() {
    // Default, programming, extended: true where the session does not refuse it.
    let table: [(&[u8], [bool; 3]); 12] = [
        (&[0x10, 0x01], [true, true, true]),
        (&[0x11, 0x01], [true, true, true]),
        (&[0x22, 0xfd, 0x05], [true, true, true]),
        (&[0x28, 0x00, 0x01], [false, true, true]),
        (&[0x29, 0x08], [true, true, true]),
        (&[0x2e, 0xfd, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [true, true, true]),
        (&[0x31, 0x01, 0xf0, 0x02], [false, true, false]),
        (&[0x34], [false, true, false]),
        (&[0x36, 0x01, 0x00], [false, true, false]),
        (&[0x37], [false, true, false]),
        (&[0x3e, 0x00], [true, true, true]),
        (&[0x85, 0x01], [false, true, true]),
    ];
    for (message, works) in table {
        for (session, works) in [0x01, 0x02, 0x03].into_iter().zip(works) {
            let mut pair = Pair::authenticated();
            let entered = pair.serve(&[0x10, session]);
            assert_eq!(entered, [[0x50, session, 0x00, 0x32, 0x01, 0xf4]]);
            let refused = pair.serve(message) == [[0x7f, message[0], 0x7f]];
            assert_eq!(refused, !works, "{message:02x?} in session {session}");
        }
    }
}

#[test]
fn a_response_nobody_wants_is_not_sent_and_a_refusal_is() {
    let mut pair = Pair::authenticated();
    for message in [&[0x10, 0x83][..], &[0x3e, 0x80], &[0x28, 0x83, 0x01], &[0x85, 0x82], &[0x29, 0x88], &[0x29, 0x80]]
    {
        assert!(pair.serve(message).is_empty(), "{message:02x?}");
    }
    assert_eq!(pair.handler.obeyed, [QUIET, FAULTS_OFF]);
    assert_eq!(pair.serve(&[0x85, 0x81]), [[0x7f, 0x85, 0x34]]);
}

#[test]
fn an_announced_response_is_sent_even_to_a_tester_that_wants_none() {
    let mut pair = Pair::brake();
    for message in [&[0x10, 0x82][..], &offer(), &[0x36, 0x01, 7], &[0x37]] {
        pair.serve(message);
    }
    assert_eq!(pair.serve(&[0x31, 0x81, 0xf0, 0x02]), [&[0x7f, 0x31, 0x78][..], &[0x71, 0x01, 0xf0, 0x02, 0x00]]);
    assert!(pair.serve(&[0x31, 0x83, 0xf0, 0x02]).is_empty());
}

#[test]
fn what_was_silenced_stays_so_from_session_to_session_and_not_in_the_default_one() {
    let mut pair = quiet();
    for session in [0x02, 0x03, 0x02] {
        pair.serve(&[0x10, session]);
        assert!(pair.handler.obeyed.is_empty());
    }
    pair.serve(&[0x10, 0x01]);
    assert_eq!(pair.handler.obeyed, [LOUD, FAULTS_ON]);
    pair.serve(&[0x10, 0x01]);
    assert_eq!(pair.handler.obeyed.len(), 2, "told once");
    assert_eq!(pair.server.deadline(), None);
}

#[test]
fn an_ecu_whose_tester_is_gone_is_loud_again_without_being_asked() {
    let mut pair = quiet();
    let due = pair.server.deadline().unwrap();
    assert_eq!(due, S3 + Duration::from_nanos(1));
    let mut out = [0; 8];
    assert_eq!(pair.server.poll(S3, &mut pair.handler, &mut out), None);
    assert!(pair.handler.obeyed.is_empty());
    assert_eq!(pair.server.poll(due, &mut pair.handler, &mut out), None);
    assert_eq!(pair.handler.obeyed, [LOUD, FAULTS_ON]);
    pair.now = due;
    assert_eq!(pair.serve(&[0x85, 0x02]), [[0x7f, 0x85, 0x7f]]);
}

#[test]
fn the_primary_is_believed_from_session_to_session_until_the_default_one() {
    let mut pair = Pair::authenticated();
    for session in [0x03, 0x02, 0x03] {
        pair.serve(&[0x10, session]);
        assert_eq!(pair.serve(&[0x85, 0x01]), [[0xc5, 0x01]]);
    }
    pair.serve(&[0x10, 0x01]);
    pair.serve(&[0x10, 0x03]);
    assert_eq!(pair.serve(&[0x85, 0x01]), [[0x7f, 0x85, 0x34]]);
}

#[test]
fn the_primary_is_believed_in_the_default_session_for_as_long_as_a_session_lasts() {
    let mut pair = Pair::authenticated();
    pair.now += P2_EXTENDED + S3;
    assert_eq!(pair.serve(&[0x3e, 0x00]), [[0x7e, 0x00]]);
    pair.handler.is_moving = true;
    assert_eq!(pair.serve(&[0x11, 0x01]), [[0x7f, 0x11, 0x22]]);
    pair.now += S3 + Duration::from_nanos(1);
    assert_eq!(pair.serve(&[0x11, 0x01]), [[0x7f, 0x11, 0x34]]);
}

#[test]
fn work_that_was_announced_may_take_its_time() {
    let mut pair = Pair::brake();
    for message in [&[0x10, 0x02][..], &offer(), &[0x36, 0x01, 7], &[0x37], &[0x31, 0x01, 0xf0, 0x02]] {
        pair.serve(message);
    }
    pair.now += P2_EXTENDED + S3;
    assert_eq!(pair.serve(&offer()).concat()[0], 0x74, "the session is still there");
}

#[test]
fn tester_present_disturbs_no_work_and_is_not_told_to_come_back() {
    let mut pair = Pair::brake();
    for message in [&[0x10, 0x02][..], &offer(), &[0x36, 0x01, 7], &[0x37]] {
        pair.serve(message);
    }
    let mut out = [0; 20];
    pair.server.handle(&[0x31, 0x01, 0xf0, 0x02], pair.now, &mut pair.handler, &mut out);
    assert_eq!(pair.server.handle(&[0x3e, 0x80], pair.now, &mut pair.handler, &mut out), 0);
    assert_eq!(pair.server.handle_functional(&[0x3e, 0x80], pair.now, &mut pair.handler, &mut out), 0);
    assert_eq!(pair.server.handle(&[0x3e, 0x00], pair.now, &mut pair.handler, &mut out), 3);
    assert_eq!(out[..3], [0x7f, 0x3e, 0x21]);
    assert!(pair.server.is_pending());
}

#[test]
fn a_tester_that_leaves_in_the_middle_leaves_nothing_behind() {
    let mut pair = quiet();
    for message in [&[0x10, 0x02][..], &offer(), &[0x36, 0x01, 7]] {
        assert_ne!(pair.serve(message)[0][0], 0x7f);
    }
    pair.now += S3 + Duration::from_nanos(1);
    assert_eq!(pair.serve(&[0x36, 0x02, 7]), [[0x7f, 0x36, 0x7f]]);
    assert_eq!(pair.handler.obeyed, [LOUD, FAULTS_ON]);
    assert_eq!(pair.handler.closed, 0);
    pair.handler.taken = 0;
    pair.ask(Request::Offer(File::Image, length(1)), |_| ()).unwrap();
    pair.ask(Request::Chunk(Length::ZERO, &[7]), |_| ()).unwrap();
    assert_eq!(pair.ask(Request::Close, |reply| reply == Reply::Done), Ok(true));
}

/// There is one session: whoever speaks last on the identifiers of the first is taken for it.
#[test]
fn a_second_tester_that_begins_anew_ends_the_transfer_of_the_first_which_goes_on_after_that() {
    for intrusion in [&[0x10, 0x01][..], &[0x10, 0x02], &[0x10, 0x03], &offer()] {
        let mut pair = Pair::brake();
        pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
        pair.ask(Request::Chunk(Length::ZERO, &[7, 7]), |_| ()).unwrap();
        pair.serve(intrusion);
        let taken = pair.ask(Request::Chunk(length(2), &[7]), |reply| reply == Reply::Taken(length(3)));
        assert_eq!(taken, Ok(true), "{intrusion:02x?}");
    }
}

#[test]
fn a_second_tester_that_asks_or_guesses_costs_the_first_nothing() {
    let mut pair = Pair::brake();
    pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
    pair.ask(Request::Chunk(Length::ZERO, &[7, 7]), |_| ()).unwrap();
    let questions: [&[u8]; 10] = [
        &[0x22, 0xfd, 0x00],
        &[0x3e, 0x00],
        &[0x36, 0x00, 9],
        &[0x36, 0x03, 9],
        &[0x36, 0x02],
        &[0x11, 0x01],
        &[0x28, 0x03, 0x01],
        &[0x37],
        &[0x31, 0x01, 0xf0, 0x02],
        &[0x99],
    ];
    for question in questions {
        pair.serve(question);
        pair.serve_all(question);
    }
    let carried = pair.carried;
    let taken = pair.ask(Request::Chunk(length(2), &[7]), |reply| reply == Reply::Taken(length(3)));
    assert_eq!(taken, Ok(true));
    assert_eq!(pair.carried - carried, 2, "one message and its answer");
}

#[test]
fn a_second_tester_that_closes_a_file_before_its_last_byte_is_refused_and_told_where_it_stands() {
    let mut pair = Pair::brake();
    pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
    pair.ask(Request::Chunk(Length::ZERO, &[7, 7]), |_| ()).unwrap();
    assert_eq!(pair.serve(&[0x37]), [[0x7f, 0x37, 0x24]]);
    assert_eq!(pair.serve(&[0x22, 0xfd, 0x05]), [[0x62, 0xfd, 0x05, 0x03, 0, 0, 0, 0, 0, 0, 0, 2]]);
    assert_eq!(pair.serve(&[0x31, 0x01, 0xf0, 0x02]), [[0x7f, 0x31, 0x24]]);
    assert_eq!(pair.handler.closed, 0);
}

#[test]
fn a_file_that_a_second_tester_closes_after_its_last_byte_is_judged_once_and_the_first_hears_of_it() {
    for intrusion in [&[&[0x37][..]][..], &[&[0x37], &[0x31, 0x01, 0xf0, 0x02]]] {
        let mut pair = Pair::brake();
        pair.ask(Request::Offer(File::Image, length(2)), |_| ()).unwrap();
        pair.ask(Request::Chunk(Length::ZERO, &[7, 7]), |_| ()).unwrap();
        intrusion.iter().for_each(|message| _ = pair.serve(message));
        assert_eq!(pair.ask(Request::Close, |reply| reply == Reply::Done), Ok(true), "{intrusion:02x?}");
        assert_eq!(pair.handler.closed, 1, "{intrusion:02x?}");
    }
}

#[test]
fn a_close_of_a_file_that_is_not_all_there_is_refused_with_where_it_stands() {
    let mut pair = Pair::brake();
    pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
    pair.ask(Request::Chunk(Length::ZERO, &[7, 7]), |_| ()).unwrap();
    let refused = Reply::Refused(Refusal::Offset(length(2)));
    assert_eq!(pair.ask(Request::Close, |reply| reply == refused), Ok(true));
    assert_eq!(pair.handler.closed, 0);
}

#[test]
fn a_proof_that_another_tester_recorded_is_worth_nothing() {
    let mut pair = Pair::brake();
    let challenge = pair.challenged();
    let recorded = proof_message(&proof_by("ecu primary", challenge));
    pair.serve(&recorded);
    pair.serve(&[0x29, 0x00]);
    assert_eq!(pair.serve(&recorded), [[0x7f, 0x29, 0x24]]);
    pair.challenged();
    assert_eq!(pair.serve(&recorded).last().unwrap(), &[0x7f, 0x29, 0x58]);
}
