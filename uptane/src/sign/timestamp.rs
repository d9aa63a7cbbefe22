//! Timestamp (§5.2.5).

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::canonical::Value;
use super::snapshot::uptane;
use super::{FileInfo, KeySet, PartlySigned, SPEC_VERSION, SignError, Signer};
use crate::{Director, Image, Repository, Role, Time, VehicleId, Version};

/// Builds Timestamp of one of the two repositories.
#[derive(Clone, Debug)]
pub struct TimestampBuilder<R> {
    version: Version,
    expires: Time,
    vehicle: Option<VehicleId>,
    snapshot: FileInfo,
    repository: PhantomData<R>,
}

impl TimestampBuilder<Director> {
    /// Timestamp of one vehicle, over its Snapshot.
    pub fn director(vehicle: VehicleId, version: Version, expires: Time, snapshot: FileInfo) -> Self {
        Self { version, expires, vehicle: Some(vehicle), snapshot, repository: PhantomData }
    }
}

impl TimestampBuilder<Image> {
    /// Timestamp of the Image repository, over its Snapshot.
    pub fn image(version: Version, expires: Time, snapshot: FileInfo) -> Self {
        Self { version, expires, vehicle: None, snapshot, repository: PhantomData }
    }
}

impl<R: Repository> TimestampBuilder<R> {
    /// The signed file.
    pub fn sign(self, keys: &KeySet, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        self.unsigned().sign(&[keys], signers)
    }

    /// The file without signatures, for keys that never meet in one place.
    pub fn unsigned(self) -> PartlySigned {
        PartlySigned::new(Role::Timestamp, &self.signed())
    }

    pub(crate) fn signed(&self) -> Value {
        Value::object([
            ("_type", Value::text(Role::Timestamp.type_name())),
            ("expires", Value::text(self.expires)),
            ("meta", Value::object([("snapshot.json", self.snapshot.object())])),
            ("spec_version", Value::text(SPEC_VERSION)),
            ("uptane", uptane::<R>(self.vehicle)),
            ("version", Value::Number(self.version.get())),
        ])
    }
}
