//! The delegated roles of the Image repository.

use alloc::borrow::ToOwned as _;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::keys::key_set;
use super::parsed;
use crate::sign::{BinsBuilder, DelegationBuilder, KeySet, TargetsBuilder};
use crate::{Image, RoleName};

/// The keys that speak for a delegated role in tests.
pub fn role_keys(role: &str) -> KeySet {
    key_set(&labels(role))
}

/// The label of the one key of a delegated role.
pub(crate) fn labels(role: &str) -> Vec<String> {
    [format!("image {role} 0")].into()
}

/// A change to who says what.
pub(crate) enum Growth {
    Bins(String, BinsBuilder),
    Delegate(String, DelegationBuilder),
    Redelegate(String, Vec<DelegationBuilder>),
    Supply(String, Vec<usize>),
}

/// Who says what in the Image repository: `targets` is the top level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    roles: BTreeMap<String, TestRole>,
}

#[derive(Clone, Debug, Default)]
struct TestRole {
    delegations: Vec<DelegationBuilder>,
    bins: Option<BinsBuilder>,
    /// The ECUs whose images it lists.
    ecus: Vec<usize>,
}

impl Tree {
    pub(crate) fn grow(&mut self, growth: Growth) {
        match growth {
            Growth::Bins(from, bins) => self.role(from).bins = Some(bins),
            Growth::Delegate(from, delegation) => self.role(from).delegations.push(delegation),
            Growth::Redelegate(from, delegations) => self.role(from).delegations = delegations,
            Growth::Supply(role, ecus) => self.role(role).ecus = ecus,
        }
    }

    fn role(&mut self, name: String) -> &mut TestRole {
        self.roles.entry(name).or_default()
    }

    /// The delegated roles that have a file.
    pub(crate) fn names(&self) -> impl Iterator<Item = RoleName> {
        self.roles.keys().filter(|name| *name != TOP).map(|name| parsed(name, RoleName::parse))
    }

    /// Whether this role, or `targets`, lists the images of the ECU of this index.
    pub(crate) fn lists(&self, role: &str, ecu: usize) -> bool {
        let supplies = |role: &TestRole| role.ecus.contains(&ecu);
        match role {
            TOP => !self.roles.values().any(supplies),
            role => self.roles.get(role).is_some_and(supplies),
        }
    }

    /// Adds what a role, or `targets`, delegates.
    pub(crate) fn delegate(&self, role: &str, file: TargetsBuilder<Image>) -> TargetsBuilder<Image> {
        let Some(TestRole { delegations, bins, ecus: _ }) = self.roles.get(role) else { return file };
        let file = match (bins, delegations.as_slice()) {
            (Some(bins), _) => file.delegate_to_bins(bins.clone()),
            (None, []) => Ok(file),
            (None, delegations) => file.delegate(delegations.to_owned()),
        };
        file.unwrap_or_else(|error| panic!("test delegations are sound: {error}"))
    }
}

/// What stands for the top level.
pub(crate) const TOP: &str = "targets";
