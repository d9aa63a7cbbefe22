//! Images that a release takes out of the repository, while vehicles may need them.

use std::collections::BTreeMap;

use uptane::Time;

use super::Publisher;
use crate::error::Error;
use crate::plan::Difference;
use crate::role::RoleId;
use crate::store::Store;
use crate::withdraw::Report;

/// Whether a release may take out what vehicles need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Withdrawal {
    /// It may not, if a Director reports.
    Checked,
    /// It may: whoever publishes said so.
    Intended,
}

impl<S: Store> Publisher<S> {
    /// Refuses a release that unlists an image which the Director's report says vehicles need.
    pub(super) async fn check_withdrawn(
        &self,
        differences: &BTreeMap<RoleId, Difference>,
        withdrawal: Withdrawal,
        now: Time,
    ) -> Result<(), Error> {
        let (Some(path), Withdrawal::Checked) = (&self.director, withdrawal) else { return Ok(()) };
        if differences.values().all(|difference| difference.unlisted.is_empty()) {
            return Ok(());
        }
        let report = Report::read(path, now)?;
        for (role, difference) in differences {
            let before = self.store.listed(*role).await?;
            for gone in before.iter().filter(|listing| difference.unlisted.contains(&listing.name)) {
                if !self.is_listed_elsewhere(*role, gone, differences).await? {
                    report.check_unneeded(gone.name.borrowed(), gone.sha256)?;
                }
            }
        }
        Ok(())
    }

    /// Whether clients find the image in another role once the release is true.
    async fn is_listed_elsewhere(
        &self,
        role: RoleId,
        gone: &crate::facts::Listing,
        differences: &BTreeMap<RoleId, Difference>,
    ) -> Result<bool, Error> {
        let is_same = |listing: &crate::facts::Listing| listing.name == gone.name && listing.sha256 == gone.sha256;
        if differences.values().any(|difference| difference.listed.iter().any(is_same)) {
            return Ok(true);
        }
        let named = self.store.named(&[gone.name]).await?;
        Ok(named.iter().any(|(other, listing)| {
            let is_gone_too = differences.get(other).is_some_and(|difference| difference.unlisted.contains(&gone.name));
            *other != role && is_same(listing) && !is_gone_too
        }))
    }
}
