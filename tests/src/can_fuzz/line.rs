//! One ECU and its Primary on a bus, in virtual time, and what goes wrong between them.

use std::time::Duration;

use proto::Error;
use proto::broadcast::Sender;
use proto::can::Frame;
use proto::isotp::Link;
use proto::secondary::{Refusal, Request};
use secondary_ecu::channel::MAX_RESPONSE;

use super::chance::Chance;
use super::mutation::{Mutation, flipped, out_of_sequence, resized};
use super::scene::Scene;
use super::setup::Setup;
use super::tester::{Answer, Asking, MESSAGE, Tester};
use super::unit::Unit;
use super::words;

/// The bus and who is on it.
pub(super) struct Line<'s> {
    pub(super) scene: &'s Scene,
    pub(super) unit: Unit,
    pub(super) tester: Tester,
    pub(super) setup: Setup,
    pub(super) chance: Chance,
    pub(super) now: Duration,
    pub(super) fault: Fault,
    /// Frames that reached somebody.
    pub(super) frames: u64,
    /// A frame that is late.
    held: Option<(Frame, To)>,
}

/// What is to go wrong, after so many frames or messages to which it can be done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    None,
    Waits(Mutation, usize),
    Struck(Mutation),
}

/// For whom a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum To {
    Ecu,
    Tester,
}

/// Why a request got no answer that helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The tester gave up.
    Silent(Error),
    /// The ECU refuses.
    Refused(Refusal),
    /// The answer is one to something else.
    Odd,
    /// The tester is gone.
    Stopped,
    /// The request comes to no end.
    Endless,
}

impl<'s> Line<'s> {
    /// A bus on which nothing was said yet.
    pub(super) fn new(scene: &'s Scene, unit: Unit, setup: Setup, chance: Chance) -> Self {
        let [config, _] = setup.testers;
        let (tester, now) = (Tester::new(config), Duration::from_secs(1));
        Self { scene, unit, tester, setup, chance, now, fault: Fault::None, frames: 0, held: None }
    }

    /// A Primary that knows nothing of what was said before.
    pub(super) fn renew(&mut self) {
        let [config, _] = self.setup.testers;
        (self.tester, self.held, self.fault) = (Tester::new(config), None, Fault::None);
    }

    /// A request, and the answer to it.
    pub(super) fn request(&mut self, request: Request<'_>) -> Result<Answer, Ended> {
        self.ask(|client| client.start(request))
    }

    /// Whatever `begin` begins, and the answer to it.
    pub(super) fn ask(&mut self, begin: impl FnOnce(&mut Asking) -> Result<(), Error>) -> Result<Answer, Ended> {
        let asked = begin(&mut self.tester.client).map_err(Ended::Silent).and_then(|()| self.conclude());
        if asked.is_err() {
            self.tester.abandon();
        }
        let answer = asked?;
        if let Answer::Refused(refusal) = answer {
            return Err(Ended::Refused(refusal));
        }
        Ok(answer)
    }

    fn conclude(&mut self) -> Result<Answer, Ended> {
        for _ in 0..MAX_TURNS {
            if let Some(answer) = self.turn()? {
                return Ok(answer);
            }
        }
        Err(Ended::Endless)
    }

    /// What is due at the tester and then at the ECU; if nothing is, time goes on.
    pub(super) fn turn(&mut self) -> Result<Option<Answer>, Ended> {
        self.tester.sign(self.scene).map_err(Ended::Silent)?;
        if let Some(message) = self.tester.message(self.now).map_err(Ended::Silent)? {
            let message = self.said(message);
            self.tester.send(&message, self.now);
        }
        let mut answer = None;
        let frame = self.tester.frame(self.now);
        if let Some(frame) = frame {
            answer = self.carry(frame, To::Ecu)?;
        }
        let (served, moved) = self.serve()?;
        if frame.is_none() && !moved {
            self.wait();
        }
        Ok(answer.or(served))
    }

    /// Lets the ECU say and do what is due. The answer this completes, and whether there was anything.
    fn serve(&mut self) -> Result<(Option<Answer>, bool), Ended> {
        let (mut answer, mut moved) = (None, false);
        loop {
            if let Some(frame) = self.unit.poll(self.now) {
                answer = answer.or(self.carry(frame, To::Tester)?);
            } else if self.unit.is_pending() {
                self.unit.work(self.now);
            } else {
                break;
            }
            moved = true;
        }
        self.unit.settle();
        Ok((answer, moved))
    }

    /// Until something is due.
    fn wait(&mut self) {
        let due = [self.tester.deadline(), self.unit.deadline()].into_iter().flatten().min();
        // An ECU whose session is over says so when it is polled.
        self.now = due.unwrap_or(self.now).max(self.now + TICK);
        self.unit.work(self.now);
    }

    /// Brings a frame of a broadcast to the ECU, and what that answers to `sender`.
    pub(super) fn broadcasts(&mut self, frame: &Frame, sender: &mut Sender<1, 1_024>) -> Result<(), Ended> {
        self.carry(*frame, To::Ecu)?;
        loop {
            if let Some(answer) = self.unit.poll(self.now) {
                sender.handle(&answer, self.now);
                self.carry(answer, To::Tester)?;
            } else if self.unit.is_pending() {
                self.unit.work(self.now);
            } else {
                return Ok(());
            }
        }
    }

    /// Brings a frame to all ECUs, and back what this one says to it.
    pub(super) fn tell(&mut self, frame: &Frame) -> Result<(), Ended> {
        self.carry(*frame, To::Ecu)?;
        self.serve().map(drop)
    }

    /// Nothing is said until then, or for a moment.
    pub(super) fn pass_until(&mut self, then: Duration) {
        self.now = then.max(self.now + TICK);
    }

    /// The message as it leaves the tester.
    fn said(&mut self, message: Vec<u8>) -> Vec<u8> {
        let mut message = message;
        let struck = self.strikes(|mutation| mutation.takes(&message));
        if struck == Some(Mutation::Replaced) {
            return words::message(self.scene, &mut self.chance);
        }
        if struck.is_some() {
            let other = u8::try_from(1 + self.chance.below(255)).unwrap_or(1);
            message.iter_mut().skip(1).take(1).for_each(|counter| *counter ^= other);
        }
        message
    }

    /// Brings a frame to whom it is for, or what became of it. Gives the answer it completes.
    fn carry(&mut self, frame: Frame, to: To) -> Result<Option<Answer>, Ended> {
        let [config, _] = self.setup.testers;
        let width = usize::from(config.addressing.send().byte().is_some());
        let struck = self.strikes(|mutation| mutation.takes_frame(&frame, width));
        let late = self.held.take();
        let frames = match struck {
            None => [Some(frame), None],
            Some(mutation) => self.mutated(mutation, frame, width, to)?,
        };
        let mut answer = None;
        for (frame, to) in frames.into_iter().flatten().map(|frame| (frame, to)).chain(late) {
            answer = answer.or(self.deliver(&frame, to)?);
        }
        Ok(answer)
    }

    fn mutated(&mut self, mutation: Mutation, frame: Frame, width: usize, to: To) -> Result<[Option<Frame>; 2], Ended> {
        match mutation {
            Mutation::BitChanged => return Ok([flipped(&frame, &mut self.chance), None]),
            Mutation::SequenceNumber => return Ok([out_of_sequence(&frame, width, &mut self.chance), None]),
            Mutation::LengthChanged => return Ok([resized(&frame, &mut self.chance), None]),
            Mutation::Dropped => return Ok([None, None]),
            Mutation::Duplicated => return Ok([Some(frame), Some(frame)]),
            Mutation::Reordered => {
                self.held = Some((frame, to));
                return Ok([None, None]);
            }
            Mutation::Stopped => return Err(Ended::Stopped),
            Mutation::TimeJump => self.now += self.chance.pause(LONGEST_JUMP),
            Mutation::Replayed => {
                let messages = words::replay(self.scene, &mut self.chance);
                self.intrude(&messages, 0)?;
            }
            Mutation::SecondTester => {
                let count = 1 + self.chance.below(4);
                let messages: Vec<_> = (0..count).map(|_| words::message(self.scene, &mut self.chance)).collect();
                let number = self.chance.below(2);
                self.intrude(&messages, number)?;
            }
            Mutation::BlockCounter | Mutation::Replaced => {}
        }
        Ok([Some(frame), None])
    }

    fn deliver(&mut self, frame: &Frame, to: To) -> Result<Option<Answer>, Ended> {
        self.frames += 1;
        match to {
            To::Ecu => {
                self.unit.hear(frame, self.now);
                Ok(None)
            }
            To::Tester => self.tester.hear(frame, self.now).map_err(Ended::Silent),
        }
    }

    /// Somebody else with a link of his own says this: as the Primary, or as the second tester. All on the bus hear what the
    /// ECU answers.
    fn intrude(&mut self, messages: &[Vec<u8>], number: usize) -> Result<(), Ended> {
        let Some(config) = self.setup.testers.get(number).copied() else { return Ok(()) };
        let mut link = Link::<MAX_RESPONSE, MESSAGE>::new(config);
        for message in messages {
            link.send(message, self.now).ok();
            for _ in 0..MAX_INTRUSION {
                let Ok(Some(frame)) = link.poll(self.now) else { break };
                link.confirm(&frame, self.now);
                self.deliver(&frame, To::Ecu)?;
                while let Some(answer) = self.unit.poll(self.now) {
                    link.handle(&answer, self.now).ok();
                    self.deliver(&answer, To::Tester)?;
                }
                self.now += TICK;
            }
            self.serve()?;
        }
        Ok(())
    }

    /// Whether what is to go wrong goes wrong here.
    fn strikes(&mut self, is_possible: impl FnOnce(Mutation) -> bool) -> Option<Mutation> {
        let Fault::Waits(mutation, after) = self.fault else { return None };
        if !is_possible(mutation) {
            return None;
        }
        match after.checked_sub(1) {
            Some(after) => {
                self.fault = Fault::Waits(mutation, after);
                None
            }
            None => {
                self.fault = Fault::Struck(mutation);
                Some(mutation)
            }
        }
    }
}

/// Turns of the longest request, waiting included.
const MAX_TURNS: usize = 20_000;
/// Frames of the longest message of an intruder.
const MAX_INTRUSION: usize = 400;
/// The least time that passes when there is nothing to do.
const TICK: Duration = Duration::from_micros(100);
/// The longest jump of time: longer than any session.
const LONGEST_JUMP: Duration = Duration::from_secs(20);
