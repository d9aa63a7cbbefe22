//! Root (§5.2.2).

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::canonical::Value;
use super::signer::key_object;
use super::{KeySet, PartlySigned, SPEC_VERSION, SignError, Signer};
use crate::metadata::{Root, RootRole};
use crate::{Director, Error, Image, Repository, Role, Time, Version};

/// The keys of the four roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRoles {
    /// Who signs Root.
    pub root: KeySet,
    /// Who signs Snapshot.
    pub snapshot: KeySet,
    /// Who signs top-level Targets.
    pub targets: KeySet,
    /// Who signs Timestamp.
    pub timestamp: KeySet,
}

impl RootRoles {
    /// The keys that a Root gives the roles.
    pub fn of(root: &Root<'_>) -> Result<Self, SignError> {
        Ok(Self {
            root: KeySet::of_role(root, RootRole::Root)?,
            snapshot: KeySet::of_role(root, RootRole::Snapshot)?,
            targets: KeySet::of_role(root, RootRole::Targets)?,
            timestamp: KeySet::of_role(root, RootRole::Timestamp)?,
        })
    }
}

/// Builds Root of one of the two repositories.
#[derive(Clone, Debug)]
pub struct RootBuilder<R> {
    version: Version,
    expires: Time,
    not_before: Time,
    roles: RootRoles,
    time: Option<KeySet>,
    repository: PhantomData<R>,
}

impl RootBuilder<Director> {
    /// Root of the Director, with the keys of the time attestations (design D14). `not_before` is when it was made.
    pub fn director(version: Version, expires: Time, not_before: Time, roles: RootRoles, time: KeySet) -> Self {
        Self { version, expires, not_before, roles, time: Some(time), repository: PhantomData }
    }
}

impl RootBuilder<Image> {
    /// Root of the Image repository. `not_before` is when it was made.
    pub fn image(version: Version, expires: Time, not_before: Time, roles: RootRoles) -> Self {
        Self { version, expires, not_before, roles, time: None, repository: PhantomData }
    }
}

impl<R: Repository> RootBuilder<R> {
    /// Everything a Root says, to be changed and built anew. One that says more than can be built is refused.
    pub fn again(root: &Root<'_>) -> Result<Self, SignError> {
        let lossy = SignError::Lossy { role: Role::Root };
        let Some(not_before) = root.not_before() else { return Err(lossy) };
        let (version, expires, repository) = (root.version(), root.expires(), PhantomData);
        let (roles, time) = (RootRoles::of(root)?, KeySet::of_time(root)?);
        let built = Self { version, expires, not_before, roles, time, repository };
        if built.signed().to_wire() == root.signed() { Ok(built) } else { Err(lossy) }
    }

    /// The keys it gives the roles.
    pub fn roles_mut(&mut self) -> &mut RootRoles {
        &mut self.roles
    }

    /// The same in another version, made at `not_before`.
    pub fn renewed(self, version: Version, expires: Time, not_before: Time) -> Self {
        Self { version, expires, not_before, ..self }
    }

    /// A first Root, signed by its own Root keys.
    pub fn sign(self, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        let file = self.clone().unsigned()?;
        file.sign(&[&self.roles.root], signers)
    }

    /// A Root that follows another, signed by the Root keys of both (§5.4.4.3 step 2.3).
    pub fn sign_after(self, previous: &KeySet, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        let file = self.clone().unsigned()?;
        file.sign(&[previous, &self.roles.root], signers)
    }

    /// The file without signatures, for keys that never meet in one place.
    pub fn unsigned(self) -> Result<PartlySigned, SignError> {
        if self.expires <= self.not_before {
            return Err(Error::BadTime.into());
        }
        Ok(PartlySigned::new(Role::Root, &self.signed()))
    }

    pub(crate) fn signed(&self) -> Value {
        let mut uptane =
            Value::object([("not_before", Value::text(self.not_before)), ("repository", Value::text(R::NAME))]);
        uptane.insert_some("time", self.time.as_ref().map(KeySet::role_object));
        Value::object([
            ("_type", Value::text(Role::Root.type_name())),
            ("consistent_snapshot", Value::Boolean(true)),
            ("expires", Value::text(self.expires)),
            ("keys", self.keys()),
            ("roles", self.role_objects()),
            ("spec_version", Value::text(SPEC_VERSION)),
            ("uptane", uptane),
            ("version", Value::Number(self.version.get())),
        ])
    }

    fn keys(&self) -> Value {
        let RootRoles { root, snapshot, targets, timestamp } = &self.roles;
        let mut keys = Value::object([]);
        for set in [root, snapshot, targets, timestamp].into_iter().chain(&self.time) {
            for (id, key) in set.keys() {
                keys.insert(id, key_object(&key));
            }
        }
        keys
    }

    fn role_objects(&self) -> Value {
        let RootRoles { root, snapshot, targets, timestamp } = &self.roles;
        Value::object([
            ("root", root.role_object()),
            ("snapshot", snapshot.role_object()),
            ("targets", targets.role_object()),
            ("timestamp", timestamp.role_object()),
        ])
    }
}
