//! Background traffic: periodic frames up to a load, or what a candump log holds.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use proto::can::{BitRates, Frame, Id, bus_time};

use super::log::{Entry, candump};
use super::says::Says;
use crate::world::chance::Chance;
use crate::world::time::Moment;

/// Frames that one node sends by itself.
#[derive(Clone, Debug)]
pub struct Traffic {
    kind: Kind,
    /// The least and the greatest of its identifiers, if it has any.
    ids: Option<(Id, Id)>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Messages, and when each is due.
    Periodic { messages: Vec<Message>, due: BinaryHeap<Reverse<(Moment, usize)>>, chance: Chance },
    /// What is still to come, the next one last.
    Recorded(Vec<(Moment, Frame)>),
    /// Frames of one identifier, made up anew each time.
    Flood { message: Message, says: Says, due: Moment, chance: Chance },
}

/// A classical frame of 8 bytes that is sent again and again, with new data each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a message is these two")]
pub struct Message {
    /// Its identifier.
    pub id: Id,
    /// The time from one to the next.
    pub period: Duration,
}

/// Why a load cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a load of {percent} % was asked for; expected 0 to {MOST_LOAD} %")]
#[non_exhaustive]
pub struct BadLoad {
    /// What was asked for.
    pub percent: u32,
}

impl Traffic {
    /// These messages, each first sent at some moment of its first period.
    pub fn periodic(messages: Vec<Message>, mut chance: Chance) -> Self {
        let mut first = |message: &Message| Moment::START + chance.pause(Duration::ZERO..=message.period);
        let due = messages.iter().map(&mut first).zip(0..).map(Reverse).collect();
        let ids = range(messages.iter().map(|message| message.id));
        Self { kind: Kind::Periodic { messages, due, chance }, ids }
    }

    /// From `from` on a frame of this message after the other, whose data pretends to be what `says` says.
    pub fn flood(message: Message, says: Says, from: Moment, chance: Chance) -> Self {
        Self { kind: Kind::Flood { message, says, due: from, chance }, ids: Some((message.id, message.id)) }
    }

    /// Messages with common periods (10 to 100 ms) that keep a bus busy for `percent` of the time, and random data.
    /// Identifiers are taken from `ids`, as many as it takes; none if that is empty.
    pub fn by_load(percent: u32, rates: BitRates, ids: &[Id], mut chance: Chance) -> Result<Self, BadLoad> {
        if percent > MOST_LOAD {
            return Err(BadLoad { percent });
        }
        let mut left = u64::from(percent) * (WHOLE / 100);
        let mut messages = Vec::new();
        for id in ids.iter().cycle() {
            let time = mean_time(*id, rates, &mut chance);
            let common = chance.choose(&PERIODS).copied().unwrap_or(LONGEST);
            // The last message fills what is left.
            let nanos = (time * WHOLE).checked_div(left).unwrap_or(u64::MAX);
            let period = common.max(Duration::from_nanos(nanos));
            if period > LONGEST {
                break;
            }
            left -= (time * WHOLE / u64::try_from(period.as_nanos()).unwrap_or(u64::MAX)).min(left);
            messages.push(Message { id: *id, period });
        }
        Ok(Self::periodic(messages, chance))
    }

    /// The frames of a candump log, the first one at `from` and the others as long after it as they were. Error frames
    /// are left out, as are frames of interfaces other than `interface`, if one is named.
    pub fn recorded(log: &str, interface: Option<&str>, from: Moment) -> Result<Self, candump::Error> {
        let mut frames = Vec::new();
        let mut first = None;
        for line in candump::lines(log) {
            let line = line?;
            if let Entry::Frame(frame) = line.entry
                && interface.is_none_or(|wanted| wanted == line.interface)
            {
                frames.push((from + (line.at - *first.get_or_insert(line.at)), frame));
            }
        }
        frames.sort_by_key(|(at, _)| *at);
        frames.reverse();
        let ids = range(frames.iter().map(|(_, frame)| frame.id()));
        Ok(Self { kind: Kind::Recorded(frames), ids })
    }

    /// Whether it may have a frame of this identifier.
    pub(super) fn may_hold(&self, id: Id) -> bool {
        self.ids.is_some_and(|(least, most)| (least..=most).contains(&id))
    }

    /// When the next frame is due.
    pub fn next(&self) -> Moment {
        match &self.kind {
            Kind::Periodic { due, .. } => due.peek().map_or(Moment::NEVER, |Reverse((at, _))| *at),
            Kind::Recorded(frames) => frames.last().map_or(Moment::NEVER, |(at, _)| *at),
            Kind::Flood { due, .. } => *due,
        }
    }

    /// The next frame that is due by `now`, and since when it is.
    pub fn take(&mut self, now: Moment) -> Option<(Moment, Frame)> {
        match &mut self.kind {
            Kind::Recorded(frames) => frames.pop_if(|(at, _)| *at <= now),
            Kind::Flood { due, .. } if *due > now => None,
            Kind::Flood { message, says, due, chance } => {
                let at = *due;
                *due = at + message.period;
                Some((at, says.frame(message.id, chance)?))
            }
            Kind::Periodic { messages, due, chance } => {
                let mut first = due.peek_mut().filter(|first| first.0.0 <= now)?;
                let Reverse((at, index)) = *first;
                let message = messages.get(index)?;
                *first = Reverse((at + message.period, index));
                Some((at, frame(message.id, chance)?))
            }
        }
    }
}

/// The least and the greatest of some identifiers.
fn range(ids: impl Iterator<Item = Id> + Clone) -> Option<(Id, Id)> {
    ids.clone().min().zip(ids.max())
}

/// A frame of 8 random bytes.
fn frame(id: Id, chance: &mut Chance) -> Option<Frame> {
    let mut data = [0; 8];
    chance.fill(&mut data);
    Frame::classical(id, &data).ok()
}

/// How long such a frame occupies the bus on average, in nanoseconds.
fn mean_time(id: Id, rates: BitRates, chance: &mut Chance) -> u64 {
    let times = (0..SAMPLES).filter_map(|_| frame(id, chance)).map(|frame| bus_time(&frame, rates));
    let sum: Duration = times.sum();
    u64::try_from(sum.as_nanos()).unwrap_or(u64::MAX) / SAMPLES
}

/// More than this leaves no room for anything else.
const MOST_LOAD: u32 = 95;
/// Of which loads are parts.
const WHOLE: u64 = 1_000_000;
/// The periods that messages in vehicles commonly have.
const PERIODS: [Duration; 4] =
    [Duration::from_millis(10), Duration::from_millis(20), Duration::from_millis(50), Duration::from_millis(100)];
/// A message rarer than this adds nothing.
const LONGEST: Duration = Duration::from_secs(10);
/// Frames over which a mean is taken.
const SAMPLES: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(id: u16) -> Id {
        Id::standard(id).unwrap()
    }

    fn load_of(percent: u32) -> u64 {
        let ids: Vec<Id> = (0x100..0x140).map(id).collect();
        let mut traffic = Traffic::by_load(percent, BitRates::COMMON, &ids, Chance::seeded(5)).unwrap();
        let second = Moment::from_nanos(1_000_000_000);
        let frames = std::iter::from_fn(|| traffic.take(second));
        let busy: Duration = frames.map(|(_, frame)| bus_time(&frame, BitRates::COMMON)).sum();
        u64::try_from(busy.as_micros()).unwrap()
    }

    #[test]
    fn as_much_of_the_bus_is_used_as_was_asked_for() {
        for percent in [0, 1, 30, 60, 95] {
            let (asked, got) = (u64::from(percent) * 10_000, load_of(percent));
            assert!(got.abs_diff(asked) <= 10_000, "{got} of {asked} microseconds in a second");
        }
    }

    #[test]
    fn more_than_fits_is_refused() {
        let refused = Traffic::by_load(96, BitRates::COMMON, &[id(1)], Chance::seeded(1)).unwrap_err();
        assert_eq!(refused.to_string(), "a load of 96 % was asked for; expected 0 to 95 %");
    }

    #[test]
    fn a_recorded_log_is_sent_at_its_own_pace() {
        let log = "(1700000000.000000) can0 123#01\n(1700000000.500000) can1 124#02\n(1700000001.000000) can0 125#03\n";
        let from = Moment::from_nanos(7);
        let mut traffic = Traffic::recorded(log, Some("can0"), from).unwrap();
        assert_eq!(traffic.next(), from);
        let frame = |raw: u16, byte: u8| Frame::classical(id(raw), &[byte]).unwrap();
        assert_eq!(traffic.take(from), Some((from, frame(0x123, 1))));
        let last = from + Duration::from_secs(1);
        assert_eq!((traffic.take(from), traffic.next()), (None, last));
        assert_eq!(traffic.take(last), Some((last, frame(0x125, 3))));
        assert_eq!(traffic.next(), Moment::NEVER);
    }
}
