//! How to check Root (§5.4.4.3).

use super::cycle::{Cycle, Keep, Policy};
use super::file::{FileBytes, MetadataFile};
use super::kept::Kept;
use super::kind::RootFile;
use super::offered::Offered;
use super::timestamp::AtTimestamp;
use crate::limits::{MAX_ROOT, MAX_ROOT_ROTATIONS};
use crate::metadata::RootRole;
use crate::{Error, Length, Repository};

/// The trusted Root may not be the newest.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtRoot {
    adopted: usize,
}

impl AtRoot {
    pub(super) fn begin() -> Self {
        Self { adopted: 0 }
    }

    /// Takes Root N+1 (§5.4.4.2 steps 2 and 6). It is trusted and stored whatever follows (design D5).
    pub(super) fn supply<R: Repository>(self, cycle: &mut Cycle<R>, bytes: FileBytes) -> Result<Self, Error> {
        // T15: the Standard sets no end to the chain.
        if self.adopted == MAX_ROOT_ROTATIONS {
            return Err(Error::Limit { what: "new Roots" });
        }
        let root = successor(cycle, bytes)?;
        cycle.trusted.check_passes(&root)?;
        // §5.4.4.3 step 2.1: from here on it is Root N.
        let successor = root.version().next()?;
        let forgets = rotates(cycle.policy, &cycle.trusted.root, &root);
        // §5.4.4.3 step 2.5.
        (cycle.trusted.root, cycle.trusted.successor) = (root.clone(), successor);
        cycle.store(MetadataFile::Root(root.version()), &root);
        if forgets {
            // §5.4.4.3 step 4.
            cycle.trusted.forget();
            cycle.keep.push(Keep::Forget);
        }
        // §5.4.4.3 step 2.6.
        Ok(Self { adopted: self.adopted + 1 })
    }

    /// There is no Root N+1, so the one we have must be fresh.
    pub(super) fn done<R: Repository>(self, cycle: &Cycle<R>) -> Result<AtTimestamp, Error> {
        cycle.trusted.check_root()?;
        // §5.4.4.3 step 3: only the newest Root must not have expired.
        cycle.trusted.root.freshness().check_expiry(cycle.now)?;
        Ok(AtTimestamp::after(self))
    }
}

/// A Root that may follow the trusted one.
fn successor<R: Repository>(cycle: &Cycle<R>, bytes: FileBytes) -> Result<Kept<RootFile>, Error> {
    let trusted = &cycle.trusted.root;
    // §5.4.4.3 step 2.2: at most X bytes.
    let offered = Offered::<RootFile>::read(bytes, Length::new(MAX_ROOT)?)?;
    // §5.4.4.3 step 2.3: a threshold of the keys of Root N.
    offered.check_signed(trusted.says().role(RootRole::Root))?;
    let own = offered.says()?.role(RootRole::Root).clone();
    // §5.4.4.3 step 2.3: and those of Root N+1.
    let root = offered.signed_by(&own)?;
    cycle.check_text(&root)?;
    cycle.check_origin(&root)?;
    // §5.4.4.3 step 2.4.
    root.freshness().check_successor(trusted.version())?;
    Ok(root)
}

/// Whether the newer Root gives other keys to a role whose cached file would then stand in the way of recovery from a
/// fast-forward attack (§5.4.4.3 step 4).
pub(super) fn rotates(policy: Policy, older: &Kept<RootFile>, newer: &Kept<RootFile>) -> bool {
    let (older, newer) = (older.says(), newer.says());
    let differs = |role: &RootRole| !older.role(*role).is_same_as(newer.role(*role));
    match policy {
        // Targets as well: the cached ones are compared with, so a fast-forwarded Targets would never be recovered
        // from (T6).
        Policy::Uptane => [RootRole::Timestamp, RootRole::Snapshot, RootRole::Targets].iter().any(differs),
        // TUF 1.0.34 §5.3.11.
        Policy::Tuf => [RootRole::Timestamp, RootRole::Snapshot].iter().any(differs),
    }
}
