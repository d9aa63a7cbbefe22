//! A second, slow verifier, to compare `uptane` with: the rules of §5.4.4 as `docs/pouf.md` makes them exact, written
//! over `serde_json`'s parser, `ed25519-dalek` and `p256`, and over nothing of `uptane`.
//!
//! It judges one refresh of a repository at a time ([`refresh`](Oracle::refresh)), looks for images below delegations
//! ([`look_up`](Oracle::look_up)), then says whether both agree ([`agree`](Refreshed::agree)). Where it and `uptane` differ, one of the two is wrong, or the page is.

mod agreement;
mod delegations;
mod file;
pub mod json;
mod keys;
mod look_up;
mod roles;
mod update;
mod words;

use std::collections::{BTreeMap, HashMap};

pub use agreement::Approved;
pub use file::sha256;
pub use look_up::{Found, Wanted};
pub use update::Refreshed;

/// Why a file is refused, for a person who looks into a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub &'static str);

/// For whom the files of a repository are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// The Director speaks to this vehicle, which has these ECUs.
    Vehicle(&'a str, &'a [String]),
    /// The Image repository speaks to everybody.
    Everybody,
}

/// The files a verifier kept of a repository, as they came.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// The newest Root.
    pub root: Vec<u8>,
    /// Timestamp, if there is one.
    pub timestamp: Option<Vec<u8>>,
    /// Snapshot, if there is one.
    pub snapshot: Option<Vec<u8>>,
    /// Targets, if there are any.
    pub targets: Option<Vec<u8>>,
    /// Delegated Targets by their role.
    pub delegated: BTreeMap<String, Vec<u8>>,
}

/// The files a repository serves; all but Root under whatever version is asked for, as an attacker would.
#[derive(Clone, Debug, Default)]
pub struct Served {
    /// Roots by the number in their file name.
    pub roots: BTreeMap<u64, Vec<u8>>,
    /// Timestamp.
    pub timestamp: Vec<u8>,
    /// Snapshot.
    pub snapshot: Vec<u8>,
    /// Targets.
    pub targets: Vec<u8>,
    /// Delegated Targets by their role.
    pub delegated: BTreeMap<String, Vec<u8>>,
}

/// The verifier. It remembers signatures it has already judged, so that judging the same ones again is quick.
#[derive(Default)]
pub struct Oracle {
    judged: HashMap<Claim, bool>,
}

/// A key, a signature, and the digest of what it is over.
type Claim = (keys::PublicKey, String, [u8; 32]);
