//! A sender and its receivers on a virtual clock, and what may happen to a frame between them.

use core::ops::Range;

use super::*;
use crate::can::{BitRates, bus_time};

pub(super) const MEMBERS: usize = 4;
/// The bytes that a receiver keeps.
const ROOM: usize = 4_096;
/// After this nobody waits any more, whatever happens: every wait is bounded.
pub(super) const LIMIT: Duration = Duration::from_secs(3_600);

/// One ECU: what it has and is like.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) receiver: Option<Receiver<ROOM>>,
    pub(super) flash: Vec<u8>,
    /// Bytes of the window it says it takes.
    pub(super) window: u32,
    pub(super) separation: Duration,
    /// When it hears and says nothing any more.
    pub(super) dies: Option<Duration>,
    /// The chunk that has the byte at this offset is refused.
    pub(super) refuses: Option<usize>,
    /// How long it writes one chunk.
    pub(super) chunk_takes: Duration,
    pub(super) last_chunk: usize,
    /// It writes until then.
    pub(super) free: Duration,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            receiver: None,
            flash: vec![],
            window: 511,
            separation: Duration::ZERO,
            dies: None,
            refuses: None,
            chunk_takes: Duration::ZERO,
            last_chunk: 0,
            free: Duration::ZERO,
        }
    }
}

impl Node {
    pub(super) fn join(&self, session: Session, answer: Id, image: usize, now: Duration) -> Receiver<ROOM> {
        let from = length_of(self.flash.len());
        Receiver::new(Join { session, answer, from, length: length_of(image), chunk: 1_000 }, now).unwrap()
    }

    /// Hands over one chunk, if the one before is written.
    pub(super) fn work(&mut self, now: Duration) {
        let Self { receiver: Some(receiver), flash, refuses, last_chunk, .. } = self else { return };
        if now < self.free {
            return;
        }
        let before = flash.len();
        let more = receiver.hand_over(&mut |request: Request<'_>| {
            let Request::Chunk(offset, data) = request else { panic!("a receiver hands over chunks: {request:?}") };
            assert_eq!(usize::try_from(offset.get()), Ok(flash.len()), "chunks come in order");
            if refuses.is_some_and(|at| (flash.len()..flash.len() + data.len()).contains(&at)) {
                return Reply::Refused(Refusal::Storage);
            }
            flash.extend(data);
            Reply::Taken(length_of(flash.len()))
        });
        if flash.len() > before {
            *last_chunk = flash.len() - before;
            self.free = now + self.chunk_takes;
        }
        assert!(!more || receiver.left().is_none());
    }

    fn is_dead(&self, now: Duration) -> bool {
        self.dies.is_some_and(|dies| now >= dies)
    }
}

/// What happens to frames, in parts of a thousand, for each receiver by itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    pub(super) state: u64,
    pub(super) lost: u64,
    pub(super) doubled: u64,
    /// This member never hears the data frame of this number.
    pub(super) deaf: Option<(usize, u8)>,
    /// This member misses the first of each of these data frames.
    pub(super) gap: Option<(usize, Range<u8>)>,
}

impl Trouble {
    pub(super) fn seeded(seed: u64) -> Self {
        Self { state: seed, ..Self::default() }
    }

    /// The fixed pseudo-random sequence xorshift64.
    fn happens(&mut self, share: u64) -> bool {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % 1_000 < share
    }

    /// How often a frame arrives.
    fn times(&mut self, member: usize, frame: &Frame) -> usize {
        let number = frame.data().first().copied();
        if self.deaf.is_some_and(|(deaf, at)| deaf == member && number == Some(at)) {
            return 0;
        }
        if let Some((who, gap)) = &mut self.gap
            && *who == member
            && number == Some(gap.start)
            && gap.start < gap.end
        {
            gap.start += 1;
            return 0;
        }
        match (self.happens(self.lost), self.happens(self.doubled)) {
            (true, _) => 0,
            (false, true) => 2,
            (false, false) => 1,
        }
    }
}

pub(super) struct Bus {
    pub(super) sender: Sender<MEMBERS, ROOM>,
    pub(super) nodes: Vec<Node>,
    pub(super) image: Vec<u8>,
    pub(super) now: Duration,
    pub(super) trouble: Trouble,
    pub(super) data_frames: usize,
    pub(super) windows: usize,
    pub(super) answers: usize,
    /// This member takes part only from then on.
    pub(super) joins_late: Option<(usize, Duration)>,
    /// This member loses all but its flash, and takes part again.
    pub(super) resets: Option<(usize, Duration, Duration)>,
    session: Session,
}

impl Bus {
    pub(super) fn new(session: Session, image: Vec<u8>, nodes: impl IntoIterator<Item = Node>) -> Self {
        let sender = Sender::new(session, length_of(image.len())).unwrap();
        Self {
            sender,
            nodes: nodes.into_iter().collect(),
            image,
            now: Duration::ZERO,
            trouble: Trouble::default(),
            data_frames: 0,
            windows: 0,
            answers: 0,
            joins_late: None,
            resets: None,
            session,
        }
    }

    /// Until the sender is done with everybody.
    pub(super) fn run(&mut self) {
        let late = self.joins_late.map(|(member, _)| member);
        (0..self.nodes.len()).filter(|member| Some(*member) != late).for_each(|member| self.join(member));
        self.run_on();
    }

    /// The same, once they have joined.
    pub(super) fn run_on(&mut self) {
        while !self.sender.is_over() {
            assert!(self.now < LIMIT, "somebody waits for ever");
            self.come_and_go();
            self.supply();
            match self.sender.poll(self.now) {
                Some(frame) => self.carry(&frame),
                None => self.wait(),
            }
            let now = self.now;
            self.nodes.iter_mut().filter(|node| !node.is_dead(now)).for_each(|node| node.work(now));
        }
    }

    pub(super) fn outcomes(&self) -> impl Iterator<Item = Outcome> {
        let at = |member: u8| self.sender.outcomes().find(move |(id, _)| *id == member_id(member));
        (0..MEMBERS).filter_map(move |member| at(member.try_into().unwrap())).map(|(_, outcome)| outcome)
    }

    /// Whether everybody is complete or dropped.
    pub(super) fn is_settled(&self) -> bool {
        self.outcomes().all(|outcome| matches!(outcome, Outcome::Complete | Outcome::Dropped { .. }))
    }

    pub(super) fn supply(&mut self) {
        if self.sender.outcomes().next().is_none() {
            (0..self.nodes.len()).for_each(|member| self.join(member));
        }
        if let Some((offset, len)) = self.sender.wants() {
            let from = usize::try_from(offset.get()).unwrap();
            self.sender.supply(&self.image[from..from + len], self.now).unwrap();
        }
    }

    fn join(&mut self, member: usize) {
        let answer = member_id(member.try_into().unwrap());
        let node = &mut self.nodes[member];
        node.receiver = Some(node.join(self.session, answer, self.image.len(), self.now));
        let from = length_of(node.flash.len());
        self.sender.add(Member { answer, from, window: node.window, separation: node.separation }).unwrap();
    }

    fn come_and_go(&mut self) {
        if let Some((member, _)) = self.joins_late.take_if(|(_, at)| self.now >= *at) {
            self.join(member);
        }
        if let Some((member, at, back)) = self.resets {
            if self.now >= back {
                self.resets = None;
                self.join(member);
            } else if self.now >= at {
                self.nodes[member].receiver = None;
            }
        }
    }

    /// Time goes by until somebody has something to do.
    fn wait(&mut self) {
        let Some(deadline) = self.sender.deadline() else { return };
        let writing = self.nodes.iter().map(|node| node.free).filter(|at| *at > self.now);
        self.now = writing.chain([deadline.max(self.now)]).min().unwrap_or(LIMIT);
    }

    /// A frame of the sender, and what is answered to it.
    pub(super) fn carry(&mut self, frame: &Frame) {
        self.now += bus_time(frame, BitRates::COMMON);
        self.data_frames += usize::from(frame.data()[0] < MAX_FRAMES);
        self.windows += usize::from(frame.data()[0] == 0xf1);
        for member in 0..self.nodes.len() {
            for _ in 0..self.trouble.times(member, frame) {
                self.deliver(member, frame);
            }
        }
    }

    pub(super) fn deliver(&mut self, member: usize, frame: &Frame) {
        let node = &mut self.nodes[member];
        if node.is_dead(self.now) {
            return;
        }
        let Some(receiver) = &mut node.receiver else { return };
        receiver.handle(frame, self.now);
        let answers: Vec<Frame> = core::iter::from_fn(|| receiver.poll()).collect();
        for answer in answers {
            self.now += bus_time(&answer, BitRates::COMMON);
            self.answers += 1;
            for _ in 0..self.trouble.times(MEMBERS, &answer) {
                self.sender.handle(&answer, self.now);
            }
        }
    }
}

pub(super) fn session() -> Session {
    Session { number: 7, framing: Framing::CLASSICAL, id: Id::standard(0x6a0).unwrap() }
}

pub(super) fn any_session() -> impl Strategy<Value = Session> {
    let lengths = [8, 12, 16, 20, 24, 32, 48, MAX_DATA].map(|length| Framing::fd(length).unwrap());
    let framing = prop_oneof![Just(Framing::CLASSICAL), proptest::sample::select(lengths.to_vec())];
    let id = prop_oneof![Just(Id::standard(0x6a0).unwrap()), Just(Id::extended(0x18db_33f1).unwrap())];
    (any::<u8>(), framing, id).prop_map(|(number, framing, id)| Session { number, framing, id })
}

pub(super) fn member_id(member: u8) -> Id {
    Id::standard(0x6b0 + u16::from(member)).unwrap()
}

pub(super) fn image(len: usize) -> Vec<u8> {
    let byte = |at: usize| u32::try_from(at).unwrap().wrapping_mul(0x9e37_79b9).to_be_bytes()[0];
    (0..len).map(byte).collect()
}
