//! What can be wrong with something from outside, and which attack it points to.

mod told;

use crate::{Attack, Length, ReleaseCounter, Role, Time, Version};

pub use told::{Told, told};

/// Why something was refused. One variant per cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The repository has no such file, though another file says it must (attack A5).
    #[error("the repository has no {role}")]
    Absent {
        /// Whose file is missing.
        role: Told<Role>,
    },
    /// A digest is not lower-case hex of its length.
    #[error("a digest is malformed")]
    BadDigest,
    /// A public key is not lower-case hex of its length, or not a key at all.
    #[error("a public key is malformed")]
    BadKey,
    /// A repository mapping is not one a vehicle may use (§5.2.6).
    #[error("the repository mapping is not one a vehicle may use: {what}")]
    BadMapping {
        /// What is wrong with it.
        what: Told<&'static str>,
    },
    /// A name breaks its grammar or is too long.
    #[error("a {kind} is malformed")]
    BadName {
        /// The type that refused it.
        kind: Told<&'static str>,
    },
    /// A number is out of its range.
    #[error("a {kind} is out of range")]
    BadNumber {
        /// The type that refused it.
        kind: Told<&'static str>,
    },
    /// A time is not `YYYY-MM-DDTHH:MM:SSZ`.
    #[error("a time is malformed")]
    BadTime,
    /// Fewer distinct keys of the role signed than its threshold asks for.
    #[error("{role} is signed by {valid} of the {needed} keys it needs")]
    BelowThreshold {
        /// Whose file it is.
        role: Told<Role>,
        /// Distinct keys with a good signature.
        valid: Told<u8>,
        /// The threshold.
        needed: Told<u8>,
    },
    /// A release counter is lower than one this ECU accepted (§5.4.4.2 step 10.2.3).
    #[error("release counter {offered} is lower than {accepted}, which this ECU accepted")]
    CounterRollback {
        /// Highest accepted.
        accepted: Told<ReleaseCounter>,
        /// What was offered.
        offered: Told<ReleaseCounter>,
    },
    /// Director Targets delegates (§5.4.4.6 step 6).
    #[error("Director Targets delegates, which it never may")]
    DirectorDelegates,
    /// A JSON object has the same key twice, or a list that is a set has the same element twice.
    #[error("something stands twice that may stand once: {what}")]
    Duplicate {
        /// What stands twice.
        what: Told<&'static str>,
    },
    /// One ECU id stands in Director Targets more than once (§5.4.4.6 step 7).
    #[error("Director Targets names an ECU twice")]
    EcuTwice,
    /// Director Targets says that an ECU is to decrypt its image, by a method unknown here (§5.2.3.1.1).
    #[error("Director Targets encrypts an image by an unknown method")]
    Encrypted,
    /// The file has passed its expiry.
    #[error("{role} expired at {expires}; it is {now}")]
    Expired {
        /// Whose file it is.
        role: Told<Role>,
        /// When it expired.
        expires: Told<Time>,
        /// The time it was checked at.
        now: Told<Time>,
    },
    /// A file is of the same version as a trusted one but of other content (attack A24).
    #[error("{role} version {version} has two contents")]
    Equivocation {
        /// Whose file it is.
        role: Told<Role>,
        /// The version both claim.
        version: Told<Version>,
    },
    /// The image is for other hardware (§5.4.3.4 step 2).
    #[error("the image is not for the hardware of the ECU")]
    Hardware,
    /// The image's bytes do not have the listed digest.
    #[error("the image does not have the listed digest")]
    ImageDigest,
    /// The image has another length than listed.
    #[error("the image has {got} bytes where {listed} are listed")]
    ImageLength {
        /// What metadata lists.
        listed: Told<Length>,
        /// What arrived.
        got: Told<Length>,
    },
    /// A list or the nesting is longer than a constant of [`crate::limits`] allows.
    #[error("more {what} than the limit")]
    Limit {
        /// What there is too much of.
        what: Told<&'static str>,
    },
    /// What the Director chose is not what the Image repository lists (§5.4.4.2 step 10).
    #[error("Director and Image repository disagree: {what}")]
    Mismatch {
        /// Which part differs.
        what: Told<&'static str>,
    },
    /// A file is not the one its parent lists (version, length or digest).
    #[error("{role} is not the file that its parent lists: {what}")]
    MixAndMatch {
        /// Whose file it is.
        role: Told<Role>,
        /// Which part differs.
        what: Told<&'static str>,
    },
    /// Fewer repositories say the same of an image than the mapping asks for (§5.2.6, TAP 4).
    #[error("{agreeing} of the {needed} repositories that must agree on the image do")]
    NoConsensus {
        /// Repositories that say the same, the Director among them.
        agreeing: Told<u8>,
        /// The threshold.
        needed: Told<u8>,
    },
    /// No digest of a known function is listed.
    #[error("no digest of a known function is listed")]
    NoKnownHash,
    /// The Image repository has no such target (§5.4.4.7).
    #[error("the Image repository lists no such target")]
    NotInImageRepository,
    /// The repository mapping has no entry for the image's name (§5.2.6).
    #[error("the repository mapping says nothing of the image")]
    NotMapped,
    /// Director Targets says nothing to this ECU (§5.4.3.3).
    #[error("Director Targets has no image for this ECU")]
    NothingForThisEcu,
    /// The bytes are JSON, but not in the canonical form.
    #[error("the file is not canonical at byte {at}")]
    NotCanonical {
        /// Offset of the first byte that shows it.
        at: Told<usize>,
    },
    /// The bytes are not JSON, or end too early or too late.
    #[error("the file is not JSON at byte {at}")]
    NotJson {
        /// Offset of the first byte that shows it.
        at: Told<usize>,
    },
    /// The text of a file is not in Unicode normal form C (trap T25): two names could look the same and be different.
    #[error("the file is not in Unicode normal form C")]
    NotNormalised,
    /// A nonce or counter was used before, or is not the one that was asked for.
    #[error("a nonce or counter is not fresh")]
    Replay,
    /// A version is lower than the trusted one.
    #[error("{role} version {offered} is lower than the trusted {trusted}")]
    Rollback {
        /// Whose file it is.
        role: Told<Role>,
        /// The trusted version.
        trusted: Told<Version>,
        /// What was offered.
        offered: Told<Version>,
    },
    /// A Root is not the direct successor of the trusted one (§5.4.4.3 step 2.4, trap T17).
    #[error("Root version {offered} where {expected} must follow")]
    RootVersion {
        /// The successor's version.
        expected: Told<Version>,
        /// What was offered.
        offered: Told<Version>,
    },
    /// A field is missing, of another type, or its value is not one the format knows.
    #[error("field {field} is missing or malformed")]
    Schema {
        /// The field's name.
        field: Told<&'static str>,
    },
    /// Attested time is earlier than the time already known (attack A15).
    #[error("attested time {offered} is earlier than {known}")]
    TimeRollback {
        /// The latest known time.
        known: Told<Time>,
        /// What was attested.
        offered: Told<Time>,
    },
    /// Attested time jumps further than one source may move it (design D14).
    #[error("attested time {offered} is too far after {known}")]
    TimeJump {
        /// The latest known time.
        known: Told<Time>,
        /// What was attested.
        offered: Told<Time>,
    },
    /// The file is longer than its limit.
    #[error("{role} is longer than its limit of {limit} bytes")]
    TooLong {
        /// Whose file it is.
        role: Told<Role>,
        /// The limit.
        limit: Told<Length>,
    },
    /// An ECU that is not of this vehicle is named (§5.4.4.6 step 8).
    #[error("an ECU is named that is not of this vehicle")]
    UnknownEcu,
    /// A role is delegated to whose file Snapshot does not list (§5.4.4.6 step 2).
    #[error("Snapshot does not list the file of a delegated role")]
    Unlisted,
    /// A targets file the previous Snapshot listed is gone (§5.4.4.5 step 6).
    #[error("Snapshot no longer lists a file it listed before")]
    Withdrawn,
    /// A command does not belong to the open transaction (design D8).
    #[error("the command does not belong to the open transaction")]
    WrongTransaction,
    /// The file is of another role, repository or format than asked for.
    #[error("the file is of another kind than asked for: {field}")]
    WrongType {
        /// The member that shows it.
        field: Told<&'static str>,
    },
    /// The file is for another vehicle (traps T1, T1b).
    #[error("{role} is for another vehicle")]
    WrongVehicle {
        /// Whose file it is.
        role: Told<Role>,
    },
}

impl Error {
    /// The attack this failure points to, for the report. `None` where it points to a mistake of our own side.
    pub fn attack(&self) -> Option<Attack> {
        Some(match self {
            Self::Absent { .. } => Attack::PartialBundle,
            Self::BadDigest
            | Self::BadKey
            | Self::BadName { .. }
            | Self::BadNumber { .. }
            | Self::BadTime
            | Self::BelowThreshold { .. }
            | Self::Duplicate { .. }
            | Self::ImageDigest
            | Self::Mismatch { .. }
            | Self::NoConsensus { .. }
            | Self::NoKnownHash
            | Self::NotCanonical { .. }
            | Self::NotInImageRepository
            | Self::NotJson { .. }
            | Self::NotMapped
            | Self::NotNormalised
            | Self::Schema { .. }
            | Self::WrongType { .. } => Attack::ArbitrarySoftware,
            Self::CounterRollback { .. }
            | Self::Rollback { .. }
            | Self::RootVersion { .. }
            | Self::TimeRollback { .. }
            | Self::Withdrawn => Attack::Rollback,
            Self::DirectorDelegates | Self::EcuTwice | Self::Encrypted | Self::UnknownEcu => Attack::DirectorMisuse,
            Self::Equivocation { .. } | Self::MixAndMatch { .. } | Self::Unlisted => Attack::MixAndMatch,
            Self::Expired { .. } | Self::TimeJump { .. } => Attack::Freeze,
            Self::Hardware => Attack::IncompatibleImage,
            Self::ImageLength { .. } | Self::Limit { .. } | Self::TooLong { .. } => Attack::EndlessData,
            Self::BadMapping { .. } | Self::NothingForThisEcu => return None,
            Self::Replay | Self::WrongTransaction | Self::WrongVehicle { .. } => Attack::Replay,
        })
    }

    /// The failed check in a word, for status, logs and scripts.
    pub fn name(&self) -> &'static str {
        // The table has a word for every code.
        Self::name_of(self.code()).unwrap_or("unknown")
    }

    /// The failed check as a number, for carriers too narrow for words (UDS), and ECUs that have no room for them.
    pub fn code(&self) -> u8 {
        match self {
            Self::BadDigest => 1,
            Self::BadKey => 2,
            Self::BadName { .. } => 3,
            Self::BadNumber { .. } => 4,
            Self::BadTime => 5,
            Self::BelowThreshold { .. } => 6,
            Self::CounterRollback { .. } => 7,
            Self::DirectorDelegates => 8,
            Self::Duplicate { .. } => 9,
            Self::EcuTwice => 10,
            Self::Expired { .. } => 11,
            Self::Equivocation { .. } => 12,
            Self::Hardware => 13,
            Self::ImageDigest => 14,
            Self::ImageLength { .. } => 15,
            Self::Limit { .. } => 16,
            Self::Mismatch { .. } => 17,
            Self::MixAndMatch { .. } => 18,
            Self::NoKnownHash => 19,
            Self::NotInImageRepository => 20,
            Self::NothingForThisEcu => 21,
            Self::NotCanonical { .. } => 22,
            Self::NotJson { .. } => 23,
            Self::Replay => 24,
            Self::Rollback { .. } => 25,
            Self::RootVersion { .. } => 26,
            Self::Schema { .. } => 27,
            Self::TimeRollback { .. } => 28,
            Self::TimeJump { .. } => 29,
            Self::TooLong { .. } => 30,
            Self::UnknownEcu => 31,
            Self::Withdrawn => 32,
            Self::WrongTransaction => 33,
            Self::WrongType { .. } => 34,
            Self::WrongVehicle { .. } => 35,
            Self::Absent { .. } => 36,
            Self::NotNormalised => 37,
            Self::BadMapping { .. } => 38,
            Self::NoConsensus { .. } => 39,
            Self::NotMapped => 40,
            Self::Unlisted => 41,
            Self::Encrypted => 42,
        }
    }

    /// The word of a [`code`](Self::code); `None` for one this version does not know.
    pub fn name_of(code: u8) -> Option<&'static str> {
        CHECKS.get(usize::from(code).checked_sub(1)?).copied()
    }
}

/// Every check in the order of its code, the first being 1. New ones go to the end: the numbers are on the wire.
const CHECKS: [&str; 42] = [
    "bad-digest",
    "bad-key",
    "bad-name",
    "bad-number",
    "bad-time",
    "below-threshold",
    "counter-rollback",
    "director-delegates",
    "duplicate",
    "ecu-twice",
    "expired",
    "equivocation",
    "hardware",
    "image-digest",
    "image-length",
    "limit",
    "mismatch",
    "mix-and-match",
    "no-known-hash",
    "not-in-image-repository",
    "nothing-for-this-ecu",
    "not-canonical",
    "not-json",
    "replay",
    "rollback",
    "root-version",
    "schema",
    "time-rollback",
    "time-jump",
    "too-long",
    "unknown-ecu",
    "withdrawn",
    "wrong-transaction",
    "wrong-type",
    "wrong-vehicle",
    "absent",
    "not-normalised",
    "bad-mapping",
    "no-consensus",
    "not-mapped",
    "unlisted",
    "encrypted",
];

#[cfg(test)]
mod tests;
