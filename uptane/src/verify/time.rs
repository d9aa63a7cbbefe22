//! What time is it, and who says so? (§5.4.2.2; design D14, attack A15)

use core::time::Duration;

use super::stream::{Body, Closed, FileStream, Shut};
use super::threshold::Threshold;
use crate::json::{Event, Span, Step};
use crate::limits::MAX_TIME_ATTESTATION;
use crate::metadata::{RoleKeys, TimeReader};
use crate::{Error, Nonce, Role, Time, told};

/// How far one attestation may move the time an ECU knows.
pub const MAX_JUMP: Duration = Duration::from_secs(400 * 86_400);

/// What verification of a time attestation keeps from its first byte to the last check.
///
/// A [`TimeStream`] reads the attestation into it, and is gone when the signatures are judged: both take much of a small
/// stack.
pub struct TimeCheck {
    threshold: Threshold,
    reader: Shut<TimeReader>,
    known: Time,
}

impl TimeCheck {
    /// Begins to verify an attestation that answers `nonce`, with the time keys of Director Root. `known` is the latest
    /// time this ECU knows, or the floor a Root set when it rotated the time keys.
    #[inline(never)]
    pub fn new(keys: &RoleKeys, nonce: Nonce, known: Time) -> Self {
        let reader = Shut::new(TimeReader::new(Some(nonce)));
        Self { threshold: Threshold::new(Role::Time, keys), reader, known }
    }

    /// Reads the attestation, which `pieces` feeds to the stream, to its end.
    #[inline(never)]
    pub fn read<E: From<Error>>(
        &mut self,
        pieces: impl FnOnce(&mut TimeStream<'_>) -> Result<(), E>,
    ) -> Result<ClosedTime<'_>, E> {
        let mut stream = TimeStream { stream: FileStream::new(Role::Time, MAX_TIME_ATTESTATION), check: self };
        pieces(&mut stream)?;
        let TimeStream { stream, check } = &mut stream;
        let closed = stream.finish(&mut check.threshold, &mut check.reader)?;
        Ok(ClosedTime { closed, check: self })
    }
}

/// A time attestation, arriving.
pub struct TimeStream<'c> {
    stream: FileStream,
    check: &'c mut TimeCheck,
}

impl TimeStream<'_> {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, &mut self.check.threshold, &mut self.check.reader)
    }
}

/// A time attestation, complete, and not yet believed.
pub struct ClosedTime<'c> {
    closed: Closed,
    check: &'c TimeCheck,
}

impl ClosedTime<'_> {
    /// The time, if it is attested.
    pub fn verify(&self) -> Result<AttestedTime, Error> {
        self.no_later_than(self.check.known)
    }

    /// The same where a second source tells the time as well: a jump further than one source may cause is taken if the
    /// second source is not more than that behind it.
    pub fn verify_with_second_source(&self, second: Time) -> Result<AttestedTime, Error> {
        self.no_later_than(self.check.known.max(second))
    }

    /// The time, if it does not jump too far from the known one.
    fn no_later_than(&self, known: Time) -> Result<AttestedTime, Error> {
        let attested = self.any_time()?;
        match attested.time().since(known) > MAX_JUMP {
            true => Err(Error::TimeJump { known: told(known), offered: told(attested.time()) }),
            false => Ok(attested),
        }
    }

    /// The time, if it answers us and does not go back (§5.4.4.1 step 1, §5.4.4.2 step 1).
    #[inline(never)]
    fn any_time(&self) -> Result<AttestedTime, Error> {
        let TimeCheck { threshold, reader, known } = self.check;
        let reader = self.closed.open(threshold.finish(), reader)?;
        let offered = reader.finish()?;
        // An attestation that answers somebody else may be an old one.
        if !reader.is_answered() {
            return Err(Error::Replay);
        }
        match offered < *known {
            true => Err(Error::TimeRollback { known: told(*known), offered: told(offered) }),
            false => Ok(AttestedTime(offered)),
        }
    }
}

/// Verifies an attestation at hand.
pub fn check(file: &[u8], keys: &RoleKeys, nonce: Nonce, known: Time) -> Result<AttestedTime, Error> {
    TimeCheck::new(keys, nonce, known).read(|stream| stream.feed(file))?.verify()
}

/// The floor a Root sets for attested time, if it names other time keys than the one before (design D14).
pub(super) fn floor(not_before: Option<Time>, new: Option<&RoleKeys>, old: Option<&RoleKeys>) -> Option<Time> {
    let same = match (new, old) {
        (Some(new), Some(old)) => new.is_same_as(old),
        (new, old) => new.is_none() && old.is_none(),
    };
    not_before.filter(|_| !same)
}

/// Evidence: the time, as those say who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttestedTime(Time);

impl AttestedTime {
    /// The time.
    pub fn time(self) -> Time {
        self.0
    }
}

impl Body for TimeReader {
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, _: Span) -> Result<(), Error> {
        self.step(steps, event)
    }
}
