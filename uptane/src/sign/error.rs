//! Why a file could not be made.

use alloc::boxed::Box;
use alloc::string::String;

use crate::{Error, KeyId, Role};

/// Why a file was not built or not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Fewer keys of the role signed than its threshold asks for.
    #[error("{role} needs {needed} signatures of its keys and has {valid}")]
    BelowThreshold {
        /// Whose file it is.
        role: Role,
        /// Distinct keys of the role that signed.
        valid: usize,
        /// The threshold.
        needed: usize,
    },
    /// A threshold of none, or of more than there are keys.
    #[error("a threshold of {threshold} is impossible with {keys} keys")]
    ImpossibleThreshold {
        /// The threshold asked for.
        threshold: usize,
        /// How many keys there are.
        keys: usize,
    },
    /// A file says something that would be lost if it were built again.
    #[error("the {role} file says something that this version does not know and would lose")]
    Lossy {
        /// Whose file it is.
        role: Role,
    },
    /// A key signed that is not of the role.
    #[error("key {key} is not a key of {role}")]
    NotOfThisRole {
        /// Whose file it is.
        role: Role,
        /// The key that signed.
        key: Box<KeyId>,
    },
    /// A value breaks a rule every reader enforces.
    #[error(transparent)]
    Refused(#[from] Error),
    /// The key could not sign: a token was pulled out, a file vanished.
    #[error("key {key} cannot sign: {reason}")]
    Signer {
        /// The key.
        key: Box<KeyId>,
        /// What its holder says.
        reason: String,
    },
    /// The key's holder gave out a signature that does not verify.
    #[error("key {key} made a signature that does not verify")]
    WrongSignature {
        /// The key.
        key: Box<KeyId>,
    },
}
