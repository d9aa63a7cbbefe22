//! What one publication brings: signed files, read as far as a repository must know what they say.
//!
//! Reading is not believing: whether the right keys signed is for [`judge`](crate::judge) to say.

use std::collections::BTreeSet;

use uptane::metadata::{Delegations, Envelope, Root, Target, Targets};
use uptane::{RoleName, limits};

use crate::error::Error;
use crate::facts::{Listing, SignedFile};
use crate::role::RoleId;

/// A file as it arrives: whose it is said to be, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arriving {
    /// Its role.
    pub role: RoleId,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A file and what it says.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// The file.
    pub file: SignedFile,
    /// The images it lists, ascending by name; none of a Root.
    pub listings: Vec<Listing>,
    /// The roles it delegates to; none of a Root.
    pub delegates: BTreeSet<RoleName>,
}

/// Reads a Root or a Targets file. Snapshot and Timestamp are the repository's own to sign.
pub fn inspect(arriving: Arriving) -> Result<Inspected, Error> {
    let Arriving { role, bytes } = arriving;
    let refused = |reason| Error::Judged { file: format!("{role}.json"), reason };
    check_length(role, &bytes)?;
    match role {
        RoleId::Root => root(&bytes).map_err(refused),
        RoleId::Targets | RoleId::Delegated(_) => targets(role, &bytes).map_err(refused),
        RoleId::Snapshot | RoleId::Timestamp => return Err(Error::OwnRole { role: Box::new(role) }),
    }
    .map(|inspected| Inspected { file: SignedFile { bytes, ..inspected.file }, ..inspected })
}

/// Refuses a file that is longer than any client reads.
fn check_length(role: RoleId, bytes: &[u8]) -> Result<(), Error> {
    let limit = if role == RoleId::Root { limits::MAX_ROOT } else { limits::MAX_TARGETS };
    match u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        true => Ok(()),
        false => Err(Error::TooLong { what: format!("{role}.json"), limit }),
    }
}

fn root(bytes: &[u8]) -> Result<Inspected, uptane::Error> {
    let envelope = Envelope::decode(bytes)?;
    let root = Root::decode(envelope.signed())?;
    let file = SignedFile { role: RoleId::Root, version: root.version(), expires: root.expires(), bytes: Vec::new() };
    Ok(Inspected { file, listings: Vec::new(), delegates: BTreeSet::new() })
}

fn targets(role: RoleId, bytes: &[u8]) -> Result<Inspected, uptane::Error> {
    let envelope = Envelope::decode(bytes)?;
    let targets = Targets::decode(envelope.signed())?;
    let delegations = targets.delegations().map(Delegations::decode).transpose()?;
    let delegates = delegations.map_or(Ok(Vec::new()), |delegations| delegations.names(limits::MAX_DELEGATIONS))?;
    let listings = targets.targets().map(|target| listing(&target?)).collect::<Result<_, _>>()?;
    let file = SignedFile { role, version: targets.version(), expires: targets.expires(), bytes: Vec::new() };
    Ok(Inspected { file, listings, delegates: delegates.into_iter().collect() })
}

fn listing(target: &Target<'_>) -> Result<Listing, uptane::Error> {
    let matching = target.matching();
    Ok(Listing {
        name: target.name().to_buf(),
        length: target.length(),
        sha256: target.hashes().sha256().ok_or(uptane::Error::NoKnownHash)?,
        hardware_ids: matching.hardware_ids().collect(),
        line: matching.line(),
        release_counter: matching.release_counter(),
    })
}
