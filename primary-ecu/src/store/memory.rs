//! `state/primary`: what a Primary remembers of time, counters and what it told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::Failures;

/// `state/primary`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The latest attested time, in seconds since 1970.
    pub time: u64,
    /// Version of the Director Root whose time keys attested it; 0 if nobody wrote it down. Where the newest Root names
    /// other time keys, that Root sets the time (design D14), however often the power failed before it could.
    #[serde(default)]
    pub time_root: u64,
    /// No file signed so far has a counter above this one. Counters are set aside in blocks, so that an idle check-in
    /// costs no write.
    pub signed: u64,
    /// The manifest the Director accepted last: its digest, and what every ECU ran by it.
    pub manifest: Option<AcceptedManifest>,
    /// ECUs that do not answer, and since when.
    pub unreachable: BTreeMap<String, u64>,
    /// What the Primary's next report says of the last update.
    pub outcome: Outcome,
    /// Attempts at an update that were rolled back.
    #[serde(default)]
    pub failures: Failures,
    /// Number of the last transaction that is over, 0 before the first; none that is opened has a lower one.
    #[serde(default)]
    pub transactions: u64,
}

/// The last accepted manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedManifest {
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// What was told by it: a difference makes a new manifest.
    pub told: Told,
}

/// What a manifest tells that is worth telling again when it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Digest of the image each ECU runs.
    pub running: BTreeMap<String, String>,
    /// ECUs that do not answer.
    pub unreachable: Vec<String>,
    /// How the last update ended.
    pub outcome: Outcome,
}

/// How the last update ended, as reports say it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The word of a [`uptane::ResultCode`]; empty stands for none.
    pub result: String,
    /// The word of an [`uptane::Attack`].
    pub attack: Option<String>,
    /// The transaction it is of, in hex.
    pub transaction: Option<String>,
    /// The campaign it is of.
    pub campaign: Option<String>,
}
