//! A CAN controller, bit by bit (ISO 11898-1): it sees a bit, and decides what it sends in the next one.
//!
//! The bus runs controllers this way only while something is out of the ordinary; what each does in a frame without
//! faults is known beforehand.

use proto::can::{Confinement, Decoder, Fault, Field, Frame, Heard, Rate, wire_bits_from};

use super::counters::{Counters, Role};
use super::event::{BusError, ErrorKind};

/// The state of a controller between two bits.
#[derive(Clone, Debug)]
pub(super) struct Controller {
    phase: Phase,
    role: Role,
    fd_capable: bool,
    decoder: Decoder,
    /// The bits of the frame being sent, and how many have been.
    bits: Vec<bool>,
    sent: usize,
    output: bool,
    counters: Counters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not taking part: it counts eleven recessive bits, `left` times.
    Waiting { left: u8, run: u8 },
    /// The bus is free.
    Idle,
    /// A frame is under way, its own if its role is that of a transmitter.
    Frame,
    /// It sends an active error flag, or an overload flag.
    Flag { left: u8, overload: bool },
    /// It sends a passive error flag, which is over after six equal bits. `unacknowledged`: nothing is counted unless
    /// somebody is heard.
    PassiveFlag { last: bool, run: u8, unacknowledged: bool },
    /// Its flag is over; others' may not be.
    AfterFlag { dominant: u8, overload: bool },
    /// `left` recessive bits of the delimiter remain.
    Delimiter { left: u8 },
    /// So many bits of the intermission have passed. `joining`: it wants the bus, and somebody else just took the start.
    Intermission { passed: u8, joining: bool },
    /// It was the transmitter and is error passive: others go first.
    Suspend { left: u8 },
}

/// What a bit brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// An error was found.
    Error(BusError),
    /// Another node goes on sending.
    LostArbitration,
    /// Another node's frame is valid.
    Received(Frame),
    /// Its own is.
    Sent,
    /// Its waiting is over.
    Synchronized,
}

impl Controller {
    /// On a free bus.
    pub(super) fn new(fd_capable: bool) -> Self {
        Self {
            phase: Phase::Idle,
            role: Role::Receiver,
            fd_capable,
            decoder: Decoder::new(),
            bits: Vec::new(),
            sent: 0,
            output: true,
            counters: Counters::default(),
        }
    }

    /// Idle, or waiting, with these counters.
    pub(super) fn begin(&mut self, counters: Counters, waiting: Option<(u8, u8)>) {
        self.phase = waiting.map_or(Phase::Idle, |(left, run)| Phase::Waiting { left, run });
        self.role = Role::Receiver;
        self.counters = counters;
        self.output = true;
    }

    /// Starts a frame. Only while [`Controller::is_idle`].
    pub(super) fn start(&mut self, frame: &Frame) {
        self.load(frame);
        self.enter_frame(Role::Transmitter);
        self.send_next();
    }

    /// Somebody else starts a frame in this bit, and this node wants to send too: it will join after the start bit.
    pub(super) fn join(&mut self, frame: &Frame) {
        if let Phase::Intermission { joining, .. } = &mut self.phase {
            *joining = true;
            self.load(frame);
        }
    }

    /// Takes no more part in anything.
    pub(super) fn stop(&mut self) {
        self.output = true;
        self.phase = Phase::Waiting { left: u8::MAX, run: 0 };
    }

    /// The level it sends; `true` is recessive.
    pub(super) fn output(&self) -> bool {
        self.output
    }

    /// The rate of the bit it is in.
    pub(super) fn rate(&self) -> Rate {
        if self.phase == Phase::Frame { self.decoder.rate() } else { Rate::Nominal }
    }

    pub(super) fn counters(&self) -> Counters {
        self.counters
    }

    pub(super) fn set_counters(&mut self, counters: Counters) {
        self.counters = counters;
    }

    /// Whether it may start a frame.
    pub(super) fn is_idle(&self) -> bool {
        self.phase == Phase::Idle
    }

    /// Whether it sends a frame, or is about to join in one.
    pub(super) fn is_sending(&self) -> bool {
        let joining = matches!(self.phase, Phase::Intermission { joining: true, .. });
        joining || self.phase == Phase::Frame && self.role == Role::Transmitter
    }

    /// Whether it is in the last bit of the intermission, in which a dominant bit starts a frame.
    pub(super) fn is_about_to_be_idle(&self) -> bool {
        matches!(self.phase, Phase::Intermission { passed: 2, .. })
    }

    /// Bits until it may start a frame, if nothing else happens; `None` if something has to.
    pub(super) fn suspended(&self) -> Option<u64> {
        if let Phase::Suspend { left } = self.phase {
            return Some(left.into());
        }
        self.is_idle().then_some(0)
    }

    /// If it waits: how often eleven recessive bits must still come, and how many have.
    pub(super) fn waiting(&self) -> Option<(u8, u8)> {
        if let Phase::Waiting { left, run } = self.phase { Some((left, run)) } else { None }
    }

    /// Whether a falling edge sets its bit time anew.
    pub(super) fn synchronizes_hard(&self) -> bool {
        self.is_about_to_be_idle() || matches!(self.phase, Phase::Waiting { .. } | Phase::Idle | Phase::Suspend { .. })
    }

    /// Takes the bit it sees, and sets what it sends next. `dipped`: the bus was dominant at some time during the bit.
    pub(super) fn sample(&mut self, bit: bool, dipped: bool) -> Option<Outcome> {
        match self.phase {
            Phase::Waiting { left, run } => self.wait(bit && !dipped, left, run),
            Phase::Idle | Phase::Suspend { .. } if !bit => self.hear_start(),
            Phase::Idle => None,
            Phase::Suspend { left } => self.go(if left > 1 { Phase::Suspend { left: left - 1 } } else { Phase::Idle }),
            Phase::Frame => self.in_frame(bit),
            Phase::Flag { left, overload } => self.in_flag(bit, left, overload),
            Phase::PassiveFlag { last, run, unacknowledged } => self.in_passive_flag(bit, last, run, unacknowledged),
            Phase::AfterFlag { dominant, overload } => self.after_flag(bit, dominant, overload),
            Phase::Delimiter { left } if bit => self.go(match left {
                1 => Phase::Intermission { passed: 0, joining: false },
                _ => Phase::Delimiter { left: left - 1 },
            }),
            Phase::Delimiter { left: 1 } => self.overload(),
            Phase::Delimiter { .. } => self.error(ErrorKind::Form, None),
            Phase::Intermission { passed, joining } => self.in_intermission(bit, passed, joining),
        }
    }

    fn load(&mut self, frame: &Frame) {
        self.bits.clear();
        let bits = &mut self.bits;
        wire_bits_from(self.counters.confinement(), frame, |bit, _| bits.push(bit));
        self.sent = 0;
    }

    fn enter_frame(&mut self, role: Role) {
        self.phase = Phase::Frame;
        self.role = role;
        self.decoder = if self.fd_capable { Decoder::new() } else { Decoder::classical() };
    }

    fn send_next(&mut self) {
        // The acknowledgement is for others to send.
        let own = self.decoder.field() != Field::Ack;
        self.output = self.bits.get(self.sent).copied().unwrap_or(true) || !own;
        self.sent += 1;
    }

    fn go(&mut self, phase: Phase) -> Option<Outcome> {
        self.phase = phase;
        None
    }

    fn wait(&mut self, recessive: bool, left: u8, run: u8) -> Option<Outcome> {
        let (left, run) = match (recessive, run) {
            (false, _) => (left, 0),
            (true, 10) => (left - 1, 0),
            (true, _) => (left, run + 1),
        };
        if left > 0 {
            return self.go(Phase::Waiting { left, run });
        }
        self.phase = Phase::Idle;
        self.counters = Counters::default();
        Some(Outcome::Synchronized)
    }

    /// Another node's start of frame has passed.
    fn hear_start(&mut self) -> Option<Outcome> {
        self.enter_frame(Role::Receiver);
        self.follow(false)
    }

    fn in_frame(&mut self, bit: bool) -> Option<Outcome> {
        let field = self.decoder.field();
        if self.output == bit {
            return match self.role == Role::Transmitter && field == Field::Ack && bit {
                true => self.error(ErrorKind::Ack, Some(field)),
                false => self.follow(bit),
            };
        }
        let stuff_bit = self.decoder.expects_stuff_bit();
        match (self.role, self.output) {
            // What a receiver sends is the acknowledgement; all else it sees is others'.
            (Role::Receiver, true) => self.follow(bit),
            (Role::Transmitter, true) if field == Field::Ack => self.follow(bit),
            (Role::Transmitter, true) if field.is_arbitration() && stuff_bit => {
                self.error(ErrorKind::Stuff, Some(field))
            }
            (Role::Transmitter, true) if field.is_arbitration() => {
                self.role = Role::Receiver;
                self.follow(bit).or(Some(Outcome::LostArbitration))
            }
            (Role::Receiver | Role::Transmitter, sent) => self.error(ErrorKind::Bit(sent), Some(field)),
        }
    }

    /// A bit that is as it may be, to the sender; now the receiver's view of it.
    fn follow(&mut self, bit: bool) -> Option<Outcome> {
        let field = self.decoder.field();
        let heard = match self.decoder.push(bit) {
            Ok(heard) => heard,
            Err(Fault::LastBit) => return self.overload(),
            Err(fault) => return self.error(fault.into(), Some(field)),
        };
        match self.role {
            Role::Transmitter => self.send_next(),
            Role::Receiver => self.output = !self.decoder.acknowledges(),
        }
        let outcome = match (heard, self.role) {
            (Heard::Bit | Heard::Stuff, _) | (Heard::Valid, Role::Transmitter) => return None,
            (Heard::Valid, Role::Receiver) => {
                self.counters.success(Role::Receiver);
                return self.decoder.frame().map(Outcome::Received);
            }
            (Heard::End, Role::Receiver) => None,
            (Heard::End, Role::Transmitter) => {
                self.counters.success(Role::Transmitter);
                Some(Outcome::Sent)
            }
        };
        self.output = true;
        self.phase = Phase::Intermission { passed: 0, joining: false };
        outcome
    }

    /// An error is found in this bit; the flag begins with the next.
    fn error(&mut self, kind: ErrorKind, field: Option<Field>) -> Option<Outcome> {
        let before = self.counters.confinement();
        let passive = before == Confinement::Passive;
        let unacknowledged = passive && kind == ErrorKind::Ack;
        // ISO 11898-1, fault confinement, rule c: a stuff bit lost in arbitration is nobody's fault.
        let in_arbitration = field.is_some_and(Field::is_arbitration) && kind == ErrorKind::Stuff;
        if !(unacknowledged || in_arbitration && self.role == Role::Transmitter) {
            self.counters.error(self.role);
        }
        match before {
            Confinement::Active => self.raise_flag(false),
            Confinement::Passive => {
                self.output = true;
                self.phase = Phase::PassiveFlag { last: true, run: 0, unacknowledged };
            }
        }
        Some(Outcome::Error(BusError { kind, role: self.role, field, counters: self.counters }))
    }

    fn overload(&mut self) -> Option<Outcome> {
        self.raise_flag(true);
        None
    }

    fn raise_flag(&mut self, overload: bool) {
        self.output = false;
        self.phase = Phase::Flag { left: FLAG, overload };
    }

    fn in_flag(&mut self, bit: bool, left: u8, overload: bool) -> Option<Outcome> {
        if bit {
            // Rules d and e: its dominant bit was not seen.
            self.counters.grave_error(self.role);
            self.raise_flag(false);
            let kind = ErrorKind::Bit(false);
            return Some(Outcome::Error(BusError { kind, role: self.role, field: None, counters: self.counters }));
        }
        if left > 1 {
            return self.go(Phase::Flag { left: left - 1, overload });
        }
        self.output = true;
        self.go(Phase::AfterFlag { dominant: 0, overload })
    }

    fn in_passive_flag(&mut self, bit: bool, last: bool, run: u8, unacknowledged: bool) -> Option<Outcome> {
        let heard = unacknowledged && !bit;
        if heard {
            self.counters.error(self.role);
        }
        let run = if run > 0 && bit == last { run + 1 } else { 1 };
        self.go(match run {
            FLAG => Phase::AfterFlag { dominant: 0, overload: false },
            _ => Phase::PassiveFlag { last: bit, run, unacknowledged: unacknowledged && !heard },
        })
    }

    fn after_flag(&mut self, bit: bool, dominant: u8, overload: bool) -> Option<Outcome> {
        if bit {
            return self.go(Phase::Delimiter { left: DELIMITER - 1 });
        }
        // Rule b: its flag was not an answer to another one. Rule f: others stay dominant for too long.
        let first = dominant == 0 && !overload && self.role == Role::Receiver;
        if first || dominant % 8 == 7 {
            self.counters.grave_error(self.role);
        }
        // Beyond 255, only where it stands within eight matters.
        self.go(Phase::AfterFlag { dominant: dominant.checked_add(1).unwrap_or(u8::MAX - 7), overload })
    }

    fn in_intermission(&mut self, bit: bool, passed: u8, joining: bool) -> Option<Outcome> {
        match (bit, passed) {
            (true, 0 | 1) => self.go(Phase::Intermission { passed: passed + 1, joining }),
            (false, 0 | 1) => self.overload(),
            (false, _) if joining => {
                self.enter_frame(Role::Transmitter);
                self.sent = 1;
                self.follow(false)
            }
            (false, _) => self.hear_start(),
            (true, _) => {
                let after_own = self.role == Role::Transmitter && self.counters.confinement() == Confinement::Passive;
                self.role = Role::Receiver;
                self.go(if after_own { Phase::Suspend { left: SUSPEND } } else { Phase::Idle })
            }
        }
    }
}

/// Bits of an error or overload flag.
const FLAG: u8 = 6;
/// Bits of the delimiter after it.
const DELIMITER: u8 = 8;
/// Bits for which an error passive node leaves the bus to others after it has sent.
pub(super) const SUSPEND: u8 = 8;
/// Bits of the intermission.
pub(super) const INTERMISSION: u64 = 3;
