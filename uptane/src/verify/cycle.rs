//! What all steps of one update cycle share.

use alloc::vec::Vec;

use super::Trusted;
use super::file::{FileBytes, MetadataFile};
use super::kept::Kept;
use super::kind::Kind;
use super::offered::Offered;
use crate::metadata::{RoleKeys, RootRole};
use crate::{EcuId, Error, Repository, Time, VehicleId};

/// Something to be stored now, whatever the rest of the cycle brings (design D5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Replaces the stored file of this role.
    Store {
        /// The file.
        file: MetadataFile,
        /// Its bytes.
        bytes: FileBytes,
    },
    /// The stored Timestamp, Snapshot and Targets, top-level and delegated, are not trusted any more: Root rotated keys
    /// (§5.4.4.3).
    Forget,
}

/// For whom the files must be.
#[derive(Clone, Debug)]
pub(super) enum Audience {
    /// The Director speaks to one vehicle.
    Vehicle {
        /// The vehicle.
        vehicle: VehicleId,
        /// Its ECUs, where the verifier knows them.
        ecus: Option<Vec<EcuId>>,
    },
    /// The Image repository speaks to everybody.
    Everybody,
}

/// Which text settles the questions Uptane and TUF answer differently (design D3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Uptane 2.1.0: two files of one version are an attack; Snapshot and Targets are stored together.
    Uptane,
    /// TUF 1.0.34: a Timestamp of the same version is no news; each role is stored as it is verified.
    Tuf,
}

/// One update cycle: what is trusted so far, and the one `now`.
#[derive(Clone, Debug)]
pub(super) struct Cycle<R> {
    pub(super) trusted: Trusted<R>,
    pub(super) audience: Audience,
    pub(super) policy: Policy,
    pub(super) now: Time,
    pub(super) keep: Vec<Keep>,
}

impl<R: Repository> Cycle<R> {
    /// A file that was read, signed by its role and made for us.
    pub(super) fn accept<K: Kind>(&self, role: RootRole, offered: Offered<K>) -> Result<Kept<K>, Error> {
        self.accept_from(self.trusted.keys(role), offered)
    }

    /// A file that was read, signed by a threshold of these keys and made for us.
    pub(super) fn accept_from<K: Kind>(&self, keys: &RoleKeys, offered: Offered<K>) -> Result<Kept<K>, Error> {
        let kept = offered.signed_by(keys)?;
        self.check_text(&kept)?;
        self.check_audience(&kept)?;
        Ok(kept)
    }

    /// Judges a cached file as if it had just come: keys may have changed, time has passed (trap T4).
    pub(super) fn accept_again<K: Kind>(&self, role: RootRole, cached: &Kept<K>) -> Result<(), Error> {
        self.accept_same(role, cached)?;
        cached.freshness().check_expiry(self.now)
    }

    /// Judges a file we hold that was offered again, byte for byte.
    pub(super) fn accept_same<K: Kind>(&self, role: RootRole, held: &Kept<K>) -> Result<(), Error> {
        held.check_still_signed(self.trusted.keys(role))?;
        self.check_audience(held)
    }

    /// What to do with a cached file and the verdict on it. To Uptane a cached file that is listed and no longer good is
    /// a refusal; a TUF client fetches it again, and hears the verdict then.
    pub(super) fn usable<T>(&self, cached: Option<Result<T, Error>>) -> Result<Option<T>, Error> {
        match self.policy {
            Policy::Uptane => cached.transpose(),
            Policy::Tuf => Ok(cached.and_then(Result::ok)),
        }
    }

    pub(super) fn store<K: Kind>(&mut self, file: MetadataFile, kept: &Kept<K>) {
        self.keep.push(Keep::Store { file, bytes: kept.shared() });
    }

    pub(super) fn check_audience<K: Kind>(&self, kept: &Kept<K>) -> Result<(), Error> {
        self.check_origin(kept)?;
        match &self.audience {
            Audience::Vehicle { vehicle, .. } => kept.check_vehicle(*vehicle),
            Audience::Everybody => Ok(()),
        }
    }

    /// Refuses a file of the other repository. TUF knows but one.
    pub(super) fn check_origin<K: Kind>(&self, kept: &Kept<K>) -> Result<(), Error> {
        match self.policy {
            Policy::Uptane => kept.check_repository::<R>(),
            Policy::Tuf => Ok(()),
        }
    }

    /// §5.2: strings are in normal form C (T25). TUF does not ask for it.
    pub(super) fn check_text<K: Kind>(&self, kept: &Kept<K>) -> Result<(), Error> {
        match self.policy {
            Policy::Uptane => kept.check_normalised(),
            Policy::Tuf => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Repo, Vehicle};
    use crate::{Director, Role};

    /// A cycle of a vehicle that was updated, with the Root of a repository that has rotated the keys of Targets.
    fn cycle(vehicle: VehicleId) -> Cycle<Director> {
        let mut repo = Repo::seeded(1);
        let mut primary = Vehicle::provisioned(&repo);
        primary.update(&repo).unwrap();
        repo.publish(|next| next.director.rotate(Role::Targets));
        let root = Trusted::<Director>::provision(repo.director().root()).unwrap().root;
        let trusted = Trusted { root, ..primary.director };
        let audience = Audience::Vehicle { vehicle, ecus: None };
        Cycle { trusted, audience, policy: Policy::Uptane, now: repo.now(), keep: Vec::new() }
    }

    // T4.
    #[test]
    fn a_cached_file_is_held_to_the_keys_of_today() {
        let cycle = cycle(Repo::seeded(1).vehicle());
        let targets = cycle.trusted.targets().unwrap();
        let refused = Error::BelowThreshold { role: Role::Targets, valid: 0, needed: 1 };
        assert_eq!(cycle.accept_again(RootRole::Targets, targets), Err(refused));
    }

    // T1b.
    #[test]
    fn a_cached_file_of_another_vehicle_is_refused() {
        let cycle = cycle(VehicleId([0xff; 16]));
        let snapshot = cycle.trusted.snapshot().unwrap();
        let refused = Error::WrongVehicle { role: Role::Snapshot };
        assert_eq!(cycle.accept_again(RootRole::Snapshot, snapshot), Err(refused));
    }
}
