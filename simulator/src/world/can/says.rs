//! What a node says that has no business on a bus: frames that mean nothing, or that look like those of an update.

use proto::can::{Frame, Id};

use crate::world::chance::Chance;

/// What the data of its frames pretends to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "scenarios choose one of these")]
pub enum Says {
    /// Nothing: eight random bytes.
    Anything,
    /// Parts of ISO-TP messages (ISO 15765-2), well formed each by itself: single, first and consecutive frames, and flow
    /// control of every status.
    IsoTp,
    /// Requests of a tester (ISO 14229-1), as whole messages.
    Requests,
    /// Responses of an ECU, as whole messages.
    Responses,
}

impl Says {
    /// The next classical frame of 8 bytes.
    pub(super) fn frame(self, id: Id, chance: &mut Chance) -> Option<Frame> {
        let mut data = [0; 8];
        chance.fill(&mut data);
        match self {
            Self::Anything => {}
            Self::IsoTp => shape(&mut data, chance),
            Self::Requests => single(&mut data, chance.choose(REQUESTS)?),
            Self::Responses => single(&mut data, chance.choose(RESPONSES)?),
        }
        Frame::classical(id, &data).ok()
    }
}

/// Makes random data one of the frames of ISO-TP.
fn shape(data: &mut [u8; 8], chance: &mut Chance) {
    let kind = chance.below(4);
    let [control, second, third, ..] = data;
    *control = match kind {
        0 => *control % 7 + 1,
        // Longer than what fits a single frame, and no longer than the short form can say.
        1 => {
            *second |= 0x08;
            0x10 | *control & 0x0f
        }
        2 => 0x20 | *control & 0x0f,
        _ => {
            *third = 0;
            0x30 + *control % 3
        }
    };
}

/// Makes data a single frame with this message, the bytes after which stay as they are.
fn single(data: &mut [u8; 8], message: &[u8]) {
    let [control, rest @ ..] = data;
    *control = u8::try_from(message.len()).unwrap_or_default();
    rest.iter_mut().zip(message).for_each(|(place, byte)| *place = *byte);
}

/// Sessions, tester present, resets, security, reads and writes, every step of a transfer out of its order.
const REQUESTS: &[&[u8]] = &[
    &[0x10, 0x01],
    &[0x10, 0x02],
    &[0x10, 0x03],
    &[0x11, 0x01],
    &[0x27, 0x01],
    &[0x28, 0x03, 0x01],
    &[0x3e, 0x00],
    &[0x3e, 0x80],
    &[0x22, 0xfd, 0x00],
    &[0x22, 0xfd, 0x05],
    &[0x2e, 0xfd, 0x02, 0x00],
    &[0x31, 0x01, 0xf0, 0x01, 0x00],
    &[0x31, 0x01, 0xf0, 0x02],
    &[0x31, 0x03, 0xf0, 0x02],
    &[0x31, 0x01, 0xff, 0x00],
    &[0x34, 0x00, 0x88, 0x60],
    &[0x36, 0x01, 0xde, 0xad, 0xbe, 0xef],
    &[0x36, 0x02, 0xde, 0xad, 0xbe, 0xef],
    &[0x37],
];
/// Negative and positive responses to what a Primary asks, right in form and wrong in substance.
const RESPONSES: &[&[u8]] = &[
    &[0x7f, 0x10, 0x22],
    &[0x7f, 0x22, 0x31],
    &[0x7f, 0x31, 0x70],
    &[0x7f, 0x34, 0x70],
    &[0x7f, 0x36, 0x24],
    &[0x7f, 0x36, 0x72],
    &[0x7f, 0x36, 0x73],
    &[0x7f, 0x36, 0x78],
    &[0x7f, 0x37, 0x21],
    &[0x50, 0x02, 0x00, 0x32, 0x01, 0xf4],
    &[0x62, 0xfd, 0x05, 0x00],
    &[0x6e, 0xfd, 0x02],
    &[0x71, 0x01, 0xf0, 0x01, 0x00],
    &[0x71, 0x01, 0xf0, 0x02, 0x00],
    &[0x74, 0x40, 0x00, 0x00, 0x0f, 0xff],
    &[0x77],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(says: Says) -> Vec<Vec<u8>> {
        let (id, mut chance) = (Id::standard(0x700).unwrap(), Chance::seeded(8));
        (0..2_000).map(|_| says.frame(id, &mut chance).unwrap().data().to_vec()).collect()
    }

    #[test]
    fn every_frame_of_iso_tp_occurs_and_is_well_formed_by_itself() {
        let mut kinds = [0; 4];
        for data in drawn(Says::IsoTp) {
            kinds[usize::from(data[0] >> 4)] += 1;
            match data[0] >> 4 {
                0 => assert!((1..=7).contains(&data[0])),
                1 => assert!((u16::from(data[0] & 0x0f) << 8 | u16::from(data[1])) > 7),
                2 => {}
                _ => assert!((0x30..=0x32).contains(&data[0])),
            }
        }
        assert!(kinds.iter().all(|count| *count > 400), "{kinds:?}");
    }

    #[test]
    fn every_message_of_a_tester_and_of_an_ecu_occurs() {
        for (says, messages) in [(Says::Requests, REQUESTS), (Says::Responses, RESPONSES)] {
            let drawn = drawn(says);
            for message in messages {
                let whole = [&[u8::try_from(message.len()).unwrap()], *message].concat();
                assert!(drawn.iter().any(|data| data.starts_with(&whole)), "{says:?} {message:02x?}");
            }
        }
    }
}
