//! What frames of a message may be, and what is none of them.

use super::*;

/// A receiver of messages of up to 20 bytes in classical frames, in the middle of one of 15 bytes.
fn amid() -> Link<20, 0> {
    let [_, config] = configs(Framing::CLASSICAL);
    let mut link = Link::new(config);
    assert_eq!(hear(&mut link, &[0x10, 15, 1, 2, 3, 4, 5, 6]), Ok(None));
    link.poll(Duration::ZERO).unwrap().unwrap();
    link
}

fn hear<const RX: usize>(link: &mut Link<RX, 0>, data: &[u8]) -> Result<Option<Vec<u8>>, Error> {
    let format = if data.len() > 8 { Frame::fd } else { Frame::classical };
    link.handle(&format(ids()[0], data).unwrap(), Duration::ZERO).map(|message| message.map(<[u8]>::to_vec))
}

#[test]
fn a_consecutive_frame_shorter_than_its_place_or_longer_than_the_first_is_ignored() {
    let mut link = amid();
    assert_eq!(hear(&mut link, &[0x21, 7, 8, 9, 10, 11, 12]), Ok(None));
    assert_eq!(hear(&mut link, &[0x21, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]), Ok(None));
    assert_eq!(hear(&mut link, &[0x21, 7, 8, 9, 10, 11, 12, 13]), Ok(None));
    assert_eq!(hear(&mut link, &[0x22, 14]), Ok(None));
    assert_eq!(hear(&mut link, &[0x22, 14, 15]), Ok(Some((1..=15).collect())), "the last may be short");
}

#[test]
fn a_wrong_sequence_number_ends_the_message() {
    let mut link = amid();
    let wrong = Error::WrongSequence { expected: 1, got: 2 };
    assert_eq!(hear(&mut link, &[0x22, 7, 8, 9, 10, 11, 12, 13]), Err(wrong));
    assert!(!link.is_receiving());
}

#[test]
fn a_message_of_all_but_four_gibibytes_is_refused() {
    let [_, config] = configs(Framing::CLASSICAL);
    let mut link = Link::<20, 0>::new(config);
    let most = usize::try_from(u32::MAX).unwrap();
    assert_eq!(hear(&mut link, &[0x10, 0, 0xff, 0xff, 0xff, 0xff, 1, 2]), Err(Error::TooLong { len: most, most: 20 }));
    assert_eq!(link.poll(Duration::ZERO).unwrap().unwrap().data()[..3], [0x32, 0, 0]);
    assert!(!link.is_receiving());
}

/// The frames of a message, in order, and of the flow control that it is answered with.
fn sent(framing: Framing, message: &[u8]) -> Vec<Vec<u8>> {
    let mut ends = configs(framing).map(Link::<100, 100>::new);
    let mut frames = vec![];
    ends[0].send(message, Duration::ZERO).unwrap();
    while ends[0].is_sending() {
        for from in [0, 1] {
            while let Some(frame) = ends[from].poll(Duration::ZERO).unwrap() {
                frames.push(frame.data().to_vec());
                let arrived = ends[1 - from].handle(&frame, Duration::ZERO).unwrap();
                assert!(arrived.is_none_or(|arrived| arrived == message));
            }
        }
    }
    frames
}

#[test]
fn frames_are_filled_up_with_the_byte_of_the_settings() {
    let zeros = Framing::CLASSICAL.padded(0);
    assert_eq!(sent(zeros, &[1, 2]), [[2, 1, 2, 0, 0, 0, 0, 0]]);
    assert_eq!(sent(zeros, &[9; 8])[1..], [[0x30, 0, 0, 0, 0, 0, 0, 0], [0x21, 9, 9, 0, 0, 0, 0, 0]]);
    assert_eq!(sent(Framing::FD.padded(0x55), &[9; 8])[0][10..], [0x55, 0x55]);
    assert_eq!(sent(Framing::CLASSICAL, &[1])[0], [1, 1, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc]);
}

#[test]
fn frames_that_are_not_filled_up_are_as_short_as_they_can_be_and_are_taken() {
    for framing in [Framing::CLASSICAL, Framing::fd(8).unwrap()] {
        let framing = framing.unpadded();
        assert_eq!(sent(framing, &[1, 2]), [vec![2, 1, 2]]);
        let several = [vec![0x10, 8, 9, 9, 9, 9, 9, 9], vec![0x30, 0, 0], vec![0x21, 9, 9]];
        assert_eq!(sent(framing, &[9; 8]), several);
    }
}

#[test]
fn above_8_bytes_frames_are_always_filled_up() {
    let escaped = [vec![0, 8, 9, 9, 9, 9, 9, 9, 9, 9, 0xcc, 0xcc]];
    assert_eq!(sent(Framing::FD.unpadded(), &[9; 8]), escaped);
    let lengths: Vec<usize> = sent(Framing::FD.unpadded(), &[9; 75]).iter().map(Vec::len).collect();
    assert_eq!(lengths, [64, 3, 16]);
}

#[test]
fn frames_have_the_lengths_there_are_and_no_others() {
    for length in 0..=70 {
        let exists = [8, 12, 16, 20, 24, 32, 48, 64].contains(&length);
        assert_eq!(Framing::fd(length).is_ok(), exists, "{length}");
    }
}
