//! The chain of delegations from Targets to a role. A role that lists nothing new is not looked up, so its way is gone here.

use std::collections::BTreeSet;

use uptane::limits::{MAX_DELEGATION_DEPTH, MAX_ROLES_VISITED};
use uptane::metadata::{DelegatedRole, Delegations, Envelope, Targets};
use uptane::verify::Refreshed;
use uptane::{Image, RoleName};

use super::Proposal;
use crate::error::Error;
use crate::release::Inspected;
use crate::role::RoleId;
use crate::store::Store;

/// One delegation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Link {
    by: RoleId,
    to: RoleName,
}

impl<S: Store> Proposal<'_, S> {
    /// Refuses a role unless a delegator whose own file is in force vouches for its file.
    pub(super) async fn check_chain(&mut self, role: RoleName, refreshed: &Refreshed<Image>) -> Result<(), Error> {
        let mut links = self.links_to(role).await?;
        let mut in_force = BTreeSet::from([RoleId::Targets]);
        let mut failure = Error::NoDelegator { role: Box::new(role) };
        // Each round comes one step further from Targets.
        for _ in 0..MAX_DELEGATION_DEPTH {
            let (due, later) = links.into_iter().partition(|link| in_force.contains(&link.by));
            links = later;
            for link in due {
                match self.judge_link(link, refreshed).await? {
                    Ok(()) => drop(in_force.insert(link.to.into())),
                    Err(reason) if link.to == role => {
                        failure = Error::Judged { file: format!("{role}.json"), reason };
                    }
                    Err(_) => {}
                }
            }
        }
        if in_force.contains(&role.into()) { Ok(()) } else { Err(failure) }
    }

    /// Every delegation on a way to this role.
    async fn links_to(&self, role: RoleName) -> Result<BTreeSet<Link>, Error> {
        let (mut links, mut waiting, mut seen) = (BTreeSet::new(), vec![role], BTreeSet::from([role]));
        while let Some(to) = waiting.pop() {
            for by in self.delegators(to).await? {
                links.insert(Link { by, to });
                if let RoleId::Delegated(by) = by
                    && seen.insert(by)
                {
                    waiting.push(by);
                }
            }
            if seen.len() > MAX_ROLES_VISITED {
                let reason = uptane::Error::Limit { what: "roles above a role" };
                return Err(Error::Judged { file: format!("{role}.json"), reason });
            }
        }
        Ok(links)
    }

    /// Who would delegate to a role.
    async fn delegators(&self, role: RoleName) -> Result<BTreeSet<RoleId>, Error> {
        let mut delegators: BTreeSet<_> = self.store.delegators(role).await?.into_iter().collect();
        for Inspected { file, delegates, .. } in self.news.iter().copied() {
            match delegates.contains(&role) {
                true => drop(delegators.insert(file.role)),
                false => drop(delegators.remove(&file.role)),
            }
        }
        Ok(delegators)
    }

    /// What the keys of a delegation make of the file it leads to.
    async fn judge_link(
        &mut self,
        Link { by, to }: Link,
        refreshed: &Refreshed<Image>,
    ) -> Result<Result<(), uptane::Error>, Error> {
        let absent = uptane::Error::Absent { role: uptane::Role::Targets };
        let (Some(delegator), Some(file)) = (self.newest(by).await?, self.newest(to.into()).await?) else {
            return Ok(Err(absent));
        };
        Ok(delegated_role(&delegator, to).and_then(|role| refreshed.check_delegated(&role.ok_or(absent)?, file)))
    }
}

/// The role that a Targets file delegates to under this name.
fn delegated_role(file: &[u8], role: RoleName) -> Result<Option<DelegatedRole>, uptane::Error> {
    let envelope = Envelope::decode(file)?;
    let delegations = Targets::decode(envelope.signed())?.delegations().map(Delegations::decode).transpose()?;
    Ok(delegations.and_then(|delegations| delegations.role(role)))
}
