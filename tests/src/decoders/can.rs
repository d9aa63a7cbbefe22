//! CAN frames as they cross a network, and as they cross a bus, bit by bit.

use std::time::Duration;

use proto::can::{BitRates, Confinement, Frame, Heard, MAX_DATAGRAM, Rate, bus_time, frame_bits, wire_bits_from};

use super::{Decoder, Run};

pub(super) const CAN_FRAME: Decoder = Decoder {
    name: "can-frame",
    run: can_frame,
    bound: (0, 0),
    is_signed: false,
    sources: &["can.rs", "can/bits.rs", "can/crc.rs", "can/decoder.rs"],
    seeds: || {
        let datagrams = [
            b"\0\0\0\x07\xe0\x03\x02\x10\x02".to_vec(),
            [b"\x03\x18\xda\x10\xf1\x40".as_slice(), &[0; 64]].concat(),
            [b"\x02\0\0\x01\0\x0c".as_slice(), &[255; 12]].concat(),
            b"\x04\0\0\x01\0\x02".to_vec(),
            b"\x05\x18\xda\x10\xf1\x08".to_vec(),
        ];
        let on_a_bus = datagrams
            .iter()
            .filter_map(|datagram| Frame::decode(datagram).ok())
            .flat_map(|frame| [Confinement::Active, Confinement::Passive].map(|sender| packed(&sent(sender, &frame))));
        let on_a_bus: Vec<Vec<u8>> = on_a_bus.collect();
        datagrams.into_iter().chain(on_a_bus).collect()
    },
};

/// The bit of the first byte that says that the bits of a bus follow; no datagram has it.
const BUS: u8 = 0x80;

fn can_frame(run: &mut Run, input: &[u8]) {
    match input.split_first() {
        Some((&BUS, bits)) => on_a_bus(run, bits),
        _ => as_datagram(run, input),
    }
}

/// A controller hears these bits, and another that knows no FD. What is heard as a frame can be sent.
fn on_a_bus(run: &mut Run, input: &[u8]) {
    let bits: Vec<bool> = input.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    let (either, classical) =
        run.decode(|| (heard(proto::can::Decoder::new(), &bits), heard(proto::can::Decoder::classical(), &bits)));
    assert!(classical.is_none() || classical == either, "a classical controller hears another frame");
    let Some(frame) = either else { return };
    run.accepted = true;
    // The bits themselves may be others: a classical frame of eight bytes may say that it has more.
    let again = heard(proto::can::Decoder::new(), &sent(Confinement::Active, &frame));
    assert_eq!(again, Some(frame), "a frame that cannot be sent again");
}

fn as_datagram(run: &mut Run, input: &[u8]) {
    let frame = run.decode(|| Frame::decode(input));
    let Ok(frame) = frame else { return };
    run.accepted = true;
    let mut datagram = [0; MAX_DATAGRAM];
    assert_eq!(frame.encode(&mut datagram), input, "a frame is written otherwise than it was read");
    let bits = frame_bits(&frame);
    let bytes = u32::try_from(frame.data().len()).unwrap_or_default();
    let rates = BitRates::new(BitRates::COMMON.of(Rate::Nominal), BitRates::COMMON.of(Rate::Data));
    assert!(bits.nominal + bits.data > 8 * bytes && bus_time(&frame, rates) > Duration::ZERO);
    let _seen = (frame.format(), frame.id().is_extended(), format!("{frame:?}"), frame.arbitration());
    for sender in [Confinement::Active, Confinement::Passive] {
        assert_eq!(heard(proto::can::Decoder::new(), &sent(sender, &frame)), Some(frame), "it is heard as another");
    }
    let again = match (frame.is_remote(), frame.is_fd()) {
        (true, _) => Frame::remote(frame.id(), frame.length()),
        (false, true) => Frame::fd(frame.id(), frame.data()),
        (false, false) => Frame::classical(frame.id(), frame.data()),
    };
    assert_eq!(again, Ok(frame), "its bytes make no frame");
}

/// The frame that a controller hears in these bits.
fn heard(mut controller: proto::can::Decoder, bits: &[bool]) -> Option<Frame> {
    for bit in bits {
        let _state = (controller.field().is_arbitration(), controller.rate(), controller.acknowledges());
        match controller.push(*bit).ok()? {
            Heard::Bit | Heard::Stuff | Heard::Valid => {}
            Heard::End => return controller.frame(),
        }
    }
    None
}

/// The bits of a frame as this sender sends it, and the space after it.
fn sent(sender: Confinement, frame: &Frame) -> Vec<bool> {
    let mut bits = Vec::new();
    wire_bits_from(sender, frame, |bit, _| bits.push(bit));
    bits
}

/// Bits as an input of this decoder; the last byte is filled up with recessive ones.
fn packed(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| (0..8).fold(0, |byte, at| byte << 1 | u8::from(bits.get(at).copied().unwrap_or(true)));
    [BUS].into_iter().chain(bits.chunks(8).map(byte)).collect()
}
