//! What a closed transaction promises of the vehicle: all of it is new, or all of it is as before.

use std::time::Duration;

use primary_ecu::machine::transaction::{State, Transaction};
use uptane::{EcuId, Sha256};

use crate::world::time::Moment;

/// A transaction that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    members: Vec<Member>,
    /// Whether all of them run the new image, or none.
    pub(super) is_committed: bool,
    /// When it was closed.
    at: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    ecu: EcuId,
    wanted: Sha256,
    /// What it ran before, where the new image goes over the old one.
    fallback: Option<Sha256>,
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
        let members = transaction.members().iter().map(|member| {
            let fallback = member.fallback.as_ref().map(|image| image.sha256);
            Member { ecu: member.ecu, wanted: member.sha256, fallback }
        });
        Some(Self { members: members.collect(), is_committed, at })
    }

    /// The members of another transaction, which is open, are no longer bound by this one; whether anybody still is.
    pub(super) fn still_binds(&mut self, open: &Transaction) -> bool {
        self.members.retain(|bound| open.members().iter().all(|member| member.ecu != bound.ecu));
        !self.members.is_empty()
    }

    /// How an ECU that runs this breaks the promise. One that has just been told to go back says so before it starts anew.
    pub(super) fn broken_by(&self, ecu: EcuId, runs: Option<Sha256>, now: Moment) -> Option<&'static str> {
        if now < self.at + SETTLING {
            return None;
        }
        let Member { wanted, fallback, .. } = self.members.iter().find(|member| member.ecu == ecu)?;
        let runs_wanted = runs == Some(*wanted);
        match (self.is_committed, runs, fallback) {
            (true, Some(_), _) if !runs_wanted => Some("does not run the image that was committed"),
            (false, Some(_), _) if runs_wanted => Some("runs the image that was rolled back"),
            (false, Some(_), Some(_)) if runs != *fallback => Some("does not run what it was to return to"),
            (_, None, Some(_)) => Some("was left without an image"),
            _ => None,
        }
    }
}

/// How long an ECU may take from its answer to the start that follows from it.
const SETTLING: Duration = Duration::from_secs(2);
