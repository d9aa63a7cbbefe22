//! What time is it, and who says so? (§5.4.2.2; design D14, attack A15)

use core::time::Duration;

use super::stream::{Body, FileStream, Shut};
use super::threshold::Threshold;
use crate::json::{Event, Span, Step};
use crate::limits::MAX_TIME_ATTESTATION;
use crate::metadata::{RoleKeys, TimeReader};
use crate::{Error, Nonce, Role, Time};

/// How far one attestation may move the time an ECU knows.
pub const MAX_JUMP: Duration = Duration::from_secs(400 * 86_400);

/// A time attestation, arriving.
pub struct TimeStream {
    stream: FileStream,
    threshold: Threshold,
    reader: Shut<TimeReader>,
    known: Time,
}

impl TimeStream {
    /// Begins to verify an attestation that answers `nonce`, with the time keys of Director Root. `known` is the latest
    /// time this ECU knows, or the floor a Root set when it rotated the time keys.
    #[inline(never)]
    pub fn new(keys: &RoleKeys, nonce: Nonce, known: Time) -> Self {
        Self {
            stream: FileStream::new(Role::Time, MAX_TIME_ATTESTATION),
            threshold: Threshold::new(Role::Time, keys),
            reader: Shut::new(TimeReader::new(Some(nonce))),
            known,
        }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, &mut self.threshold, &mut self.reader)
    }

    /// Says that the attestation is complete. The stream is of no further use.
    pub fn finish(&mut self) -> Result<AttestedTime, Error> {
        let known = self.known;
        let attested = self.any_time()?;
        match attested.time().since(known) > MAX_JUMP {
            true => Err(Error::TimeJump { known, offered: attested.time() }),
            false => Ok(attested),
        }
    }

    /// Says that the attestation is complete, where a second source tells the time as well: a jump further than one
    /// source may cause is taken if the second source is not more than that behind it.
    pub fn finish_with_second_source(&mut self, second: Time) -> Result<AttestedTime, Error> {
        let known = self.known.max(second);
        let attested = self.any_time()?;
        match attested.time().since(known) > MAX_JUMP {
            true => Err(Error::TimeJump { known, offered: attested.time() }),
            false => Ok(attested),
        }
    }

    /// The time, if it answers us and does not go back (§5.4.4.1 step 1, §5.4.4.2 step 1).
    #[inline(never)]
    fn any_time(&mut self) -> Result<AttestedTime, Error> {
        let Self { stream, threshold, reader, known } = self;
        let closed = stream.finish(threshold, reader)?;
        let (_, reader, _) = closed.open(threshold.finish(), reader)?;
        let offered = reader.finish()?;
        // An attestation that answers somebody else may be an old one.
        if !reader.is_answered() {
            return Err(Error::Replay);
        }
        match offered < *known {
            true => Err(Error::TimeRollback { known: *known, offered }),
            false => Ok(AttestedTime(offered)),
        }
    }
}

/// Verifies an attestation at hand.
pub fn check(file: &[u8], keys: &RoleKeys, nonce: Nonce, known: Time) -> Result<AttestedTime, Error> {
    let mut stream = TimeStream::new(keys, nonce, known);
    stream.feed(file)?;
    stream.finish()
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
