//! What goes wrong once in a session.

use proto::can::Frame;

use super::chance::Chance;

/// Each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutation {
    /// A bit of a frame's data is another.
    BitChanged,
    /// The counter of a block is another.
    BlockCounter,
    /// A frame is lost.
    Dropped,
    /// A frame comes twice.
    Duplicated,
    /// A frame has another length.
    LengthChanged,
    /// A frame comes after the one that follows it.
    Reordered,
    /// A message is another one.
    Replaced,
    /// Somebody plays back a command that the Primary signed.
    Replayed,
    /// Somebody else asks for something, too.
    SecondTester,
    /// The sequence number of a consecutive frame is another.
    SequenceNumber,
    /// The tester is heard no more.
    Stopped,
    /// Much time passes.
    TimeJump,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::BitChanged,
        Self::BlockCounter,
        Self::Dropped,
        Self::Duplicated,
        Self::LengthChanged,
        Self::Reordered,
        Self::Replaced,
        Self::Replayed,
        Self::SecondTester,
        Self::SequenceNumber,
        Self::Stopped,
        Self::TimeJump,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::BitChanged => "a bit of a frame changed",
            Self::BlockCounter => "a block counter wrong",
            Self::Dropped => "a frame dropped",
            Self::Duplicated => "a frame duplicated",
            Self::LengthChanged => "the length of a frame changed",
            Self::Reordered => "two frames reordered",
            Self::Replaced => "a message replaced",
            Self::Replayed => "a signed command replayed",
            Self::SecondTester => "a second tester",
            Self::SequenceNumber => "a sequence number wrong",
            Self::Stopped => "the tester stops in the middle",
            Self::TimeJump => "a time jump",
        }
    }

    /// Whether it is done to messages, not to frames.
    pub(super) fn is_of_messages(self) -> bool {
        matches!(self, Self::BlockCounter | Self::Replaced)
    }

    /// Whether it can be done to this message.
    pub(super) fn takes(self, message: &[u8]) -> bool {
        self == Self::Replaced || self == Self::BlockCounter && message.first() == Some(&TRANSFER_DATA)
    }

    /// Whether it can be done to this frame, whose address takes so many bytes of its data.
    pub(super) fn takes_frame(self, frame: &Frame, width: usize) -> bool {
        let is_consecutive = || frame.data().get(width).is_some_and(|byte| byte >> 4 == CONSECUTIVE);
        !self.is_of_messages() && (self != Self::SequenceNumber || is_consecutive())
    }
}

/// The frame with one bit of its data changed.
pub(super) fn flipped(frame: &Frame, chance: &mut Chance) -> Option<Frame> {
    let mut data = frame.data().to_vec();
    chance.flip(&mut data);
    Frame::new(frame.id(), frame.format(), &data).ok()
}

/// The frame with another sequence number.
pub(super) fn out_of_sequence(frame: &Frame, width: usize, chance: &mut Chance) -> Option<Frame> {
    let mut data = frame.data().to_vec();
    let other = u8::try_from(1 + chance.below(15)).unwrap_or(1);
    *data.get_mut(width)? ^= other;
    Frame::new(frame.id(), frame.format(), &data).ok()
}

/// The frame with another length, of those its format has.
pub(super) fn resized(frame: &Frame, chance: &mut Chance) -> Option<Frame> {
    let lengths = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64];
    let fits = |length: &&usize| frame.is_fd() || **length <= 8;
    let others: Vec<usize> = lengths.iter().filter(fits).copied().filter(|length| *length != frame.length()).collect();
    let length = chance.choose(0, &others);
    let mut data = frame.data().to_vec();
    data.resize(length, chance.byte());
    Frame::new(frame.id(), frame.format(), &data).ok()
}

/// Transfer data.
const TRANSFER_DATA: u8 = 0x36;
/// What a consecutive frame begins with.
const CONSECUTIVE: u8 = 2;
