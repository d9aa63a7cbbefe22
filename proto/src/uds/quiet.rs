//! A bus that other traffic leaves free while Secondaries on it are written: what ISO 14229-1 calls the pre-programming
//! and post-programming steps, spoken to all ECUs at once.

use core::time::Duration;

use super::codec::{DEFAULT_SESSION, EXTENDED_SESSION, SUPPRESS, service};
use super::{DtcSetting, Messages, P2, PRESENT, PRESENT_INTERVAL, Traffic};

/// Keeps a bus quiet. What [`QuietBus::poll`] gives is to be sent with the functional address; poll again at the
/// [`QuietBus::deadline`]. No answer is expected.
///
/// [`QuietBus::open`] it; let the client of each Secondary [authenticate](super::Client::authenticate), because ECUs keep
/// quiet for their Primary alone; then [`QuietBus::silence`] it, transfer, and [`QuietBus::release`] it. An ECU that missed
/// the last returns to normal by itself when its session is over ([`S3`](super::S3)).
#[derive(Clone, Copy, Debug, Default)]
pub struct QuietBus {
    /// The message that is sent next.
    next: usize,
    /// The message before which to wait.
    until: usize,
    last_sent: Duration,
    /// When the ECUs have had time for the last message.
    free: Duration,
}

impl QuietBus {
    /// As it always is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has all ECUs enter an extended session, and keeps them there.
    pub fn open(&mut self) {
        if !self.is_open() {
            (self.next, self.until) = (0, OPENED);
        }
    }

    /// Has them record no faults, and send and receive nothing but diagnostics and network management.
    pub fn silence(&mut self) {
        self.open();
        self.until = self.until.max(SILENCED);
    }

    /// Has them do again what they always do. No transfer is open any more: it would end here.
    pub fn release(&mut self) {
        if self.is_open() {
            // The second half takes back what the first has said, in reverse.
            self.next = self.next.max(SEQUENCE.len() - self.next);
            self.until = SEQUENCE.len();
        }
    }

    /// The next message to all ECUs, if one is due.
    pub fn poll(&mut self, now: Duration) -> Option<&'static [u8]> {
        if self.deadline().is_none_or(|due| now < due) {
            return None;
        }
        (self.last_sent, self.free) = (now, now + P2);
        match SEQUENCE.get(self.next) {
            Some(message) if self.next < self.until => {
                self.next += 1;
                Some(message)
            }
            _ => Some(&PRESENT),
        }
    }

    /// When [`QuietBus::poll`] has something to send.
    pub fn deadline(&self) -> Option<Duration> {
        match self.next < self.until {
            true => Some(self.free),
            false => self.is_open().then(|| self.last_sent + PRESENT_INTERVAL),
        }
    }

    /// Whether everything that was asked for has been sent.
    pub fn is_settled(&self) -> bool {
        self.next == self.until
    }

    /// Whether ECUs are in a session that this keeps open, or are asked into one.
    fn is_open(&self) -> bool {
        self.until > 0 && self.next < SEQUENCE.len()
    }
}

/// What is said, in this order. Nobody answers but who refuses.
const SEQUENCE: [&[u8]; 6] = [
    &[service::SESSION, EXTENDED_SESSION | SUPPRESS],
    &[service::DTC_SETTING, DtcSetting::Off.code() | SUPPRESS],
    &[service::COMMUNICATION, Traffic::Neither.code() | SUPPRESS, Messages::Normal.code()],
    &[service::COMMUNICATION, Traffic::Both.code() | SUPPRESS, Messages::Normal.code()],
    &[service::DTC_SETTING, DtcSetting::On.code() | SUPPRESS],
    &[service::SESSION, DEFAULT_SESSION | SUPPRESS],
];
/// Messages until the session is open.
const OPENED: usize = 1;
/// Messages until the bus is quiet.
const SILENCED: usize = 3;
