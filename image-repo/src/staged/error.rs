//! Why a signer's folder was not changed.

use std::path::PathBuf;

use host::cli::{Exit, Report};
use uptane::sign::SignError;
use uptane::{HardwareId, ImageLine, ReleaseCounter, RoleName, TargetNameBuf, Version};

use crate::role::RoleId;

/// Why a signer's folder was not changed. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Everybody has signed a file, so it may be published.
    #[error("{role} {version} is signed by all who must")]
    Complete {
        /// Whose file it is.
        role: Box<RoleId>,
        /// Its version.
        version: Version,
    },
    /// The line has a release that is as new or newer.
    #[error("release {given} of line {line} is not newer than {highest}, which is listed already")]
    CounterTaken {
        /// The line.
        line: Box<ImageLine>,
        /// The release that was to be listed.
        given: ReleaseCounter,
        /// The newest release of the line.
        highest: ReleaseCounter,
    },
    /// A newer file came, and an edit here would be lost.
    #[error("{role} {version} is a draft that nobody signed; a newer file would replace it")]
    Draft {
        /// Whose draft it is.
        role: Box<RoleId>,
        /// The draft's version.
        version: Version,
    },
    /// A role has its first file already.
    #[error("there is a {role} already")]
    Exists {
        /// The role.
        role: Box<RoleId>,
    },
    /// The next Root must follow this one, and this one is signed in part.
    #[error("Root {version} is signed in part, and no other Root may have its version")]
    HalfSigned {
        /// Its version.
        version: Version,
    },
    /// The machine refused.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// Another hardware than a delegation lets a role name.
    #[error("{role} may not list images for the hardware {hardware}")]
    NotItsHardware {
        /// The role.
        role: Box<RoleName>,
        /// The hardware.
        hardware: Box<HardwareId>,
    },
    /// A name that no delegation lets a role list (§5.3.1).
    #[error("{role} may not list {name}: no pattern of its delegation covers it")]
    NotItsName {
        /// The role.
        role: Box<RoleName>,
        /// The name.
        name: Box<TargetNameBuf>,
    },
    /// A file is not the one that something names by length and digest.
    #[error("{}: {source}", path.display())]
    NotAsListed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: uptane::Error,
    },
    /// An image that is to go is not there.
    #[error("{role} does not list {name}")]
    NotListed {
        /// The role.
        role: Box<RoleId>,
        /// The name.
        name: Box<TargetNameBuf>,
    },
    /// A role has no file here.
    #[error("no file of {role} is staged here")]
    NothingStaged {
        /// The role.
        role: Box<RoleId>,
    },
    /// The keys of the Root before are not known.
    #[error("the keys of Root {version} must sign too, and it is not here")]
    NoPredecessor {
        /// Its version.
        version: Version,
    },
    /// No delegation has this name.
    #[error("{role} delegates to nothing called {name:?}")]
    NoSuchDelegation {
        /// Who delegates.
        role: Box<RoleId>,
        /// The name.
        name: String,
    },
    /// No key of a role is meant by a text.
    #[error("{text:?} is no key of {role}")]
    NoSuchKey {
        /// The role.
        role: Box<RoleId>,
        /// What was given.
        text: String,
    },
    /// A file is no metadata file.
    #[error("{} is no metadata file", path.display())]
    NoMetadata {
        /// The file.
        path: PathBuf,
    },
    /// A file name says nothing of a role.
    #[error("{} does not say whose file it is", path.display())]
    NoRole {
        /// The file.
        path: PathBuf,
    },
    /// A number of bins that hashes cannot share evenly.
    #[error("{count} is no number of bins: it takes a power of two from 2 to 65536")]
    NotPowerOfTwo {
        /// The number.
        count: u32,
    },
    /// A file is not what a signer works on.
    #[error("{} cannot be read as {role}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What it was taken for.
        role: Box<RoleId>,
        /// What is wrong.
        reason: SignError,
    },
    /// A software bill of materials in no form that is known.
    #[error("{} is neither SPDX nor CycloneDX in JSON", path.display())]
    UnknownSbom {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be built or signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Fewer keys signed than must, or others did.
    #[error("{role} {version} lacks signatures of its keys, or has wrong ones")]
    Unsigned {
        /// Whose file it is.
        role: Box<RoleId>,
        /// Its version.
        version: Version,
    },
    /// Two files of one role and version differ.
    #[error("{role} {version} has two contents: {} and the staged one", path.display())]
    TwoContents {
        /// Whose file it is.
        role: Box<RoleId>,
        /// The version of both.
        version: Version,
        /// The other file.
        path: PathBuf,
    },
}

impl Error {
    /// What `role` is said to be in messages about a file at `path`.
    pub(super) fn unreadable(role: RoleId, path: &std::path::Path) -> impl FnOnce(SignError) -> Self {
        move |reason| Self::Unreadable { path: path.to_owned(), role: Box::new(role), reason }
    }
}

impl From<uptane::Error> for Error {
    fn from(error: uptane::Error) -> Self {
        Self::Sign(error.into())
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Host(error) => error.exit(),
            Self::NoSuchDelegation { .. }
            | Self::NoSuchKey { .. }
            | Self::NoRole { .. }
            | Self::NotListed { .. }
            | Self::NotPowerOfTwo { .. } => Exit::Usage,
            Self::NothingStaged { .. }
            | Self::NoMetadata { .. }
            | Self::NoPredecessor { .. }
            | Self::Unreadable { .. }
            | Self::UnknownSbom { .. } => Exit::Configuration,
            Self::NotAsListed { .. }
            | Self::NotItsHardware { .. }
            | Self::NotItsName { .. }
            | Self::TwoContents { .. }
            | Self::Unsigned { .. } => Exit::Refused,
            Self::Complete { .. }
            | Self::CounterTaken { .. }
            | Self::Draft { .. }
            | Self::Exists { .. }
            | Self::HalfSigned { .. }
            | Self::Sign(_) => Exit::Failed,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Complete { .. } => "edit it: that is the next version".into(),
            Self::CounterTaken { .. } => "give it a higher --release-counter; nothing was changed".into(),
            Self::Draft { role, .. } => {
                format!("`image-repo discard --role {role}`, pull again, and edit the newer file")
            }
            Self::Exists { .. } => "edit it, or choose another folder".into(),
            Self::HalfSigned { .. } => {
                "have the others sign it and publish it first; if it shall never be, `image-repo discard --role root` on every machine".into()
            }
            Self::Host(error) => error.advice(),
            Self::NotItsHardware { .. } | Self::NotItsName { .. } => {
                "ask whoever delegates to you, or correct the name and the --hardware-id; nothing was changed".into()
            }
            Self::NotAsListed { .. } => "copy it anew from where it was built; nothing was changed".into(),
            Self::NotListed { .. } => "look for its name with `image-repo show`".into(),
            Self::NothingStaged { role } if **role == RoleId::Root => {
                "`image-repo root new`, or pull the published Root".into()
            }
            Self::NothingStaged { .. } => "pull the published file, or begin with `image-repo targets add`".into(),
            Self::NoPredecessor { .. } => "`image-repo pull` the Root before it".into(),
            Self::NoSuchDelegation { .. } => "`image-repo delegate list` shows the names".into(),
            Self::NoSuchKey { .. } => "give the id that `image-repo root show` prints, or the .pub file".into(),
            Self::NoMetadata { .. } => "name a file of a repository, such as 1.root.json".into(),
            Self::NoRole { .. } => "say it with --role".into(),
            Self::NotPowerOfTwo { .. } => "give for instance --count 1024".into(),
            Self::Unreadable { .. } => "name the right file; nothing was changed".into(),
            Self::UnknownSbom { .. } => "export it as SPDX 2 or CycloneDX JSON".into(),
            Self::Sign(_) => "check the keys and what was given; nothing was changed".into(),
            Self::Unsigned { .. } => "`image-repo show` on the file says who must still sign".into(),
            Self::TwoContents { .. } => "find out which of the two was published; no vehicle may ever see both".into(),
        }
    }
}
