//! What a token can refuse.

use std::path::PathBuf;

use super::TokenUri;
use crate::cli::{Exit, Report};

/// Why a key on a token was not made, found or used. One variant per cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A key of this name is on the token already.
    #[error("there is a key {uri} already")]
    AlreadyThere {
        /// Its name.
        uri: Box<TokenUri>,
    },
    /// Several tokens or keys go by the name.
    #[error("{uri} names {found} {what}")]
    Ambiguous {
        /// What there are several of.
        what: &'static str,
        /// The name.
        uri: Box<TokenUri>,
        /// How many.
        found: usize,
    },
    /// The key wants the PIN before each signature (CKA_ALWAYS_AUTHENTICATE), and it is given once here.
    #[error("the key {uri} wants the PIN again before each signature")]
    AsksEachTime {
        /// Its name.
        uri: Box<TokenUri>,
    },
    /// A text is no name of a key on a token.
    #[error("the PKCS#11 URI {text} {reason}")]
    BadUri {
        /// The text, without its query.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key may not sign (CKA_SIGN is false).
    #[error("the key {uri} may not sign")]
    CannotSign {
        /// Its name.
        uri: Box<TokenUri>,
    },
    /// The module cannot be loaded or started.
    #[error("the PKCS#11 module {} cannot be used: {reason}", module.display())]
    Module {
        /// Its path.
        module: PathBuf,
        /// What it says.
        reason: String,
    },
    /// The token has no such key.
    #[error("there is no key {uri}")]
    NoKey {
        /// Its name.
        uri: Box<TokenUri>,
    },
    /// A key that is to be made has no name.
    #[error("{uri} does not name the key to make")]
    NoName {
        /// The name of the token.
        uri: Box<TokenUri>,
    },
    /// The public half of the key is not on the token.
    #[error("the token does not show the public half of {uri}")]
    NoPublicHalf {
        /// Its name.
        uri: Box<TokenUri>,
    },
    /// The module sees no such token.
    #[error("there is no token {uri}; the module sees {}", list(.seen))]
    NoToken {
        /// Its name.
        uri: Box<TokenUri>,
        /// The labels of those it sees.
        seen: Vec<String>,
    },
    /// The PIN is wrong.
    #[error("the PIN does not open the token {token}{}", tries.warning())]
    Pin {
        /// Its label.
        token: String,
        /// What it says of more tries.
        tries: Tries,
        /// The module.
        module: PathBuf,
    },
    /// The PIN was wrong too often.
    #[error("the PIN of the token {token} is locked")]
    PinLocked {
        /// Its label.
        token: String,
        /// The module.
        module: PathBuf,
    },
    /// The token has no PIN yet.
    #[error("the token {token} has no PIN yet")]
    PinNotSet {
        /// Its label.
        token: String,
        /// The module.
        module: PathBuf,
    },
    /// The token refused for a reason of its own.
    #[error("the token does not {doing}: {reason}")]
    Refused {
        /// What was asked.
        doing: &'static str,
        /// What it says.
        reason: String,
    },
    /// The key, or what is to be made, is of an algorithm that signs nothing here.
    #[error("{uri}: {what} is neither Ed25519 nor ECDSA P-256")]
    UnsupportedAlgorithm {
        /// The name of the key or token.
        uri: Box<TokenUri>,
        /// What it is.
        what: String,
    },
    /// The token lacks what would make such keys.
    #[error("the token {uri} makes no keys of {algorithm}")]
    UnsupportedByToken {
        /// The name.
        uri: Box<TokenUri>,
        /// What it lacks.
        algorithm: &'static str,
    },
}

/// What a token says of the tries left for its PIN, after a wrong one (PKCS#11 §3.2, token flags).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// Nothing.
    Unknown,
    /// Wrong ones are being counted.
    Counted,
    /// One more wrong one locks it.
    Last,
}

impl Tries {
    fn warning(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Counted => ", which counts wrong ones",
            Self::Last => "; one more wrong one locks it",
        }
    }
}

impl Report for TokenError {
    fn exit(&self) -> Exit {
        match self {
            Self::BadUri { .. } | Self::NoName { .. } => Exit::Usage,
            Self::Ambiguous { .. }
            | Self::AsksEachTime { .. }
            | Self::CannotSign { .. }
            | Self::Module { .. }
            | Self::NoKey { .. }
            | Self::NoPublicHalf { .. }
            | Self::Pin { .. }
            | Self::PinLocked { .. }
            | Self::PinNotSet { .. }
            | Self::UnsupportedAlgorithm { .. }
            | Self::UnsupportedByToken { .. } => Exit::Configuration,
            // Somebody may have to plug it in.
            Self::NoToken { .. } => Exit::Unavailable,
            Self::AlreadyThere { .. } | Self::Refused { .. } => Exit::Failed,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::AlreadyThere { .. } => "choose another name for `object`; nothing was overwritten".into(),
            Self::Ambiguous { .. } => "add `serial` for the token or `id` for the key to the URI".into(),
            Self::AsksEachTime { .. } => "use a key without CKA_ALWAYS_AUTHENTICATE".into(),
            Self::BadUri { .. } => "write pkcs11:token=LABEL;object=LABEL?module-path=/path/of/the/module.so".into(),
            Self::CannotSign { .. } => "make a key for signing; its CKA_SIGN cannot always be changed".into(),
            Self::Module { .. } => "check its path and that the token's software is installed".into(),
            Self::NoKey { uri } => {
                format!("look for its name with `pkcs11-tool --module {} -O --login`", uri.module().display())
            }
            Self::NoName { .. } => "add `object=NAME` to the URI".into(),
            Self::NoPublicHalf { .. } => {
                "write the public key onto the token, under the id of the private one and readable without the PIN"
                    .into()
            }
            Self::NoToken { .. } => "plug it in, or correct `token` and `serial` in the URI".into(),
            Self::Pin { module, .. } => format!(
                "give its user PIN; `pkcs11-tool --module {} --list-slots` says whether it is locked",
                module.display()
            ),
            Self::PinLocked { module, .. } | Self::PinNotSet { module, .. } => format!(
                "set it with the security officer's: `pkcs11-tool --module {} --login --login-type so --init-pin`",
                module.display()
            ),
            Self::Refused { .. } => "check the token, its software and its manual".into(),
            Self::UnsupportedAlgorithm { .. } => "name or make a key of Ed25519 or ECDSA P-256".into(),
            Self::UnsupportedByToken { .. } => {
                "make one of the other algorithm: tokens know ECDSA P-256 at least".into()
            }
        }
    }
}

fn list(labels: &[String]) -> String {
    if labels.is_empty() { "none".into() } else { labels.join(", ") }
}
