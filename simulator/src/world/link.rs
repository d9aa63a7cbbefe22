//! One direction of a network link: between vehicle and cloud, or gateway and Ethernet Secondary.
//!
//! A message is sent at a [`Moment`] and comes out as deliveries, each with its own; the world schedules them and asks
//! [`Link::receive`] when they are due, because a link that was cut meanwhile lets nothing out. Requests, answers and
//! timeouts are the nodes' own affair.
//!
//! **Modelled**: the time bytes take at a rate, one message after the other; delay with jitter; loss, duplication, and
//! messages that overtake others; cuts, which also take what is under way; bytes that a message, the queue or a tariff
//! allows. TLS is a state, not a protocol: while it is [`Tls::Intact`] nobody but the ends sees or makes a message, though
//! anybody may delay it or cut the link; once it is [`Tls::Broken`], [`Link::tap`] hands out what reads, alters and injects.
//! **Not modelled**: congestion between links, retransmission, handshakes and their bytes.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::chance::{Chance, PerBillion};
use super::time::Moment;

/// One direction of a link.
#[derive(Clone, Debug)]
pub struct Link {
    conditions: Conditions,
    chance: Chance,
    tls: Tls,
    /// Bytes that may still be sent.
    allowance: Option<u64>,
    connected: bool,
    /// How often it has been cut: what was sent before a cut does not arrive after it.
    cuts: u64,
    /// When the last byte sent so far has left.
    free: Moment,
    /// When the last message arrives that is not to be overtaken.
    arrived: Moment,
    counters: Counters,
}

/// How a link behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// From the last byte sent to its arrival.
    pub delay: Duration,
    /// At most so much more, each message its own.
    pub jitter: Duration,
    /// Messages that never arrive.
    pub loss: PerBillion,
    /// Messages that arrive twice.
    pub duplication: PerBillion,
    /// Messages that arrive up to [`overtaken`](Self::overtaken) late, so that later ones come first.
    pub reorder: PerBillion,
    /// How late that is.
    pub overtaken: Duration,
    /// Bytes in a second; `None` if bytes take no time.
    pub rate: Option<u64>,
    /// Bytes of the longest message.
    pub longest: u64,
    /// Bytes that may wait to be sent; more are lost, as in a full buffer.
    pub queue: u64,
}

impl Default for Conditions {
    /// A link that delivers everything at once.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: PerBillion::NEVER,
            duplication: PerBillion::NEVER,
            reorder: PerBillion::NEVER,
            overtaken: Duration::ZERO,
            rate: None,
            longest: u64::MAX,
            queue: u64::MAX,
        }
    }
}

/// Whether the ends are sure of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// They are, and nobody else reads or alters what they say.
    #[default]
    Intact,
    /// An attacker has a key or certificate that opens it, or there is none.
    Broken,
}

/// A message under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<M> {
    at: Moment,
    cuts: u64,
    message: M,
}

/// What became of the messages of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages sent, injected ones included.
    pub sent: u64,
    /// Bytes that left.
    pub bytes: u64,
    /// Messages lost, by chance or by a full queue.
    pub lost: u64,
    /// Messages that arrive twice.
    pub duplicated: u64,
    /// Messages held back so that others overtake them.
    pub reordered: u64,
}

/// Why a message cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The link has sent all that its tariff allows.
    #[error("a message of {size} bytes is more than the {left} the link may still send")]
    Allowance {
        /// Its length.
        size: u64,
        /// What is left.
        left: u64,
    },
    /// The link is cut.
    #[error("the link is cut")]
    Cut,
    /// The message is longer than the link takes.
    #[error("a message of {size} bytes is longer than the {longest} the link takes")]
    TooLong {
        /// Its length.
        size: u64,
        /// The limit.
        longest: u64,
    },
}

impl Link {
    /// A link that is up and whose TLS is intact.
    pub fn new(conditions: Conditions, chance: Chance) -> Self {
        let (free, arrived) = (Moment::START, Moment::START);
        let (tls, counters) = (Tls::Intact, Counters::default());
        Self { conditions, chance, tls, allowance: None, connected: true, cuts: 0, free, arrived, counters }
    }

    /// Sends a message of `size` bytes: none, one or two deliveries, the earliest first.
    pub fn send<M: Clone>(&mut self, now: Moment, message: M, size: u64) -> Result<Vec<Delivery<M>>, LinkError> {
        self.check(size)?;
        self.counters.sent = self.counters.sent.saturating_add(1);
        if self.waiting(now).saturating_add(size) > self.conditions.queue {
            self.counters.lost = self.counters.lost.saturating_add(1);
            return Ok(Vec::new());
        }
        self.allowance = self.allowance.map(|left| left.saturating_sub(size));
        self.counters.bytes = self.counters.bytes.saturating_add(size);
        self.free = self.free.max(now) + self.takes(size);
        Ok(self.arrivals().into_iter().map(|at| Delivery { at, cuts: self.cuts, message: message.clone() }).collect())
    }

    /// The message of a delivery that is due, if the link let it through.
    pub fn receive<M>(&self, delivery: Delivery<M>) -> Option<M> {
        (self.connected && delivery.cuts == self.cuts).then_some(delivery.message)
    }

    /// Cuts the link. What is under way is lost.
    pub fn cut(&mut self) {
        self.connected = false;
        self.cuts = self.cuts.saturating_add(1);
        (self.free, self.arrived) = (Moment::START, Moment::START);
    }

    /// Joins it again.
    pub fn join(&mut self) {
        self.connected = true;
    }

    /// Whether messages can be sent.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// From now on it behaves so.
    pub fn set_conditions(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// From now on it may send so many bytes in all; `None` for any number.
    pub fn set_allowance(&mut self, bytes: Option<u64>) {
        self.allowance = bytes;
    }

    /// From now on TLS is intact or broken.
    pub fn set_tls(&mut self, tls: Tls) {
        self.tls = tls;
    }

    /// What an attacker on the path needs to read, alter or inject; `None` while TLS keeps all of that from everybody.
    pub fn tap(&mut self) -> Option<Tap<'_>> {
        match self.tls {
            Tls::Intact => None,
            Tls::Broken => Some(Tap(self)),
        }
    }

    /// How it behaves.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// What became of the messages so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn check(&self, size: u64) -> Result<(), LinkError> {
        let longest = self.conditions.longest;
        if !self.connected {
            return Err(LinkError::Cut);
        }
        if size > longest {
            return Err(LinkError::TooLong { size, longest });
        }
        match self.allowance.filter(|left| size > *left) {
            Some(left) => Err(LinkError::Allowance { size, left }),
            None => Ok(()),
        }
    }

    /// When a message arrives whose last byte leaves at `free`.
    fn arrivals(&mut self) -> Vec<Moment> {
        let Conditions { delay, jitter, loss, duplication, reorder, overtaken, .. } = self.conditions;
        // Every message draws the same number of times, so that what becomes of one changes nothing for the next.
        let (late, later) = (self.chance.pause(Duration::ZERO..=jitter), self.chance.pause(Duration::ZERO..=overtaken));
        let again = self.chance.pause(Duration::ZERO..=jitter.max(delay));
        let [lost, twice, overtaken] = [loss, duplication, reorder].map(|share| self.chance.happens(share));
        if lost {
            self.counters.lost = self.counters.lost.saturating_add(1);
            return Vec::new();
        }
        let mut at = (self.free + delay + late).max(self.arrived);
        if overtaken {
            self.counters.reordered = self.counters.reordered.saturating_add(1);
            at += later;
        } else {
            self.arrived = at;
        }
        if twice {
            self.counters.duplicated = self.counters.duplicated.saturating_add(1);
            return vec![at, at + again];
        }
        vec![at]
    }

    /// Bytes that have not left yet.
    fn waiting(&self, now: Moment) -> u64 {
        let Some(rate) = self.conditions.rate else { return 0 };
        let bytes = (self.free - now).as_nanos().saturating_mul(u128::from(rate)).div_ceil(NANOS);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// How long so many bytes take to leave.
    fn takes(&self, size: u64) -> Duration {
        let Some(rate) = self.conditions.rate else { return Duration::ZERO };
        let nanos = u128::from(size).saturating_mul(NANOS).div_ceil(u128::from(rate.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl<M> Delivery<M> {
    /// When it is due.
    pub fn at(&self) -> Moment {
        self.at
    }

    /// The same delivery, later: nobody needs to break TLS for that.
    #[must_use]
    pub fn delayed(self, by: Duration) -> Self {
        Self { at: self.at + by, ..self }
    }
}

/// The hand of an attacker on a link whose TLS is broken.
#[derive(Debug)]
pub struct Tap<'l>(&'l mut Link);

impl Tap<'_> {
    /// What the message says.
    pub fn read<'d, M>(&self, delivery: &'d Delivery<M>) -> &'d M {
        &delivery.message
    }

    /// The message, to be altered.
    pub fn alter<'d, M>(&self, delivery: &'d mut Delivery<M>) -> &'d mut M {
        &mut delivery.message
    }

    /// Sends a message as if the other end had.
    pub fn inject<M: Clone>(&mut self, now: Moment, message: M, size: u64) -> Result<Vec<Delivery<M>>, LinkError> {
        self.0.send(now, message, size)
    }
}

/// Nanoseconds in a second.
const NANOS: u128 = 1_000_000_000;
