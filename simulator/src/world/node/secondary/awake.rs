//! A Secondary from one start to the next: what it hears, does, and has yet to do.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use primary_ecu::node::Answer;
use proto::can::Frame;
use proto::secondary::{Phase, Refusal, Reply, Request};
use proto::uds::Handler;
use secondary_ecu::clock::Clock;
use uptane::{Sha256, Time};

use super::board::{Board, Nor, Seen};
use super::cost::{Cpu, Offered};
use super::line::{Line, Wire};
use super::messages::Messages;
use crate::world::clock::NodeClock;
use crate::world::scenario::Sickness;
use crate::world::time::Moment;

/// What it works with.
pub(super) struct Parts<'n> {
    pub(super) board: &'n mut (dyn Board + 'static),
    pub(super) chip: &'n (dyn Nor + 'static),
    pub(super) cpu: Cpu,
    pub(super) clock: &'n NodeClock,
    pub(super) refusals: &'n mut Vec<Refusal>,
    pub(super) messages: &'n mut Messages,
}

/// What it remembers from one request to the next.
struct Mind {
    time: Clock,
    offered: Offered,
}

/// A Secondary that has power.
pub(super) struct Awake {
    /// When it was started, which its timers count from.
    started: Moment,
    /// When it begins to listen.
    up: Moment,
    /// Until when it is busy.
    busy: Moment,
    /// When the self test of the new image ends well.
    vote: Option<Moment>,
    /// When a new image that does not work crashes.
    crash: Option<Moment>,
    /// When it resets, because another bank must run. It answers nothing before: that would be about a bank that is left.
    reset: Option<Moment>,
    mind: Mind,
    channel: Option<Line>,
    heard: VecDeque<Frame>,
}

impl Awake {
    /// Starts, and listens some time later. `seen` is what it booted.
    pub(super) fn new(
        (started, up): (Moment, Moment),
        wire: Option<Wire>,
        seen: Option<Seen<'_>>,
        sick: &BTreeMap<Sha256, Sickness>,
    ) -> Self {
        let on_trial = |seen: &Seen<'_>| seen.running.authorised && matches!(seen.state.stage.phase(), Phase::Trial(_));
        let trial = seen.filter(on_trial).map(|seen| sick.get(&seen.running.sha256));
        let tested = up + SELF_TEST;
        let (vote, crash) = match trial {
            None | Some(Some(Sickness::VotesSick)) => (None, None),
            Some(None) => (Some(tested), None),
            Some(Some(Sickness::Crashes)) => (None, Some(tested)),
        };
        let floor = seen.map_or(Time::EPOCH, |seen| seen.state.time);
        Self {
            started,
            up,
            busy: up,
            vote,
            crash,
            reset: None,
            mind: Mind { time: Clock::new(floor, Duration::ZERO), offered: Offered::default() },
            channel: wire.map(Wire::open),
            heard: VecDeque::new(),
        }
    }

    /// Answers at once, or once it is free; nothing before it listens and nothing before a reset that is due.
    pub(super) fn ask(&mut self, request: Request<'_>, now: Moment, mut parts: Parts<'_>) -> Option<Answer> {
        if now < self.up || self.reset.is_some() || self.channel.is_some() {
            return None;
        }
        let begins = self.busy.max(now);
        parts.chip.begin(begins);
        let elapsed = parts.clock.since_start(begins);
        let mut asking = self.mind.asking(elapsed, &mut parts);
        let answer = Answer::from(asking.handle(request));
        let spent = asking.spent();
        self.busy = parts.chip.free_at().max(begins) + spent;
        Some(answer)
    }

    /// Takes a frame, if it listens.
    pub(super) fn hear(&mut self, frame: &Frame, now: Moment) {
        if now >= self.up && self.channel.is_some() {
            self.heard.push_back(*frame);
        }
    }

    /// Whether the moment of a reset has come.
    pub(super) fn resets(&self, now: Moment) -> bool {
        self.busy <= now && [self.crash, self.reset].into_iter().flatten().any(|at| at <= now)
    }

    /// Does the next thing that is due; whether there was one.
    pub(super) fn turn(&mut self, now: Moment, mut parts: Parts<'_>) -> bool {
        if self.busy > now {
            return false;
        }
        self.settle(parts.board.seen());
        parts.chip.begin(now);
        if self.vote.take_if(|at| *at <= now).is_some() {
            // Where power fails, the vote is lost with it.
            let _ = parts.board.vote();
            self.busy = parts.chip.free_at().max(now);
            return true;
        }
        if !self.has_work(now) {
            return false;
        }
        let Some(mut channel) = self.channel.take() else { return false };
        let elapsed = parts.clock.since_start(now);
        let next = self.heard.pop_front_if(|_| !channel.is_pending());
        let mut asking = self.mind.asking(elapsed, &mut parts);
        match next {
            Some(frame) => drop(channel.hear(&frame, elapsed, &mut asking)),
            None => channel.work(elapsed, &mut asking),
        }
        let spent = asking.spent();
        self.busy = parts.chip.free_at().max(now) + spent;
        self.channel = Some(channel);
        true
    }

    /// Whether there is something to do before anything is said.
    pub(super) fn has_work(&self, now: Moment) -> bool {
        let on_wire = self
            .channel
            .as_ref()
            .is_some_and(|channel| !channel.has_answer() && (channel.is_pending() || !self.heard.is_empty()));
        self.busy <= now && on_wire && self.reset.is_none()
    }

    /// The next frame that leaves now.
    pub(super) fn speak(&mut self, now: Moment, clock: &NodeClock) -> Option<Frame> {
        if self.busy > now {
            return None;
        }
        let channel = self.channel.as_mut()?;
        loop {
            // A message that was lost is repeated by the Primary.
            if let Ok(frame) = channel.poll(clock.since_start(now)) {
                return frame;
            }
        }
    }

    /// Plans the reset that an activation or a roll back asks for, once the answer has left; when that is.
    pub(super) fn settle(&mut self, seen: Option<Seen<'_>>) -> Moment {
        let quiet = self.channel.as_ref().is_none_or(|channel| channel.is_quiet());
        if self.reset.is_none() && quiet && seen.is_some_and(|seen| seen.wants_reset) {
            self.reset = Some(self.busy + LAST_WORDS);
        }
        self.busy
    }

    /// When it has something to do, if nothing comes.
    pub(super) fn deadline(&self, clock: &NodeClock) -> Moment {
        let channel = self.channel.as_ref();
        let waits = channel.is_some_and(|channel| channel.has_answer() || channel.is_pending());
        if waits || (!self.heard.is_empty() && self.reset.is_none()) {
            return self.busy;
        }
        let link = channel.and_then(|channel| channel.deadline()).map(|due| clock.after(self.started, due));
        let next = [self.vote, self.crash, self.reset, link].into_iter().flatten().min();
        next.map_or(Moment::NEVER, |next| next.max(self.busy))
    }

    pub(super) fn busy(&self) -> Moment {
        self.busy
    }
}

impl Mind {
    fn asking<'a>(&'a mut self, elapsed: Duration, parts: &'a mut Parts<'_>) -> Asking<'a> {
        let Parts { board, chip, cpu, clock: _, refusals, messages } = parts;
        let Self { time, offered } = self;
        let told = told(*board);
        Asking {
            told,
            board: *board,
            chip: *chip,
            cpu: *cpu,
            time,
            offered,
            refusals,
            messages,
            elapsed,
            spent: Duration::ZERO,
        }
    }
}

/// Hands requests to the machine, and adds up what they cost its processor.
struct Asking<'a> {
    board: &'a mut (dyn Board + 'static),
    chip: &'a (dyn Nor + 'static),
    cpu: Cpu,
    time: &'a mut Clock,
    offered: &'a mut Offered,
    refusals: &'a mut Vec<Refusal>,
    messages: &'a mut Messages,
    elapsed: Duration,
    /// What a patch had told before.
    told: u32,
    spent: Duration,
}

impl Asking<'_> {
    /// How long the processor takes for all of it.
    fn spent(&self) -> Duration {
        self.spent + self.cpu.told(told(self.board).saturating_sub(self.told))
    }
}

/// Bytes that a patch on its way has told of an image.
fn told(board: &dyn Board) -> u32 {
    board.seen().and_then(|seen| seen.told).unwrap_or_default()
}

impl Handler for Asking<'_> {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        if self.messages.next_fails() {
            return falls_silent(self.chip, self.spent);
        }
        if let Some(seen) = self.board.seen() {
            self.time.correct(seen.state.time, self.elapsed);
        }
        self.spent += self.cpu.request(&request, self.offered.file());
        let reply = self.board.handle(request, self.time.now(self.elapsed));
        self.offered.see(&request, &reply);
        if let Reply::Refused(refusal) = reply {
            self.refusals.push(refusal);
        }
        if self.messages.next_fails() {
            return falls_silent(self.chip, self.spent);
        }
        reply
    }
}

/// Power fails now that so much has been done. Nobody hears the answer: a node without power says nothing.
fn falls_silent<'r>(chip: &dyn Nor, spent: Duration) -> Reply<'r> {
    chip.cut_power(chip.free_at() + spent);
    Reply::Refused(Refusal::Storage)
}

/// How long a new image tests itself before it votes.
const SELF_TEST: Duration = Duration::from_millis(200);
/// What the controller is given to send the last frame before a reset.
const LAST_WORDS: Duration = Duration::from_millis(10);
