//! To whom the files here delegate, and what a delegated role may list.

use uptane::metadata::{Delegation, Delegations};
use uptane::sign::KeySet;
use uptane::{HardwareId, RoleName, TargetName};

use super::file::delegated;
use super::{Error, RoleFile, Staged};
use crate::role::RoleId;

impl Staged {
    /// The keys that speak for a delegated role, of every file here that delegates to it.
    pub(super) fn delegated_keys(&self, role: RoleName) -> Result<Vec<(String, KeySet)>, Error> {
        let mut sets: Vec<(String, KeySet)> = Vec::new();
        for file in self.delegating()? {
            let keys = KeySet::of_delegated(&file.targets()?, role)?;
            let keys = keys.filter(|keys| sets.iter().all(|(_, known)| known != keys));
            sets.extend(keys.map(|keys| (format!("the keys that {} gives {role}", file.role()), keys)));
        }
        Ok(sets)
    }

    /// Every file here that delegates. There may be thousands that do not, and each signature asks.
    fn delegating(&self) -> Result<&[RoleFile], Error> {
        if let Some(known) = self.delegating.get() {
            return Ok(known);
        }
        let mut found = Vec::new();
        for role in self.roles()?.into_iter().filter(|role| role.lists_images()) {
            let file = self.get(role)?;
            let delegates = file.targets()?.delegates();
            found.extend(delegates.then_some(file));
        }
        Ok(self.delegating.get_or_init(|| found))
    }

    /// Looks again who delegates when a role has another file, unless neither of them does.
    pub(super) fn forget_delegating(&mut self, role: RoleId, delegates: bool) {
        let did = self.delegating.get().is_some_and(|known| known.iter().any(|file| file.role() == role));
        if did || delegates {
            self.delegating.take();
        }
    }

    /// What a file here delegates.
    pub(crate) fn delegations(&self, role: RoleId) -> Result<Option<Delegations>, Error> {
        let Some(file) = self.find(role)? else { return Ok(None) };
        Ok(file.targets()?.delegations().map(Delegations::decode).transpose()?)
    }

    /// Refuses an image that no delegation known here lets the role list (§5.3.1). Top-level Targets may list anything.
    pub(crate) fn check_may_list<'h>(
        &self,
        role: RoleId,
        name: TargetName<'_>,
        hardware: impl IntoIterator<Item = &'h HardwareId>,
    ) -> Result<(), Error> {
        let Some(role) = delegated(role) else { return Ok(()) };
        let mut known = Vec::new();
        for file in self.delegating()? {
            known.extend(file.targets()?.delegations().map(Delegations::decode).transpose()?);
        }
        let rights: Vec<_> = known.iter().flat_map(|delegations| rights(delegations, role)).collect();
        if rights.is_empty() {
            // Nobody here delegates to it: the repository that takes the file in knows who does.
            return Ok(());
        }
        let covering: Vec<_> = rights.iter().filter(|right| right.includes(role, name)).collect();
        if covering.is_empty() {
            return Err(Error::NotItsName { role: Box::new(role), name: Box::new(name.to_buf()) });
        }
        let foreign = hardware.into_iter().find(|id| !covering.iter().any(|right| right.is_for(id)));
        foreign.map_or(Ok(()), |id| Err(Error::NotItsHardware { role: Box::new(role), hardware: Box::new(*id) }))
    }

    /// The role whose file an image of this name belongs into: its bin, where top-level Targets delegate to bins.
    pub(crate) fn home_of(&self, name: TargetName<'_>) -> Result<RoleId, Error> {
        match self.delegations(RoleId::Targets)? {
            Some(Delegations::Succinct(bins)) => Ok(RoleId::Delegated(bins.bin_of(name)?)),
            Some(Delegations::Listed(_)) | None => Ok(RoleId::Targets),
        }
    }
}

/// What one delegation lets a role list.
enum Right<'d> {
    Listed(&'d Delegation),
    Bins(&'d uptane::metadata::Bins),
}

impl Right<'_> {
    fn includes(&self, role: RoleName, name: TargetName<'_>) -> bool {
        match self {
            Self::Listed(delegation) => delegation.covers().includes(name),
            Self::Bins(bins) => bins.bin_of(name).is_ok_and(|bin| bin == role),
        }
    }

    fn is_for(&self, hardware: &HardwareId) -> bool {
        match self {
            Self::Listed(delegation) => delegation.hardware_ids().is_none_or(|ids| ids.contains(hardware)),
            Self::Bins(_) => true,
        }
    }
}

fn rights(delegations: &Delegations, role: RoleName) -> Vec<Right<'_>> {
    match delegations {
        Delegations::Listed(list) => {
            let to_role = |delegation: &&Delegation| delegation.to().roles().iter().any(|to| to.name() == role);
            list.iter().filter(to_role).map(Right::Listed).collect()
        }
        Delegations::Succinct(bins) if bins.has(role) => vec![Right::Bins(bins)],
        Delegations::Succinct(_) => Vec::new(),
    }
}

/// How many bits of a digest choose one of `count` bins.
pub(crate) fn bin_number(count: u32) -> Result<u32, Error> {
    let is_shared = count.is_power_of_two() && (2..=MAX_BINS).contains(&count);
    if is_shared { Ok(count.trailing_zeros()) } else { Err(Error::NotPowerOfTwo { count }) }
}

/// The most bins: each has a file of its own, which Snapshot lists.
const MAX_BINS: u32 = 65_536;
