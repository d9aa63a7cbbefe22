//! Messages to many.

use super::*;

/// The address of a group in each format, its identifier and its address byte.
fn groups() -> [(Address, u32, Option<u8>); 5] {
    let id = Id::standard(0x7df).unwrap();
    let priority = Priority::DEFAULT;
    [
        (Address::normal(id), 0x7df, None),
        (Address::functional_fixed(priority, 0x33, 0xf1), 0x18db_33f1, None),
        (Address::extended(id, 0xfe), 0x7df, Some(0xfe)),
        (Address::mixed_11(id, 0x99), 0x7df, Some(0x99)),
        (Address::functional_mixed_29(priority, 0x33, 0xf1, 0x99), 0x18cd_33f1, Some(0x99)),
    ]
}

#[test]
fn a_message_to_many_is_a_single_frame_with_the_address_of_the_group() {
    for (group, id, byte) in groups() {
        let mut functional = Functional::new(Framing::CLASSICAL, group);
        functional.send(&[0x3e, 0x80], Duration::ZERO).unwrap();
        assert_eq!(functional.send(&[0x3e, 0x80], Duration::ZERO), Err(Error::Busy));
        let frame = functional.poll(Duration::ZERO).unwrap().unwrap();
        let mut expected: Vec<u8> = byte.into_iter().chain([0x02, 0x3e, 0x80]).collect();
        expected.resize(8, 0xcc);
        assert_eq!((frame.id().raw(), frame.data()), (id, &expected[..]));
        assert_eq!(Functional::new(Framing::CLASSICAL, group).handle(&frame), Some(&[0x3e, 0x80][..]));
        assert_eq!((functional.poll(Duration::ZERO), functional.deadline()), (Ok(None), None));
    }
}

#[test]
fn a_message_to_many_that_needs_more_than_a_frame_is_refused() {
    for (group, _, byte) in groups() {
        for (framing, most) in [(Framing::CLASSICAL, 7), (Framing::FD, 62)] {
            let most = most - usize::from(byte.is_some());
            let mut functional = Functional::new(framing, group);
            let refused = Err(Error::NotSingle { len: most + 1, most });
            assert_eq!(functional.send(&message(most + 1), Duration::ZERO), refused);
            assert_eq!(functional.send(&[], Duration::ZERO), Err(Error::EmptyMessage));
            functional.send(&message(most), Duration::ZERO).unwrap();
            let frame = functional.poll(Duration::ZERO).unwrap().unwrap();
            assert_eq!(functional.handle(&frame), Some(&message(most)[..]));
        }
    }
}

#[test]
fn frames_of_longer_messages_to_many_are_ignored() {
    let id = Id::standard(0x7df).unwrap();
    let functional = Functional::new(Framing::CLASSICAL, Address::normal(id));
    for data in [&[0x10, 9, 1, 2, 3, 4, 5, 6][..], &[0x21, 7, 8, 9], &[0x30, 0, 0]] {
        assert_eq!(functional.handle(&Frame::classical(id, data).unwrap()), None);
    }
}

#[test]
fn a_message_to_many_that_the_bus_does_not_take_is_given_up() {
    let mut functional = Functional::new(Framing::CLASSICAL, groups()[0].0);
    functional.send(&[1], Duration::ZERO).unwrap();
    assert_eq!(functional.deadline(), Some(Duration::ZERO));
    assert_eq!(functional.poll(BUS_TIMEOUT), Err(Error::SendTimeout));
    assert!(!functional.is_sending());
}
