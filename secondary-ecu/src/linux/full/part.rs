//! Which of a repository's files comes when.

use uptane::verify::{MetadataFile, Step};
use uptane::{Role, Version};

/// Which of a repository's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Root(Version),
    Timestamp,
    Snapshot,
    Targets,
    /// The delegated Targets that the look-up waits for.
    Delegated,
}

impl Part {
    pub(super) fn role(self) -> Role {
        match self {
            Self::Root(_) => Role::Root,
            Self::Timestamp => Role::Timestamp,
            Self::Snapshot => Role::Snapshot,
            Self::Targets | Self::Delegated => Role::Targets,
        }
    }

    pub(super) fn order(self) -> usize {
        order(self.role()) + usize::from(self == Self::Delegated)
    }
}

/// The order of §5.4.4.2 in which a repository's files are judged.
fn order(role: Role) -> usize {
    [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets].iter().position(|known| *known == role).unwrap_or(0)
}

/// Where a file stands in that order; delegated Targets come last.
pub(super) fn order_of(file: MetadataFile) -> usize {
    match file {
        MetadataFile::Delegated(..) => Part::Delegated.order(),
        MetadataFile::Root(_) | MetadataFile::Timestamp | MetadataFile::Snapshot(_) | MetadataFile::Targets(_) => {
            order(file.role())
        }
    }
}

/// Whether a refresh that wants this next cannot go back to that Root or Timestamp.
pub(super) fn is_past(next: &Step, part: Part) -> bool {
    match (next, part) {
        (_, Part::Snapshot | Part::Targets | Part::Delegated) => false,
        (Step::Fetch { file, .. }, Part::Root(_) | Part::Timestamp) => order(file.role()) > order(part.role()),
        (Step::Done | Step::Refused(_), Part::Root(_) | Part::Timestamp) => true,
    }
}
