//! Files, before and after their signatures were verified.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use super::freshness::Freshness;
use super::threshold::{self, ThresholdMet};
use crate::json::Document;
use crate::metadata::{self, Envelope, FileMeta, Origin, RoleKeys};
use crate::{Error, Length, Repository, Role, Sha256, Sha512, Time, VehicleId, Version};

mod sealed {
    pub trait Sealed {}
}

/// A kind of role file, as a type.
pub trait Kind: sealed::Sealed + 'static {
    /// What such a file says.
    type View<'a>: Copy + fmt::Debug;

    /// Whose file it is.
    const ROLE: Role;

    /// Decodes the `signed` of a file.
    fn decode(signed: &[u8]) -> Result<Self::View<'_>, Error>;

    #[doc(hidden)]
    fn facts(view: Self::View<'_>) -> Facts;
}

/// What every role file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub(crate) version: Version,
    pub(crate) expires: Time,
    pub(crate) repository: Option<Origin>,
    pub(crate) vehicle: Option<VehicleId>,
}

macro_rules! kind {
    ($(#[$doc:meta])* $kind:ident, $view:ident, $vehicle:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {}

        impl sealed::Sealed for $kind {}

        impl Kind for $kind {
            type View<'a> = metadata::$view<'a>;

            const ROLE: Role = Role::$view;

            fn decode(signed: &[u8]) -> Result<Self::View<'_>, Error> {
                metadata::$view::decode(signed)
            }

            fn facts(view: Self::View<'_>) -> Facts {
                let vehicle: fn(&Self::View<'_>) -> Option<VehicleId> = $vehicle;
                Facts {
                    version: view.version(),
                    expires: view.expires(),
                    repository: view.repository(),
                    vehicle: vehicle(&view),
                }
            }
        }
    };
}

kind!(
    /// Root. One Root serves every vehicle, so it names none.
    RootFile, Root, |_| None
);
kind!(
    /// Snapshot.
    SnapshotFile, Snapshot, |view| view.vehicle()
);
kind!(
    /// Top-level Targets.
    TargetsFile, Targets, |view| view.vehicle()
);
kind!(
    /// Timestamp.
    TimestampFile, Timestamp, |view| view.vehicle()
);

/// A file nobody vouches for yet.
pub(super) struct Offered<K> {
    /// As it came: what digests and lengths are of, and what is stored.
    received: Vec<u8>,
    /// Its canonical form, where it came in another.
    canonical: Option<Vec<u8>>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Offered<K> {
    /// Takes the file that its parent lists, of at most `limit` bytes. Its length and digests are checked first, so that
    /// nobody reads what no signed file vouches for.
    pub(super) fn read_listed(bytes: &[u8], limit: Length, listed: &FileMeta) -> Result<Self, Error> {
        Document::check_length(K::ROLE, bytes, limit)?;
        check_bytes(K::ROLE, bytes, listed)?;
        Self::read(bytes, limit)
    }

    /// Takes at most `limit` bytes (step 1 of §5.4.4.4 to §5.4.4.6, step 2.2 of §5.4.4.3).
    pub(super) fn read(bytes: &[u8], limit: Length) -> Result<Self, Error> {
        let document = Document::read(K::ROLE, bytes, limit)?;
        let canonical = (!document.is_canonical_as_sent()).then(|| document.into_bytes());
        Ok(Self { received: bytes.to_vec(), canonical, kind: PhantomData })
    }

    fn canonical(&self) -> &[u8] {
        self.canonical.as_deref().unwrap_or(&self.received)
    }

    /// What it claims to say.
    pub(super) fn view(&self) -> Result<K::View<'_>, Error> {
        K::decode(Envelope::decode(self.canonical())?.signed())
    }

    /// Refuses a file that fewer than a threshold of these keys signed.
    pub(super) fn check_signed(&self, keys: &RoleKeys) -> Result<ThresholdMet, Error> {
        threshold::check(K::ROLE, keys, &Envelope::decode(self.canonical())?)
    }

    /// The file as one its role signed.
    pub(super) fn keep(self, _: ThresholdMet) -> Result<Kept<K>, Error> {
        let facts = K::facts(self.view()?);
        Ok(Kept { file: Arc::new(self), facts })
    }
}

/// A file that its role signed: the bytes as received, and what they say. Cheap to clone; no permission to do anything.
pub struct Kept<K> {
    file: Arc<Offered<K>>,
    facts: Facts,
}

impl<K: Kind> Kept<K> {
    /// The bytes as received: what is stored and handed on.
    pub fn bytes(&self) -> &[u8] {
        &self.file.received
    }

    /// Digest of the bytes as received.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(self.bytes())
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.facts.version
    }

    /// When it expires.
    pub fn expires(&self) -> Time {
        self.facts.expires
    }

    /// What it says.
    pub fn view(&self) -> K::View<'_> {
        // `Offered::keep` decoded these very bytes, and decoding is a function of them.
        self.file.view().unwrap_or_else(|error| unreachable!("a kept file decodes: {error}"))
    }

    pub(super) fn freshness(&self) -> Freshness {
        Freshness { role: K::ROLE, version: self.facts.version, expires: self.facts.expires }
    }

    /// Whether both say the same, whoever signed.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        let signed = |file: &Self| Envelope::decode(file.file.canonical()).map(|file| file.signed().to_vec());
        signed(self) == signed(other)
    }

    /// Whether `listed` is this very file.
    pub(super) fn check_listed(&self, listed: &FileMeta) -> Result<(), Error> {
        check_bytes(K::ROLE, self.bytes(), listed)?;
        self.check_listed_version(listed)
    }

    /// Refuses a file of another version than its parent lists, higher or lower.
    pub(super) fn check_listed_version(&self, listed: &FileMeta) -> Result<(), Error> {
        match self.facts.version == listed.version {
            true => Ok(()),
            false => Err(Error::MixAndMatch { role: K::ROLE, what: "version" }),
        }
    }

    /// Refuses what these keys no longer vouch for (trap T4).
    pub(super) fn check_still_signed(&self, keys: &RoleKeys) -> Result<(), Error> {
        self.file.check_signed(keys).map(|_| ())
    }

    /// Refuses a file of the other repository.
    pub(super) fn check_repository<R: Repository>(&self) -> Result<(), Error> {
        match self.facts.repository {
            Some(origin) if origin.is::<R>() => Ok(()),
            // A file of another maker's Image repository need not say so; the Director's must.
            None if R::NAME == crate::Image::NAME => Ok(()),
            Some(_) | None => Err(Error::WrongType { field: "repository" }),
        }
    }

    /// Refuses a file that was made for another vehicle, or for none (traps T1, T1b).
    pub(super) fn check_vehicle(&self, own: VehicleId) -> Result<(), Error> {
        match self.facts.vehicle == Some(own) {
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

impl<K> Clone for Kept<K> {
    fn clone(&self) -> Self {
        Self { file: Arc::clone(&self.file), facts: self.facts }
    }
}

impl<K: Kind> fmt::Debug for Kept<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {} of {} bytes", K::ROLE, self.facts.version, self.file.received.len())
    }
}

fn check_bytes(role: Role, bytes: &[u8], listed: &FileMeta) -> Result<(), Error> {
    let wrong = |what| Err(Error::MixAndMatch { role, what });
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if listed.length.is_some_and(|listed| listed.get() != length) {
        return wrong("length");
    }
    let Some(hashes) = listed.hashes else { return Ok(()) };
    // Every digest that is listed, not just the first.
    let sha256 = hashes.sha256().is_none_or(|listed| listed == Sha256::of(bytes));
    let sha512 = hashes.sha512().is_none_or(|listed| listed == Sha512::of(bytes));
    if sha256 && sha512 { Ok(()) } else { wrong("hashes") }
}
