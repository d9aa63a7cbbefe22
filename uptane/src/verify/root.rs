//! How to check Root (§5.4.4.3).

use super::cycle::{Cycle, Keep};
use super::file::MetadataFile;
use super::kept::{Kept, Offered, RootFile};
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
    // §5.4.4.3 step 1: the previous Root is the trusted one.
    pub(super) fn begin() -> Self {
        Self { adopted: 0 }
    }

    /// Takes Root N+1. It is trusted and stored whatever follows (design D5).
    pub(super) fn supply<R: Repository>(self, cycle: &mut Cycle<R>, bytes: &[u8]) -> Result<Self, Error> {
        // T15: the Standard sets no end to the chain.
        if self.adopted == MAX_ROOT_ROTATIONS {
            return Err(Error::Limit { what: "new Roots" });
        }
        let trusted = &mut cycle.trusted;
        let root = successor::<R>(&trusted.root, bytes)?;
        let successor = root.version().next()?;
        let rotated = rotates(&trusted.root, &root);
        // §5.4.4.3 step 2.5.
        (trusted.root, trusted.successor) = (root.clone(), successor);
        cycle.store(MetadataFile::Root(root.version()), &root);
        if rotated {
            // §5.4.4.3 step 4; Targets as well, or a fast-forwarded one would never be recovered from (T6).
            cycle.trusted.forget();
            cycle.keep.push(Keep::Forget);
        }
        // §5.4.4.3 step 2.6.
        Ok(Self { adopted: self.adopted + 1 })
    }

    /// There is no Root N+1, so the one we have must be fresh.
    pub(super) fn done<R: Repository>(self, cycle: &Cycle<R>) -> Result<AtTimestamp, Error> {
        // §5.4.4.3 step 3: only the newest Root must not have expired.
        cycle.trusted.root.freshness().check_expiry(cycle.now)?;
        Ok(AtTimestamp::after(self))
    }
}

/// A Root that may follow the trusted one.
fn successor<R: Repository>(trusted: &Kept<RootFile>, bytes: &[u8]) -> Result<Kept<RootFile>, Error> {
    // §5.4.4.3 step 2.2: at most X bytes.
    let offered = Offered::<RootFile>::read(bytes, Length::new(MAX_ROOT)?)?;
    // §5.4.4.3 step 2.3: a threshold of the keys of Root N, and of those of Root N+1.
    offered.check_signed(&trusted.view().role_keys(RootRole::Root))?;
    let met = offered.check_signed(&offered.view()?.role_keys(RootRole::Root))?;
    let root = offered.keep(met)?;
    root.check_repository::<R>()?;
    // §5.4.4.3 step 2.4.
    root.freshness().check_successor(trusted.version())?;
    Ok(root)
}

/// Whether the newer Root gives Timestamp, Snapshot or Targets other keys.
fn rotates(older: &Kept<RootFile>, newer: &Kept<RootFile>) -> bool {
    let (older, newer) = (older.view(), newer.view());
    let differs = |role| !older.role_keys(role).is_same_as(&newer.role_keys(role));
    [RootRole::Timestamp, RootRole::Snapshot, RootRole::Targets].into_iter().any(differs)
}
