//! The answer to a check-in: time, then Roots, then only what is newer than the vehicle holds (design D9).

use uptane::{Nonce, Time};

use crate::Error;
use crate::facts::Facts;
use crate::keys::OnlineKeys;
use crate::metadata::{Versions, issue, versions};

/// What a Primary asks with; nothing of it is signed, so it decides only what may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Version of Root it holds; 0 for none.
    pub root: u64,
    /// Of Timestamp.
    pub timestamp: u64,
    /// Of Snapshot.
    pub snapshot: u64,
    /// Of Targets.
    pub targets: u64,
    /// Nonces the attestation shall carry.
    pub nonces: Vec<Nonce>,
    /// What it says of the vehicle.
    pub state: State,
}

/// What a Primary says of its vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// A signed `uptane-check-in`.
    Idle(Vec<u8>),
    /// A signed `uptane-manifest`.
    Manifest(Vec<u8>),
}

/// The answer, but for the Roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The time attestation.
    pub time: Vec<u8>,
    /// The newest versions.
    pub newest: Versions,
    /// Timestamp, if newer.
    pub timestamp: Option<Vec<u8>>,
    /// Snapshot, if newer.
    pub snapshot: Option<Vec<u8>>,
    /// Targets, if newer.
    pub targets: Option<Vec<u8>>,
}

impl Request {
    /// Whether the vehicle says it holds a version that these facts cannot have given. Only a signed manifest may say so
    /// with effect.
    pub fn is_ahead(&self, newest: &Versions) -> bool {
        let Versions { root, timestamp, snapshot, targets } = newest;
        self.root > root.get()
            || self.timestamp > timestamp.get()
            || self.snapshot > snapshot.get()
            || self.targets > targets.get()
    }
}

/// The time alone: for a vehicle whose state is not known yet.
pub fn time_only(facts: &Facts, request: &Request, keys: &OnlineKeys, now: Time) -> Result<Answer, Error> {
    let time = keys.attest(&facts.epoch, now, request.nonces.iter().copied())?;
    Ok(Answer { time, newest: versions(facts)?, timestamp: None, snapshot: None, targets: None })
}

/// The time and every role the vehicle does not hold yet. Signs metadata only if there is something to send.
///
/// With a new Root all roles are sent: if it rotates keys, the vehicle forgets what it held (§5.4.4.3 step 4).
pub fn full(facts: &Facts, request: &Request, keys: &OnlineKeys, now: Time) -> Result<Answer, Error> {
    let answer = time_only(facts, request, keys, now)?;
    let newest = answer.newest;
    let all = request.root < newest.root.get();
    let wanted = (
        all || request.timestamp != newest.timestamp.get(),
        all || request.snapshot != newest.snapshot.get(),
        all || request.targets != newest.targets.get(),
    );
    if wanted == (false, false, false) {
        return Ok(answer);
    }
    let issued = issue(facts, keys)?;
    Ok(Answer {
        timestamp: wanted.0.then_some(issued.timestamp),
        snapshot: wanted.1.then_some(issued.snapshot),
        targets: wanted.2.then_some(issued.targets),
        ..answer
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, at};

    fn request(timestamp: u64, rest: u64) -> Request {
        let state = State::Idle(Vec::new());
        Request { root: 1, timestamp, snapshot: rest, targets: rest, nonces: vec![Nonce([3; 16])], state }
    }

    fn newest() -> u64 {
        versions(&testing::facts()).unwrap().targets.get()
    }

    #[test]
    fn a_vehicle_that_holds_everything_gets_the_time_alone() {
        let answer = full(&testing::facts(), &request(newest(), newest()), &testing::online_keys(), at(1_000_100));
        let Answer { time, timestamp, snapshot, targets, .. } = answer.unwrap();
        assert_eq!((timestamp, snapshot, targets), (None, None, None));
        assert!(String::from_utf8(time).unwrap().contains("03030303030303030303030303030303"));
    }

    #[test]
    fn what_is_newer_is_sent_and_nothing_else() {
        let answer = full(&testing::facts(), &request(1, newest()), &testing::online_keys(), at(1_000_100)).unwrap();
        assert!(answer.timestamp.is_some() && answer.snapshot.is_none() && answer.targets.is_none());
        let answer = full(&testing::facts(), &request(0, 0), &testing::online_keys(), at(1_000_100)).unwrap();
        assert!(answer.timestamp.is_some() && answer.snapshot.is_some() && answer.targets.is_some());
    }

    #[test]
    fn with_a_new_root_every_role_is_sent() {
        let behind = Request { root: 0, ..request(newest(), newest()) };
        let answer = full(&testing::facts(), &behind, &testing::online_keys(), at(1_000_100)).unwrap();
        assert!(answer.timestamp.is_some() && answer.snapshot.is_some() && answer.targets.is_some());
    }

    #[test]
    fn a_vehicle_ahead_of_the_facts_is_noticed() {
        let newest = versions(&testing::facts()).unwrap();
        assert!(!request(newest.timestamp.get(), newest.targets.get()).is_ahead(&newest));
        assert!(request(newest.timestamp.get() + 1, 0).is_ahead(&newest));
    }
}
