//! CAN frames as they cross a network.

use std::time::Duration;

use proto::can::{BitRates, Frame, MAX_DATAGRAM, bus_time, frame_bits};

use super::{Decoder, Run};

pub(super) const CAN_FRAME: Decoder = Decoder {
    name: "can-frame",
    run: can_frame,
    bound: (0, 0),
    is_signed: false,
    sources: &["can.rs", "can/bits.rs", "can/crc.rs"],
    seeds: || {
        vec![
            b"\0\0\0\x07\xe0\x03\x02\x10\x02".to_vec(),
            [b"\x03\x18\xda\x10\xf1\x40".as_slice(), &[0; 64]].concat(),
            [b"\x02\0\0\x01\0\x0c".as_slice(), &[255; 12]].concat(),
        ]
    },
};

fn can_frame(run: &mut Run, input: &[u8]) {
    let frame = run.decode(|| Frame::decode(input));
    let Ok(frame) = frame else { return };
    run.accepted = true;
    let mut datagram = [0; MAX_DATAGRAM];
    assert_eq!(frame.encode(&mut datagram), input, "a frame is written otherwise than it was read");
    let bits = frame_bits(&frame);
    let bytes = u32::try_from(frame.data().len()).unwrap_or_default();
    assert!(bits.nominal + bits.data > 8 * bytes && bus_time(&frame, BitRates::COMMON) > Duration::ZERO);
    let _seen = (frame.format(), frame.id().is_extended(), format!("{frame:?}"));
    let again =
        if frame.is_fd() { Frame::fd(frame.id(), frame.data()) } else { Frame::classical(frame.id(), frame.data()) };
    assert_eq!(again.map(|again| again.data().to_vec()), Ok(frame.data().to_vec()), "its bytes make no frame");
}
