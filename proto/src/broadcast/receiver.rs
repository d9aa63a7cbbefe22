//! The receiving half: what one ECU makes of the frames.

use core::time::Duration;

use uptane::Length;

use super::frames::{Answer, Opening, Said, Says};
use super::ring::Ring;
use super::set::{BITS, Set};
use super::{SESSION_TIMEOUT, Session, image_length, index, length};
use crate::can::{Frame, Id};
use crate::secondary::{Refusal, Reply, Request};
use crate::uds::Handler;
use crate::{Error, crc32};

/// What one ECU takes part with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written out by whoever joins a broadcast")]
pub struct Join {
    /// What the sender said of itself.
    pub session: Session,
    /// Identifier of this ECU's answers.
    pub answer: Id,
    /// Where the transfer that was offered goes on.
    pub from: Length,
    /// Bytes of the whole image.
    pub length: Length,
    /// Bytes of the longest chunk the Secondary takes.
    pub chunk: u32,
}

/// Takes the windows of a broadcast, and hands over what they hold, with a buffer of `BYTES` bytes.
///
/// After [`Receiver::handle`], send what [`Receiver::poll`] gives until it gives nothing; then call
/// [`Receiver::hand_over`], frame by frame in between, until it says that nothing is left.
#[derive(Clone, Debug)]
pub struct Receiver<const BYTES: usize> {
    session: Session,
    answer: Id,
    length: u32,
    chunk: u32,
    /// Bytes before this offset are handed over, or were there from the start.
    held: u32,
    /// Bytes before this one are of windows whose checksum was right.
    checked: u32,
    ring: Ring<BYTES>,
    window: Window,
    /// Whether the window that was opened last on this identifier is ours.
    listens: bool,
    answering: Answering,
    left: Option<Left>,
    heard: Duration,
}

/// Why a receiver takes no further part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Left {
    /// The Secondary refused a chunk.
    Refused(Refusal),
    /// The sender was silent for [`SESSION_TIMEOUT`].
    Silence,
}

/// The window that was opened last.
#[derive(Clone, Copy, Debug)]
enum Window {
    /// None, or one that begins beyond what is here.
    None,
    /// These frames of it are missing; it ends at this offset of the image.
    Open { opening: Opening, end: u32, missing: Set },
    /// All of it is here.
    Done(Opening),
    /// There was no room for it.
    Full(Opening),
}

/// What is to be answered to the last poll.
#[derive(Clone, Copy, Debug)]
enum Answering {
    Nothing,
    /// One frame.
    Saying {
        window: u8,
        says: Says,
    },
    /// Which frames of the open window are missing, from this number on.
    Naming {
        from: u8,
    },
}

impl<const BYTES: usize> Receiver<BYTES> {
    /// Bytes of the longest window it can take while the one before is still being handed over.
    pub const WINDOW: usize = BYTES / 2;

    /// Takes part from now on. [`Error::TooLong`] for an image whose offsets do not fit 32 bits.
    pub fn new(join: Join, now: Duration) -> Result<Self, Error> {
        let Join { session, answer, from, length, chunk } = join;
        let length = image_length(length)?;
        let from = image_length(from)?.min(length);
        Ok(Self {
            session,
            answer,
            length,
            chunk: chunk.max(1),
            held: from,
            checked: from,
            ring: Ring::new(),
            window: Window::None,
            listens: false,
            answering: Answering::Nothing,
            left: None,
            heard: now,
        })
    }

    /// Takes a frame; those with another identifier are ignored.
    pub fn handle(&mut self, frame: &Frame, now: Duration) {
        if frame.id() != self.session.id {
            return;
        }
        if now >= self.expires() {
            self.leave(Left::Silence);
        }
        match Said::decode(frame.data()) {
            Some(Said::Data { number, bytes }) => self.take(number, bytes),
            Some(Said::Open(opening)) => self.open(opening, now),
            Some(Said::Poll { session, window, crc }) if session == self.session.number => {
                self.heard = now;
                self.answering = self.answer_to(window, crc);
            }
            Some(Said::Poll { .. }) | None => {}
        }
    }

    /// The next frame of the answer to the last poll.
    pub fn poll(&mut self) -> Option<Frame> {
        let (window, says) = match self.answering {
            Answering::Nothing => return None,
            Answering::Saying { window, says } => (window, says),
            Answering::Naming { from } => return self.name_missing(from),
        };
        self.answering = Answering::Nothing;
        self.say(window, says)
    }

    /// Hands the next chunk over, if there is one that is checked; whether another one waits.
    pub fn hand_over(&mut self, handler: &mut impl Handler) -> bool {
        let most = self.checked.min(self.held.saturating_add(self.chunk));
        let [chunk, _] = self.ring.pieces(self.held, most);
        if !self.is_pending() {
            return false;
        }
        match handler.handle(Request::Chunk(length(self.held), chunk)) {
            Reply::Taken(taken) => match image_length(taken) {
                Ok(taken) if (self.held + 1..=self.checked).contains(&taken) => self.held = taken,
                _ => self.leave(Left::Refused(Refusal::Offset(taken))),
            },
            Reply::Refused(refusal) => self.leave(Left::Refused(refusal)),
            Reply::Identity(_) | Reply::TimeNonce(_) | Reply::Ready(..) | Reply::Done | Reply::Report(_) => {
                self.leave(Left::Refused(Refusal::Malformed));
            }
        }
        self.is_pending()
    }

    /// Whether [`Receiver::hand_over`] has something to hand over.
    pub fn is_pending(&self) -> bool {
        self.held < self.checked && self.left.is_none()
    }

    /// Whether an answer waits for [`Receiver::poll`].
    pub fn has_answer(&self) -> bool {
        !matches!(self.answering, Answering::Nothing)
    }

    /// Bytes that are handed over, or were there from the start.
    pub fn held(&self) -> Length {
        length(self.held)
    }

    /// Why it takes no further part, if it does not.
    pub fn left(&self) -> Option<Left> {
        self.left
    }

    /// When it takes no further part, if its sender stays silent.
    pub fn expires(&self) -> Duration {
        self.heard + SESSION_TIMEOUT
    }

    /// Keeps a frame of the open window, once.
    fn take(&mut self, number: u8, bytes: &[u8]) {
        let Window::Open { opening, end, missing } = &mut self.window else { return };
        if !self.listens || !missing.contains(number) {
            return;
        }
        let payload = self.session.payload();
        // A window ends within the image, and only a number of it is missing.
        let at = opening.offset + u32::from(number) * payload;
        let Some(bytes) = bytes.get(..index(end.saturating_sub(at).min(payload))) else {
            return; // Shorter than its place in the image: not a frame of it.
        };
        self.ring.keep(at, bytes);
        missing.remove(number);
    }

    /// A window opens, or its next round begins. That of another session closes ours: its frames look the same.
    fn open(&mut self, opening: Opening, now: Duration) {
        self.listens = opening.session == self.session.number;
        if !self.listens {
            return;
        }
        self.heard = now;
        let is_same = matches!(self.window, Window::Open { opening: same, .. } if same == opening);
        if !is_same {
            self.answering = Answering::Nothing;
            self.window = self.opened(opening);
        }
    }

    fn opened(&self, opening: Opening) -> Window {
        let Some(end) = self.end(opening).filter(|_| opening.offset <= self.checked) else { return Window::None };
        if end <= self.checked {
            return Window::Done(opening);
        }
        let missing = Set::below(opening.frames);
        if self.has_room(opening.offset, end) { Window::Open { opening, end, missing } } else { Window::Full(opening) }
    }

    /// Where a window ends, if each of its frames has bytes of the image.
    fn end(&self, opening: Opening) -> Option<u32> {
        let payload = self.session.payload();
        let last = opening.offset.checked_add(payload * u32::from(opening.frames - 1))?;
        (last < self.length).then(|| self.length.min(last.saturating_add(payload)))
    }

    /// Whether bytes from `from` to `end` fit beside those that are still to be handed over. Where they begin before
    /// what is checked, they would come over bytes that are not to be touched any more.
    fn has_room(&self, from: u32, end: u32) -> bool {
        let is_next = from == self.checked || self.held == self.checked;
        is_next && index(end - from.min(self.held)) <= BYTES
    }

    fn answer_to(&mut self, window: u8, crc: u32) -> Answering {
        let says = match self.window {
            _ if self.left.is_some() => self.gone(),
            Window::Open { opening, end, missing } if opening.window == window => {
                if !missing.is_empty() {
                    return Answering::Naming { from: 0 };
                }
                self.check(opening, end, crc)
            }
            Window::Done(opening) if opening.window == window => self.ready(opening),
            Window::Full(opening) if opening.window == window => self.try_again(opening),
            Window::Open { .. } | Window::Done(_) | Window::Full(_) | Window::None => Says::All { from: self.checked },
        };
        Answering::Saying { window, says }
    }

    /// All frames of the window are here. Where they are not those of the poll, none of them can be told to be right.
    fn check(&mut self, opening: Opening, end: u32, crc: u32) -> Says {
        let [first, second] = self.ring.pieces(opening.offset, end);
        if crc32(first.iter().chain(second)) != crc {
            self.window = Window::Open { opening, end, missing: Set::below(opening.frames) };
            return Says::All { from: self.checked };
        }
        self.checked = end;
        self.window = Window::Done(opening);
        self.ready(opening)
    }

    /// Whether there is room for another window like this one; after the last one, whether all is handed over.
    fn ready(&self, opening: Opening) -> Says {
        let next = self.checked.saturating_add(self.session.payload() * u32::from(opening.frames));
        let is_ready = match self.checked == self.length {
            true => self.held == self.length,
            false => self.has_room(self.checked, next.min(self.length)),
        };
        if is_ready { Says::Ready { held: self.held } } else { Says::Busy { held: self.held } }
    }

    fn try_again(&mut self, opening: Opening) -> Says {
        self.window = self.opened(opening);
        match self.window {
            Window::Full(_) => Says::Busy { held: self.held },
            Window::None | Window::Open { .. } | Window::Done(_) => Says::All { from: self.checked },
        }
    }

    fn gone(&self) -> Says {
        let why = match self.left {
            Some(Left::Refused(_)) => REFUSED,
            Some(Left::Silence) | None => SILENCE,
        };
        Says::Left { why, held: self.held }
    }

    /// Names the missing frames from `from` on.
    fn name_missing(&mut self, from: u8) -> Option<Frame> {
        self.answering = Answering::Nothing;
        let Window::Open { opening, missing, .. } = self.window else { return None };
        let first = missing.next(from)?;
        let next = first.checked_add(BITS).filter(|next| missing.next(*next).is_some());
        if let Some(from) = next {
            self.answering = Answering::Naming { from };
        }
        self.say(opening.window, Says::Missing { first, bits: missing.bits(first), more: next.is_some() })
    }

    fn say(&self, window: u8, says: Says) -> Option<Frame> {
        Answer { session: self.session.number, window, says }.frame(self.answer, self.session.framing.format())
    }

    fn leave(&mut self, why: Left) {
        self.left.get_or_insert(why);
    }
}

/// The Secondary refused a chunk.
const REFUSED: u8 = 1;
/// The sender was silent for too long.
const SILENCE: u8 = 2;
