//! What can go wrong for a Primary, and what its operator should do about it.

use std::path::{Path, PathBuf};

use host::cli::{Exit, Report};
use uptane::sign::SignError;
use uptane::{Attack, EcuId, RepositoryName, Time};

use crate::machine::journal::BadJournal;
use crate::machine::transaction::Cause;

/// Why something did not happen. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name or number on the command line breaks its grammar.
    #[error("{what}")]
    BadArgument {
        /// What is wrong with it.
        what: uptane::Error,
    },
    /// A Secondary cannot hear images together with the others of its group.
    #[error("ECU {ecu} cannot hear images at CAN id {broadcast:#x}: {why}")]
    BadGroup {
        /// Which.
        ecu: String,
        /// The id they would hear.
        broadcast: u32,
        /// Why not.
        why: &'static str,
    },
    /// A share of the bus is not between 1 and 100 per cent.
    #[error("{number} is no share of a bus in per cent")]
    BadPercent {
        /// What was given.
        number: u8,
    },
    /// A Secondary's place is not written as the configuration wants it.
    #[error("{text:?} says no way to reach a Secondary")]
    BadSecondary {
        /// What stands there.
        text: String,
    },
    /// The Director has accepted later counters of this Primary than it knows of: its disk lost what it had signed.
    #[error("the Director knows what this Primary has forgotten: {reason}")]
    Behind {
        /// What it says.
        reason: String,
    },
    /// A file of the data folder or of a bundle says something it cannot mean.
    #[error("{} is damaged or not what belongs there: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The Director was not reached, or broke off.
    #[error("the Director does not answer: {reason}")]
    Director {
        /// What the transport says.
        reason: String,
    },
    /// The Director answered, but not what it must.
    #[error("the Director's answer cannot be used: {reason}")]
    DirectorAnswer {
        /// What is wrong with it.
        reason: String,
    },
    /// The machine refused.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// The Image repository was not reached, or broke off.
    #[error("the Image repository does not answer: {reason}")]
    ImageRepository {
        /// What the transport says.
        reason: String,
    },
    /// The journal cannot be read.
    #[error("{}: {source}", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// Why.
        source: BadJournal,
    },
    /// The mapping names a repository and not where it is.
    #[error("mapping.toml does not say where the repository {repository} is")]
    NoAddress {
        /// Which one.
        repository: RepositoryName,
    },
    /// An ECU with a single bank shall be updated, and the Director does not name the image that it runs as the one to return
    /// to.
    #[error("ECU {ecu} has a single bank, and the Director does not name what it runs as its fallback")]
    NoFallback {
        /// Which one.
        ecu: EcuId,
    },
    /// Verification refused something.
    #[error("refused: {check}")]
    Refused {
        /// The failed check.
        check: uptane::Error,
    },
    /// The Director was reached and does not accept what this Primary says.
    #[error("the Director rejects this Primary: {reason}")]
    Rejected {
        /// What it says.
        reason: String,
    },
    /// The vehicle went back to its old images.
    #[error("the update was rolled back: {}", explain(cause))]
    RolledBack {
        /// Why.
        cause: Cause,
    },
    /// A signature could not be made.
    #[error("cannot sign: {0}")]
    Sign(#[from] SignError),
    /// A download was slower than the limit.
    #[error("the Image repository is too slow: {reason}")]
    Slow {
        /// What was measured.
        reason: String,
    },
    /// A Secondary was not reached.
    #[error("ECU {ecu} does not answer")]
    Unreachable {
        /// Which one.
        ecu: EcuId,
    },
    /// A Secondary of the vehicle is missing from the configuration, or one is there that is not of the vehicle.
    #[error("config.toml and vehicle.toml disagree about ECU {ecu}")]
    UnknownSecondary {
        /// Which one.
        ecu: String,
    },
    /// An update was rolled back too often to be tried again now.
    #[error("the update was rolled back {count} times; it is tried again at {until}")]
    Waiting {
        /// How often.
        count: u32,
        /// When it is tried again.
        until: Time,
    },
}

impl Error {
    /// A file that is not what belongs there.
    pub(crate) fn damaged(path: &Path, what: impl ToString) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.to_string() }
    }

    /// The attack this points to, for status and manifest. What a Secondary refused is in that Secondary's own report.
    pub fn attack(&self) -> Option<Attack> {
        match self {
            Self::Refused { check } => check.attack(),
            Self::Slow { .. } => Some(Attack::SlowRetrieval),
            Self::Director { .. } | Self::ImageRepository { .. } | Self::Unreachable { .. } => {
                Some(Attack::DropRequest)
            }
            Self::BadArgument { .. }
            | Self::BadGroup { .. }
            | Self::BadPercent { .. }
            | Self::BadSecondary { .. }
            | Self::Behind { .. }
            | Self::Damaged { .. }
            | Self::DirectorAnswer { .. }
            | Self::Host(_)
            | Self::Journal { .. }
            | Self::NoAddress { .. }
            | Self::NoFallback { .. }
            | Self::Rejected { .. }
            | Self::RolledBack { .. }
            | Self::Sign(_)
            | Self::UnknownSecondary { .. }
            | Self::Waiting { .. } => None,
        }
    }

    /// The name of what went wrong, for `status --json`: the failed check where verification refused.
    pub fn word(&self) -> &'static str {
        match self {
            Self::BadArgument { .. } => "bad-argument",
            Self::BadGroup { .. } => "bad-group",
            Self::BadPercent { .. } => "bad-percent",
            Self::BadSecondary { .. } => "bad-secondary",
            Self::Behind { .. } => "behind",
            Self::Damaged { .. } => "damaged",
            Self::Director { .. } => "director-unreachable",
            Self::DirectorAnswer { .. } => "director-answer",
            Self::Host(_) => "host",
            Self::ImageRepository { .. } => "image-repository-unreachable",
            Self::Journal { .. } => "journal",
            Self::NoAddress { .. } => "no-address",
            Self::NoFallback { .. } => "no-fallback",
            Self::Refused { check } => check.name(),
            Self::Rejected { .. } => "rejected",
            Self::RolledBack { .. } => "rolled-back",
            Self::Sign(_) => "sign",
            Self::Slow { .. } => "slow-retrieval",
            Self::Unreachable { .. } => "unreachable",
            Self::UnknownSecondary { .. } => "unknown-secondary",
            Self::Waiting { .. } => "waiting",
        }
    }
}

impl From<uptane::Error> for Error {
    fn from(check: uptane::Error) -> Self {
        Self::Refused { check }
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Host(error) => error.exit(),
            Self::BadArgument { .. } => Exit::Usage,
            Self::BadGroup { .. }
            | Self::BadPercent { .. }
            | Self::BadSecondary { .. }
            | Self::Damaged { .. }
            | Self::Journal { .. }
            | Self::NoAddress { .. }
            | Self::UnknownSecondary { .. } => Exit::Configuration,
            Self::DirectorAnswer { .. }
            | Self::NoFallback { .. }
            | Self::Refused { .. }
            | Self::RolledBack { cause: Cause::Refused(..) } => Exit::Refused,
            Self::RolledBack { cause: Cause::Unreachable(_) }
            | Self::Director { .. }
            | Self::ImageRepository { .. }
            | Self::Slow { .. }
            | Self::Unreachable { .. } => Exit::Unavailable,
            Self::Behind { .. }
            | Self::Rejected { .. }
            | Self::RolledBack { .. }
            | Self::Sign(_)
            | Self::Waiting { .. } => Exit::Failed,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::BadArgument { .. } => "give a relative name of plain characters".into(),
            Self::BadGroup { .. } => {
                "give the BROADCAST id to Secondaries of one hardware and format alone, and each an ANSWER id of its own".into()
            }
            Self::BadPercent { .. } => "give a number from 1 to 100".into(),
            Self::BadSecondary { .. } => {
                "write ECU=https://HOST:PORT, ECU=can:classical:REQUEST:RESPONSE or ECU=can:fd:REQUEST:RESPONSE; on CAN \
                 also with :BROADCAST:ANSWER"
                    .into()
            }
            Self::Damaged { .. } => "restore the file from a backup, or provision this ECU again".into(),
            Self::Director { .. } => "check that the Director runs at its address in mapping.toml".into(),
            Self::Host(error) => error.advice(),
            Self::ImageRepository { .. } | Self::Slow { .. } => {
                "check that the Image repository runs at its address in mapping.toml".into()
            }
            Self::Journal { source: BadJournal::TooNew { .. }, .. } => "start the newer release once more".into(),
            Self::NoAddress { .. } => {
                "write it there, or run `primary-ecu provision` with --director and --image-repo".into()
            }
            Self::NoFallback { .. } => {
                "its old image runs on; assign the image once more at the Director, and keep the old one in the Image \
                 repository"
                    .into()
            }
            Self::Journal { .. } => {
                "nobody knows whether an update is open: see \"Where it stops\" in docs/deploying-a-primary.md".into()
            }
            Self::DirectorAnswer { .. } | Self::Refused { .. } => {
                "nothing was installed, the old images run; tell the operator of the repositories".into()
            }
            Self::Behind { .. } => "nothing: counters were left out, and the next check-in counts above them".into(),
            Self::Rejected { .. } => {
                "check the vehicle in the Director's inventory; provision again if it was restored".into()
            }
            Self::RolledBack { .. } => "the old images run; see `primary-ecu history`, then run it again".into(),
            Self::Sign(_) => "check the files in keys/".into(),
            Self::Unreachable { .. } => "check that the ECU runs and is where config.toml says".into(),
            Self::UnknownSecondary { .. } => {
                "run `primary-ecu provision` with one --secondary for each Secondary".into()
            }
            Self::Waiting { .. } => {
                "the old images run; see `primary-ecu history`, and assign an image that works at the Director".into()
            }
        }
    }
}

fn explain(cause: &Cause) -> String {
    match cause {
        Cause::FellBack(ecu) => format!("ECU {ecu} returned to its old image"),
        Cause::Exhausted(ecu) => format!("ECU {ecu} did not get ready"),
        Cause::Refused(ecu, code) => match uptane::Error::name_of(*code) {
            Some(check) => format!("ECU {ecu} refused it: {check}"),
            None => format!("ECU {ecu} could not do it"),
        },
        Cause::Unreachable(ecu) => format!("ECU {ecu} does not answer"),
        Cause::Withdrawn => "the Director wants something else".to_owned(),
    }
}
