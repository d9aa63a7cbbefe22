//! The Primary's cycles: what its daemon does with the steps of its node, in virtual time.

use std::rc::Rc;
use std::time::Duration;

use host::fetch::Sink as _;
use primary_ecu::Error;
use primary_ecu::node::{Answer, Ask, Done, Download, News, Node, Silent, Step, Turn};
use uptane::verify::Mapping;
use uptane::{EcuId, Length};

use super::World;
use super::broadcast::Hall;
use super::calls::{PIECE, Peer, Question, Response};
use super::ended::Closed;
use super::event::{Event, Record};
use super::primary::{CloudAsk, Heard, Progress};
use super::settled::Settled;
use crate::world::disk::VirtualDisk;

impl World {
    /// A cycle begins, after a start of the Primary if need be.
    pub(super) fn begin_cycle(&mut self, cycle: u64) {
        if cycle != self.primary.cycle || !self.is_on(self.primary.ecu) {
            return;
        }
        if self.primary.node.is_none() && !self.boot() {
            return;
        }
        let mut seed = [0; 32];
        self.primary.chance.fill(&mut seed);
        (self.primary.is_busy, self.primary.had_transaction) = (true, false);
        match self.primary.node.as_mut().map(|node| node.begin(seed)) {
            Some(Err(error)) => self.end_cycle(Err(error)),
            Some(Ok(())) => self.drive(),
            None => {}
        }
    }

    /// Starts the node from its disk. A start that fails is tried again, as a supervisor does.
    fn boot(&mut self) -> bool {
        let Some(signer) = self.oem.signer(self.primary.ecu) else { return false };
        let vehicle = self.oem.inventory().clone();
        match Node::boot(self.primary.disk.clone(), vehicle, Mapping::basic(), signer) {
            Ok(node) => {
                let members = |hall: &Hall| hall.broadcast.group().answers.keys().copied().collect();
                self.primary.node = Some(node.with_groups(self.halls.iter().map(members).collect()));
                true
            }
            Err(error) => {
                if !self.primary.disk.is_dark() {
                    self.record(|| Record::Cycle { error: Some(format!("start: {error}")) });
                }
                self.primary.is_busy = true;
                self.end_cycle(Err(error));
                false
            }
        }
    }

    /// Does what the node wants until it waits for somebody.
    pub(super) fn drive(&mut self) {
        while let Some(node) = &mut self.primary.node {
            if self.primary.disk.is_dark() {
                break;
            }
            match node.poll() {
                Ok(None) => break,
                Ok(Some(Step::Ask(ask))) => self.carry_out(ask),
                Ok(Some(Step::News(news))) => self.learn(&news),
                Ok(Some(Step::Finished(result))) => return self.end_cycle(result),
                Err(error) => return self.end_cycle(Err(error)),
            }
        }
        if let Some(node) = &self.primary.node {
            self.primary.had_transaction |= node.transaction().is_some();
        }
        self.watch_primary();
    }

    /// Tells the node what came of something, and goes on.
    pub(super) fn done(&mut self, done: Done) {
        let Some(node) = &mut self.primary.node else { return };
        match node.take(done) {
            Ok(()) => self.drive(),
            Err(error) => self.end_cycle(Err(error)),
        }
    }

    fn end_cycle(&mut self, result: Result<(), Error>) {
        if !self.primary.is_busy {
            return;
        }
        if let Err(error) = &result {
            self.note_refusal_of_primary(error);
        }
        let error = result.err().map(|error| error.to_string());
        let is_idle = error.is_none() && !self.primary.had_transaction;
        self.primary.idle_cycles = if is_idle { self.primary.idle_cycles.saturating_add(1) } else { 0 };
        self.record(|| Record::Cycle { error });
        self.primary.drop_all();
        self.drop_calls();
        self.engine.schedule_in(EVERY, Event::Cycle(self.primary.cycle));
        self.watch_primary();
        self.assign_waiting();
    }

    fn learn(&mut self, news: &News) {
        match news {
            News::Settled(transaction) => self.settle(Settled::of(transaction, self.engine.now())),
            News::Recorded(transaction) => {
                self.primary.had_transaction = true;
                self.primary.open(transaction);
            }
            News::CheckedIn { .. }
            | News::NotCheckedIn
            | News::Met(..)
            | News::Reported(..)
            | News::Acted(_)
            | News::Stands(..) => {}
            News::Damaged(_) => self.forget_versions(),
        }
        self.record(|| Record::News { what: told(news) });
    }

    /// A transaction is closed. One that the vehicle goes back from again and again has come to its end, too.
    fn settle(&mut self, settled: Option<Settled>) {
        let is_back = settled.as_ref().is_some_and(|settled| !settled.is_committed);
        let (at, is_committed) = (self.engine.now(), settled.as_ref().is_some_and(|settled| settled.is_committed));
        self.watch.closed.push(Closed { at, is_committed });
        let counts = is_back && self.has_calmed_down();
        self.primary.returns = if counts { self.primary.returns.saturating_add(1) } else { 0 };
        self.primary.settled = settled;
    }

    fn carry_out(&mut self, ask: Ask<VirtualDisk>) {
        match ask {
            Ask::CheckIn(request) => self.ask_cloud(CloudAsk::CheckIn, Question::CheckIn(request)),
            Ask::Fetch { path, limit, .. } => {
                let question = Question::Get { path: Rc::from(path), from: 0, most: usize::MAX };
                self.ask_cloud(CloudAsk::Fetch { limit: limit.get() }, question);
            }
            Ask::Download(download) => {
                let resume = download.resume().map_or(0, |resume| resume.offset.get());
                let from = usize::try_from(resume).unwrap_or(usize::MAX);
                self.next_piece(download, Progress::From(from), from);
            }
            Ask::Errand(errand) => {
                let pause = errand.pause();
                self.expect(&errand);
                self.engine.schedule_in(pause, Event::Errand(self.primary.cycle, errand));
            }
        }
    }

    fn ask_cloud(&mut self, ask: CloudAsk, question: Question) {
        let number = self.call(Peer::Cloud, question);
        self.primary.asks.insert(number, ask);
    }

    fn next_piece(&mut self, download: Box<Download<VirtualDisk>>, progress: Progress, from: usize) {
        let question = Question::Get { path: Rc::from(download.path()), from, most: PIECE };
        self.ask_cloud(CloudAsk::Download(download, progress), question);
    }

    /// The repositories answered, or did not.
    pub(super) fn heard_of_cloud(&mut self, number: u64, heard: Heard) {
        let done = match self.primary.asks.remove(&number) {
            None => return,
            Some(CloudAsk::CheckIn) => Done::CheckedIn(checked_in(heard)),
            Some(CloudAsk::Fetch { limit }) => Done::Fetched(fetched(heard, limit)),
            Some(CloudAsk::Download(download, progress)) => match self.piece(download, progress, heard) {
                Some(done) => done,
                None => return,
            },
        };
        self.done(done);
    }

    /// Takes a piece of an image; what came of the download if that was the last.
    fn piece(&mut self, mut download: Box<Download<VirtualDisk>>, progress: Progress, heard: Heard) -> Option<Done> {
        let (bytes, whole) = match heard {
            Ok(Response::Piece(Some(piece))) => piece,
            Ok(_) => return Some(download.end(Err(no_image("it has no such file")))),
            Err(reason) => return Some(download.end(Err(Error::Slow { reason }))),
        };
        let (at, started) = match progress {
            Progress::At(at) => (at, Ok(())),
            Progress::From(at) => {
                let offset = u64::try_from(at).ok().and_then(|at| Length::new(at).ok()).unwrap_or(Length::ZERO);
                (at, download.start(offset, Some(ENTITY_TAG)))
            }
        };
        if let Err(error) = started.and_then(|()| download.write(&bytes)) {
            return Some(download.end(Err(no_image(&error.to_string()))));
        }
        let at = at.saturating_add(bytes.len());
        if at >= whole || bytes.is_empty() {
            return Some(download.end(Ok(())));
        }
        self.next_piece(download, Progress::At(at), at);
        None
    }

    /// An errand has waited long enough; it begins after those before it to the same ECU, and when there is room on the bus.
    pub(super) fn begin_errand(&mut self, cycle: u64, errand: primary_ecu::node::Errand<VirtualDisk>) {
        if cycle != self.primary.cycle || !self.is_on(self.primary.ecu) {
            return;
        }
        let ecu = errand.ecu();
        let queue = self.primary.errands.entry(ecu).or_default();
        queue.push_back(errand);
        if queue.len() == 1 {
            self.stand_in_line(ecu);
        }
    }

    pub(super) fn stand_in_line(&mut self, ecu: EcuId) {
        let bus = self.places.get(&ecu).and_then(|(number, _)| self.buses.get_mut(*number));
        if bus.is_none_or(|bus| bus.line.enter(ecu)) {
            self.turn(ecu);
        }
    }

    /// Asks a Secondary what its errand wants to know next, or ends the errand.
    pub(super) fn turn(&mut self, ecu: EcuId) {
        let place = self.places.get(&ecu).copied();
        let Some(errand) = self.primary.errands.get_mut(&ecu).and_then(|queue| queue.front_mut()) else { return };
        let (request, place) = match (errand.turn(), place) {
            (Turn::Ask(request), Some(place)) => (request, place),
            (Turn::Ask(request), None) => {
                let question = Question::Request(Box::new(request.into()));
                self.call(Peer::Ecu(ecu), question);
                return;
            }
            (Turn::Gather(_), _) => return self.arrive(ecu),
            (Turn::Join, Some(place)) => return self.invite(ecu, place),
            // Only ECUs on a bus are in a group.
            (Turn::Join | Turn::Hear, _) => return,
            (Turn::Over, _) => return self.end_errand(ecu),
        };
        let (number, at) = place;
        let Some(port) = self.buses.get_mut(number).and_then(|bus| bus.ports.get_mut(at)) else { return };
        match port.conversation.ask(request) {
            Ok(()) => self.await_answer(number, at),
            Err(silent) => self.answered(ecu, Err(silent)),
        }
    }

    /// A Secondary on a bus has been asked.
    pub(super) fn await_answer(&mut self, number: usize, at: usize) {
        let Some(port) = self.buses.get_mut(number).and_then(|bus| bus.ports.get_mut(at)) else { return };
        port.is_asked = true;
        if !self.primary_message_fails() {
            self.speak(number, at);
        }
    }

    /// An errand gives its turn on the bus to another one, if it has it; whose it is now.
    pub(super) fn leave_line(&mut self, ecu: EcuId) -> Option<EcuId> {
        if self.primary.aside.remove(&ecu) {
            return None;
        }
        let bus = self.places.get(&ecu).and_then(|(number, _)| self.buses.get_mut(*number));
        bus.and_then(|bus| bus.line.leave())
    }

    /// A Secondary answered, or did not.
    pub(super) fn answered(&mut self, ecu: EcuId, answer: Result<Answer, Silent>) {
        if let Ok(answer) = &answer {
            self.watch_answer(ecu, answer);
        }
        let Some(errand) = self.primary.errands.get_mut(&ecu).and_then(|queue| queue.front_mut()) else { return };
        let (is_joining, is_answered) = (errand.is_joining(), answer.is_ok());
        errand.answer(answer);
        match is_joining {
            true => self.joined(ecu, is_answered),
            false => self.turn(ecu),
        }
    }

    fn end_errand(&mut self, ecu: EcuId) {
        let Some(queue) = self.primary.errands.get_mut(&ecu) else { return };
        let Some(errand) = queue.pop_front() else { return };
        let (more, cycle) = (!queue.is_empty(), self.primary.cycle);
        let next = self.leave_line(ecu);
        let was_shared = errand.shared().is_some();
        self.done(errand.end());
        // Whatever waited is void once the cycle has ended.
        if cycle != self.primary.cycle {
            return;
        }
        if more {
            self.stand_in_line(ecu);
        }
        if let Some(next) = next {
            self.turn(next);
        }
        if was_shared {
            self.leave(ecu);
        }
    }
}

fn checked_in(heard: Heard) -> Result<Box<primary_ecu::machine::Answer>, Error> {
    match heard {
        Ok(Response::CheckedIn(answer)) => match answer.as_ref() {
            Ok(answer) => Ok(answer.clone()),
            Err(Error::Behind { reason }) => Err(Error::Behind { reason: reason.clone() }),
            Err(Error::Rejected { reason }) => Err(Error::Rejected { reason: reason.clone() }),
            Err(error) => Err(Error::Director { reason: error.to_string() }),
        },
        Ok(_) => Err(Error::Director { reason: "another answer".to_owned() }),
        Err(reason) => Err(Error::Director { reason }),
    }
}

fn fetched(heard: Heard, limit: u64) -> Result<Option<Vec<u8>>, Error> {
    match heard {
        Ok(Response::Piece(None)) => Ok(None),
        Ok(Response::Piece(Some((bytes, _)))) if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) => {
            Ok(Some(bytes))
        }
        Ok(_) => Err(no_image("the file is longer than it may be")),
        Err(reason) => Err(Error::Slow { reason }),
    }
}

fn no_image(reason: &str) -> Error {
    Error::ImageRepository { reason: reason.to_owned() }
}

/// For the log.
fn told(news: &News) -> String {
    match news {
        News::CheckedIn { full } => format!("checked in{}", if *full { " with a manifest" } else { "" }),
        News::NotCheckedIn => "not checked in".to_owned(),
        News::Met(ecu, identity) => format!("{ecu} {}", if identity.is_some() { "is met" } else { "is not met" }),
        News::Reported(ecu, image) => format!("{ecu} reports {}", image.name),
        News::Recorded(transaction) => format!("transaction is {:?}", transaction.state),
        News::Acted(ecu) => format!("{ecu} did its own part"),
        News::Stands(ecu, standing) => format!("{ecu} stands at {standing:?}"),
        News::Settled(transaction) => format!("transaction ended: {:?}", transaction.state),
        News::Damaged(error) => format!("stored file is damaged: {error}"),
    }
}

/// The pause between two cycles: `primary-ecu run --every 10`.
pub(super) const EVERY: Duration = Duration::from_secs(10);
/// What the server calls every version of a file: a file of another content has another name.
const ENTITY_TAG: &str = "\"1\"";
