//! Why this ECU did not do something.

use proto::secondary::Refusal;

/// Why a step failed, inside this ECU; a Primary is told the [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A check of verification failed.
    #[error(transparent)]
    Check(#[from] uptane::Error),
    /// The request does not fit: not in this phase, not at this offset, not for this ECU.
    #[error("the request does not fit: {0:?}")]
    Refused(Refusal),
    /// Flash failed, or what it holds contradicts itself.
    #[error("flash failed")]
    Storage,
}

impl Fault {
    /// What the Primary is told.
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Check(error) => Refusal::Check(error.code()),
            Self::Refused(refusal) => refusal,
            Self::Storage => Refusal::Storage,
        }
    }
}
