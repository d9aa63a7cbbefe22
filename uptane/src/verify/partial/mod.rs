//! Partial verification (§5.4.4.1) for ECUs without a heap: every file is verified while it arrives, in pieces of any
//! size.
//!
//! [`Plain`] is partial verification as the Standard has it: Director Targets against the provisioned Director Root.
//! [`Plus`] follows the Director's Root chain, requires the Root to be fresh and checks the vehicle id as well. The two
//! are different types, so evidence of the one is never taken for evidence of the other.
//!
//! A stream that returned an error has refused the file, and gives the same error to whoever goes on. The caller keeps
//! the raw Root file and verifies it again after a reset: nothing here is ever written down.
//!
//! Streams are kilobytes, and a small stack holds one of them once. What begins or closes one is therefore a function
//! that is never made part of its caller (`inline(never)`), whose frame would else hold a second copy all the while.

mod command;
mod content;
mod ecus;
mod pick;
mod root;
mod targets;

pub use command::{CommandStream, VerifiedCommand};
pub use content::{Content, ContentStream};
pub use root::{
    Candidate, ClosedRoot, FreshRoot, Itself, Predecessor, RootCheck, RootPass, RootStream, Successor, TrustedRoot,
};
pub use targets::{
    ClosedTargets, Own, OwnImage, OwnTargets, Plain, Plus, Previous, Profile, TargetsCheck, TargetsRules, TargetsStream,
};

#[cfg(test)]
mod tests;
