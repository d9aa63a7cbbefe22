//! One Secondary of the world: the machine that ships, its flash, its clock, its processor, and its end of the wire.
//!
//! The machine runs its code at one moment. How long that would have taken, the chip adds up for flash and [`cost`] for the
//! processor; until [`SecondaryNode::busy_until`] then, nothing leaves the node and nothing else is begun. Should power fail
//! before, the chip undoes what had not happened yet.
//!
//! * **Ethernet**: [`ask`](SecondaryNode::ask) says what is answered, and when that leaves.
//! * **CAN**: [`frame`](SecondaryNode::frame) takes what arrives; frames that come while the node is busy wait inside it.
//! * **Both**: call [`poll`](SecondaryNode::poll) after each of these and at the [`deadline`](SecondaryNode::deadline),
//!   until it gives no frame. Self test, vote and the reset that an activation asks for happen there.
//!
//! What is seen from outside (running image, phase, floors) is what the machine holds; nobody in the vehicle sees it.

mod awake;
mod board;
mod cost;
mod line;
mod make;
mod messages;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use primary_ecu::node::Answer;
use proto::can::Frame;
use proto::secondary::{Phase, Refusal, Request};
use secondary_ecu::{BootError, Running};
use uptane::{Attack, Counter, EcuId, ImageLine, ReleaseCounter, Sha256, Time};

use super::Error;
use super::oem::Oem;
use crate::world::chance::Chance;
use crate::world::clock::{Battery, Drift, NodeClock};
use crate::world::disk::{self, Unsynced, VirtualDisk};
use crate::world::flash::{self, Torn};
use crate::world::scenario::Sickness;
use crate::world::time::Moment;
use crate::world::vehicle::Ecu;
use awake::{Awake, Parts};
use board::{Board, Nor, Seen};
use cost::Cpu;
use line::Wire;
use make::Kit;
use messages::Messages;

/// A Secondary.
pub struct SecondaryNode {
    ecu: EcuId,
    board: Box<dyn Board>,
    chip: Box<dyn Nor>,
    disk: VirtualDisk,
    cpu: Cpu,
    clock: NodeClock,
    wire: Option<Wire>,
    sick: BTreeMap<Sha256, Sickness>,
    life: Life,
    starts: u64,
    refusals: Vec<Refusal>,
    messages: Messages,
}

/// Something that a Secondary refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The failed check: [`uptane::Error::code`].
    pub check: u8,
    /// The attack that its reports name from now on.
    pub attack: Option<Attack>,
    /// The counter of its last report before.
    pub before: Counter,
    /// When it has said so.
    pub out: Moment,
}

/// Whether it runs.
enum Life {
    /// It does not come back from a reset.
    Broken(BootError),
    /// A planned mishap took its power.
    Lost(Moment),
    /// Without power.
    Off,
    /// With power.
    On(Box<Awake>),
}

impl SecondaryNode {
    /// The ECU as it stands in its new vehicle: with its first image, trusting the manufacturer's Roots, without power.
    pub fn provisioned(ecu: &Ecu, oem: &Oem, chance: &Chance) -> Result<Self, Error> {
        let chance = chance.split(ecu.id().as_str());
        let cpu = Cpu::new(ecu.hardware().cpu(), ecu.verification());
        let capacity = ecu.hardware().disk().map_or(0, |bytes| bytes.0);
        let disk = VirtualDisk::new(capacity, chance.split("disk"));
        let (board, chip) = Kit::new(ecu, oem, cpu, disk.clone(), chance.split("flash"))?.assemble()?;
        let off_by = chance.split("clock").between(0..=2 * DRIFT);
        let drift = i32::try_from(off_by).unwrap_or_default() - i32::try_from(DRIFT).unwrap_or_default();
        Ok(Self {
            ecu: ecu.id(),
            board,
            chip,
            disk,
            cpu,
            clock: NodeClock::new(Time::EPOCH, Drift::new(drift), Battery::Absent),
            wire: Wire::of(ecu.connection()),
            sick: BTreeMap::new(),
            life: Life::Off,
            starts: 0,
            refusals: Vec::new(),
            messages: Messages::default(),
        })
    }

    /// Takes the power from it: a flash operation under way is torn, what the disk had not synchronised may vanish.
    pub fn power_off(&mut self, now: Moment) {
        self.lose(now);
        self.life = Life::Off;
    }

    /// Gives it power: it starts. Nothing happens to one that has power.
    pub fn power_on(&mut self, now: Moment) {
        let from = match self.life {
            Life::Broken(_) | Life::On(_) => return,
            Life::Lost(since) => now.max(since),
            Life::Off => now,
        };
        self.chip.restore_power(from);
        self.disk.restore_power();
        self.clock.restart(from);
        self.start(from);
    }

    /// Starts it anew, whatever it is doing.
    pub fn reset(&mut self, now: Moment) {
        match self.life {
            Life::Lost(_) | Life::Off => {}
            Life::Broken(_) | Life::On(_) => {
                self.power_off(now);
                self.power_on(now);
            }
        }
    }

    /// On Ethernet: the answer to a request that arrives now, and when it leaves. `None` if nobody answers: there is no power,
    /// or it is starting.
    pub fn ask(&mut self, request: Request<'_>, now: Moment) -> Option<(Answer, Moment)> {
        self.work(now);
        let (awake, parts) = self.awake()?;
        let answer = awake.ask(request, now, parts)?;
        self.notice();
        let Life::On(awake) = &mut self.life else { return None };
        Some((answer, awake.settle(self.board.seen())))
    }

    /// On CAN: takes a frame that its controller has received. One that does not run does not hear it.
    pub fn frame(&mut self, frame: &Frame, now: Moment) {
        if let Life::On(awake) = &mut self.life {
            awake.hear(frame, now);
        }
    }

    /// Does what is due, and gives the next frame for its controller.
    pub fn poll(&mut self, now: Moment) -> Option<Frame> {
        loop {
            self.work(now);
            let (awake, parts) = self.awake()?;
            if let Some(frame) = awake.speak(now, parts.clock) {
                return Some(frame);
            }
            if !awake.has_work(now) {
                awake.settle(parts.board.seen());
                return None;
            }
        }
    }

    /// When to poll again, if nothing comes.
    pub fn deadline(&self) -> Moment {
        match &self.life {
            Life::Broken(_) | Life::Lost(_) | Life::Off => Moment::NEVER,
            Life::On(awake) => awake.deadline(&self.clock),
        }
    }

    /// Until when it does nothing else: flash and processor are busy. A moment that is past if they are not.
    pub fn busy_until(&self) -> Moment {
        match &self.life {
            Life::Broken(_) | Life::Lost(_) | Life::Off => Moment::START,
            Life::On(awake) => awake.busy(),
        }
    }

    /// Makes an image sick: it counts from the next time that it starts.
    pub fn sicken(&mut self, image: Sha256, sickness: Sickness) {
        self.sick.insert(image, sickness);
    }

    /// Lets something go wrong at a flash operation, counted from the first since it was provisioned.
    pub fn plan_flash(&mut self, operation: u64, mishap: flash::Mishap) {
        self.chip.plan(operation, mishap);
    }

    /// Cuts power in a flash operation to come; 0 is the next.
    pub fn cut_flash_at(&mut self, operation: u64, torn: Torn) {
        self.chip.cut_power_at(operation, torn);
    }

    /// Cuts power just before a message to come is taken or answered; 0 is the next.
    pub fn cut_message_at(&mut self, message: u64) {
        self.messages.cut_at(message);
    }

    /// Lets something go wrong at an operation of its disk, counted from the disk's first.
    pub fn plan_disk(&mut self, operation: u64, mishap: disk::Mishap) {
        self.disk.plan(operation, mishap);
    }

    /// The mishaps that have happened since this was last asked, to its flash and to its disk.
    pub fn take_fired(&mut self) -> (Vec<flash::Mishap>, Vec<disk::Mishap>) {
        (self.chip.take_fired(), self.disk.take_fired())
    }

    /// What it has refused since this was last asked because a check of verification failed. What power took before it was
    /// said is not among them.
    pub fn take_refusals(&mut self) -> Vec<Refused> {
        if self.refusals.is_empty() {
            return Vec::new();
        }
        let (refusals, out) = (std::mem::take(&mut self.refusals), self.busy_until());
        let Some(Seen { state, .. }) = self.board.seen() else { return Vec::new() };
        let refused = |refusal: Refusal| {
            // The rest says that a request comes at the wrong time or place.
            let Refusal::Check(check) = refusal else { return None };
            Some(Refused { check, attack: state.outcome.attack, before: state.reports, out })
        };
        refusals.into_iter().filter_map(refused).collect()
    }

    /// Which ECU it is.
    pub fn id(&self) -> EcuId {
        self.ecu
    }

    /// Its disk; an empty one if its hardware has none.
    pub fn disk(&self) -> &VirtualDisk {
        &self.disk
    }

    /// Erases, writes and syncs of its flash so far.
    pub fn flash_operations(&self) -> u64 {
        self.chip.operations()
    }

    /// Requests that it has taken and answers that it has given so far.
    pub fn messages(&self) -> u64 {
        self.messages.count()
    }

    /// How often each erase unit of its flash has been erased.
    pub fn wear(&self) -> Vec<u32> {
        self.chip.wear()
    }

    /// What it booted; `None` while it does not run.
    pub fn running(&self) -> Option<Running> {
        self.board.seen().map(|seen| seen.running)
    }

    /// Where it stands in its transaction; `None` while it does not run.
    pub fn phase(&self) -> Option<Phase> {
        self.board.seen().map(|seen| seen.state.stage.phase())
    }

    /// The lowest release of a line that it still takes; `None` while it does not run.
    pub fn floor(&self, line: ImageLine) -> Option<ReleaseCounter> {
        self.board.seen().map(|seen| seen.state.floors.of(line))
    }

    /// Times it has started.
    pub fn starts(&self) -> u64 {
        self.starts
    }

    /// Whether it has power.
    pub fn has_power(&self) -> bool {
        match self.life {
            Life::Broken(_) | Life::On(_) => true,
            Life::Lost(_) | Life::Off => false,
        }
    }

    /// Since when it is without power because of a planned mishap.
    pub fn lost_power(&self) -> Option<Moment> {
        match self.life {
            Life::Lost(since) => Some(since),
            Life::Broken(_) | Life::Off | Life::On(_) => None,
        }
    }

    /// Why it did not come back from a reset, if it did not.
    pub fn broken(&self) -> Option<BootError> {
        match self.life {
            Life::Broken(error) => Some(error),
            Life::Lost(_) | Life::Off | Life::On(_) => None,
        }
    }

    /// Boots, as far as power lasts.
    fn start(&mut self, now: Moment) {
        self.starts = self.starts.saturating_add(1);
        self.chip.begin(now);
        self.life = match self.board.boot() {
            Ok(()) => {
                let up = self.chip.free_at().max(now) + START_UP + self.cpu.reload();
                Life::On(Box::new(Awake::new((now, up), self.wire, self.board.seen(), &self.sick)))
            }
            Err(error) => Life::Broken(error),
        };
        self.notice();
    }

    /// Everything that is due and that no frame has to leave for.
    fn work(&mut self, now: Moment) {
        loop {
            let Some((awake, parts)) = self.awake() else { return };
            if awake.resets(now) {
                self.reset(now);
                continue;
            }
            if !awake.turn(now, parts) {
                return;
            }
            self.notice();
        }
    }

    fn awake(&mut self) -> Option<(&mut Awake, Parts<'_>)> {
        let Self { board, chip, cpu, clock, life, refusals, messages, .. } = self;
        let Life::On(awake) = life else { return None };
        let (board, chip) = (&mut **board, &**chip);
        Some((awake, Parts { board, chip, cpu: *cpu, clock, refusals, messages }))
    }

    /// Whether a planned mishap has cut its power meanwhile: then what it was about to say is not said.
    fn notice(&mut self) {
        let dark = self.chip.dark_since();
        let since = dark.or_else(|| self.disk.is_dark().then(|| self.chip.free_at()));
        if let Some(since) = since {
            self.lose(since);
            self.life = Life::Lost(since);
        }
    }

    fn lose(&mut self, at: Moment) {
        self.chip.cut_power(at);
        self.disk.cut_power(Unsynced::Mixed);
        self.board.stop();
    }
}

/// From power to the first line of its own code that looks at flash.
const START_UP: Duration = Duration::from_millis(30);
/// How wrong clocks go at most, in parts per billion.
const DRIFT: u64 = 50_000;
