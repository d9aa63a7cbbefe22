//! What a step costs: with the feature `measure`, each says on the second serial port how many instructions it took and
//! how much of the stack. Without, nothing is measured.
//!
//! QEMU executes one instruction in a nanosecond of the board's time (`-icount shift=0`), so the counter's ticks are 40
//! instructions each.

use proto::secondary::Request;

use crate::board::Counter;
#[cfg(feature = "measure")]
use crate::board::{Port, stack};

/// Measures steps.
pub(crate) struct Meter {
    #[cfg(feature = "measure")]
    pub(crate) port: Port,
}

/// What the machine does at once.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Boot,
    Identify,
    TimeNonce,
    Begin,
    Offer,
    Chunk,
    Close,
    Report,
}

impl Step {
    /// The step that answers this.
    pub(crate) fn of(request: &Request<'_>) -> Self {
        match request {
            Request::Identify => Self::Identify,
            Request::TimeNonce => Self::TimeNonce,
            Request::Begin(_) => Self::Begin,
            Request::Offer(..) => Self::Offer,
            Request::Chunk(..) => Self::Chunk,
            Request::Close => Self::Close,
            Request::Report(_) => Self::Report,
        }
    }

    /// Its letter in a record.
    #[cfg(feature = "measure")]
    fn letter(self) -> u8 {
        match self {
            Self::Boot => b'b',
            Self::Identify => b'i',
            Self::TimeNonce => b'n',
            Self::Begin => b't',
            Self::Offer => b'o',
            Self::Chunk => b'c',
            Self::Close => b'v',
            Self::Report => b'r',
        }
    }
}

impl Meter {
    /// Takes a step. The record of it is its letter, its ticks (8 bytes), its peak of the stack (4 bytes) and the peak
    /// between the step before and this one (4 bytes), big endian.
    #[cfg(feature = "measure")]
    pub(crate) fn measure<T>(&mut self, step: Step, counter: &mut Counter, act: impl FnOnce() -> T) -> T {
        let outside = stack::peak();
        stack::paint();
        let before = counter.ticks();
        let result = act();
        let ticks = counter.ticks() - before;
        let within = stack::peak();
        stack::paint();
        self.port.send(&[step.letter()]);
        self.port.send(&ticks.to_be_bytes());
        self.port.send(&within.to_be_bytes());
        self.port.send(&outside.to_be_bytes());
        result
    }

    /// Takes a step.
    #[cfg(not(feature = "measure"))]
    pub(crate) fn measure<T>(&mut self, _: Step, _: &mut Counter, act: impl FnOnce() -> T) -> T {
        act()
    }
}
