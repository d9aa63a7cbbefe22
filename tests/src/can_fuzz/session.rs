//! What a Primary does with one ECU, step by step, over the bus.

use proto::broadcast::{Sender, Session};
use proto::isotp::Framing;
use proto::secondary::{File, Repo as Which, Request};
use proto::uds::{Client, Control, DtcSetting, Messages, QuietBus, Reset, Traffic};
use secondary_ecu::bench::{OPEN, length};
use uptane::testing::Repo;
use uptane::verify::MetadataFile;
use uptane::{Action, Length, Nonce, TransactionId, Version};

use super::chance::Chance;
use super::line::{Ended, Line};
use super::scene::Stage;
use super::setup::{ANSWER, BROADCAST, standard};
use super::tester::Answer;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Begin,
    Broadcast,
    Command(Action),
    Control(Control),
    Identify,
    Image,
    Patch,
    Quiet,
    Report,
    Root,
    Targets,
    Time,
}

/// Steps, and what they are about.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// The release it brings.
    pub(super) release: usize,
    pub(super) transaction: TransactionId,
}

impl Plan {
    /// What is left to do of an update from this stage on, or some of it, with questions in between.
    pub(super) fn of(stage: Stage, chance: &mut Chance) -> Self {
        let release = if stage == Stage::Committed { 3 } else { 2 };
        let transaction = match stage {
            Stage::Fresh | Stage::Committed | Stage::RolledBack => AFTER_OPEN,
            Stage::Told | Stage::Partly | Stage::Staged | Stage::Healthy => OPEN,
        };
        let image = match release {
            2 => chance.choose(Step::Image, &[Step::Patch, Step::Broadcast]),
            _ => chance.choose(Step::Image, &[Step::Broadcast]),
        };
        let end = chance.choose(Action::Commit, &[Action::Rollback]);
        let metadata = [Step::Begin, Step::Root, Step::Time, Step::Targets];
        let all = [image, Step::Command(Action::Activate), Step::Command(end), Step::Report];
        let mut steps: Vec<Step> = match stage {
            Stage::Fresh => metadata.into_iter().chain(all).collect(),
            Stage::Committed | Stage::RolledBack => {
                [Step::Begin, Step::Time, Step::Targets].into_iter().chain(all).collect()
            }
            Stage::Told | Stage::Partly => all.to_vec(),
            Stage::Staged => all.into_iter().skip(1).collect(),
            Stage::Healthy => all.into_iter().skip(2).collect(),
        };
        steps.truncate(1 + chance.below(steps.len() + 2));
        for _ in 0..chance.below(3) {
            steps.insert(chance.below(steps.len() + 1), question(chance));
        }
        Self { steps, release, transaction }
    }

    /// A whole update to release 3, in a transaction later than all others.
    pub(super) fn whole() -> Self {
        let [activate, commit] = [Action::Activate, Action::Commit].map(Step::Command);
        let steps = vec![Step::Begin, Step::Time, Step::Targets, Step::Image, activate, commit, Step::Report];
        Self { steps, release: 3, transaction: LAST }
    }
}

/// Something that changes no image.
fn question(chance: &mut Chance) -> Step {
    let controls = [
        Control::Communication(Traffic::Neither, Messages::Normal),
        Control::DtcSetting(DtcSetting::Off),
        Control::Reset(Reset::Soft),
    ];
    let control = Step::Control(chance.choose(Control::Reset(Reset::Hard), &controls));
    chance.choose(Step::Identify, &[Step::Report, Step::Quiet, control, control])
}

impl Line<'_> {
    /// Does all of it, or as much as goes.
    pub(super) fn follow(&mut self, plan: &Plan) -> Result<(), (Step, Ended)> {
        plan.steps.iter().try_for_each(|step| self.step(*step, plan).map_err(|ended| (*step, ended)))
    }

    /// Does one step.
    pub(super) fn step(&mut self, step: Step, plan: &Plan) -> Result<(), Ended> {
        let Plan { release, transaction, .. } = *plan;
        let scene = self.scene;
        let repo = if release == 3 { &scene.later } else { &scene.repo };
        let image = release.checked_sub(1).and_then(|at| scene.images.get(at)).map(Vec::as_slice).unwrap_or_default();
        match step {
            Step::Begin => self.request(Request::Begin(transaction)).map(drop),
            Step::Broadcast => self.broadcast(image),
            Step::Command(action) => self.send(File::Command, &scene.command(release, action, transaction)),
            Step::Control(control) => self.ask(|client| client.control(control)).map(drop),
            Step::Identify => self.request(Request::Identify).map(drop),
            Step::Image => self.send(File::Image, image),
            Step::Patch => self.send(File::Patch, &scene.patch),
            Step::Quiet => self.quiet(),
            Step::Report => self.request(Request::Report(Nonce([7; 16]))).map(drop),
            Step::Root => self.send_root(repo),
            Step::Targets => self.send(File::Targets(Which::Director), repo.director().targets()),
            Step::Time => self.send_time(repo),
        }
    }

    /// Has the ECU be quiet with all others, and takes that back.
    fn quiet(&mut self) -> Result<(), Ended> {
        let mut bus = QuietBus::new();
        bus.open();
        self.say_to_all(&mut bus)?;
        if self.setup.is_port {
            self.ask(Client::authenticate)?;
        }
        bus.silence();
        self.say_to_all(&mut bus)?;
        bus.release();
        self.say_to_all(&mut bus)
    }

    fn say_to_all(&mut self, bus: &mut QuietBus) -> Result<(), Ended> {
        let mut group = self.setup.group;
        while !bus.is_settled() {
            self.pass_until(bus.deadline().unwrap_or(self.now));
            let Some(message) = bus.poll(self.now) else { continue };
            group.send(message, self.now).map_err(Ended::Silent)?;
            while let Some(frame) = group.poll(self.now).map_err(Ended::Silent)? {
                self.tell(&frame)?;
            }
        }
        Ok(())
    }

    /// The second Root, which an ECU may have already.
    pub(super) fn send_root(&mut self, repo: &Repo) -> Result<(), Ended> {
        let Ok(version) = Version::new(2) else { return Ok(()) };
        let root = repo.director().get(MetadataFile::Root(version)).unwrap_or_default();
        self.send(File::Root(Which::Director, version), root)
    }

    fn send_time(&mut self, repo: &Repo) -> Result<(), Ended> {
        let Answer::Nonce(nonce) = self.request(Request::TimeNonce)? else {
            return Err(Ended::Odd);
        };
        self.send(File::Time, &repo.time(repo.now(), [nonce]))
    }

    /// Hands over a file, from where the ECU says.
    pub(super) fn send(&mut self, file: File, bytes: &[u8]) -> Result<(), Ended> {
        let (mut at, most) = self.offer(file, bytes)?;
        while let Some(rest) = rest(bytes, at).filter(|rest| !rest.is_empty()) {
            let chunk = rest.get(..most.min(rest.len())).unwrap_or_default();
            let Answer::Taken(next) = self.request(Request::Chunk(at, chunk))? else {
                return Err(Ended::Odd);
            };
            if next <= at {
                return Err(Ended::Odd);
            }
            at = next;
        }
        self.request(Request::Close).map(drop)
    }

    fn offer(&mut self, file: File, bytes: &[u8]) -> Result<(Length, usize), Ended> {
        let Answer::Ready(at, most) = self.request(Request::Offer(file, length(bytes)))? else {
            return Err(Ended::Odd);
        };
        let is_sound = at <= length(bytes) && most > 0;
        is_sound.then_some((at, usize::try_from(most).unwrap_or(usize::MAX))).ok_or(Ended::Odd)
    }

    /// The image as to many ECUs at once; to one that hears no broadcasts, by itself.
    fn broadcast(&mut self, image: &[u8]) -> Result<(), Ended> {
        self.offer(File::Image, image)?;
        let framing = if self.chance.once_in(2) { Framing::CLASSICAL } else { Framing::FD };
        let session = Session { number: self.chance.byte(), framing, id: standard(BROADCAST) };
        if self.ask(|client| client.join(session, standard(ANSWER))).is_err() {
            return self.send(File::Image, image);
        }
        let mut sender = Sender::<1, 1_024>::new(session, length(image)).map_err(Ended::Silent)?;
        if let Some(member) = self.tester.client.member() {
            sender.add(member).map_err(Ended::Silent)?;
        }
        for _ in 0..MAX_BROADCAST {
            if sender.is_over() {
                break;
            }
            self.broadcast_turn(&mut sender, image)?;
        }
        // What it lacks it is brought by itself.
        self.send(File::Image, image)
    }

    fn broadcast_turn(&mut self, sender: &mut Sender<1, 1_024>, image: &[u8]) -> Result<(), Ended> {
        if let Some((from, count)) = sender.wants() {
            let part = rest(image, from).and_then(|rest| rest.get(..count)).unwrap_or_default();
            sender.supply(part, self.now).map_err(Ended::Silent)?;
        }
        match sender.poll(self.now) {
            Some(frame) => self.broadcasts(&frame, sender),
            None => {
                let later = sender.deadline().unwrap_or(self.now);
                self.pass_until(later);
                Ok(())
            }
        }
    }
}

/// What comes after these bytes.
fn rest(bytes: &[u8], at: Length) -> Option<&[u8]> {
    bytes.get(usize::try_from(at.get()).ok()?..)
}

/// The transaction after the one that the bench opens.
const AFTER_OPEN: TransactionId = TransactionId([3; 16]);
/// One later than all that anybody here begins.
pub(super) const LAST: TransactionId = TransactionId([200; 16]);
/// Turns of the longest broadcast.
const MAX_BROADCAST: usize = 20_000;
