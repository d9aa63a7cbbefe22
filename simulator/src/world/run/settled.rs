//! What a closed transaction promises of the vehicle: all of it is new, or all of it is as before.

use std::time::Duration;

use primary_ecu::machine::transaction::{State, Transaction};
use uptane::{EcuId, Sha256};

use crate::world::time::Moment;

/// A transaction that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// What every member was to run.
    pub(super) wanted: Vec<(EcuId, Sha256)>,
    /// Whether all of them do, or none.
    pub(super) is_committed: bool,
    /// When it was closed.
    at: Moment,
}

impl Settled {
    /// What `transaction` promises; nothing while it is open.
    pub(super) fn of(transaction: &Transaction, at: Moment) -> Option<Self> {
        let is_committed = match transaction.state {
            State::Committed => true,
            State::RolledBack(_) => false,
            State::Staging
            | State::Verifying
            | State::Activating(_)
            | State::Voting
            | State::Committing
            | State::RollingBack(_) => return None,
        };
        let wanted = transaction.members().iter().map(|member| (member.ecu, member.sha256)).collect();
        Some(Self { wanted, is_committed, at })
    }

    /// How an ECU that runs `image` breaks the promise. One that has just been told to go back says so before it starts
    /// anew.
    pub(super) fn broken_by(&self, ecu: EcuId, image: Sha256, now: Moment) -> Option<&'static str> {
        if now < self.at + SETTLING {
            return None;
        }
        let (_, wanted) = self.wanted.iter().find(|(member, _)| *member == ecu)?;
        match (self.is_committed, image == *wanted) {
            (true, false) => Some("does not run the image that was committed"),
            (false, true) => Some("runs the image that was rolled back"),
            (true, true) | (false, false) => None,
        }
    }
}

/// How long an ECU may take from its answer to the start that follows from it.
const SETTLING: Duration = Duration::from_secs(2);
