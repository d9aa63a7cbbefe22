//! Publishing a release, whole or not at all.
//!
//! A release is read, compared with the state of one generation and judged as a client would judge it; its images are put
//! in place, and then one change of the store makes it true, if that generation is still the newest. Else all of it is done
//! again. Only then do clients see its files, children first and Timestamp last, so that stopping anywhere is harmless: who
//! publishes or refreshes next, in whatever process, makes up for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::lock::Mutex;
use host::audit::Entry;
use uptane::metadata::{Envelope, Root, RootRole, Timestamp};
use uptane::sign::{KeySet, PartlySigned};
use uptane::{Length, Role, Sha256, Time, Version, limits};

use crate::error::Error;
use crate::facts::{Change, Head, Listing, SignedFile};
use crate::judge::Proposal;
use crate::make;
use crate::objects::{Objects, Placed};
use crate::online::OnlineKeys;
use crate::plan::{self, Difference, Known};
use crate::release::{Arriving, Inspected, inspect};
use crate::role::RoleId;
use crate::store::{AnyStore, Store};

mod visible;
mod withdrawal;

pub(crate) use withdrawal::Withdrawal;

/// Publishes into one repository. Several may work on one store and its objects, in as many processes.
#[derive(Debug)]
pub struct Publisher<S> {
    store: S,
    objects: Objects,
    keys: OnlineKeys,
    /// Where a Director says what vehicles need, if one does.
    director: Option<PathBuf>,
    /// One release at a time in this process: the others would be decided on a state that is about to change.
    turn: Mutex<()>,
}

/// What clients see once a release is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// The version of Snapshot.
    pub snapshot: Version,
    /// The version of Timestamp.
    pub timestamp: Version,
    /// When Timestamp expires.
    pub expires: Time,
    /// Whether anything was changed.
    pub changed: bool,
}

impl Publisher<AnyStore> {
    /// Closes its database.
    pub async fn close(self) {
        self.store.close().await;
    }
}

impl<S: Store> Publisher<S> {
    /// Publishes into the repository that this store, these objects and these online keys make up.
    pub fn new(store: S, objects: Objects, keys: OnlineKeys) -> Self {
        Self { store, objects, keys, director: None, turn: Mutex::new(()) }
    }

    /// The same, which takes no image out that a Director reports as needed. The file is what `director images --json`
    /// prints, and is read for every release that takes one out.
    #[must_use]
    pub fn asking(self, director: Option<PathBuf>) -> Self {
        Self { director, ..self }
    }

    /// Its store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Its objects.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Publishes these files, and whatever must be signed for them. Without files, it renews what is ageing.
    ///
    /// When it returns, clients see the release, and it survives a power failure. When it fails, none of it is visible; or it
    /// was accepted and could not be shown, which the next publication or refresh makes up for.
    pub async fn publish(&self, by: &str, release: Vec<Arriving>, now: Time) -> Result<Published, Error> {
        self.publish_as(by, release, Manner::USUAL, now).await
    }

    /// Publishes as [`publish`](Self::publish) does, but in this manner.
    pub(crate) async fn publish_as(
        &self,
        by: &str,
        release: Vec<Arriving>,
        manner: Manner,
        now: Time,
    ) -> Result<Published, Error> {
        let release = release.into_iter().map(inspect).collect::<Result<Vec<_>, _>>()?;
        let _turn = self.turn.lock().await;
        for _ in 0..ATTEMPTS {
            match self.attempt(by, &release, manner, now).await {
                Err(Error::Conflict) => {}
                accepted => {
                    let published = accepted?;
                    self.show().await?;
                    return Ok(published);
                }
            }
        }
        Err(Error::Conflict)
    }

    /// Decides on one state of the repository, and changes that state or nothing.
    async fn attempt(&self, by: &str, release: &[Inspected], manner: Manner, now: Time) -> Result<Published, Error> {
        let before = self.store.head().await?;
        let release = self.without_known_roots(&before, release).await?;
        let news = plan::news(&before, &release)?;
        let differences = self.differences(&news).await?;
        self.admit(&differences).await?;
        self.check_withdrawn(&differences, manner.withdrawal, now).await?;
        let (after, made) = self.make(&before, &news, manner.versions, now).await?;
        if news.is_empty() && made.is_empty() {
            return published(&after, false);
        }
        Proposal::new(&self.store, &before, &news, &made, now).await?.check(&differences).await?;
        let revived = self.place_images(&differences, now).await?;
        let mut changes = plan::changes(&news, differences);
        changes.extend(made.into_iter().map(Change::File));
        changes.extend(record(&before, &news, by, now)?);
        self.store.apply(before.generation, &changes).await?;
        for image in &revived {
            // A collection that did not know of this release may have removed it before.
            self.objects.publish_image(image, now).await?;
        }
        published(&after, true)
    }

    /// Puts images where clients find them, and gives those that had lain there for long.
    async fn place_images(&self, differences: &BTreeMap<RoleId, Difference>, now: Time) -> Result<Vec<Listing>, Error> {
        let mut revived = Vec::new();
        for listing in differences.values().flat_map(|difference| &difference.listed) {
            match self.objects.publish_image(listing, now).await? {
                Placed::Safe => {}
                Placed::Revived => revived.push(listing.clone()),
            }
        }
        Ok(revived)
    }

    /// The release without Roots that were published before: whoever keeps all of them may bring all of them.
    async fn without_known_roots(&self, before: &Head, release: &[Inspected]) -> Result<Vec<Inspected>, Error> {
        let newest = before.newest(&RoleId::Root).map(|root| root.version);
        let mut unknown = Vec::new();
        for inspected in release {
            let file = &inspected.file;
            let is_old = file.role == RoleId::Root && newest.is_some_and(|newest| file.version < newest);
            let is_known = is_old && self.store.file(file.role, file.version).await?.as_ref() == Some(&file.bytes);
            if !is_known {
                unknown.push(inspected.clone());
            }
        }
        Ok(unknown)
    }

    async fn differences(&self, news: &[&Inspected]) -> Result<BTreeMap<RoleId, Difference>, Error> {
        let mut differences = BTreeMap::new();
        for Inspected { file, listings, .. } in news.iter().filter(|inspected| inspected.file.role.lists_images()) {
            let before = self.store.listed(file.role).await?;
            differences.insert(file.role, plan::difference(&before, listings));
        }
        Ok(differences)
    }

    /// Refuses images that may not be listed, or whose bytes are not at hand.
    async fn admit(&self, differences: &BTreeMap<RoleId, Difference>) -> Result<(), Error> {
        let listed: Vec<_> = differences.values().flat_map(|difference| &difference.listed).collect();
        let names: Vec<_> = listed.iter().map(|listing| listing.name).collect();
        let lines: Vec<_> = listed.iter().map(|listing| listing.line).collect();
        let known = Known { named: self.store.named(&names).await?, highest: self.store.highest(&lines).await? };
        plan::admit(differences, &known)?;
        for listing in listed {
            if !self.objects.has(listing).await? {
                return Err(Error::ImageMissing { name: Box::new(listing.name), sha256: listing.sha256 });
            }
        }
        Ok(())
    }

    /// The repository as it would be, and the files that it signs for that.
    async fn make(
        &self,
        before: &Head,
        news: &[&Inspected],
        versions: Versions,
        now: Time,
    ) -> Result<(Head, Vec<SignedFile>), Error> {
        let mut after = before.clone();
        for Inspected { file, .. } in news {
            after.files.insert(file.role, file.current()?);
        }
        plan::check_fresh(&after, now)?;
        let root = self.root(&after, news).await?;
        let seen = versions.follow(before, self.seen(&root).await?)?;
        let mut made = Vec::new();
        if let Some(seen) = &seen {
            seen.raise(&mut after);
        }
        if let Some(next) = plan::snapshot(&after, seen.is_some() || !news.is_empty(), now)? {
            let file = make::snapshot(&after, next, &self.keys.of_role(&root, RootRole::Snapshot)?)?;
            after.files.insert(file.role, file.current()?);
            made.push(file);
        }
        if let Some(next) = plan::timestamp(&after, !made.is_empty(), now)? {
            let file = make::timestamp(&after, next, &self.keys.of_role(&root, RootRole::Timestamp)?)?;
            after.files.insert(file.role, file.current()?);
            made.push(file);
        }
        Ok((after, made))
    }

    /// The bytes of Root, as it would be.
    async fn root(&self, after: &Head, news: &[&Inspected]) -> Result<Vec<u8>, Error> {
        let missing = Error::Incomplete { what: "root" };
        if let Some(root) = news.iter().rfind(|inspected| inspected.file.role == RoleId::Root) {
            return Ok(root.file.bytes.clone());
        }
        let Some(root) = after.newest(&RoleId::Root) else { return Err(missing) };
        self.store.file(RoleId::Root, root.version).await?.ok_or(missing)
    }

    /// What clients see, if the keys of this Root signed it.
    async fn seen(&self, root: &[u8]) -> Result<Option<Seen>, Error> {
        let limit = Length::new(limits::MAX_TIMESTAMP)?;
        let found = self.objects.published_file("timestamp.json", limit).await?;
        Ok(found.and_then(|bytes| Seen::of(&bytes, root)))
    }
}

/// How a release is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    pub versions: Versions,
    pub withdrawal: Withdrawal,
}

impl Manner {
    /// As every release but a special one.
    pub(crate) const USUAL: Self = Self { versions: Versions::Follow, withdrawal: Withdrawal::Checked };
    /// Of a repository that was restored: what people signed after the backup was judged when they published it.
    pub(crate) const RESTORED: Self = Self { versions: Versions::Leap, withdrawal: Withdrawal::Intended };

    /// Of a writer who may have said that images shall go though vehicles need them.
    pub(crate) fn of_writer(withdraw: bool) -> Self {
        let withdrawal = if withdraw { Withdrawal::Intended } else { Withdrawal::Checked };
        Self { withdrawal, ..Self::USUAL }
    }
}

/// Which versions the files get that the repository signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Those after what is known and what clients see.
    Follow,
    /// Those [`LEAP`] after that: of a restored repository nobody knows what clients saw meanwhile.
    Leap,
}

/// By how many versions a restored repository goes ahead. No repository signs so many between two backups, and a version
/// has room for 2^33 restorations.
pub(crate) const LEAP: u64 = 1 << 20;

impl Versions {
    /// The versions after which the next ones come, if they are not those that are known.
    fn follow(self, before: &Head, seen: Option<Seen>) -> Result<Option<Seen>, Error> {
        let ahead = |role: RoleId, seen: Option<Version>| {
            let known = before.newest(&role).map(|file| file.version);
            Version::new(known.max(seen).map_or(0, Version::get).saturating_add(LEAP))
        };
        match self {
            Self::Follow => Ok(seen.filter(|seen| seen.is_beyond(before))),
            Self::Leap => Ok(Some(Seen {
                timestamp: ahead(RoleId::Timestamp, seen.as_ref().map(|seen| seen.timestamp))?,
                snapshot: ahead(RoleId::Snapshot, seen.as_ref().map(|seen| seen.snapshot))?,
            })),
        }
    }
}

/// The versions that clients see. They may be beyond those of a database that was restored from a backup.
struct Seen {
    timestamp: Version,
    snapshot: Version,
}

impl Seen {
    /// What a Timestamp says that the keys of this Root signed; nothing of any other.
    fn of(bytes: &[u8], root: &[u8]) -> Option<Self> {
        let root = Envelope::decode(root).ok()?;
        let keys = KeySet::of_role(&Root::decode(root.signed()).ok()?, RootRole::Timestamp).ok()?;
        PartlySigned::from_file(Role::Timestamp, bytes).ok()?.finish(&keys).ok()?;
        let timestamp = Envelope::decode(bytes).ok()?;
        let timestamp = Timestamp::decode(timestamp.signed()).ok()?;
        Some(Self { timestamp: timestamp.version(), snapshot: timestamp.snapshot().version })
    }

    fn is_beyond(&self, head: &Head) -> bool {
        head.newest(&RoleId::Timestamp).is_some_and(|file| self.timestamp > file.version)
    }

    /// Has the next files follow what clients see: no version gets a second content.
    fn raise(&self, head: &mut Head) {
        for (role, seen) in [(RoleId::Snapshot, self.snapshot), (RoleId::Timestamp, self.timestamp)] {
            if let Some(file) = head.files.get_mut(&role) {
                file.version = file.version.max(seen);
            }
        }
    }
}

/// How often another process may be faster.
const ATTEMPTS: usize = 32;

/// What the audit log says of a release: who brought which files.
fn record(before: &Head, news: &[&Inspected], by: &str, now: Time) -> Result<Vec<Change>, Error> {
    let (mut changes, mut last) = (Vec::new(), before.last_entry.clone());
    for Inspected { file, .. } in news {
        let object = format!("{} {} {}", file.role, file.version, Sha256::of(&file.bytes));
        let entry = Entry::next(last.as_ref(), now, by, "publish", object).map_err(Error::AuditUnfit)?;
        changes.push(Change::Record(entry.clone()));
        last = Some(entry);
    }
    Ok(changes)
}

fn published(head: &Head, changed: bool) -> Result<Published, Error> {
    let current = |role: RoleId| head.newest(&role).ok_or(Error::Incomplete { what: role.kind().type_name() });
    let (snapshot, timestamp) = (current(RoleId::Snapshot)?, current(RoleId::Timestamp)?);
    Ok(Published { snapshot: snapshot.version, timestamp: timestamp.version, expires: timestamp.expires, changed })
}

#[cfg(test)]
mod tests;
