//! Each addressing format, byte for byte.

use super::*;

/// An addressing format and what its frames look like.
struct Format {
    addressing: Addressing,
    /// Identifiers of the frames sent and received.
    ids: [u32; 2],
    /// The address byte of the frames sent and received.
    bytes: [Option<u8>; 2],
}

const OWN: u8 = 0xf1;
const PEER: u8 = 0x10;
const EXTENSION: u8 = 0x99;

fn formats() -> [Format; 8] {
    let [send, receive] = ids();
    let [long_send, long_receive] = [0x1234_5678, 0x1234_5679].map(|id| Id::extended(id).unwrap());
    let (priority, urgent) = (Priority::DEFAULT, Priority::new(3).unwrap());
    let format = |addressing, ids, bytes| Format { addressing, ids, bytes };
    [
        format(Addressing::Normal { send, receive }, [0x7e0, 0x7e8], [None; 2]),
        format(Addressing::Normal { send: long_send, receive: long_receive }, [0x1234_5678, 0x1234_5679], [None; 2]),
        format(Addressing::NormalFixed { priority, own: OWN, peer: PEER }, [0x18da_10f1, 0x18da_f110], [None; 2]),
        format(
            Addressing::NormalFixed { priority: urgent, own: OWN, peer: PEER },
            [0x0cda_10f1, 0x0cda_f110],
            [None; 2],
        ),
        format(Addressing::Extended { send, receive, own: OWN, peer: PEER }, [0x7e0, 0x7e8], [Some(PEER), Some(OWN)]),
        format(
            Addressing::Extended { send: long_send, receive: long_receive, own: OWN, peer: PEER },
            [0x1234_5678, 0x1234_5679],
            [Some(PEER), Some(OWN)],
        ),
        format(Addressing::Mixed11 { send, receive, extension: EXTENSION }, [0x7e0, 0x7e8], [Some(EXTENSION); 2]),
        format(
            Addressing::Mixed29 { priority, own: OWN, peer: PEER, extension: EXTENSION },
            [0x18ce_10f1, 0x18ce_f110],
            [Some(EXTENSION); 2],
        ),
    ]
}

/// The frames of both ends while a message goes from the first to the second, as identifiers and data.
fn frames(framing: Framing, addressing: Addressing, message: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut ends = both(framing, addressing).map(Link::<100, 100>::new);
    let (now, mut seen, mut arrived) = (Duration::ZERO, vec![], false);
    ends[0].send(message, now).unwrap();
    while !arrived {
        for from in [0, 1] {
            while let Some(frame) = ends[from].poll(now).unwrap() {
                seen.push((frame.id().raw(), frame.data().to_vec()));
                arrived |= ends[1 - from].handle(&frame, now).unwrap().is_some_and(|arrived| arrived == message);
            }
        }
    }
    seen
}

/// An address byte if there is one, then these bytes, filled up to `length`.
fn bytes(address: Option<u8>, rest: &[u8], length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = address.into_iter().chain(rest.iter().copied()).collect();
    bytes.resize(length, 0xcc);
    bytes
}

#[test]
fn every_format_has_the_identifiers_and_address_bytes_of_the_standard() {
    for Format { addressing, ids, bytes } in formats() {
        let ends = [addressing.send(), addressing.receive()];
        assert_eq!(ends.map(|address| address.id().raw()), ids, "{addressing:?}");
        assert_eq!(ends.map(|address| address.byte()), bytes, "{addressing:?}");
    }
}

#[test]
fn classical_frames_of_every_format() {
    let message: Vec<u8> = (1..=9).collect();
    for Format { addressing, ids: [there, back], bytes: [to, from] } in formats() {
        let single = [(there, bytes(to, &[0x02, 1, 2], 8))];
        assert_eq!(frames(Framing::CLASSICAL, addressing, &[1, 2]), single, "{addressing:?}");
        let in_first = 6 - usize::from(to.is_some());
        let first = [&[0x10, 9], &message[..in_first]].concat();
        let last = [&[0x21], &message[in_first..]].concat();
        let several =
            [(there, bytes(to, &first, 8)), (back, bytes(from, &[0x30, 0, 0], 8)), (there, bytes(to, &last, 8))];
        assert_eq!(frames(Framing::CLASSICAL, addressing, &message), several, "{addressing:?}");
    }
}

#[test]
fn long_frames_of_every_format() {
    let message = message(70);
    for Format { addressing, ids: [there, back], bytes: [to, from] } in formats() {
        let width = usize::from(to.is_some());
        let escaped = [&[0x00, 9], &message[..9]].concat();
        assert_eq!(
            frames(Framing::FD, addressing, &message[..9]),
            [(there, bytes(to, &escaped, 12))],
            "{addressing:?}"
        );
        let in_first = 62 - width;
        let first = [&[0x10, 70], &message[..in_first]].concat();
        let last = [&[0x21], &message[in_first..]].concat();
        let several =
            [(there, bytes(to, &first, 64)), (back, bytes(from, &[0x30, 0, 0], 8)), (there, bytes(to, &last, 12))];
        assert_eq!(frames(Framing::FD, addressing, &message), several, "{addressing:?}");
    }
}

#[test]
fn a_message_goes_in_a_single_frame_as_long_as_one_holds_it() {
    for Format { addressing, bytes: [to, _], .. } in formats() {
        let width = usize::from(to.is_some());
        for (framing, most) in [(Framing::CLASSICAL, 7), (Framing::FD, 62), (Framing::fd(8).unwrap(), 7)] {
            assert_eq!(frames(framing, addressing, &message(most - width)).len(), 1, "{addressing:?}");
            assert_eq!(frames(framing, addressing, &message(most - width + 1)).len(), 3, "{addressing:?}");
        }
    }
}

#[test]
fn frames_with_another_address_are_ignored() {
    let now = Duration::ZERO;
    for Format { addressing, ids: [_, back], bytes: [_, from] } in formats() {
        let mut link = Link::<8, 8>::new(Config::with(Framing::CLASSICAL, addressing));
        let id = addressing.receive().id();
        let mut hear = |id, first, data: &[u8]| {
            let frame = Frame::classical(id, &bytes(first, data, 8)).unwrap();
            link.handle(&frame, now).map(|message| message.map(<[u8]>::to_vec))
        };
        let neighbour =
            if id.is_extended() { Id::extended(back ^ 1) } else { Id::standard(u16::try_from(back ^ 1).unwrap()) };
        let other_format =
            if id.is_extended() { Id::standard(u16::try_from(back & 0x7ff).unwrap()) } else { Id::extended(back) };
        assert_eq!(hear(neighbour.unwrap(), from, &[0x01, 7]), Ok(None));
        assert_eq!(hear(other_format.unwrap(), from, &[0x01, 7]), Ok(None));
        if let Some(from) = from {
            assert_eq!(hear(id, Some(from ^ 1), &[0x01, 7]), Ok(None));
            assert_eq!(hear(id, None, &[]), Ok(None), "padding is no address");
        }
        assert_eq!(hear(id, from, &[0x01, 7]), Ok(Some(vec![7])), "{addressing:?}");
    }
}

#[test]
fn a_frame_without_data_has_no_address_byte() {
    let [send, receive] = ids();
    let addressing = Addressing::Extended { send, receive, own: OWN, peer: PEER };
    let mut link = Link::<8, 8>::new(Config::with(Framing::CLASSICAL, addressing));
    for frame in [Frame::classical(receive, &[]), Frame::remote(receive, 8), Frame::classical(receive, &[OWN])] {
        assert_eq!(link.handle(&frame.unwrap(), Duration::ZERO), Ok(None));
    }
}

#[test]
fn in_fixed_formats_a_frame_of_any_priority_is_taken() {
    let addressing = Addressing::NormalFixed { priority: Priority::DEFAULT, own: OWN, peer: PEER };
    let mut link = Link::<8, 8>::new(Config::with(Framing::CLASSICAL, addressing));
    for priority in 0..8 {
        let id = Id::extended(0x00da_f110 | priority << 26).unwrap();
        let frame = Frame::classical(id, &[0x01, 7]).unwrap();
        assert_eq!(link.handle(&frame, Duration::ZERO), Ok(Some(&[7][..])), "{id:?}");
        assert_eq!(id.raw() & addressing.receive().mask(), 0x00da_f110);
    }
}

#[test]
fn priorities_go_up_to_seven() {
    assert_eq!(Priority::new(6), Ok(Priority::DEFAULT));
    assert_eq!(Priority::new(8), Err(Error::BadPriority { priority: 8 }));
}
