//! The sending half: windows, polls, and what the members say to them.

use core::time::Duration;

use uptane::{Length, told};

use super::frames::{Answer, Opening, Said, Says};
use super::peer::{Member, Outcome, Peer, Standing, Why};
use super::set::Set;
use super::{
    ANSWER_TIMEOUT, BUSY_PAUSE, MAX_FRAMES, MAX_LAPS, REPAIR_GAP, SEND_TIMEOUT, Session, image_length, index, length,
};
use crate::can::{Frame, Id, MAX_DATA};
use crate::{Error, crc32};

/// Brings one image to up to `MEMBERS` ECUs, in windows of up to `BYTES` bytes.
///
/// [`Sender::add`] the members. While [`Sender::wants`] names a part of the image, [`Sender::supply`] it. Send what
/// [`Sender::poll`] gives, poll again at [`Sender::deadline`] and after each frame that arrives, which goes to
/// [`Sender::handle`], until it [`Sender::is_over`]. If a frame is still not sent after [`SEND_TIMEOUT`],
/// [`Sender::give_up`].
#[derive(Clone, Debug)]
pub struct Sender<const MEMBERS: usize, const BYTES: usize> {
    session: Session,
    length: u32,
    peers: [Option<Peer>; MEMBERS],
    window: Window,
    bytes: [u8; BYTES],
    /// Frames of the window to be sent in this round, or in the next while answers are awaited.
    missing: Set,
    /// How often the image was begun again for members that are behind.
    laps: u8,
    state: State,
}

/// The window that was begun last.
#[derive(Clone, Copy, Debug)]
struct Window {
    number: u8,
    offset: u32,
    end: u32,
    frames: u8,
    round: u8,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The bytes of the next window are wanted, if there is one.
    Between,
    /// This is to be sent, from `due` on.
    Sending { turn: Turn, due: Duration },
    /// Answers to the poll are awaited.
    Awaiting { until: Duration },
    /// A member is busy.
    Pausing { until: Duration },
}

/// What is sent in a round, in this order.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Open,
    Data,
    Poll,
}

impl<const MEMBERS: usize, const BYTES: usize> Sender<MEMBERS, BYTES> {
    /// A broadcast without members. [`Error::TooLong`] for an image whose offsets do not fit 32 bits.
    pub fn new(session: Session, length: Length) -> Result<Self, Error> {
        const { assert!(BYTES >= MAX_DATA, "a window has room for the longest frame") };
        Ok(Self {
            session,
            length: image_length(length)?,
            peers: [None; MEMBERS],
            window: Window { number: 0, offset: 0, end: 0, frames: 0, round: 0 },
            bytes: [0; BYTES],
            missing: Set::default(),
            laps: 0,
            state: State::Between,
        })
    }

    /// Lets a member take part, in place of one with the same answers. One that comes late costs the others nothing: what
    /// it lacks of what was said already is said again in the end.
    ///
    /// [`Error::PeerOverflow`] if it takes no whole frame, or if there are `MEMBERS` already.
    pub fn add(&mut self, member: Member) -> Result<(), Error> {
        let peer = Peer::new(member)?;
        if member.window < self.session.payload() {
            return Err(Error::PeerOverflow);
        }
        let known = |place: &&mut Option<Peer>| place.is_some_and(|other| other.answer == member.answer);
        let place = match self.peers.iter_mut().find(known) {
            Some(place) => Some(place),
            None => self.peers.iter_mut().find(|place| place.is_none()),
        };
        *place.ok_or(Error::PeerOverflow)? = Some(peer);
        Ok(())
    }

    /// The part of the image that is sent next: its offset, and how many bytes it has.
    pub fn wants(&self) -> Option<(Length, usize)> {
        let State::Between = self.state else { return None };
        self.next_window().map(|window| (length(window.offset), index(window.end - window.offset)))
    }

    /// Takes the bytes that [`Sender::wants`] asks for. [`Error::TooLong`] if they are more or fewer.
    pub fn supply(&mut self, bytes: &[u8], now: Duration) -> Result<(), Error> {
        let Some((_, most)) = self.wants() else { return Err(Error::Busy) };
        let wrong = Error::TooLong { len: told(bytes.len()), most: told(most) };
        let window = self.next_window().filter(|_| bytes.len() == most).ok_or(wrong)?;
        self.bytes.get_mut(..most).ok_or(wrong)?.copy_from_slice(bytes);
        if window.offset < self.window.end {
            self.laps += 1;
        }
        self.window = window;
        self.missing = Set::below(window.frames);
        self.live_mut().for_each(|peer| peer.begin(window.offset, window.end));
        self.state = State::Sending { turn: Turn::Open, due: now };
        Ok(())
    }

    /// Takes a frame; those that answer nothing are ignored.
    pub fn handle(&mut self, frame: &Frame, now: Duration) {
        let Some(answer) = Answer::decode(frame.data()).filter(|answer| answer.session == self.session.number) else {
            return;
        };
        self.hear(frame.id(), answer, now);
        if matches!(self.state, State::Awaiting { .. }) && !self.awaits_answers() {
            self.judge(now);
        }
    }

    /// The next frame that is due.
    pub fn poll(&mut self, now: Duration) -> Option<Frame> {
        match self.state {
            State::Sending { due, .. } if now >= due + SEND_TIMEOUT => {
                self.give_up(Why::Bus);
                return None;
            }
            State::Awaiting { until } if now >= until => {
                self.live_mut().for_each(Peer::wait_in_vain);
                self.judge(now);
            }
            State::Pausing { until } if now >= until => self.state = State::Sending { turn: Turn::Poll, due: now },
            State::Between | State::Sending { .. } | State::Awaiting { .. } | State::Pausing { .. } => {}
        }
        match self.state {
            State::Sending { turn, due } if now >= due => self.send(turn, now),
            State::Between | State::Sending { .. } | State::Awaiting { .. } | State::Pausing { .. } => None,
        }
    }

    /// When something is to be supplied or [`Sender::poll`] has something to do, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        match self.state {
            State::Between => self.next_window().map(|_| Duration::ZERO),
            State::Sending { due: at, .. } | State::Awaiting { until: at } | State::Pausing { until: at } => Some(at),
        }
    }

    /// Ends it for all who take part.
    pub fn give_up(&mut self, why: Why) {
        let image = self.length;
        self.live_mut().filter(|peer| peer.next < image).for_each(|peer| peer.drop_for(why));
        self.state = State::Between;
    }

    /// Whether every member is complete or dropped.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Between) && self.next_window().is_none()
    }

    /// How each member stands, by the identifier of its answers.
    pub fn outcomes(&self) -> impl Iterator<Item = (Id, Outcome)> {
        self.peers.iter().flatten().map(|peer| (peer.answer, peer.outcome(self.length)))
    }

    /// The first window that somebody lacks and has room for: onwards if there is one, else from where the member that is
    /// furthest behind stands.
    fn next_window(&self) -> Option<Window> {
        let lacking = || self.live().map(|peer| peer.next).filter(|next| *next < self.length);
        let onwards = lacking().filter(|next| *next >= self.window.end).min();
        let back = lacking().min().filter(|_| self.laps < MAX_LAPS);
        let offset = onwards.or(back)?;
        let payload = self.session.payload();
        let room = self.takers(offset).map(|peer| index(peer.window)).fold(BYTES, usize::min);
        let most = u32::from(MAX_FRAMES).min(u32::try_from(room).unwrap_or(u32::MAX) / payload.max(1));
        let frames = (self.length - offset).div_ceil(payload.max(1)).min(most);
        let end = self.length.min(offset.saturating_add(frames * payload));
        let frames = u8::try_from(frames).ok().filter(|frames| *frames > 0)?;
        Some(Window { number: self.window.number.wrapping_add(1), offset, end, frames, round: 0 })
    }

    fn hear(&mut self, id: Id, answer: Answer, now: Duration) {
        let (window, image) = (self.window, self.length);
        let is_awaiting = matches!(self.state, State::Awaiting { .. });
        let Some(peer) = self.peers.iter_mut().flatten().find(|peer| peer.answer == id && peer.is_live()) else {
            return;
        };
        match answer.says {
            Says::Left { held, .. } => peer.leave(held.min(image)),
            _ if answer.window != window.number => peer.speak(),
            Says::Ready { held } => peer.settle(held.min(image), window.end),
            Says::Busy { held } => peer.rest(held.min(image), now),
            // Who says so only now has heard a poll before the last, or is behind and known to be.
            Says::Missing { .. } | Says::All { .. } if !is_awaiting || peer.standing == Standing::Settled => {
                peer.speak()
            }
            Says::Missing { first, bits, more } => {
                self.missing.add_bits(first, bits, window.frames);
                peer.lack(more);
            }
            Says::All { from } if from < window.offset => peer.fall_behind(from),
            Says::All { .. } => {
                self.missing = Set::below(window.frames);
                peer.lack(false);
            }
        }
    }

    /// Whether there is a member whose answer is not complete.
    fn awaits_answers(&self) -> bool {
        self.live().any(|peer| matches!(peer.standing, Standing::Asked | Standing::Lacking { more: true }))
    }

    /// Goes on after the answers that came.
    fn judge(&mut self, now: Duration) {
        let round = self.window.round;
        self.live_mut().for_each(|peer| peer.lose_patience(round, now));
        let stands = |standing| self.live().any(|peer| peer.standing == standing);
        self.state = if self.live().any(|peer| matches!(peer.standing, Standing::Lacking { .. })) {
            self.window.round += 1;
            State::Sending { turn: Turn::Open, due: now }
        } else if stands(Standing::Asked) {
            State::Sending { turn: Turn::Poll, due: now }
        } else if stands(Standing::Busy) {
            State::Pausing { until: now + BUSY_PAUSE }
        } else {
            State::Between
        };
        if self.is_over() {
            self.give_up(Why::Behind);
        }
    }

    fn send(&mut self, turn: Turn, now: Duration) -> Option<Frame> {
        let Window { number, offset, end, frames, round } = self.window;
        let session = self.session.number;
        match turn {
            Turn::Open => {
                self.state = State::Sending { turn: self.after_data(), due: now };
                Said::Open(Opening { session, window: number, frames, offset }).frame(&self.session)
            }
            Turn::Data => {
                let number = self.missing.next(0)?;
                self.missing.remove(number);
                let gap = self.separation() + REPAIR_GAP * u32::from(round.saturating_sub(1));
                self.state = State::Sending { turn: self.after_data(), due: now + gap };
                Said::Data { number, bytes: self.payload(number) }.frame(&self.session)
            }
            Turn::Poll => {
                self.live_mut().for_each(Peer::ask);
                self.state = State::Awaiting { until: now + ANSWER_TIMEOUT };
                let crc = crc32(self.bytes.get(..index(end - offset)).unwrap_or_default());
                Said::Poll { session, window: number, crc }.frame(&self.session)
            }
        }
    }

    fn after_data(&self) -> Turn {
        if self.missing.is_empty() { Turn::Poll } else { Turn::Data }
    }

    /// The bytes of a frame of the window.
    fn payload(&self, number: u8) -> &[u8] {
        let window = self.bytes.get(..index(self.window.end - self.window.offset)).unwrap_or_default();
        let payload = self.session.payload();
        let rest = window.get(index(u32::from(number) * payload)..).unwrap_or_default();
        rest.get(..index(payload)).unwrap_or(rest)
    }

    /// What the slowest of those who listen needs from one frame to the next.
    fn separation(&self) -> Duration {
        self.takers(self.window.offset).map(|peer| peer.separation).max().unwrap_or_default()
    }

    /// Members to whom what is said from `offset` on is of use: not those that are behind, nor those that have it all.
    fn takers(&self, offset: u32) -> impl Iterator<Item = &Peer> {
        self.live().filter(move |peer| (offset..self.length).contains(&peer.next))
    }

    fn live(&self) -> impl Iterator<Item = &Peer> {
        self.peers.iter().flatten().filter(|peer| peer.is_live())
    }

    fn live_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.peers.iter_mut().flatten().filter(|peer| peer.is_live())
    }
}
