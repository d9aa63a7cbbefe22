//! Whether a client would take what a release makes of the repository. Asked before anything of it is visible (§5.3.1).
//!
//! The one who judges is the client itself: `uptane` verifies the repository as it would be, from what clients trust now,
//! and looks up every image that a delegated role lists anew, for every kind of hardware. An image whose role is not asked
//! in that look-up, because nobody delegates its name or hardware to it or because another role comes first, is refused.

mod chain;

use std::collections::BTreeMap;

use uptane::verify::{FileBytes, MetadataFile, Refresh, Refreshed, Step, StoredFiles, Trusted, Wanted};
use uptane::{Image, RoleName, Time};

use crate::error::Error;
use crate::facts::{Head, Listing, SignedFile};
use crate::plan::Difference;
use crate::release::Inspected;
use crate::role::RoleId;
use crate::store::Store;

/// The repository as it would be.
pub(crate) struct Proposal<'p, S> {
    store: &'p S,
    before: &'p Head,
    news: &'p [&'p Inspected],
    now: Time,
    trusted: Trusted<Image>,
    /// Files that are new, and those that were read.
    files: BTreeMap<MetadataFile, Option<FileBytes>>,
}

impl<'p, S: Store> Proposal<'p, S> {
    /// What a release and the files `made` for it make of the state `before`.
    pub(crate) async fn new(
        store: &'p S,
        before: &'p Head,
        news: &'p [&'p Inspected],
        made: &[SignedFile],
        now: Time,
    ) -> Result<Self, Error> {
        let trusted = trusted(store, before, news).await?;
        let files = news.iter().map(|inspected| &inspected.file).chain(made);
        let files = files.map(|file| (file.role.file(file.version), Some(file.bytes.clone().into()))).collect();
        Ok(Self { store, before, news, now, trusted, files })
    }

    /// Refuses what a client would refuse, and images that their role may not list.
    pub(crate) async fn check(&mut self, differences: &BTreeMap<RoleId, Difference>) -> Result<(), Error> {
        let refreshed = self.refresh(Vec::new()).await?;
        for inspected in self.news {
            let RoleId::Delegated(role) = inspected.file.role else { continue };
            self.check_chain(role, &refreshed).await?;
            let listed = differences.get(&inspected.file.role).map_or(&[][..], |difference| &difference.listed);
            for some in listed.chunks(AT_ONCE) {
                self.check_listed(role, some).await?;
            }
        }
        Ok(())
    }

    /// Refuses images that a look-up does not come to this role for.
    async fn check_listed(&mut self, role: RoleName, listed: &[Listing]) -> Result<(), Error> {
        let wanted = |listing: &Listing| {
            let (name, ids) = (listing.name, listing.hardware_ids.clone());
            ids.into_iter().map(move |id| (name, id, Wanted::image(name.borrowed(), id)))
        };
        let wanted: Vec<_> = listed.iter().flat_map(wanted).collect();
        let refreshed = self.refresh(wanted.iter().map(|(.., wanted)| wanted.clone()).collect()).await?;
        let missing = wanted.iter().find(|(.., wanted)| !refreshed.vouching(wanted).any(|vouching| vouching == role));
        match missing {
            Some((name, hardware, _)) => {
                Err(Error::NotDelegated { role: Box::new(role), name: Box::new(*name), hardware: Box::new(*hardware) })
            }
            None => Ok(()),
        }
    }

    /// One refresh by a client that trusts what clients trust now.
    async fn refresh(&mut self, wanted: Vec<Wanted>) -> Result<Refreshed<Image>, Error> {
        let mut refresh = Refresh::image(self.trusted.clone(), self.now).looking_for(wanted);
        while let Step::Fetch { file, limit: _ } = refresh.next() {
            let bytes = self.get(file).await?;
            let refused = |reason| Error::Judged { file: file.file_name(), reason };
            refresh.supply(bytes).map_err(refused)?;
            drop(refresh.keep());
        }
        match refresh.next() {
            Step::Refused(reason) => Err(Error::Judged { file: "the repository".to_owned(), reason }),
            Step::Fetch { .. } | Step::Done => {
                refresh.finish().map_err(|_| Error::Incomplete { what: "whole metadata" })
            }
        }
    }

    /// The newest file of a role, as it would be.
    async fn newest(&mut self, role: RoleId) -> Result<Option<FileBytes>, Error> {
        let arriving = self.news.iter().find(|inspected| inspected.file.role == role);
        let version = arriving.map(|inspected| inspected.file.version);
        match version.or_else(|| self.before.newest(&role).map(|file| file.version)) {
            Some(version) => self.get(role.file(version)).await,
            None => Ok(None),
        }
    }

    async fn get(&mut self, file: MetadataFile) -> Result<Option<FileBytes>, Error> {
        if let Some(known) = self.files.get(&file) {
            return Ok(known.clone());
        }
        let bytes = read(self.store, file).await?.map(FileBytes::from);
        self.files.insert(file, bytes.clone());
        Ok(bytes)
    }
}

/// Images looked up in one refresh.
const AT_ONCE: usize = 1_024;

async fn read<S: Store>(store: &S, file: MetadataFile) -> Result<Option<Vec<u8>>, Error> {
    match file {
        MetadataFile::Root(version) => store.file(RoleId::Root, version).await,
        MetadataFile::Targets(version) => store.file(RoleId::Targets, version).await,
        MetadataFile::Snapshot(version) => store.file(RoleId::Snapshot, version).await,
        MetadataFile::Delegated(role, version) => store.file(role.into(), version).await,
        // A proposal always brings a new one.
        MetadataFile::Timestamp => Ok(None),
    }
}

/// What a client that saw the state before trusts; of a first release, the Root that it brings.
async fn trusted<S: Store>(store: &S, before: &Head, news: &[&Inspected]) -> Result<Trusted<Image>, Error> {
    let Some(root) = newest(store, before, RoleId::Root).await? else {
        let root = news.iter().find(|inspected| inspected.file.role == RoleId::Root);
        let root = root.ok_or(Error::Incomplete { what: "root" })?;
        let refused = |reason| Error::Judged { file: "1.root.json".to_owned(), reason };
        return Trusted::provision(&root.file.bytes).map_err(refused);
    };
    let timestamp = newest(store, before, RoleId::Timestamp).await?;
    let snapshot = newest(store, before, RoleId::Snapshot).await?;
    let targets = newest(store, before, RoleId::Targets).await?;
    let mut delegated = Vec::new();
    for inspected in news {
        if let RoleId::Delegated(role) = inspected.file.role
            && let Some(bytes) = newest(store, before, role.into()).await?
        {
            delegated.push((role, bytes));
        }
    }
    let delegated: Vec<_> = delegated.iter().map(|(role, bytes)| (*role, bytes.as_slice())).collect();
    let (timestamp, snapshot, targets) = (timestamp.as_deref(), snapshot.as_deref(), targets.as_deref());
    let stored = StoredFiles { root: &root, former_root: None, timestamp, snapshot, targets, delegated: &delegated };
    Ok(Trusted::reload(stored)?.trusted)
}

async fn newest<S: Store>(store: &S, head: &Head, role: RoleId) -> Result<Option<Vec<u8>>, Error> {
    match head.newest(&role) {
        Some(file) => store.file(role, file.version).await,
        None => Ok(None),
    }
}
