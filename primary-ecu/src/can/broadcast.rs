//! One image for the members of a group at once, as a machine: who is waited for, what is said, and who goes on by itself.
//!
//! Every errand that says what it [shares](crate::node::Errand::shared) is [expected](Broadcast::expect) before it begins. It
//! then [arrives](Broadcast::arrive) where the image is next, or [leaves](Broadcast::leave) because it is over. Once nobody is
//! expected any more, those who are there are called ([`Broadcast::call`]): alone, or to join. Whoever is asked has
//! [answered](Broadcast::joined), or did not; then the image is said ([`Broadcast::poll`]), and each is called again as
//! soon as it has all of it, or takes no further part.
//!
//! Nobody waits for ever: an errand that is expected ends by its own timers, those who joined wait [`PATIENCE`] for those
//! who are asked to, and every wait of a broadcast is bounded (`proto::broadcast`).

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use host::disk::Bulk;
use proto::broadcast::{MAX_FRAMES, Member, Outcome, Sender, Session, Why};
use proto::can::{Frame, Id, MAX_DATA};
use proto::isotp::Framing;
use uptane::{EcuId, Length};

use crate::node::{Call, Shared};

/// Who can hear an image together, and on which identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written out by whoever describes a vehicle")]
pub struct Group {
    /// Format and length of the frames that carry the image.
    pub framing: Framing,
    /// Identifier of all that the Primary says to them together.
    pub id: Id,
    /// Identifier of each one's answers to that.
    pub answers: BTreeMap<EcuId, Id>,
}

/// What goes on in one group.
#[derive(Debug)]
pub struct Broadcast<D> {
    group: Group,
    disk: D,
    /// Tells one broadcast from the next.
    number: u8,
    shared: Option<Shared>,
    seats: BTreeMap<EcuId, Seat>,
    calls: VecDeque<(EcuId, Call)>,
    stage: Stage,
}

/// How one errand stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seat {
    /// It has yet to come.
    Expected,
    /// It waits for the others.
    Here,
    /// It was called to join.
    Asked,
    /// Its Secondary has joined.
    Joined,
}

#[derive(Debug)]
enum Stage {
    /// Those who are expected come.
    Gathering,
    /// Those who are there join; since when the first of them waits.
    Joining(Box<Saying>, Option<Duration>),
    /// The image is said.
    Saying(Box<Saying>),
}

type Saying = Sender<MAX_MEMBERS, WINDOW>;

impl<D: Bulk> Broadcast<D> {
    /// A group to which nothing was said. `disk` is the Primary's, where the images are.
    pub fn new(group: Group, disk: D) -> Self {
        Self {
            group,
            disk,
            number: 0,
            shared: None,
            seats: BTreeMap::new(),
            calls: VecDeque::new(),
            stage: Stage::Gathering,
        }
    }

    /// Who is in it.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// An errand is about to begin that brings this to an ECU of the group. Another image than before ends what was
    /// under way: whoever waits goes on by itself.
    pub fn expect(&mut self, ecu: EcuId, shared: &Shared) {
        if self.shared.as_ref() != Some(shared) {
            self.disband();
            self.shared = Some(*shared);
        }
        self.seats.insert(ecu, Seat::Expected);
    }

    /// The errand has come to the image. One that comes when the others have begun goes on alone.
    pub fn arrive(&mut self, ecu: EcuId) {
        match (self.seats.get_mut(&ecu), &self.stage) {
            (Some(seat), Stage::Gathering) => *seat = Seat::Here,
            (Some(_), Stage::Joining(..) | Stage::Saying(_)) | (None, _) => {
                self.seats.remove(&ecu);
                self.calls.push_back((ecu, Call::Alone));
            }
        }
        self.gather();
    }

    /// The errand is over, or nobody carries it out any more.
    pub fn leave(&mut self, ecu: EcuId) {
        self.seats.remove(&ecu);
        self.calls.retain(|(called, _)| *called != ecu);
        match self.seats.is_empty() {
            true => self.stage = Stage::Gathering,
            false => self.gather(),
        }
    }

    /// What a Secondary that is asked to join is told: the broadcast, and the identifier of its answers.
    pub fn invitation(&self, ecu: EcuId) -> Option<(Session, Id)> {
        Some((self.session(), *self.group.answers.get(&ecu)?))
    }

    /// A Secondary that was asked to join did, as it said of itself, or did not: it is then called to go on by itself.
    pub fn joined(&mut self, ecu: EcuId, member: Option<Member>, now: Duration) {
        let seat = self.seats.get_mut(&ecu).filter(|seat| **seat == Seat::Asked);
        let (seat, sender) = match (seat, &mut self.stage) {
            (Some(seat), Stage::Joining(sender, since)) => {
                since.get_or_insert(now);
                (seat, sender)
            }
            (Some(seat), Stage::Saying(sender)) => (seat, sender),
            // That broadcast is over.
            (None, _) | (_, Stage::Gathering) => return self.calls.push_back((ecu, Call::Dropped)),
        };
        match member.map(|member| sender.add(member)) {
            Some(Ok(())) => *seat = Seat::Joined,
            // It takes less than a frame, or there are too many; or it did not join.
            Some(Err(_)) | None => self.dismiss(ecu, Call::Dropped),
        }
    }

    /// Takes a frame from the bus; those that are no answers are ignored.
    pub fn handle(&mut self, frame: &Frame, now: Duration) {
        if let Stage::Saying(sender) = &mut self.stage {
            sender.handle(frame, now);
        }
    }

    /// The next frame that is due. Call it after everything that happened, then look for [calls](Self::call).
    pub fn poll(&mut self, now: Duration) -> Option<Frame> {
        self.begin(now);
        let frame = self.say(now);
        self.look();
        frame
    }

    /// The bus does not take a frame ([`proto::broadcast::SEND_TIMEOUT`]): everybody goes on by itself.
    pub fn give_up(&mut self) {
        if let Stage::Saying(sender) = &mut self.stage {
            sender.give_up(Why::Bus);
        }
        self.look();
    }

    /// Whose errand is to go on, and how.
    pub fn call(&mut self) -> Option<(EcuId, Call)> {
        self.calls.pop_front()
    }

    /// When to poll again, if nothing happens.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Gathering => None,
            Stage::Joining(_, since) => since.map(|since| since + PATIENCE),
            Stage::Saying(sender) => sender.deadline(),
        }
    }

    /// Forgets everybody.
    pub fn reset(&mut self) {
        self.shared = None;
        self.seats.clear();
        self.calls.clear();
        self.stage = Stage::Gathering;
    }

    fn disband(&mut self) {
        for (ecu, seat) in std::mem::take(&mut self.seats) {
            match seat {
                Seat::Here => self.calls.push_back((ecu, Call::Alone)),
                Seat::Joined => self.calls.push_back((ecu, Call::Dropped)),
                // They say so themselves when they come so far.
                Seat::Expected | Seat::Asked => {}
            }
        }
        self.stage = Stage::Gathering;
    }

    fn session(&self) -> Session {
        Session { number: self.number, framing: self.group.framing, id: self.group.id }
    }

    /// Calls those who are there once nobody else is expected.
    fn gather(&mut self) {
        let is_waiting = |seats: &BTreeMap<EcuId, Seat>, what| seats.values().any(|seat| *seat == what);
        let is_time = is_waiting(&self.seats, Seat::Here) && !is_waiting(&self.seats, Seat::Expected);
        if !is_time || !matches!(self.stage, Stage::Gathering) {
            return;
        }
        self.number = self.number.wrapping_add(1);
        let length = self.shared.map_or(Length::ZERO, |shared| shared.length);
        // An image too long for a broadcast is for each alone.
        match Sender::new(self.session(), length).ok().filter(|_| self.seats.len() > 1) {
            Some(sender) => {
                self.seats.values_mut().for_each(|seat| *seat = Seat::Asked);
                self.calls.extend(self.seats.keys().map(|ecu| (*ecu, Call::Together)));
                self.stage = Stage::Joining(Box::new(sender), None);
            }
            None => {
                let alone = std::mem::take(&mut self.seats);
                self.calls.extend(alone.into_keys().map(|ecu| (ecu, Call::Alone)));
            }
        }
    }

    /// Begins to say the image once all have answered, or have been waited for long enough.
    fn begin(&mut self, now: Duration) {
        let count = |what| self.seats.values().filter(|seat| **seat == what).count();
        let (asked, joined) = (count(Seat::Asked), count(Seat::Joined));
        let Stage::Joining(_, since) = &self.stage else { return };
        let is_late = since.is_some_and(|since| now >= since + PATIENCE);
        match (asked, joined) {
            (0, 0) => self.stage = Stage::Gathering,
            // To say it to one alone, in a way that repairs less well, helps nobody.
            (0, 1) => {
                let left = std::mem::take(&mut self.seats);
                self.calls.extend(left.into_keys().map(|ecu| (ecu, Call::Dropped)));
                self.stage = Stage::Gathering;
            }
            (asked, joined) if asked == 0 || is_late && joined > 0 => {
                if let Stage::Joining(sender, _) = std::mem::replace(&mut self.stage, Stage::Gathering) {
                    self.stage = Stage::Saying(sender);
                }
            }
            _ => {}
        }
    }

    /// Supplies what is wanted, and gives what is due.
    fn say(&mut self, now: Duration) -> Option<Frame> {
        let Stage::Saying(sender) = &mut self.stage else { return None };
        let file = self.shared.map(|shared| shared.file()).unwrap_or_default();
        loop {
            if let Some((offset, length)) = sender.wants() {
                let mut bytes = vec![0; length];
                let read = self.disk.read_at(&file, offset.get(), &mut bytes);
                let is_whole = read.is_ok_and(|count| count == length) && sender.supply(&bytes, now).is_ok();
                if !is_whole {
                    // Each errand finds for itself that the file cannot be read.
                    sender.give_up(Why::Bus);
                }
            }
            let frame = sender.poll(now);
            // The time for answers may be over, and the next window wanted.
            if frame.is_some() || sender.wants().is_none() {
                return frame;
            }
        }
    }

    /// Calls those for whom it is over.
    fn look(&mut self) {
        let Stage::Saying(sender) = &self.stage else { return };
        let mut over = Vec::new();
        for (id, outcome) in sender.outcomes() {
            let call = match outcome {
                Outcome::Complete => Call::Complete,
                Outcome::UnderWay { .. } => continue,
                Outcome::Dropped { .. } | _ => Call::Dropped,
            };
            let ecu = self.group.answers.iter().find(|(_, answer)| **answer == id).map(|(ecu, _)| *ecu);
            over.extend(ecu.map(|ecu| (ecu, call)));
        }
        for (ecu, call) in over {
            if self.seats.get(&ecu) == Some(&Seat::Joined) {
                tracing::debug!(%ecu, ?call, "the broadcast is over for it");
                self.dismiss(ecu, call);
            }
        }
        if self.seats.is_empty() {
            self.stage = Stage::Gathering;
        }
    }

    fn dismiss(&mut self, ecu: EcuId, call: Call) {
        self.seats.remove(&ecu);
        self.calls.push_back((ecu, call));
    }
}

/// ECUs that can be in a group.
pub const MAX_MEMBERS: usize = 32;
/// How long those who joined wait for those who are asked to: well within what a receiver waits for its sender.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of the longest window: a frame has one byte for its number.
#[expect(clippy::as_conversions, reason = "u8 to usize in a constant; From is not const")]
const WINDOW: usize = MAX_FRAMES as usize * (MAX_DATA - 1);

#[cfg(test)]
mod tests;
