use alloc::vec::Vec;

use super::*;

/// The bytes of a single frame, if this is one.
fn single(pdu: &[u8], width: usize) -> Option<&[u8]> {
    match Control::decode(pdu, width) {
        Some(Control::Single(data)) => Some(data),
        _ => None,
    }
}

/// The length that a first frame announces, if this is one.
fn announced(pdu: &[u8], width: usize) -> Option<usize> {
    match Control::decode(pdu, width) {
        Some(Control::First(first)) => Some(first.length),
        _ => None,
    }
}

/// What follows the address of a frame of `frame` bytes that begins so.
fn pdu(begin: &[u8], frame: usize, width: usize) -> Vec<u8> {
    let mut pdu = begin.to_vec();
    pdu.resize(frame - width, 0);
    pdu
}

#[test]
fn single_frames_of_impossible_length_are_ignored() {
    assert_eq!(Control::decode(&[0x00, 1, 2, 3, 4, 5, 6, 7], 0), None);
    assert_eq!(Control::decode(&[0x08, 1, 2, 3, 4, 5, 6, 7], 0), None);
    assert_eq!(Control::decode(&[0x03, 1, 2], 0), None);
    assert_eq!(Control::decode(&[], 0), None);
    assert_eq!(Control::decode(&[0x03; 12], 0), None);
    assert_eq!(single(&[0x02, 1, 2, 3], 0), Some(&[1, 2][..]), "a frame may be shorter than 8 bytes");
}

#[test]
fn a_single_frame_has_as_many_bytes_less_as_its_address_takes() {
    assert_eq!(single(&pdu(&[0x07], 8, 0), 0).map(<[u8]>::len), Some(7));
    assert_eq!(single(&pdu(&[0x06], 8, 1), 1).map(<[u8]>::len), Some(6));
    assert_eq!(single(&pdu(&[0x07], 8, 1), 1), None);
    assert_eq!(single(&pdu(&[0x06], 12, 1), 1), None, "in a longer frame it is escaped");
}

#[test]
fn an_escaped_single_frame_has_the_shortest_frame_that_holds_it() {
    let fits = |length: u8, frame, width| single(&pdu(&[0, length], frame, width), width).is_some();
    for (length, frame) in
        [(8, 12), (10, 12), (11, 16), (14, 16), (15, 20), (19, 24), (23, 32), (31, 48), (47, 64), (62, 64)]
    {
        assert!(fits(length, frame, 0), "{length} in {frame}");
        assert!(fits(length - 1, frame, 1), "{} in {frame} after an address", length - 1);
    }
    for (length, frame) in [(7, 12), (11, 12), (10, 16), (46, 64), (63, 64), (6, 8)] {
        assert!(!fits(length, frame, 0), "{length} in {frame}");
        assert!(!fits(length - 1, frame, 1), "{} in {frame} after an address", length - 1);
    }
}

#[test]
fn first_frames_of_messages_that_fit_a_single_frame_are_ignored() {
    for (least, frame, width) in [(8, 8, 0), (7, 8, 1), (11, 12, 0), (10, 12, 1), (63, 64, 0), (62, 64, 1)] {
        assert_eq!(announced(&pdu(&[0x10, least], frame, width), width), Some(least.into()));
        assert_eq!(announced(&pdu(&[0x10, least - 1], frame, width), width), None);
    }
}

#[test]
fn a_first_frame_is_never_short() {
    assert_eq!(announced(&pdu(&[0x10, 8], 7, 0), 0), None);
    assert_eq!(announced(&pdu(&[0x10, 8], 7, 1), 1), None);
}

#[test]
fn the_long_form_of_a_length_is_for_lengths_that_need_it() {
    assert_eq!(announced(&[0x10, 0, 0, 0, 0x0f, 0xff, 0, 0], 0), None, "4095 has the short form");
    assert_eq!(announced(&[0x10, 0, 0, 0, 0x10, 0, 1, 2], 0), Some(4_096));
    assert_eq!(announced(&[0x10, 0, 0, 0, 0x10, 0, 1], 1), Some(4_096));
    assert_eq!(announced(&[0x10, 0, 0xff, 0xff, 0xff, 0xff, 1, 2], 0), Some(0xffff_ffff));
}

#[test]
fn flow_control_shorter_than_three_bytes_and_reserved_kinds_are_ignored() {
    assert_eq!(Control::decode(&[0x30, 0], 0), None);
    assert_eq!(Control::decode(&[0x40, 0, 0, 0, 0, 0, 0, 0], 0), None);
    assert_eq!(Control::decode(&[0xff; 8], 0), None);
    let separation = Separation::from_byte(0xf3);
    let flow = Flow { status: Status::Wait, block_size: 4, separation };
    assert_eq!(Control::decode(&[0x31, 4, 0xf3], 1), Some(Control::Flow(flow)));
}
