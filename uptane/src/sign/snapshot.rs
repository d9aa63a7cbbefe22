//! Snapshot (§5.2.4), and what a file says of another.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::marker::PhantomData;

use super::canonical::Value;
use super::{KeySet, PartlySigned, SPEC_VERSION, SignError, Signer};
use crate::{Director, Error, Hashes, Image, Length, Repository, Role, RoleName, Time, VehicleId, Version};

/// What Timestamp says of Snapshot, and Snapshot of Targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileInfo {
    version: Version,
    length: Length,
    hashes: Hashes,
}

impl FileInfo {
    /// What is said of a file with this version, length and digests.
    pub const fn new(version: Version, length: Length, hashes: Hashes) -> Self {
        Self { version, length, hashes }
    }

    /// What there is to say of the file with these bytes.
    pub fn of(version: Version, bytes: &[u8]) -> Result<Self, Error> {
        let length = u64::try_from(bytes.len()).map_err(|_| Error::BadNumber { kind: "Length" })?;
        Ok(Self::new(version, Length::new(length)?, Hashes::of(bytes)))
    }

    pub(crate) fn object(&self) -> Value {
        Value::object([
            ("hashes", hashes_object(&self.hashes)),
            ("length", Value::Number(self.length.get())),
            ("version", Value::Number(self.version.get())),
        ])
    }
}

/// Builds Snapshot of one of the two repositories.
#[derive(Clone, Debug)]
pub struct SnapshotBuilder<R> {
    version: Version,
    expires: Time,
    vehicle: Option<VehicleId>,
    targets: FileInfo,
    delegated: BTreeMap<RoleName, FileInfo>,
    repository: PhantomData<R>,
}

impl SnapshotBuilder<Director> {
    /// Snapshot of one vehicle, over its Targets.
    pub fn director(vehicle: VehicleId, version: Version, expires: Time, targets: FileInfo) -> Self {
        Self::new(version, expires, Some(vehicle), targets)
    }
}

impl SnapshotBuilder<Image> {
    /// Snapshot of the Image repository, over its top-level Targets.
    pub fn image(version: Version, expires: Time, targets: FileInfo) -> Self {
        Self::new(version, expires, None, targets)
    }

    /// Lists the file of a delegated role.
    pub fn list(mut self, role: RoleName, file: FileInfo) -> Self {
        self.delegated.insert(role, file);
        self
    }
}

impl<R: Repository> SnapshotBuilder<R> {
    fn new(version: Version, expires: Time, vehicle: Option<VehicleId>, targets: FileInfo) -> Self {
        Self { version, expires, vehicle, targets, delegated: BTreeMap::new(), repository: PhantomData }
    }

    /// The signed file.
    pub fn sign(self, keys: &KeySet, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        self.unsigned().sign(&[keys], signers)
    }

    /// The file without signatures, for keys that never meet in one place.
    pub fn unsigned(self) -> PartlySigned {
        PartlySigned::new(Role::Snapshot, &self.signed())
    }

    pub(crate) fn signed(&self) -> Value {
        let mut meta = Value::object([("targets.json", self.targets.object())]);
        for (role, file) in &self.delegated {
            meta.insert(format_args!("{role}.json"), file.object());
        }
        Value::object([
            ("_type", Value::text(Role::Snapshot.type_name())),
            ("expires", Value::text(self.expires)),
            ("meta", meta),
            ("spec_version", Value::text(SPEC_VERSION)),
            ("uptane", uptane::<R>(self.vehicle)),
            ("version", Value::Number(self.version.get())),
        ])
    }
}

/// The member that binds a file to its repository and, at the Director, to its vehicle (design D6).
pub(crate) fn uptane<R: Repository>(vehicle: Option<VehicleId>) -> Value {
    let mut uptane = Value::object([("repository", Value::text(R::NAME))]);
    uptane.insert_some("vehicle", vehicle.map(Value::text));
    uptane
}

/// The object of a file's digests.
pub(crate) fn hashes_object(hashes: &Hashes) -> Value {
    let mut object = Value::object([]);
    object.insert_some("sha256", hashes.sha256().map(Value::text));
    object.insert_some("sha512", hashes.sha512().map(Value::text));
    object
}
