//! Why a store did not do what was asked, whichever database is behind it.

use std::path::PathBuf;

use host::cli::{Exit, Report, one_line};
use sqlx::migrate::MigrateError;
use uptane::Version;

use crate::error::Error;
use crate::role::RoleId;

/// Why a store did not do what was asked. Nothing was changed, unless a variant says that nobody knows.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Another process held the database for too long.
    #[error("the database is in use: {reason}")]
    Busy {
        /// What the database says.
        reason: String,
    },
    /// The repository is of another generation than the changes were decided on.
    #[error("the repository was changed by another process meanwhile")]
    Conflict,
    /// The database holds what was never written there, or cannot be read.
    #[error("the database is damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// There is a database already where one is to be made.
    #[error("{} is there already", path.display())]
    Exists {
        /// Its file.
        path: PathBuf,
    },
    /// The database has no more room.
    #[error("the database has no room left: {reason}")]
    Full {
        /// What the database says.
        reason: String,
    },
    /// The database cannot be reached, or was lost on the way: nobody knows whether a change that was being made is.
    #[error("the database was lost: {reason}")]
    Lost {
        /// What the connection says.
        reason: String,
    },
    /// There is no database.
    #[error("{} is no database", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A newer release changed the database so that this one must not use it.
    #[error("the database needs a program that knows schema {needs}, and this one knows {known}")]
    Newer {
        /// The lowest schema a program must know.
        needs: u64,
        /// What this one knows.
        known: u64,
    },
    /// Not every database can keep this.
    #[error("{what} cannot be kept")]
    Unfit {
        /// What it is.
        what: &'static str,
    },
    /// The database refuses to serve this program.
    #[error("the database refuses: {reason}")]
    Unusable {
        /// What the database says.
        reason: String,
    },
    /// What is said to be a database's address is none.
    #[error("{given} is no address of a database: {reason}")]
    Url {
        /// What was given, without a password.
        given: String,
        /// Why it is refused.
        reason: &'static str,
    },
    /// A role has a file of this version or a higher one, so none of this version can follow.
    #[error("version {version} of {role} cannot follow the files that there are")]
    VersionUsed {
        /// The role.
        role: Box<RoleId>,
        /// The version that was to be used.
        version: Version,
    },
}

impl Fault {
    pub(super) fn damaged(column: &'static str) -> Self {
        Self::Damaged { reason: format!("column {column} holds what was never written there") }
    }
}

impl Report for Fault {
    fn exit(&self) -> Exit {
        match self {
            Self::Busy { .. } | Self::Conflict | Self::Lost { .. } => Exit::Unavailable,
            Self::Damaged { .. } | Self::Exists { .. } | Self::Missing { .. } | Self::Newer { .. } => {
                Exit::Configuration
            }
            Self::Unusable { .. } => Exit::Configuration,
            Self::Full { .. } | Self::Unfit { .. } | Self::VersionUsed { .. } => Exit::Failed,
            Self::Url { .. } => Exit::Usage,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Busy { .. } => "end the process that holds it or wait for it, then try again; nothing was changed",
            Self::Conflict => "try again; nothing was changed",
            Self::Damaged { .. } => "restore the repository from a backup; nothing was overwritten",
            Self::Exists { .. } => "name another place, or use the repository that is there",
            Self::Full { .. } => "make room on the database's disk, then try again; nothing was changed",
            Self::Lost { .. } => {
                "check that the database runs and is reached, then look whether the change was made: trying again \
                 changes nothing twice"
            }
            Self::Missing { .. } => "check --database, or run `image-repo init`",
            Self::Newer { .. } => "upgrade this program; nothing was changed",
            Self::Unfit { .. } => "give another one; nothing was changed",
            Self::Unusable { .. } => "check the address, the certificate, the user and what it may do in the database",
            Self::Url { .. } => "give sqlite:PATH or postgres://USER@HOST/DATABASE",
            Self::VersionUsed { .. } => "sign it again with a version above the newest; nothing was changed",
        }
        .into()
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        if matches!(fault, Fault::Conflict) { Self::Conflict } else { Self::Store(fault) }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as Told;

        let reason = one_line(&error.to_string());
        if let Some(told) = error.as_database_error() {
            return by_code(told.code().as_deref().unwrap_or_default(), reason);
        }
        if matches!(error, Told::ColumnDecode { .. } | Told::ColumnNotFound(_) | Told::RowNotFound) {
            return Self::Damaged { reason };
        }
        // A certificate that does not verify is told as data that cannot be.
        let is_unverified = matches!(&error, Told::Io(error) if error.kind() == std::io::ErrorKind::InvalidData);
        if is_unverified || matches!(error, Told::Configuration(_) | Told::Tls(_)) {
            return Self::Unusable { reason };
        }
        // Whatever else there is comes of a connection that broke, or of one that did not come about.
        Self::Lost { reason }
    }
}

/// What the database's own code means: five characters of PostgreSQL, or a number of SQLite.
fn by_code(code: &str, reason: String) -> Fault {
    match code.parse::<u32>() {
        Ok(number) if code.len() < SQLSTATE => by_sqlite_code(number, reason),
        _ => by_sqlstate(code, reason),
    }
}

/// Characters of a SQLSTATE.
const SQLSTATE: usize = 5;

/// SQLite's result codes: the last eight bits are the kind (<https://sqlite.org/rescode.html>).
fn by_sqlite_code(code: u32, reason: String) -> Fault {
    match code & 0xff {
        5 | 6 => Fault::Busy { reason },
        10 => Fault::Lost { reason },
        // A file that is none, or one whose rows break what a later step demands.
        11 | 19 | 26 => Fault::Damaged { reason },
        13 => Fault::Full { reason },
        _ => Fault::Unusable { reason },
    }
}

/// PostgreSQL's codes (its manual, appendix A): the first two characters are the class.
fn by_sqlstate(code: &str, reason: String) -> Fault {
    match code {
        // A transaction of another process came first.
        "40001" | "40P01" => Fault::Conflict,
        "53100" => Fault::Full { reason },
        "55P03" => Fault::Busy { reason },
        // The server ended a transaction that did nothing for too long.
        "25P03" => Fault::Lost { reason },
        _ => match code.get(..2) {
            Some("08" | "57") => Fault::Lost { reason },
            Some("53") => Fault::Busy { reason },
            Some("23" | "XX") => Fault::Damaged { reason },
            _ => Fault::Unusable { reason },
        },
    }
}

impl From<MigrateError> for Fault {
    fn from(error: MigrateError) -> Self {
        let reason = one_line(&error.to_string());
        if let MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) = error {
            return error.into();
        }
        Self::Damaged { reason }
    }
}
