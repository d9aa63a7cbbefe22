//! Delegations of the Image repository (§5.2.3.2; TAP 3; TAP 15).

use alloc::string::String;
use alloc::vec::Vec;

use super::canonical::Value;
use super::signer::key_object;
use super::{KeySet, SignError, TargetsBuilder};
use crate::metadata::{Covers, Delegations};
use crate::{Error, HardwareId, Image, RoleName};

/// Builds one delegation. It is not terminating unless that is asked for (§5.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationBuilder {
    name: RoleName,
    to: To,
    covers: Covers,
    hardware_ids: Option<Vec<HardwareId>>,
    terminating: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    Role(KeySet),
    Roles { needed: usize, roles: Vec<(RoleName, KeySet)> },
}

impl DelegationBuilder {
    /// Delegates the images `covers` covers to the role that these keys speak for.
    pub fn role(name: RoleName, keys: KeySet, covers: Covers) -> Self {
        Self { name, to: To::Role(keys), covers, hardware_ids: None, terminating: false }
    }

    /// Delegates them to several roles, of which `needed` must say the same (§5.4.4.8). The set has a name and no file.
    pub fn roles(name: RoleName, needed: usize, roles: Vec<(RoleName, KeySet)>, covers: Covers) -> Self {
        Self { name, to: To::Roles { needed, roles }, covers, hardware_ids: None, terminating: false }
    }

    /// Delegates images for this hardware alone.
    pub fn for_hardware(mut self, hardware_ids: impl IntoIterator<Item = HardwareId>) -> Self {
        self.hardware_ids = Some(hardware_ids.into_iter().collect());
        self
    }

    /// Has nobody after it asked about what it covers. A role reached like this is not searched below: what it does not
    /// list itself is not found (§5.4.4.7 step 3).
    pub fn terminating(mut self) -> Self {
        self.terminating = true;
        self
    }

    /// The name of the role, or of the set of roles.
    pub fn name(&self) -> RoleName {
        self.name
    }

    /// Every key set of it.
    fn key_sets(&self) -> Vec<&KeySet> {
        match &self.to {
            To::Role(keys) => [keys].into(),
            To::Roles { needed: _, roles } => roles.iter().map(|(_, keys)| keys).collect(),
        }
    }

    fn object(&self) -> Value {
        let mut object = match &self.to {
            To::Role(keys) => keys.role_object(),
            To::Roles { needed, roles } => set_object(*needed, roles),
        };
        let (field, paths) = match &self.covers {
            Covers::Paths(paths) => ("paths", paths),
            Covers::HashPrefixes(prefixes) => ("path_hash_prefixes", prefixes),
        };
        object.insert("name", Value::text(self.name));
        object.insert(field, Value::texts(paths));
        object.insert("terminating", Value::Boolean(self.terminating));
        let hardware = self.hardware_ids.as_ref().map(|ids| Value::object([("hardware_ids", Value::texts(ids))]));
        object.insert_some("uptane", hardware);
        object
    }
}

fn set_object(needed: usize, roles: &[(RoleName, KeySet)]) -> Value {
    let role = |(name, keys): &(RoleName, KeySet)| {
        let mut object = keys.role_object();
        object.insert("name", Value::text(name));
        object
    };
    // Decoding refuses what is out of range.
    let needed = u64::try_from(needed).unwrap_or_default();
    Value::object([
        ("min_roles_in_agreement", Value::Number(needed)),
        ("roles", Value::List(roles.iter().map(role).collect())),
    ])
}

/// Builds a delegation of everything to bins that share the images evenly (TAP 15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinsBuilder {
    /// What the name of each bin begins with.
    pub name_prefix: String,
    /// How many bits of a digest choose the bin.
    pub bit_length: u32,
    /// The keys that speak for every bin.
    pub keys: KeySet,
}

/// What a file delegates, as it is being built.
#[derive(Clone, Debug)]
pub(super) enum Delegated {
    /// To roles.
    Listed(Vec<DelegationBuilder>),
    /// To bins.
    Succinct(BinsBuilder),
}

impl Delegated {
    pub(super) fn object(&self) -> Value {
        let (sets, field, value) = match self {
            Self::Listed(list) => {
                let value = Value::List(list.iter().map(DelegationBuilder::object).collect());
                (list.iter().flat_map(DelegationBuilder::key_sets).collect::<Vec<_>>(), "roles", value)
            }
            Self::Succinct(bins) => {
                let mut value = bins.keys.role_object();
                value.insert("name_prefix", Value::text(&bins.name_prefix));
                value.insert("bit_length", Value::Number(bins.bit_length.into()));
                ([&bins.keys].into(), "succinct_roles", value)
            }
        };
        let mut keys = Value::object([]);
        for (id, key) in sets.into_iter().flat_map(KeySet::keys) {
            keys.insert(id, key_object(&key));
        }
        Value::object([("keys", keys), (field, value)])
    }
}

impl TargetsBuilder<Image> {
    /// Delegates to these, in order of priority, after those of earlier calls.
    pub fn delegate(mut self, delegations: impl IntoIterator<Item = DelegationBuilder>) -> Result<Self, SignError> {
        let mut list = match self.delegated {
            None => Vec::new(),
            Some(Delegated::Listed(list)) => list,
            // TAP 15: bins take everything, and stand alone.
            Some(Delegated::Succinct(_)) => return Err(Error::Schema { field: "roles" }.into()),
        };
        list.extend(delegations);
        self.delegated = checked(Delegated::Listed(list))?;
        Ok(self)
    }

    /// Delegates everything to bins, and nothing to anybody else.
    pub fn delegate_to_bins(mut self, bins: BinsBuilder) -> Result<Self, SignError> {
        if self.delegated.is_some() {
            return Err(Error::Schema { field: "succinct_roles" }.into());
        }
        self.delegated = checked(Delegated::Succinct(bins))?;
        Ok(self)
    }
}

/// Refuses delegations no reader would take.
fn checked(delegated: Delegated) -> Result<Option<Delegated>, SignError> {
    Delegations::decode(&delegated.object().to_wire())?;
    Ok(Some(delegated))
}
