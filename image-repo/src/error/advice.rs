//! What an operator or a supplier does about each error, and how a command ends.

use host::cli::{Exit, Report};
use uptane::Role;

use super::Error;

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::AuditBroken(error) => error.exit(),
            Self::AuditUnfit(error) => error.exit(),
            Self::Backup(fault) => fault.exit(),
            Self::Conflict | Self::Remote { .. } | Self::Service { .. } => Exit::Unavailable,
            Self::Given { .. } | Self::NoAuthority | Self::NoReport { .. } => Exit::Usage,
            Self::BadWriter { .. }
            | Self::Incomplete { .. }
            | Self::NoOfflineKey { .. }
            | Self::NoOnlineKey { .. }
            | Self::NotARepository { .. }
            | Self::Patch { reason: crate::delta::Error::Decode(_), .. } => Exit::Configuration,
            Self::CounterTaken { .. } | Self::Objects { .. } | Self::Patch { .. } | Self::Sign(_) => Exit::Failed,
            Self::AuditCut { .. }
            | Self::BadBlob
            | Self::Expired { .. }
            | Self::ImageLength { .. }
            | Self::ImageMissing { .. }
            | Self::Judged { .. }
            | Self::NameTaken { .. }
            | Self::NewerPublished { .. }
            | Self::NoDelegator { .. }
            | Self::NotAllowed { .. }
            | Self::NotDelegated { .. }
            | Self::OldReport { .. }
            | Self::OwnRole { .. }
            | Self::Refused { .. }
            | Self::RemoteRefused { .. }
            | Self::RoleTwice { .. }
            | Self::StillNeeded { .. }
            | Self::TooLong { .. }
            | Self::UnknownWriter
            | Self::Unpublished { .. }
            | Self::UploadLost { .. }
            | Self::UploadTooLong { .. }
            | Self::VersionUsed { .. }
            | Self::WrongDigest { .. } => Exit::Refused,
            Self::Host(error) => error.exit(),
            Self::Oci(error) => error.exit(),
            Self::Staged(error) => error.exit(),
            Self::Store(fault) => fault.exit(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "one line for each error")]
    fn advice(&self) -> String {
        match self {
            Self::AuditBroken(error) => error.advice(),
            Self::AuditCut { .. } => {
                "compare it with a backup of the log, and find out who could write to the database".into()
            }
            Self::AuditUnfit(error) => error.advice(),
            Self::Backup(fault) => fault.advice(),
            Self::Conflict => "try again; nothing was changed".into(),
            Self::NoAuthority => {
                "give --authority FILE, the certificate of whoever issued that of the repository".into()
            }
            Self::BadBlob => "name every file of the release by SHA-256 and length".into(),
            Self::BadWriter { .. } => "correct it in the configuration file".into(),
            Self::NotAllowed { .. } => "have the role added to the writer's in the server's configuration".into(),
            Self::Remote { .. } => {
                "check the address and the network, then run it again: it goes on where it stopped".into()
            }
            Self::RemoteRefused { .. } => "do what the repository says; nothing was changed there".into(),
            Self::Service { .. } => "start it again".into(),
            Self::UnknownWriter => {
                "give the client certificate or the token that the server's configuration names".into()
            }
            Self::UploadTooLong { .. } => "upload it again; nothing was kept".into(),
            Self::ImageLength { .. } => "list the image as it was brought, and sign again; nothing was changed".into(),
            Self::Judged { reason, .. } => judged(*reason).into(),
            Self::ImageMissing { .. } => "upload the image, then publish again; nothing was changed".into(),
            Self::NameTaken { .. } => "give the image another name; nothing was changed".into(),
            Self::NewerPublished { .. } => {
                "run `image-repo restore` with the newest backup, which takes over what is published; nothing was \
                 removed"
                    .into()
            }
            Self::NoDelegator { .. } => "have whoever delegates to it publish first; nothing was changed".into(),
            Self::NoOfflineKey { .. } => "restore the key file from a backup, or have whoever has the key sign".into(),
            Self::NoOnlineKey { role, .. } => format!("put the key of {role:?} into the folder of online keys"),
            Self::NotDelegated { .. } => {
                "have its delegation widened, or list it elsewhere; nothing was changed".into()
            }
            Self::OldReport { .. } => "have the Director report again with `director images --json`".into(),
            Self::NoReport { .. } => "give what `director images --json` printed".into(),
            Self::StillNeeded { .. } => {
                "assign other images first, or say --withdraw if it must go all the same; nothing was changed".into()
            }
            Self::OwnRole { .. } => "publish Root and Targets files only".into(),
            Self::RoleTwice { .. } => "publish one file of each role at a time".into(),
            Self::TooLong { .. } => "delegate to more roles, so that each file is shorter".into(),
            Self::UploadLost { .. } => "upload it again".into(),
            Self::VersionUsed { next, .. } => format!("sign it again as version {next} or later; nothing was changed"),
            Self::WrongDigest { .. } => "upload the file again; nothing was kept".into(),
            Self::CounterTaken { .. } => "give it a higher --release-counter; nothing was changed".into(),
            Self::Expired { role: Role::Root, .. } => "run `image-repo root renew`, then `image-repo publish`".into(),
            Self::Expired { role: Role::Targets, .. } => {
                "run `image-repo targets renew` and `sign`, then `image-repo publish`".into()
            }
            Self::Expired { .. } => "run `image-repo publish`".into(),
            Self::Given { .. } => "run it with --help to see what it takes".into(),
            Self::Host(error) => error.advice(),
            Self::Oci(error) => error.advice(),
            Self::Staged(error) => error.advice(),
            Self::Incomplete { .. } => "restore the repository from a backup".into(),
            Self::NotARepository { .. } => "check --repo, or run `image-repo init`".into(),
            Self::Objects { .. } => "check the space and the permissions of the repository's folder".into(),
            Self::Patch { reason: crate::delta::Error::Decode(_), .. } => {
                "name a file that `image-repo delta make` wrote".into()
            }
            Self::Patch { .. } => "assign the image without a patch; nothing was written".into(),
            Self::Refused { .. } => "find out who changed the file; `image-repo publish` makes new ones".into(),
            Self::Store(fault) => fault.advice(),
            Self::Sign(_) => "check the keys of the repository and what was given".into(),
            Self::Unpublished { .. } => "run `image-repo publish`".into(),
        }
    }
}

/// What helps against a refusal by the client that judges a release.
fn judged(reason: uptane::Error) -> &'static str {
    match () {
        () if matches!(reason, uptane::Error::BelowThreshold { .. }) => {
            "have enough of the keys sign it that its delegator gives the role; nothing was changed"
        }
        () if matches!(reason, uptane::Error::Expired { .. }) => {
            "sign it again with a later expiry; nothing was changed"
        }
        () => "correct what the check names, and sign it again; nothing was changed",
    }
}
