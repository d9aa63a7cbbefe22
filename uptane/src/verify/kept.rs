//! Files whose signatures were verified.

use alloc::sync::Arc;
use core::fmt;

use super::file::FileBytes;
use super::freshness::Freshness;
use super::kind::{Facts, Kind};
use super::offered::{Body, check_bytes};
use super::sealed::Unsealed;
use super::threshold::ThresholdMet;
use crate::metadata::{FileMeta, RoleKeys};
use crate::{Error, Repository, Sha256, Time, VehicleId, Version};

/// A file that its role signed: the bytes as received, and what they say. Cheap to clone; no permission to do anything.
///
/// It remembers which keys it was verified with and what it was found to be listed as: the same bytes, keys and list
/// give the same verdict, so nothing is computed twice. Expiry is never remembered.
pub struct Kept<K: Kind> {
    file: Arc<File<K>>,
    keys: Arc<RoleKeys>,
    listed: Option<FileMeta>,
}

struct File<K: Kind> {
    body: Body,
    says: K::Says,
    facts: Facts,
    /// Digest of the bytes as received, where it has been computed.
    sha256: Option<Sha256>,
}

impl<K: Kind> Kept<K> {
    /// A file that was just found to be signed by a threshold of `keys`.
    pub(super) fn signed(
        _: ThresholdMet,
        keys: &RoleKeys,
        body: Body,
        says: K::Says,
        listed: Option<FileMeta>,
    ) -> Self {
        // What it is listed as, it was compared with.
        let sha256 = listed.and_then(|listed| listed.hashes?.sha256());
        Self::made(keys, File { body, facts: K::facts(&says), says, sha256 }, listed)
    }

    /// A file with this digest, which is sealed to have been signed by a threshold of `keys`.
    pub(super) fn unsealed(_: Unsealed, keys: &RoleKeys, body: Body, says: K::Says, sha256: Sha256) -> Self {
        Self::made(keys, File { body, facts: K::facts(&says), says, sha256: Some(sha256) }, None)
    }

    fn made(keys: &RoleKeys, file: File<K>, listed: Option<FileMeta>) -> Self {
        Self { file: Arc::new(file), keys: Arc::new(keys.clone()), listed }
    }

    /// The bytes as received: what is stored and handed on.
    pub fn bytes(&self) -> &[u8] {
        self.file.body.received()
    }

    /// The same bytes, shared.
    pub fn shared(&self) -> FileBytes {
        self.file.body.received().clone()
    }

    /// Digest of the bytes as received.
    pub fn sha256(&self) -> Sha256 {
        self.file.sha256.unwrap_or_else(|| Sha256::of(self.bytes()))
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.file.facts.version
    }

    /// When it expires.
    pub fn expires(&self) -> Time {
        self.file.facts.expires
    }

    /// What it says.
    pub fn view(&self) -> K::View<'_> {
        let body = &self.file.body;
        K::view(body.canonical(), body.signed(), &self.file.says)
    }

    pub(super) fn says(&self) -> &K::Says {
        &self.file.says
    }

    pub(super) fn body(&self) -> &Body {
        &self.file.body
    }

    pub(super) fn freshness(&self) -> Freshness {
        Freshness { role: K::ROLE, version: self.version(), expires: self.expires() }
    }

    /// Whether both are the same bytes.
    pub(super) fn is_same_file_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file) || self.bytes() == other.bytes()
    }

    /// Refuses text that is not in normal form C (trap T25).
    pub(super) fn check_normalised(&self) -> Result<(), Error> {
        self.file.body.check_normalised()
    }

    /// Whether both say the same, whoever signed.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        let signed = |kept: &Self| kept.file.body.signed();
        let (own, others) = (self.file.body.canonical(), other.file.body.canonical());
        signed(self).of(own) == signed(other).of(others)
    }

    /// This file, if it is the one that is `listed`.
    pub(super) fn listed_as(&self, listed: &FileMeta) -> Result<Self, Error> {
        if self.listed != Some(*listed) {
            check_bytes(K::ROLE, self.bytes(), self.file.sha256, listed)?;
        }
        self.check_listed_version(listed)?;
        Ok(Self { listed: Some(*listed), ..self.clone() })
    }

    /// Refuses a file of another version than its parent lists, higher or lower (§5.4.4.5 step 2, §5.4.4.6 step 2).
    pub(super) fn check_listed_version(&self, listed: &FileMeta) -> Result<(), Error> {
        match self.version() == listed.version {
            true => Ok(()),
            false => Err(Error::MixAndMatch { role: K::ROLE, what: "version" }),
        }
    }

    /// Refuses what these keys no longer vouch for (trap T4).
    pub(super) fn check_still_signed(&self, keys: &RoleKeys) -> Result<(), Error> {
        match *self.keys == *keys {
            true => Ok(()),
            false => self.file.body.check_signed(K::ROLE, keys).map(|_| ()),
        }
    }

    /// Refuses a file of the other repository.
    pub(super) fn check_repository<R: Repository>(&self) -> Result<(), Error> {
        match self.file.facts.repository {
            Some(origin) if origin.is::<R>() => Ok(()),
            // A file of another maker's Image repository need not say so; the Director's must.
            None if R::NAME == crate::Image::NAME => Ok(()),
            Some(_) | None => Err(Error::WrongType { field: "repository" }),
        }
    }

    /// Refuses a file that was made for another vehicle, or for none (traps T1, T1b).
    pub(super) fn check_vehicle(&self, own: VehicleId) -> Result<(), Error> {
        match self.file.facts.vehicle == Some(own) {
            true => Ok(()),
            false => Err(Error::WrongVehicle { role: K::ROLE }),
        }
    }

    /// Refuses an older file than the trusted one, and another one of the same version (attack A24).
    pub(super) fn check_follows(&self, trusted: Option<&Self>) -> Result<(), Error> {
        let Some(trusted) = trusted else { return Ok(()) };
        self.freshness().check_version(Some(trusted.version()))?;
        self.freshness().check_content(trusted.version(), || self.says_the_same_as(trusted))
    }
}

impl<K: Kind> Clone for Kept<K> {
    fn clone(&self) -> Self {
        Self { file: Arc::clone(&self.file), keys: Arc::clone(&self.keys), listed: self.listed }
    }
}

impl<K: Kind> fmt::Debug for Kept<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {} of {} bytes", K::ROLE, self.version(), self.bytes().len())
    }
}
