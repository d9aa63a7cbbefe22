//! One Director instance: the pure core, a store and the keys, and what it keeps in memory between check-ins.
//!
//! A check-in without news is one read statement. Its counter is kept in memory and written down in batches: after a
//! crash the last batch may be missing, and only idle check-ins could be replayed then, which change nothing.
//!
//! It waits for nothing but its store: over [`Memory`](crate::store::Memory) every future is ready at once, and needs no
//! runtime.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use uptane::verify::MetadataFile;
use uptane::{EcuId, Sha256, Time, VehicleId, Version};

use crate::answer::{self, Answer, Request, State};
use crate::check_in::{self, Verdict};
use crate::desired::{Catalogue, relist};
use crate::facts::{Change, Facts, Seen};
use crate::keys::OnlineKeys;
use crate::metadata::{issue, versions};
use crate::store::Store;
use crate::{Error, files, images};

/// A running Director.
#[derive(Debug)]
pub struct Director<S> {
    store: S,
    /// Where the keys are read from again when an epoch names one that is not here; none if they were given.
    folder: Option<PathBuf>,
    keys: RwLock<Arc<OnlineKeys>>,
    /// The images and patches of a generation of the Image repository's files, and one of the patches.
    catalogue: Mutex<((u64, u64), Arc<Catalogue>)>,
    seen: Mutex<BTreeMap<VehicleId, Seen>>,
}

/// The answer to a check-in with the Roots that belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Time and roles.
    pub answer: Answer,
    /// Every Root the vehicle lacks, in order.
    pub roots: Vec<Vec<u8>>,
    /// The full manifest is wanted.
    pub manifest_wanted: bool,
}

impl<S: Store> Director<S> {
    /// An instance over a store, with the keys of a data folder.
    pub fn open(store: S, folder: PathBuf) -> Result<Self, Error> {
        let keys = files::online_keys(&folder)?;
        Ok(Self { folder: Some(folder), ..Self::with_keys(store, keys) })
    }

    /// An instance over a store, with these keys and no folder.
    pub fn with_keys(store: S, keys: OnlineKeys) -> Self {
        let (catalogue, seen) = (Mutex::new(((0, 0), Arc::default())), Mutex::default());
        Self { store, folder: None, keys: RwLock::new(Arc::new(keys)), catalogue, seen }
    }

    /// Holds these keys from now on, in place of those it held.
    pub fn hold(&self, keys: OnlineKeys) -> Arc<OnlineKeys> {
        let keys = Arc::new(keys);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.clone();
        keys
    }

    /// Where it keeps the facts.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Answers one check-in (§5.3.2.1). A request that fails a check is recorded and dropped.
    pub async fn check_in(&self, certificate: Sha256, request: &Request, now: Time) -> Result<Reply, Error> {
        let facts = self.store.by_certificate(certificate).await?.ok_or(Error::UnknownVehicle)?;
        let vehicle = facts.vehicle.id;
        let reply = match self.decide(facts, certificate, request, now).await {
            // Another instance, or the command line, changed the facts: decide again on the new ones.
            Err(Error::Conflict) => {
                let facts = self.store.by_certificate(certificate).await?.ok_or(Error::UnknownVehicle)?;
                self.decide(facts, certificate, request, now).await
            }
            decided => decided,
        };
        if let Err(error) = &reply
            && error.is_refusal()
        {
            let (reason, attack) = (error.to_string(), error.attack());
            self.store.apply(Change::Refuse { vehicle, at: now, reason, attack }).await?;
        }
        reply
    }

    /// One file of the metadata of the vehicle that shows this certificate; `None` if there is no such version.
    pub async fn file(&self, certificate: Sha256, file: MetadataFile) -> Result<Option<Vec<u8>>, Error> {
        let facts = self.store.by_certificate(certificate).await?.ok_or(Error::UnknownVehicle)?;
        if let MetadataFile::Root(version) = file {
            // Roots are handed out in order of version, so the first is the one that was asked for.
            let known = version <= facts.epoch.root;
            return Ok(if known { self.store.roots(version).await?.into_iter().next() } else { None });
        }
        if facts.vehicle.manifest.is_none() {
            return Err(Error::ManifestFirst);
        }
        let facts = self.relisted(facts, certificate).await?;
        let (newest, issued) = (versions(&facts)?, self.signed(|keys| issue(&facts, keys))?);
        Ok(match file {
            MetadataFile::Timestamp => Some(issued.timestamp),
            MetadataFile::Snapshot(version) => (version == newest.snapshot).then_some(issued.snapshot),
            MetadataFile::Targets(version) => (version == newest.targets).then_some(issued.targets),
            MetadataFile::Root(_) | MetadataFile::Delegated(..) => None,
        })
    }

    /// Goes on with the next epoch if it is due.
    pub async fn advance_epoch(&self, now: Time) -> Result<(), Error> {
        let epoch = self.store.epoch().await?.ok_or(Error::NotInitialised)?;
        match epoch.due(now)? {
            None => Ok(()),
            Some(next) => match self.store.apply(Change::Epoch(next)).await {
                // Another instance was first.
                Ok(()) | Err(Error::Conflict) => Ok(()),
                Err(error) => Err(error),
            },
        }
    }

    /// Writes down who checked in since the last time.
    pub async fn flush(&self) -> Result<(), Error> {
        let batch: Vec<_> = self.seen().iter().map(|(vehicle, seen)| (*vehicle, *seen)).collect();
        if batch.is_empty() {
            return Ok(());
        }
        self.store.apply(Change::Seen(batch.clone())).await?;
        let mut known = self.seen();
        for (vehicle, written) in batch {
            // One that checked in meanwhile stays for the next batch.
            if known.get(&vehicle) == Some(&written) {
                known.remove(&vehicle);
            }
        }
        Ok(())
    }

    async fn decide(&self, facts: Facts, certificate: Sha256, request: &Request, now: Time) -> Result<Reply, Error> {
        let vehicle = facts.vehicle.id;
        let seen = self.seen().get(&vehicle).map(|seen| seen.counter);
        let verdict = match &request.state {
            State::Idle(file) => check_in::idle(&facts, file, seen, now)?,
            State::Manifest(file) => check_in::manifest(&facts, file, seen, now)?,
        };
        let facts = match verdict {
            Verdict::Idle(_) if request.is_ahead(&versions(&facts)?) => {
                return self.want_manifest(&facts, request, now).await;
            }
            Verdict::ManifestWanted => return self.want_manifest(&facts, request, now).await,
            Verdict::Idle(seen) => {
                self.note(vehicle, seen)?;
                facts
            }
            Verdict::Known(frozen) => {
                report_frozen(vehicle, &frozen);
                facts
            }
            Verdict::News(accepted) => {
                report(&accepted);
                self.change(certificate, Change::Accept(accepted)).await?
            }
        };
        let facts = self.relisted(facts, certificate).await?;
        let answer = self.signed(|keys| answer::full(&facts, request, keys, now))?;
        self.reply(answer, request, false).await
    }

    async fn want_manifest(&self, facts: &Facts, request: &Request, now: Time) -> Result<Reply, Error> {
        let answer = self.signed(|keys| answer::time_only(facts, request, keys, now))?;
        self.reply(answer, request, true).await
    }

    async fn reply(&self, answer: Answer, request: &Request, manifest_wanted: bool) -> Result<Reply, Error> {
        let newest = answer.newest.root.get();
        let roots = match request.root < newest {
            true => self.store.roots(Version::new(request.root + 1)?).await?,
            false => Vec::new(),
        };
        Ok(Reply { answer, roots, manifest_wanted })
    }

    /// The facts after images that left the Image repository were taken off the list, and what ECUs return to, or make their
    /// image of, was made to follow what they run.
    async fn relisted(&self, facts: Facts, certificate: Sha256) -> Result<Facts, Error> {
        let catalogue = self.catalogue((facts.image_generation, facts.patch_generation)).await?;
        match relist(&facts, &catalogue)? {
            None => Ok(facts),
            Some(change) => {
                report_relisted(&facts, &change);
                self.change(certificate, change).await
            }
        }
    }

    async fn change(&self, certificate: Sha256, change: Change) -> Result<Facts, Error> {
        self.store.apply(change).await?;
        self.store.by_certificate(certificate).await?.ok_or(Error::UnknownVehicle)
    }

    /// The verified images and the patches of these generations, read again only when another process changed them.
    async fn catalogue(&self, generations: (u64, u64)) -> Result<Arc<Catalogue>, Error> {
        let (known, catalogue) = self.catalogue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known == generations {
            return Ok(catalogue);
        }
        let ((images, files), (generation, patches)) = (self.store.image().await?, self.store.patches().await?);
        let catalogue = Arc::new(images::catalogue(&files)?.with_patches(patches));
        *self.catalogue.lock().unwrap_or_else(PoisonError::into_inner) = ((images, generation), catalogue.clone());
        Ok(catalogue)
    }

    /// Signs with the keys in memory; if the epoch names another, a rotation may have put it into the folder.
    fn signed<T>(&self, sign: impl Fn(&OnlineKeys) -> Result<T, Error>) -> Result<T, Error> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        match (sign(&keys), &self.folder) {
            (Err(Error::KeyMissing { .. }), Some(folder)) => sign(&self.hold(files::online_keys(folder)?)),
            (signed, _) => signed,
        }
    }

    fn note(&self, vehicle: VehicleId, seen: Seen) -> Result<(), Error> {
        let mut known = self.seen();
        match known.get(&vehicle) {
            // Two requests of one vehicle at the same time.
            Some(last) if last.counter >= seen.counter => Err(Error::Conflict),
            _ => {
                known.insert(vehicle, seen);
                Ok(())
            }
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, BTreeMap<VehicleId, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says what an operator must know of a manifest.
fn report(accepted: &crate::facts::Accepted) {
    let vehicle = accepted.vehicle;
    if let Some((from, to)) = accepted.content_seq {
        metrics::counter!("director_restored_total").increment(1);
        tracing::warn!(%vehicle, %from, %to, "a vehicle holds newer metadata than this store can have issued: was it restored from a backup?");
    }
    for ecu in &accepted.went_back {
        tracing::warn!(%vehicle, %ecu, "an ECU's time went back: it restarted without a clock, or was told a wrong time");
    }
    report_frozen(vehicle, &accepted.frozen);
    for (ecu, since) in &accepted.unreachable {
        tracing::warn!(%vehicle, %ecu, %since, "an ECU does not answer its Primary");
    }
    for (ecu, _, report) in &accepted.reports {
        if let Some(attack) = report.attack {
            metrics::counter!("director_attacks_reported_total", "attack" => attack.word()).increment(1);
            tracing::warn!(%vehicle, %ecu, %attack, "an ECU reports an attack");
        }
    }
}

/// Says if a vehicle is no longer told to install the same. What an ECU returns to changes with every update, and so may
/// the patch it is told of.
fn report_relisted(facts: &Facts, change: &Change) {
    let Change::Relist { vehicle, relisted, .. } = change else { return };
    let was_listed = |ecu: EcuId| facts.ecu(ecu)?.desired.as_ref().map(|desired| desired.listed);
    if relisted.iter().any(|now| was_listed(now.ecu) != Some(now.listed)) {
        tracing::warn!(%vehicle, "the images listed for a vehicle changed with the Image repository");
    }
}

fn report_frozen(vehicle: VehicleId, frozen: &[EcuId]) {
    for ecu in frozen {
        metrics::counter!("director_frozen_times_total").increment(1);
        tracing::warn!(%vehicle, %ecu, "an ECU's time stands still: its Primary does not hand it the time, or it refuses it");
    }
}

#[cfg(test)]
mod tests;
