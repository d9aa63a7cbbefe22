//! What is said to the Director: check-ins, manifests, and the reports they are made of.

use std::collections::BTreeMap;

use host::disk::Bulk;
use host::provisioning::VehicleEcu;
use uptane::sign::{CheckInBuilder, InstalledImage, ManifestBuilder, ReportBuilder, ReportedVersions, Signer};
use uptane::verify;
use uptane::{Attack, CampaignId, EcuId, Nonce, ResultCode, Sha256, Time, TransactionId, Version};

use super::{Ask, News, Node};
use crate::Error;
use crate::machine::{Answer, CheckIn};
use crate::status::Image;
use crate::store::{AcceptedManifest, Outcome, Told};

/// A check-in, as it goes to the Director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckInRequest {
    /// Versions held: Root, Timestamp, Snapshot, Targets; 0 for none.
    pub versions: [u64; 4],
    /// Nonces for the time attestation, the Primary's own first.
    pub nonces: Vec<Nonce>,
    /// What the Primary says of its vehicle.
    pub statement: Statement,
}

/// What a Primary says of its vehicle: a signed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Nothing changed since the last accepted manifest.
    Idle(Vec<u8>),
    /// The vehicle version manifest.
    Manifest(Vec<u8>),
}

impl<D: Bulk + Clone, S: Signer> Node<D, S> {
    /// A check-in: idle, or with a full manifest.
    pub(super) fn check_in(&mut self, check_in: &CheckIn) -> Result<(), Error> {
        let statement = match &check_in.full {
            None => {
                self.telling = None;
                Statement::Idle(self.idle()?)
            }
            Some(told) => {
                let manifest = self.manifest(check_in, told)?;
                self.telling = Some((Sha256::of(&manifest), told.clone()));
                Statement::Manifest(manifest)
            }
        };
        let CheckIn { versions, nonces, .. } = check_in;
        let request = CheckInRequest { versions: *versions, nonces: nonces.clone(), statement };
        self.ask(Ask::CheckIn(Box::new(request)));
        Ok(())
    }

    /// What the Director answered. A manifest it took is remembered, so that the next check-in may be idle.
    pub(super) fn checked_in(
        &mut self,
        answer: Result<Box<Answer>, Error>,
    ) -> Result<Result<Box<Answer>, Error>, Error> {
        let told = self.telling.take();
        if let Err(Error::Behind { .. }) = &answer {
            self.store.leave_counters_out()?;
        }
        let Ok(reply) = &answer else {
            self.tell(News::NotCheckedIn);
            return Ok(answer);
        };
        self.tell(News::CheckedIn { full: told.is_some() });
        if let Some((sha256, told)) = told.filter(|_| !reply.manifest_wanted) {
            let manifest = AcceptedManifest { sha256: sha256.to_string(), told };
            self.store.remember(|memory| memory.manifest = Some(manifest))?;
        }
        Ok(answer)
    }

    /// Checks a Secondary's report and stores it; says whether there was one.
    pub(super) fn keep_report(&mut self, ecu: EcuId, nonce: Nonce, report: Option<Vec<u8>>) -> Result<bool, Error> {
        let Some(file) = report else { return Ok(false) };
        let known = self.vehicle.ecus.iter().find(|known| known.ecu == ecu);
        let Some(image) = known.and_then(|known| self.reported_image(known, nonce, &file)) else {
            tracing::warn!(%ecu, "its report is not signed by it, or answers another question");
            return Ok(false);
        };
        self.tell(News::Reported(ecu, image));
        self.store.keep_report(ecu, &file)?;
        Ok(true)
    }

    /// The image a report names, if that ECU signed it for this vehicle and nonce.
    fn reported_image(&self, ecu: &VehicleEcu, nonce: Nonce, file: &[u8]) -> Option<Image> {
        let verified = verify::report(file, &ecu.key).ok()?;
        let report = verified.report();
        let is_its_own = report.ecu == ecu.ecu && report.vehicle == self.vehicle.id && report.nonce == Some(nonce);
        let sha256 = report.image.hashes.sha256().filter(|_| is_its_own)?;
        let release_counter = report.image.release_counter.get();
        Some(Image { name: report.image.name.to_string(), sha256: sha256.to_string(), release_counter })
    }

    /// Nothing changed since the manifest that the Director accepted last.
    fn idle(&mut self) -> Result<Vec<u8>, Error> {
        let manifest = self.store.memory().manifest.as_ref();
        // The machine says so only where there is one.
        let manifest = manifest.and_then(|manifest| Sha256::parse(&manifest.sha256).ok()).unwrap_or(Sha256([0; 32]));
        let counter = self.store.next_counter()?;
        let (vehicle, primary) = (self.vehicle.id, self.vehicle.primary.ecu);
        Ok(CheckInBuilder { vehicle, primary, counter, manifest }.sign(&self.signer)?)
    }

    /// The vehicle version manifest (§5.4.2.1): own report first, then every Secondary's newest one.
    fn manifest(&mut self, check_in: &CheckIn, told: &Told) -> Result<Vec<u8>, Error> {
        let since = self.unreachable_since(&told.unreachable)?;
        let [root, timestamp, snapshot, targets] = check_in.versions.map(|version| Version::new(version).ok());
        let own = self.own_report(check_in.report_nonce, &told.outcome, targets)?;
        let versions = ReportedVersions { root, timestamp, snapshot, targets };
        let (vehicle, primary) = (self.vehicle.id, self.vehicle.primary.ecu);
        let mut manifest = ManifestBuilder::new(vehicle, self.store.next_counter()?, versions, primary, own);
        if let Some(attack) = attack(&told.outcome) {
            manifest = manifest.attack(attack);
        }
        for ecu in self.vehicle.ecus.iter().map(|ecu| ecu.ecu).filter(|ecu| *ecu != primary) {
            if let Some(report) = self.store.report(ecu)? {
                manifest = manifest.report(ecu, report)?;
            }
            if let Some(since) = since.get(ecu.as_str()) {
                manifest = manifest.unreachable(ecu, Time::from_unix(*since)?)?;
            }
        }
        Ok(manifest.sign(&self.signer)?)
    }

    /// Since when each of these ECUs does not answer (trap T30), remembered across restarts.
    fn unreachable_since(&mut self, unreachable: &[String]) -> Result<BTreeMap<String, u64>, Error> {
        let now = self.store.time().unix();
        let before = &self.store.memory().unreachable;
        let since = |ecu: &String| (ecu.clone(), before.get(ecu).copied().unwrap_or(now));
        let since: BTreeMap<String, u64> = unreachable.iter().map(since).collect();
        self.store.remember(|memory| memory.unreachable.clone_from(&since))?;
        Ok(since)
    }

    /// The Primary's own version report (§5.4.2.1.2).
    fn own_report(&mut self, nonce: Nonce, outcome: &Outcome, targets: Option<Version>) -> Result<Vec<u8>, Error> {
        let running = self.slots.running()?;
        let own = self.vehicle.ecus.iter().find(|ecu| ecu.ecu == self.vehicle.primary.ecu);
        let hardware_id = own.ok_or(uptane::Error::UnknownEcu)?.hardware;
        let image = InstalledImage {
            name: running.name,
            length: running.length,
            sha256: running.sha256,
            release_counter: running.counter,
        };
        let report = ReportBuilder {
            ecu: self.vehicle.primary.ecu,
            hardware_id,
            vehicle: self.vehicle.id,
            counter: self.store.next_counter()?,
            time: self.store.time(),
            image,
            result: ResultCode::from_word(&outcome.result).unwrap_or(ResultCode::None),
            attack: attack(outcome),
            targets_version: targets,
            nonce: Some(nonce),
            transaction: outcome.transaction.as_ref().and_then(|id| TransactionId::parse(id).ok()),
            campaign: outcome.campaign.as_ref().and_then(|id| CampaignId::parse(id).ok()),
        };
        let report = report.sign(&self.signer)?;
        self.store.keep_report(self.vehicle.primary.ecu, &report)?;
        Ok(report)
    }
}

fn attack(outcome: &Outcome) -> Option<Attack> {
    Attack::from_word(outcome.attack.as_ref()?)
}
