//! Why a command did not do what was asked.

mod advice;

use std::path::{Path, PathBuf};

use uptane::metadata::RootRole;
use uptane::sign::SignError;
use uptane::{HardwareId, ImageLine, Length, ReleaseCounter, Role, RoleName, Sha256, TargetNameBuf, Time, Version};

use crate::role::RoleId;

/// Why a command did not do what was asked. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process changed the repository meanwhile.
    #[error("the repository was changed by another process meanwhile")]
    Conflict,
    /// The audit log is not as it was written.
    #[error(transparent)]
    AuditBroken(host::audit::Broken),
    /// The audit log lacks the entry that somebody wrote down.
    #[error("no entry of the audit log has the hash {hash}: its end was cut off, or it is another log")]
    AuditCut {
        /// The hash.
        hash: Sha256,
    },
    /// Something cannot be an entry of the audit log.
    #[error(transparent)]
    AuditUnfit(host::audit::Unfit),
    /// A backup was not made or not taken back.
    #[error(transparent)]
    Backup(#[from] crate::backup::Fault),
    /// A message names no blob, or one that cannot be.
    #[error("a file of the release is not named by digest and length")]
    BadBlob,
    /// The configuration of a writer makes no sense.
    #[error("writer {writer:?}: {reason}")]
    BadWriter {
        /// Its name.
        writer: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The line has a release that is as new or newer.
    #[error("release {given} of line {line} is not newer than {highest}, which was added before")]
    CounterTaken {
        /// The line.
        line: Box<ImageLine>,
        /// The release that was to be added.
        given: ReleaseCounter,
        /// The newest release of the line.
        highest: ReleaseCounter,
    },
    /// A file that everything else rests on has expired.
    #[error("{role} expired at {expires}")]
    Expired {
        /// Whose file it is.
        role: Role,
        /// When it expired.
        expires: Time,
    },
    /// A file of a release is not one that clients would take.
    #[error("{file} cannot be published: {reason}")]
    Judged {
        /// The file.
        file: String,
        /// The check that a client would make and that failed.
        reason: uptane::Error,
    },
    /// An image is listed with another length than that of the bytes that were brought.
    #[error("{name} is listed with {listed} bytes, and {brought} were brought")]
    ImageLength {
        /// The image.
        name: Box<TargetNameBuf>,
        /// The length that is listed.
        listed: Length,
        /// How many there are.
        brought: u64,
    },
    /// An image is listed whose bytes nobody brought.
    #[error("{name} is listed, and its bytes (sha256 {sha256}) are not here")]
    ImageMissing {
        /// The image.
        name: Box<TargetNameBuf>,
        /// The digest that is listed.
        sha256: Sha256,
    },
    /// Another role lists other content under the name.
    #[error("{role} lists another image as {name}")]
    NameTaken {
        /// The name.
        name: Box<TargetNameBuf>,
        /// The role that lists it.
        role: Box<RoleId>,
    },
    /// Clients see a file that the database knows nothing of.
    #[error("{file} is published, and the database knows of none that is so new")]
    NewerPublished {
        /// The file.
        file: String,
    },
    /// Nobody delegates to the role.
    #[error("no role delegates to {role}")]
    NoDelegator {
        /// The role.
        role: Box<RoleName>,
    },
    /// The folder has no key that may sign a file.
    #[error("no key of the folder may sign {role} {version}")]
    NoOfflineKey {
        /// Whose file it is.
        role: Box<RoleId>,
        /// Its version.
        version: Version,
    },
    /// The repository lacks a key that Root appoints for one of its own roles.
    #[error("{here} of the {needed} keys that must sign {role:?} are here")]
    NoOnlineKey {
        /// Whose key it is.
        role: RootRole,
        /// How many keys are here.
        here: usize,
        /// How many must sign.
        needed: usize,
    },
    /// A writer brought the file of a role that is not its own.
    #[error("{writer} may not publish files of {role}")]
    NotAllowed {
        /// The writer.
        writer: String,
        /// The role.
        role: Box<RoleId>,
    },
    /// The role lists an image that is not delegated to it, or is found elsewhere first.
    #[error("{role} lists {name} for {hardware}, which no client asks it for")]
    NotDelegated {
        /// The role.
        role: Box<RoleName>,
        /// The image.
        name: Box<TargetNameBuf>,
        /// The hardware.
        hardware: Box<HardwareId>,
    },
    /// A Director's report is too old to say what vehicles need.
    #[error("{} is of {at}, too old to say what vehicles need", path.display())]
    OldReport {
        /// The file.
        path: PathBuf,
        /// When the Director said so.
        at: Time,
    },
    /// What only the repository signs was brought.
    #[error("{role} is signed by the repository itself")]
    OwnRole {
        /// The role.
        role: Box<RoleId>,
    },
    /// A repository cannot be reached, or cannot answer now.
    #[error("{url}: {reason}")]
    Remote {
        /// Where it is.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A repository refused.
    #[error("{url} refuses: {reason}")]
    RemoteRefused {
        /// Where it is.
        url: String,
        /// What it says, and what to do.
        reason: String,
    },
    /// A release brings two files of one role.
    #[error("the release brings two files of {role}")]
    RoleTwice {
        /// The role.
        role: Box<RoleId>,
    },
    /// A file is longer than any client reads.
    #[error("{what} is longer than the {limit} bytes that clients read")]
    TooLong {
        /// The file.
        what: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Nobody knows who calls.
    #[error("no writer shows this certificate or token")]
    UnknownWriter,
    /// Parts of an upload are gone.
    #[error("parts of the upload {sha256} are gone")]
    UploadLost {
        /// What was uploaded.
        sha256: Sha256,
    },
    /// More came in than was announced.
    #[error("more came in of {sha256} than was announced")]
    UploadTooLong {
        /// What was announced.
        sha256: Sha256,
    },
    /// A version was used before, or is not the next one.
    #[error("version {given} of {role} cannot be published: the next one is {next}")]
    VersionUsed {
        /// The role.
        role: Box<RoleId>,
        /// The version that was to be published.
        given: Version,
        /// The lowest that can be.
        next: Version,
    },
    /// Bytes came in that are not those that were announced.
    #[error("what came in has the digest {found}, and {given} was announced")]
    WrongDigest {
        /// What was announced.
        given: Sha256,
        /// What it is.
        found: Sha256,
    },
    /// What an operator wrote is not what it should be.
    #[error("{what} {given:?}: {reason}")]
    Given {
        /// What it is.
        what: &'static str,
        /// What was given.
        given: String,
        /// Why it is refused.
        reason: uptane::Error,
    },
    /// The machine refused.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// The repository lacks something that `init` makes.
    #[error("the repository has no {what}")]
    Incomplete {
        /// What it lacks.
        what: &'static str,
    },
    /// The folder holds no repository.
    #[error("{} holds no image repository", path.display())]
    NotARepository {
        /// The folder.
        path: PathBuf,
    },
    /// What should be a Director's report is none.
    #[error("{} is no report of a Director", path.display())]
    NoReport {
        /// The file.
        path: PathBuf,
    },
    /// Nothing says whom to take for the repository.
    #[error("no authority is given for the certificate of the repository")]
    NoAuthority,
    /// Images or metadata cannot be stored or fetched.
    #[error("cannot {action} {file}: {reason}")]
    Objects {
        /// What was tried.
        action: &'static str,
        /// On which file.
        file: String,
        /// What the store says.
        reason: String,
    },
    /// A file is not a patch, or no patch can be made.
    #[error("{}: {reason}", path.display())]
    Patch {
        /// The patch.
        path: PathBuf,
        /// What is wrong.
        reason: crate::delta::Error,
    },
    /// What is published does not verify.
    #[error("{file} does not verify: {reason}")]
    Refused {
        /// The file.
        file: String,
        /// The failed check.
        reason: uptane::Error,
    },
    /// Serving ended by itself.
    #[error("the write side ended: {reason}")]
    Service {
        /// Why.
        reason: String,
    },
    /// An image is to go that vehicles need.
    #[error(
        "at {at}, {desired} vehicles shall run {name}, {installed} run it and {fallback} return to it if another fails"
    )]
    StillNeeded {
        /// The image.
        name: Box<TargetNameBuf>,
        /// How many vehicles shall run it.
        desired: u64,
        /// How many run it.
        installed: u64,
        /// How many return to it.
        fallback: u64,
        /// When the Director said so.
        at: Time,
    },
    /// A file could not be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The database did not do what was asked.
    #[error(transparent)]
    Store(crate::store::Fault),
    /// A signer's folder was not changed.
    #[error(transparent)]
    Staged(#[from] crate::staged::Error),
    /// A container image was not taken.
    #[error(transparent)]
    Oci(#[from] crate::oci::Error),
    /// A file that clients need is not published.
    #[error("{file} is not published")]
    Unpublished {
        /// The file.
        file: String,
    },
}

impl Error {
    pub(crate) fn given(what: &'static str, given: &str) -> impl FnOnce(uptane::Error) -> Self {
        let given = given.to_owned();
        move |reason| Self::Given { what, given, reason }
    }

    pub(crate) fn patch(path: &Path) -> impl FnOnce(crate::delta::Error) -> Self {
        move |reason| Self::Patch { path: path.to_owned(), reason }
    }

    pub(crate) fn objects(action: &'static str, file: impl ToString, reason: &impl ToString) -> Self {
        Self::Objects { action, file: file.to_string(), reason: host::cli::one_line(&reason.to_string()) }
    }
}

impl From<uptane::Error> for Error {
    fn from(error: uptane::Error) -> Self {
        Self::Sign(error.into())
    }
}
