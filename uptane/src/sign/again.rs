//! Targets of the Image repository, taken over from a file and changed: signers work on what was signed before.

use alloc::vec::Vec;

use super::delegations::Delegated;
use super::{BinsBuilder, DelegationBuilder, ImageEntry, KeySet, SignError, TargetsBuilder};
use crate::metadata::{Bins, DelegatedRole, Delegatee, Delegation, Delegations, MultiRole, Targets};
use crate::{Error, Image, Role, RoleName, Time, Version};

impl TargetsBuilder<Image> {
    /// Everything an Image Targets file says, to be changed and built anew: images, delegations in their order, bins. A
    /// file that says more than can be built is refused, as that would be lost.
    pub fn again(targets: &Targets<'_>) -> Result<Self, SignError> {
        let mut built = Self::image(targets.version(), targets.expires());
        for target in targets.targets() {
            built = built.list(ImageEntry::again(&target?))?;
        }
        if let Some(delegations) = targets.delegations() {
            built.delegated = Some(Delegated::again(delegations)?);
        }
        let is_whole = built.signed().to_wire() == targets.signed();
        if is_whole { Ok(built) } else { Err(SignError::Lossy { role: Role::Targets }) }
    }

    /// The same in another version.
    pub fn renewed(mut self, version: Version, expires: Time) -> Self {
        (self.version, self.expires) = (version, expires);
        self
    }

    /// Delegates to this before anybody else it delegates to: what it covers is asked of it first.
    pub fn delegate_first(mut self, delegation: DelegationBuilder) -> Result<Self, SignError> {
        let rest = match self.delegated.take() {
            Some(Delegated::Listed(rest)) => rest,
            // TAP 15: bins take everything, and stand alone.
            Some(Delegated::Succinct(_)) => return Err(Error::Schema { field: "roles" }.into()),
            None => Vec::new(),
        };
        self.delegate([delegation])?.delegate(rest)
    }

    /// Delegates no more to the role, or the set of roles, of this name, or to the bins whose names begin with it and a
    /// dash. Whether it did.
    pub fn undelegate(&mut self, name: &str) -> bool {
        match &mut self.delegated {
            Some(Delegated::Listed(list)) => {
                let before = list.len();
                list.retain(|delegation| delegation.name().as_str() != name);
                let is_gone = list.len() < before;
                if list.is_empty() {
                    self.delegated = None;
                }
                is_gone
            }
            Some(Delegated::Succinct(bins)) if bins.name_prefix == name => {
                self.delegated = None;
                true
            }
            Some(Delegated::Succinct(_)) | None => false,
        }
    }
}

impl Delegated {
    fn again(delegations: &[u8]) -> Result<Self, SignError> {
        match Delegations::decode(delegations)? {
            Delegations::Listed(list) => {
                let list = list.iter().map(|delegation| DelegationBuilder::again(delegations, delegation));
                Ok(Self::Listed(list.collect::<Result<_, _>>()?))
            }
            Delegations::Succinct(bins) => Ok(Self::Succinct(BinsBuilder::again(delegations, &bins)?)),
        }
    }
}

impl DelegationBuilder {
    /// A delegation as it stands in these `delegations`.
    fn again(delegations: &[u8], delegation: &Delegation) -> Result<Self, SignError> {
        let covers = delegation.covers().clone();
        let built = match delegation.to() {
            Delegatee::Role(role) => Self::role(role.name(), delegated_keys(delegations, role)?, covers),
            Delegatee::Roles(set) => Self::roles(set.name(), set.needed(), set_keys(delegations, set)?, covers),
        };
        let built = match delegation.hardware_ids() {
            Some(ids) => built.for_hardware(ids.iter().copied()),
            None => built,
        };
        Ok(if delegation.is_terminating() { built.terminating() } else { built })
    }
}

impl BinsBuilder {
    /// Bins as they stand in these `delegations`.
    fn again(delegations: &[u8], bins: &Bins) -> Result<Self, SignError> {
        let keys = KeySet::of_delegation(delegations, bins.keys())?;
        Ok(Self { name_prefix: bins.name_prefix().into(), bit_length: bins.bit_length(), keys })
    }
}

impl KeySet {
    /// The keys that a Targets file gives a role that it delegates to, alone, in a set or as a bin, under the ids they
    /// have there; `None` if it does not delegate to that role.
    pub fn of_delegated(targets: &Targets<'_>, role: RoleName) -> Result<Option<Self>, SignError> {
        let Some(delegations) = targets.delegations() else { return Ok(None) };
        let keys = |found: &DelegatedRole| delegated_keys(delegations, found);
        match Delegations::decode(delegations)? {
            Delegations::Listed(list) => {
                let mut roles = list.iter().flat_map(|delegation| delegation.to().roles());
                roles.find(|found| found.name() == role).map(keys).transpose()
            }
            Delegations::Succinct(bins) if bins.has(role) => KeySet::of_delegation(delegations, bins.keys()).map(Some),
            Delegations::Succinct(_) => Ok(None),
        }
    }
}

fn delegated_keys(delegations: &[u8], role: &DelegatedRole) -> Result<KeySet, SignError> {
    KeySet::of_delegation(delegations, role.keys())
}

fn set_keys(delegations: &[u8], set: &MultiRole) -> Result<Vec<(RoleName, KeySet)>, SignError> {
    set.roles().iter().map(|role| Ok((role.name(), delegated_keys(delegations, role)?))).collect()
}
