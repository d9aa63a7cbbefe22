//! How a Secondary's account of itself is read: its phase, and the digest of the image it runs.
//!
//! An ECU with two banks says by its phase alone where it stands. One with a single bank also goes through times in which it
//! runs nothing: after it was told to activate until it has its new image, and after it gave that up until it has its old one.
//! It then tells no image's digest as what it runs.

use proto::secondary::Phase;
use uptane::{Sha256, TransactionId};

use super::{Member, Standing, State, Transaction};

/// What is known of a member's part in a transaction when its account is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    transaction: TransactionId,
    /// The digest of the transaction's image once the decision is made: a Secondary that forgot the transaction and runs
    /// that image has committed.
    committed: Option<Sha256>,
    single_bank: Option<SingleBank>,
}

/// The images of an ECU with a single bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SingleBank {
    image: Sha256,
    fallback: Sha256,
}

impl Reading {
    /// For this member of this transaction as it stands.
    pub fn of(transaction: &Transaction, member: &Member) -> Self {
        let decided = matches!(transaction.state, State::Committing);
        let single = |fallback: Sha256| SingleBank { image: member.sha256, fallback };
        Self {
            transaction: transaction.id,
            committed: decided.then_some(member.sha256),
            single_bank: member.fallback.map(|fallback| single(fallback.sha256)),
        }
    }

    /// Which transaction.
    pub fn transaction(&self) -> TransactionId {
        self.transaction
    }

    /// Where a Secondary stands.
    pub fn standing(&self, phase: Phase, running: Sha256) -> Standing {
        match (self.by_phase(phase, running), self.single_bank) {
            // The gate is open, and the new image is not there yet.
            (Standing::Trial, Some(bank)) if running != bank.image => Standing::Staged,
            // It gave the new image up, and the old one is not there yet.
            (Standing::RolledBack, Some(bank)) if running != bank.fallback => Standing::Staging,
            (standing, _) => standing,
        }
    }

    /// Where a Secondary stands by its phase: what commands it would take.
    pub fn by_phase(&self, phase: Phase, running: Sha256) -> Standing {
        let is_open = |id: TransactionId| id == self.transaction;
        match phase {
            Phase::Staging(id) if is_open(id) => Standing::Staging,
            Phase::Staged(id) if is_open(id) => Standing::Staged,
            Phase::Trial(id) if is_open(id) => Standing::Trial,
            Phase::Healthy(id) if is_open(id) => Standing::Healthy,
            Phase::Committed(id) if is_open(id) => Standing::Committed,
            Phase::RolledBack(id) if is_open(id) => Standing::RolledBack,
            Phase::Idle if self.committed == Some(running) => Standing::Committed,
            Phase::Idle
            | Phase::Staging(_)
            | Phase::Staged(_)
            | Phase::Trial(_)
            | Phase::Healthy(_)
            | Phase::Committed(_)
            | Phase::RolledBack(_) => Standing::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use uptane::{EcuId, HardwareId, ImageLine, Length, ReleaseCounter, TargetNameBuf};

    use super::super::{Cause, MemberImage};
    use super::*;

    const OPEN: TransactionId = TransactionId([4; 16]);
    const NEW: Sha256 = Sha256([2; 32]);
    const OLD: Sha256 = Sha256([1; 32]);
    const NEITHER: Sha256 = Sha256([0; 32]);

    fn image(sha256: Sha256) -> MemberImage {
        MemberImage {
            name: TargetNameBuf::parse("line/fw.bin").unwrap(),
            length: Length::new(1).unwrap(),
            sha256,
            line: ImageLine::parse("line").unwrap(),
            counter: ReleaseCounter::new(1).unwrap(),
        }
    }

    fn reading(state: State, fallback: Option<Sha256>) -> Reading {
        let hardware = HardwareId::parse("hw").unwrap();
        let member = Member::new(EcuId::parse("mirror").unwrap(), hardware, image(NEW), 0);
        let member = fallback.map_or(member.clone(), |fallback| member.with_fallback(image(fallback)));
        Reading::of(&Transaction::at(OPEN, NEITHER, state, vec![member.clone()]), &member)
    }

    #[test]
    fn with_a_single_bank_what_runs_says_whether_an_image_is_awaited() {
        let reading = reading(State::Voting, Some(OLD));
        let table = [
            (Phase::Staged(OPEN), OLD, Standing::Staged),
            (Phase::Trial(OPEN), OLD, Standing::Staged),
            (Phase::Trial(OPEN), NEITHER, Standing::Staged),
            (Phase::Trial(OPEN), NEW, Standing::Trial),
            (Phase::Healthy(OPEN), NEW, Standing::Healthy),
            (Phase::RolledBack(OPEN), NEW, Standing::Staging),
            (Phase::RolledBack(OPEN), NEITHER, Standing::Staging),
            (Phase::RolledBack(OPEN), OLD, Standing::RolledBack),
        ];
        for (phase, running, standing) in table {
            assert_eq!(reading.standing(phase, running), standing, "{phase:?} {running}");
        }
    }

    #[test]
    fn with_two_banks_the_phase_says_all() {
        let reading = reading(State::RollingBack(Cause::Withdrawn), None);
        assert_eq!(reading.standing(Phase::Trial(OPEN), OLD), Standing::Trial);
        assert_eq!(reading.standing(Phase::RolledBack(OPEN), NEW), Standing::RolledBack);
        assert_eq!(reading.standing(Phase::Healthy(TransactionId([5; 16])), NEW), Standing::Absent);
    }

    #[test]
    fn a_secondary_that_forgot_a_commit_is_known_by_its_image() {
        assert_eq!(reading(State::Voting, None).standing(Phase::Idle, NEW), Standing::Absent);
        assert_eq!(reading(State::Committing, None).standing(Phase::Idle, NEW), Standing::Committed);
        assert_eq!(reading(State::Committing, None).standing(Phase::Idle, OLD), Standing::Absent);
    }
}
