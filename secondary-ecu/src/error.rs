//! Why this ECU did not do something.

use core::fmt;

use proto::secondary::Refusal;
use uptane::{Attack, Length};

/// Why a step failed, inside this ECU; a Primary is told the [`Refusal`].
///
/// Two bytes: nearly every function of the machine hands one on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A check of verification failed.
    #[error("the check {0} failed")]
    Check(Check),
    /// This ECU does not take this file.
    #[error("this ECU does not take this file")]
    NotForMe,
    /// Nothing was offered, or these are not the next bytes of it.
    #[error("these are not the next bytes")]
    Offset,
    /// Not in this phase, or not for the open transaction.
    #[error("the request does not fit this phase")]
    Phase,
    /// Flash failed, or what it holds contradicts itself.
    #[error("flash failed")]
    Storage,
    /// Longer than this ECU can take.
    #[error("it is longer than this ECU can take")]
    TooLong,
}

/// Which check failed, and what that points to. The figures that [`uptane::Error`] tells beside have no reader here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    code: u8,
    attack: Option<Attack>,
}

const _: () = assert!(size_of::<Result<(), Fault>>() == 2, "a register is enough to hand on a fault");

impl Fault {
    /// What the Primary is told; `next` is where it could go on.
    pub fn refusal(self, next: Length) -> Refusal {
        match self {
            Self::Check(check) => Refusal::Check(check.code),
            Self::NotForMe => Refusal::NotForMe,
            Self::Offset => Refusal::Offset(next),
            Self::Phase => Refusal::Phase,
            Self::Storage => Refusal::Storage,
            Self::TooLong => Refusal::TooLong,
        }
    }
}

impl From<uptane::Error> for Fault {
    #[inline(never)]
    fn from(error: uptane::Error) -> Self {
        Self::Check(Check { code: error.code(), attack: error.attack() })
    }
}

impl Check {
    /// [`uptane::Error::code`] of the check.
    pub fn code(self) -> u8 {
        self.code
    }

    /// The attack its failure points to.
    pub fn attack(self) -> Option<Attack> {
        self.attack
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No error has a code without a name.
        f.write_str(uptane::Error::name_of(self.code).unwrap_or("unknown"))
    }
}
