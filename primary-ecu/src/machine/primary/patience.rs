//! An update that is rolled back again and again is tried again later and later.
//!
//! The Director may want an image for days that boots and votes sick. Each attempt writes flash and restarts ECUs; without
//! end that wears out the one and annoys who drives the other.

use serde::{Deserialize, Serialize};
use uptane::{EcuId, Sha256, Time};

use crate::machine::transaction::{Cause, State, Transaction};

/// Attempts before the first pause. What fails for want of power or of a connection has passed by then.
const AT_ONCE: u32 = 8;
/// Seconds of the first pause; each one is twice as long as the one before.
const FIRST: u64 = 60;
/// Seconds of the longest.
const LONGEST: u64 = 24 * 60 * 60;

/// Attempts that were rolled back, one after the other, for the same Director Targets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// SHA-256 of the Director Targets file, in hex; empty before the first.
    pub targets: String,
    /// How many.
    pub count: u32,
    /// When the last one ended, in seconds since 1970.
    pub last: u64,
    /// The ECU with a single bank that the last one was about; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alone: String,
}

impl Failures {
    /// What stands after a transaction was closed. One that the Director withdrew says nothing about its images.
    pub fn after(&self, closed: &Transaction, now: Time) -> Self {
        match closed.state {
            State::RolledBack(Cause::Withdrawn) => self.clone(),
            State::RolledBack(_) => {
                let before = if self.is_of(closed.targets) { self.count } else { 0 };
                let count = before.saturating_add(1);
                let alone = closed.members().iter().find(|member| member.has_single_bank());
                let alone = alone.map(|member| member.ecu.to_string()).unwrap_or_default();
                Self { targets: closed.targets.to_string(), count, last: now.unix(), alone }
            }
            State::Committed
            | State::Staging
            | State::Verifying
            | State::Activating(_)
            | State::Voting
            | State::Committing
            | State::RollingBack(_) => Self::default(),
        }
    }

    /// Until when these Targets are not tried again; none if they may be.
    pub(super) fn pause(&self, targets: Sha256, now: Time) -> Option<Time> {
        let doublings = self.count.checked_sub(AT_ONCE)?;
        let pause = FIRST.saturating_mul(2u64.saturating_pow(doublings)).min(LONGEST);
        let until = Time::from_unix(self.last.saturating_add(pause)).ok()?;
        (self.is_of(targets) && now < until).then_some(until)
    }

    /// The ECU with a single bank that went back last, if no other update has ended since.
    pub(super) fn alone(&self) -> Option<EcuId> {
        EcuId::parse(&self.alone).ok()
    }

    fn is_of(&self, targets: Sha256) -> bool {
        self.targets == targets.to_string()
    }
}

#[cfg(test)]
mod tests {
    use uptane::TransactionId;

    use super::*;

    const TARGETS: Sha256 = Sha256([1; 32]);

    fn at(seconds: u64) -> Time {
        Time::from_unix(1_800_000_000 + seconds).unwrap()
    }

    fn closed(state: State, targets: Sha256) -> Transaction {
        Transaction::at(TransactionId([1; 16]), targets, state, vec![])
    }

    fn failed(count: u32) -> Failures {
        let sick = closed(State::RolledBack(Cause::FellBack(EcuId::parse("brake").unwrap())), TARGETS);
        (0..count).fold(Failures::default(), |failures, _| failures.after(&sick, at(0)))
    }

    #[test]
    fn each_pause_is_twice_as_long_as_the_one_before_up_to_a_day() {
        assert_eq!(failed(AT_ONCE - 1).pause(TARGETS, at(0)), None);
        let table = [(0, 60), (1, 120), (4, 960), (10, 61_440), (11, 86_400), (1_000, 86_400)];
        for (more, seconds) in table {
            let failures = failed(AT_ONCE + more);
            assert_eq!(failures.pause(TARGETS, at(0)), Some(at(seconds)), "{more}");
            assert_eq!(failures.pause(TARGETS, at(seconds)), None, "{more}");
        }
    }

    #[test]
    fn other_targets_are_tried_at_once() {
        assert_eq!(failed(20).pause(Sha256([2; 32]), at(0)), None);
        let other = closed(State::RolledBack(Cause::Exhausted(EcuId::parse("x").unwrap())), Sha256([2; 32]));
        assert_eq!(failed(20).after(&other, at(0)).count, 1);
    }

    #[test]
    fn a_commit_forgives_and_a_withdrawal_counts_for_nothing() {
        assert_eq!(failed(20).after(&closed(State::Committed, TARGETS), at(0)), Failures::default());
        assert_eq!(failed(20).after(&closed(State::RolledBack(Cause::Withdrawn), TARGETS), at(9)), failed(20));
    }
}
