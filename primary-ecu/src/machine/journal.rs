//! The journal: the one open [`Transaction`], as it is kept across a power cut. It is a JSON object, whose members
//! `docs/pouf.md` §20 lists; where it stands is the [`store`](crate::store)'s matter.
//!
//! A later layout may add members, which this reader ignores, as long as it leaves `readable_from` alone; it raises
//! `readable_from` where ignoring them would be wrong. Members added later have a default here. So releases N and N−1
//! read each other's journals (design D8).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uptane::{EcuId, HardwareId, Sha256, TransactionId};

use super::transaction::{Cause, Member, MemberImage, State, Transaction};

/// Layout this release writes. Since 2, members may have a fallback.
pub const VERSION: u16 = 2;
/// Oldest layout whose readers understand what this release writes of ECUs with two banks.
const READABLE_FROM: u16 = 1;
/// The same of an ECU with a single bank: an older release would take it for back before it has its image.
const SINGLE_BANK_FROM: u16 = 2;

/// Why a journal cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadJournal {
    /// None of its files is what was written: a transaction may be open, and nobody knows which.
    #[error("all files of the journal are damaged")]
    Damaged,
    /// Written by a release too new for this one.
    #[error("the journal needs a release that reads layout {needs}, this one reads {VERSION}")]
    TooNew {
        /// The layout it needs.
        needs: u16,
    },
    /// A member is missing or has a value this layout does not know.
    #[error("the journal says something that layout {VERSION} does not know")]
    Unknown,
}

/// The journal of `transaction`.
pub fn encode(transaction: &Transaction) -> Value {
    // A record of strings and numbers is always a value; none would be read back as `Unknown`.
    serde_json::to_value(Record::from(transaction)).unwrap_or_default()
}

/// The transaction of a journal.
pub fn decode(journal: &Value) -> Result<Transaction, BadJournal> {
    let Head { readable_from } = Head::deserialize(journal).map_err(|_| BadJournal::Unknown)?;
    if readable_from > VERSION {
        return Err(BadJournal::TooNew { needs: readable_from });
    }
    let record = Record::deserialize(journal).map_err(|_| BadJournal::Unknown)?;
    record.transaction().ok_or(BadJournal::Unknown)
}

/// What every layout has, read before anything else is believed.
#[derive(Deserialize)]
struct Head {
    readable_from: u16,
}

#[derive(Serialize, Deserialize)]
struct Record {
    version: u16,
    readable_from: u16,
    id: String,
    targets: String,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<CauseRecord>,
    members: Vec<MemberRecord>,
}

#[derive(Serialize, Deserialize)]
struct CauseRecord {
    why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ecu: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
}

#[derive(Serialize, Deserialize)]
struct MemberRecord {
    ecu: String,
    hardware: String,
    #[serde(flatten)]
    image: ImageRecord,
    order: u64,
    told: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fallback: Option<ImageRecord>,
}

#[derive(Serialize, Deserialize)]
struct ImageRecord {
    name: String,
    length: u64,
    sha256: String,
    line: String,
    counter: u64,
}

impl From<&Transaction> for Record {
    fn from(transaction: &Transaction) -> Self {
        let (order, cause) = match transaction.state {
            State::Activating(order) => (Some(order), None),
            State::RollingBack(cause) | State::RolledBack(cause) => (None, Some(CauseRecord::from(cause))),
            State::Staging | State::Verifying | State::Voting | State::Committing | State::Committed => (None, None),
        };
        let has_single_bank = transaction.members().iter().any(Member::has_single_bank);
        Self {
            version: VERSION,
            readable_from: if has_single_bank { SINGLE_BANK_FROM } else { READABLE_FROM },
            id: transaction.id.to_string(),
            targets: transaction.targets.to_string(),
            state: transaction.state.word().to_owned(),
            order,
            cause,
            members: transaction.members().iter().map(MemberRecord::from).collect(),
        }
    }
}

impl Record {
    fn transaction(&self) -> Option<Transaction> {
        let members = self.members.iter().map(MemberRecord::member).collect::<Option<Vec<_>>>()?;
        let id = TransactionId::parse(&self.id).ok()?;
        Some(Transaction::at(id, Sha256::parse(&self.targets).ok()?, self.state()?, members))
    }

    fn state(&self) -> Option<State> {
        let cause = || self.cause.as_ref()?.cause();
        Some(match self.state.as_str() {
            "staging" => State::Staging,
            "verifying" => State::Verifying,
            "activating" => State::Activating(self.order?),
            "voting" => State::Voting,
            "committing" => State::Committing,
            "committed" => State::Committed,
            "rolling-back" => State::RollingBack(cause()?),
            "rolled-back" => State::RolledBack(cause()?),
            _ => return None,
        })
    }
}

impl From<Cause> for CauseRecord {
    fn from(cause: Cause) -> Self {
        let (ecu, code) = match cause {
            Cause::FellBack(ecu) | Cause::Exhausted(ecu) | Cause::Unreachable(ecu) => (Some(ecu), None),
            Cause::Refused(ecu, code) => (Some(ecu), Some(code)),
            Cause::Withdrawn => (None, None),
        };
        Self { why: cause.word().to_owned(), ecu: ecu.map(|ecu| ecu.to_string()), code }
    }
}

impl CauseRecord {
    fn cause(&self) -> Option<Cause> {
        let ecu = || EcuId::parse(self.ecu.as_ref()?).ok();
        Some(match self.why.as_str() {
            "fell-back" => Cause::FellBack(ecu()?),
            "exhausted" => Cause::Exhausted(ecu()?),
            "refused" => Cause::Refused(ecu()?, self.code?),
            "unreachable" => Cause::Unreachable(ecu()?),
            "withdrawn" => Cause::Withdrawn,
            _ => return None,
        })
    }
}

impl From<&Member> for MemberRecord {
    fn from(member: &Member) -> Self {
        Self {
            ecu: member.ecu.to_string(),
            hardware: member.hardware.to_string(),
            image: ImageRecord::from(&member.image()),
            order: member.order,
            told: member.told,
            fallback: member.fallback.as_ref().map(ImageRecord::from),
        }
    }
}

impl MemberRecord {
    fn member(&self) -> Option<Member> {
        let hardware = HardwareId::parse(&self.hardware).ok()?;
        let mut member = Member::new(EcuId::parse(&self.ecu).ok()?, hardware, self.image.image()?, self.order);
        member.told = self.told;
        Some(match &self.fallback {
            Some(fallback) => member.with_fallback(fallback.image()?),
            None => member,
        })
    }
}

impl From<&MemberImage> for ImageRecord {
    fn from(image: &MemberImage) -> Self {
        Self {
            name: image.name.to_string(),
            length: image.length.get(),
            sha256: image.sha256.to_string(),
            line: image.line.to_string(),
            counter: image.counter.get(),
        }
    }
}

impl ImageRecord {
    fn image(&self) -> Option<MemberImage> {
        let Self { name, length, sha256, line, counter } = self;
        MemberImage::stored(name, *length, sha256, line, *counter).ok()
    }
}

#[cfg(test)]
mod tests {
    use uptane::{ImageLine, Length, ReleaseCounter, TargetNameBuf};

    use super::*;

    fn ecu() -> EcuId {
        EcuId::parse("brake").unwrap()
    }

    fn image(release: u8) -> MemberImage {
        MemberImage {
            name: TargetNameBuf::parse(&format!("brake/fw-{release}.bin")).unwrap(),
            length: Length::new(262_144).unwrap(),
            sha256: Sha256([release; 32]),
            line: ImageLine::parse("brake").unwrap(),
            counter: ReleaseCounter::new(release.into()).unwrap(),
        }
    }

    fn member() -> Member {
        let mut member = Member::new(ecu(), HardwareId::parse("brake-hw").unwrap(), image(2), 4);
        member.told = true;
        member
    }

    fn of(state: State, member: Member) -> Transaction {
        Transaction::at(TransactionId([1; 16]), Sha256([2; 32]), state, vec![member])
    }

    fn transaction(state: State) -> Transaction {
        of(state, member())
    }

    fn of_single_bank(state: State) -> Transaction {
        of(state, member().with_fallback(image(1)))
    }

    /// What a journal of this text says.
    fn read(line: &str) -> Result<Transaction, BadJournal> {
        decode(&serde_json::from_str(line).unwrap())
    }

    fn line(transaction: &Transaction) -> String {
        encode(transaction).to_string()
    }

    #[test]
    fn every_state_and_cause_reads_back_as_it_was_written() {
        let causes = [
            Cause::FellBack(ecu()),
            Cause::Exhausted(ecu()),
            Cause::Refused(ecu(), 14),
            Cause::Unreachable(ecu()),
            Cause::Withdrawn,
        ];
        let plain = [
            State::Staging,
            State::Verifying,
            State::Activating(4),
            State::Voting,
            State::Committing,
            State::Committed,
        ];
        let ended = causes.into_iter().flat_map(|cause| [State::RollingBack(cause), State::RolledBack(cause)]);
        for state in plain.into_iter().chain(ended) {
            for journalled in [transaction(state), of_single_bank(state)] {
                assert_eq!(decode(&encode(&journalled)), Ok(journalled), "{state:?}");
            }
        }
    }

    #[test]
    fn members_a_later_release_adds_are_ignored() {
        let written = line(&transaction(State::Voting));
        let later = written.replacen(r#""version":2"#, r#""later":{"a":[1]},"version":3"#, 1);
        assert_eq!(read(&later), Ok(transaction(State::Voting)));
    }

    #[test]
    fn a_journal_that_needs_a_later_release_is_refused_by_name() {
        let later = line(&transaction(State::Voting)).replace(r#""readable_from":1"#, r#""readable_from":3"#);
        assert_eq!(read(&later), Err(BadJournal::TooNew { needs: 3 }));
    }

    #[test]
    fn a_release_that_knows_no_single_bank_reads_all_journals_but_those_of_one() {
        assert!(line(&transaction(State::Voting)).contains(r#""readable_from":1"#));
        assert!(!line(&transaction(State::Voting)).contains("fallback"));
        assert!(line(&of_single_bank(State::Voting)).contains(r#""readable_from":2"#));
    }

    #[test]
    fn what_the_first_layout_wrote_is_read() {
        let member = r#"{"ecu":"brake","hardware":"brake-hw","name":"brake/fw-2.bin","length":262144,"#.to_owned()
            + &format!(r#""sha256":"{}","line":"brake","counter":2,"order":4,"told":true}}"#, Sha256([2; 32]));
        let (id, targets) = (TransactionId([1; 16]), Sha256([2; 32]));
        let first = r#"{"version":1,"readable_from":1,"#.to_owned()
            + &format!(r#""id":"{id}","targets":"{targets}","state":"voting","members":[{member}]}}"#);
        assert_eq!(read(&first), Ok(transaction(State::Voting)));
        let written: Value = serde_json::from_str(&first.replacen(r#""version":1"#, r#""version":2"#, 1)).unwrap();
        assert_eq!(encode(&transaction(State::Voting)), written);
    }

    #[test]
    fn a_state_this_release_does_not_know_is_refused() {
        let other = line(&transaction(State::Voting)).replace("voting", "pondering");
        assert_eq!(read(&other), Err(BadJournal::Unknown));
    }
}
