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
