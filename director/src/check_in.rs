//! What a vehicle says, judged against the inventory (§5.3.2.1). Pure: facts and a request in, a verdict out.
//!
//! The vehicle was identified by its TLS certificate before (step 1); the facts are its inventory (step 2). A request that
//! fails one check is dropped as a whole (step 3): nothing is generated for it and the reason is recorded.

use std::collections::BTreeSet;
use std::time::Duration;

use uptane::metadata::{AcceptedVersions, Envelope, Manifest, Report};
use uptane::{Counter, EcuId, Sha256, Time, VehicleId, verify};

use crate::Error;
use crate::epoch::ContentSeq;
use crate::facts::{Accepted, Ecu, Facts, Installed, LastManifest, LastReport, Seen};
use crate::metadata::versions;

/// What follows from a check-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing changed since the last manifest.
    Idle(Seen),
    /// The last manifest once more: its answer may have been lost. The ECUs whose time stands still in it.
    Known(Vec<EcuId>),
    /// The statement is good, but what it refers to is not known here.
    ManifestWanted,
    /// A new manifest, all of whose checks hold.
    News(Box<Accepted>),
}

/// Judges the statement of an idle check-in. `seen` is the highest counter known in memory.
pub fn idle(facts: &Facts, file: &[u8], seen: Option<Counter>, now: Time) -> Result<Verdict, Error> {
    let verified = verify::check_in(file, &primary(facts)?.key)?;
    let check_in = verified.check_in();
    check_sender(facts, check_in.vehicle, check_in.primary)?;
    check_counter(facts, check_in.counter, seen)?;
    match facts.vehicle.manifest {
        Some(last) if last.digest == check_in.manifest && !is_old(primary(facts)?, now) => {
            Ok(Verdict::Idle(Seen { at: now, counter: check_in.counter }))
        }
        _ => Ok(Verdict::ManifestWanted),
    }
}

/// Judges a vehicle version manifest: every check of §5.3.2.1 step 3.
pub fn manifest(facts: &Facts, file: &[u8], seen: Option<Counter>, now: Time) -> Result<Verdict, Error> {
    let digest = Sha256::of(file);
    if facts.vehicle.manifest.is_some_and(|last| last.digest == digest) {
        return Ok(Verdict::Known(frozen(facts, &[], &[])));
    }
    // By the Primary's key and no other ECU's (trap T11).
    let verified = verify::manifest(file, &primary(facts)?.key)?;
    let manifest = verified.view();
    check_sender(facts, manifest.vehicle(), manifest.primary())?;
    check_counter(facts, manifest.counter(), seen)?;
    let unreachable = check_unreachable(facts, &manifest, now)?;
    let reports = check_reports(facts, &manifest, &unreachable, now)?;
    Ok(Verdict::News(Box::new(Accepted {
        vehicle: facts.vehicle.id,
        at: now,
        previous: facts.vehicle.manifest,
        manifest: LastManifest { digest, counter: manifest.counter() },
        file: file.to_vec(),
        content_seq: restored(facts, manifest.director())?,
        went_back: went_back(facts, &reports),
        frozen: frozen(facts, &reports, &unreachable),
        reports,
        unreachable,
    })))
}

fn primary(facts: &Facts) -> Result<&Ecu, Error> {
    // The store's foreign keys do not cover this one.
    facts.ecu(facts.vehicle.primary).ok_or(Error::CorruptStore { column: "primary_ecu" })
}

fn check_sender(facts: &Facts, vehicle: VehicleId, primary: EcuId) -> Result<(), Error> {
    let own = facts.vehicle.id;
    match () {
        () if vehicle != own => Err(Error::WrongVehicle { claimed: vehicle, own }),
        () if primary != facts.vehicle.primary => Err(Error::NotThePrimary { claimed: primary }),
        () => Ok(()),
    }
}

/// Manifests and check-ins of a Primary share one counter.
fn check_counter(facts: &Facts, offered: Counter, seen: Option<Counter>) -> Result<(), Error> {
    let stored = [facts.vehicle.manifest.map(|last| last.counter), facts.vehicle.seen.map(|last| last.counter), seen];
    match stored.into_iter().flatten().max() {
        Some(accepted) if offered <= accepted => Err(Error::CounterBehind { accepted, offered }),
        _ => Ok(()),
    }
}

/// T30: an ECU may be missing if the Primary signs since when it does not answer.
fn check_unreachable(facts: &Facts, manifest: &Manifest<'_>, now: Time) -> Result<Vec<(EcuId, Time)>, Error> {
    let latest = now.saturating_add(CLOCK_SKEW);
    let check = |(ecu, since): (EcuId, Time)| match facts.ecu(ecu) {
        None => Err(Error::UnknownEcu { ecu }),
        Some(_) if since > latest => Err(Error::ReportTime { ecu, reported: since, earliest: Time::EPOCH, latest }),
        Some(_) => Ok((ecu, since)),
    };
    manifest.unreachable().map(check).collect()
}

/// Every inventoried ECU, each once, signed by itself. Returns what is new.
fn check_reports(
    facts: &Facts,
    manifest: &Manifest<'_>,
    unreachable: &[(EcuId, Time)],
    now: Time,
) -> Result<Vec<(EcuId, Installed, LastReport)>, Error> {
    let mut news = Vec::new();
    let mut present = BTreeSet::new();
    for file in manifest.reports() {
        let ecu = claimed_ecu(file)?;
        let ecu = facts.ecu(ecu).ok_or(Error::UnknownEcu { ecu })?;
        if !present.insert(ecu.id) {
            return Err(Error::EcuTwice { ecu: ecu.id });
        }
        if let Some((installed, report)) = check_report(facts, ecu, file, now)? {
            news.push((ecu.id, installed, report));
        }
    }
    let excused = |id| id != facts.vehicle.primary && unreachable.iter().any(|(ecu, _)| *ecu == id);
    match facts.ecus.iter().find(|ecu| !present.contains(&ecu.id) && !excused(ecu.id)) {
        Some(missing) => Err(Error::MissingReport { ecu: missing.id }),
        None => Ok(news),
    }
}

/// Whose report a file claims to be. Good for choosing the key it is verified with, and for nothing else.
fn claimed_ecu(file: &[u8]) -> Result<EcuId, uptane::Error> {
    Ok(Report::decode(Envelope::decode(file)?.signed())?.ecu)
}

/// One report; `None` if it is the last accepted one byte for byte, which is no news.
fn check_report(facts: &Facts, ecu: &Ecu, file: &[u8], now: Time) -> Result<Option<(Installed, LastReport)>, Error> {
    let digest = Sha256::of(file);
    if ecu.last_report.as_ref().is_some_and(|last| last.digest == digest) {
        return Ok(None);
    }
    let verified = verify::report(file, &ecu.key).map_err(unverified(ecu))?;
    let report = verified.report();
    check_identity(facts, ecu, report)?;
    check_freshness(facts, ecu, report, now)?;
    let Report { counter, time, result, attack, .. } = *report;
    Ok(Some((installed(ecu, report)?, LastReport { digest, counter, time, result, attack })))
}

fn check_identity(facts: &Facts, ecu: &Ecu, report: &Report) -> Result<(), Error> {
    if report.vehicle != facts.vehicle.id {
        return Err(Error::WrongVehicle { claimed: report.vehicle, own: facts.vehicle.id });
    }
    if report.hardware_id != ecu.hardware {
        let offered = report.hardware_id.to_string();
        return Err(Error::Hardware { ecu: ecu.id, inventory: Box::new(ecu.hardware), offered });
    }
    Ok(())
}

/// A counter is used once, and an ECU's time lies between the registration of its vehicle and now.
fn check_freshness(facts: &Facts, ecu: &Ecu, report: &Report, now: Time) -> Result<(), Error> {
    if let Some(last) = ecu.last_report.as_ref().filter(|last| report.counter <= last.counter) {
        return Err(Error::CounterReused { ecu: ecu.id, accepted: last.counter, offered: report.counter });
    }
    // No ECU was told a time before its vehicle was registered.
    let earliest = facts.vehicle.registered;
    let latest = now.saturating_add(CLOCK_SKEW);
    if report.time < earliest || report.time > latest {
        return Err(Error::ReportTime { ecu: ecu.id, reported: report.time, earliest, latest });
    }
    Ok(())
}

/// ECUs whose time is earlier than they reported before. An ECU that restarts without a clock loses what passed since its
/// last attestation, and dropping the request would keep it from the next one: it is noticed, not refused.
fn went_back(facts: &Facts, reports: &[(EcuId, Installed, LastReport)]) -> Vec<EcuId> {
    let last = |ecu: EcuId| facts.ecu(ecu)?.last_report.as_ref().map(|last| last.time);
    let earlier = reports.iter().filter(|(ecu, _, report)| last(*ecu).is_some_and(|last| report.time < last));
    earlier.map(|(ecu, _, _)| *ecu).collect()
}

/// ECUs whose time stands still (§5.4.4.1 step 1). Their Primary carries the time to them and cannot make one up, but it
/// can keep it from them, and with it the expiry of old metadata. The vehicle must be updated all the same: this is
/// noticed, not refused.
fn frozen(facts: &Facts, reports: &[(EcuId, Installed, LastReport)], unreachable: &[(EcuId, Time)]) -> Vec<EcuId> {
    let new = |id: EcuId| reports.iter().find(|(ecu, _, _)| *ecu == id).map(|(_, _, report)| report.time);
    let time = |ecu: &Ecu| new(ecu.id).or(ecu.last_report.as_ref().map(|last| last.time));
    // Not by the Primary's word alone: what this Director told it counts too.
    let told = facts.ecu(facts.vehicle.primary).and_then(time).max(facts.vehicle.seen.map(|seen| seen.at));
    let Some(told) = told else { return Vec::new() };
    // One that was away until now has had no chance to be told.
    let was_away = |ecu: &Ecu| ecu.unreachable.is_some() || unreachable.iter().any(|(id, _)| *id == ecu.id);
    let lags = |ecu: &Ecu| time(ecu).is_some_and(|time| told.since(time) > FROZEN_AFTER);
    facts.ecus.iter().filter(|ecu| !was_away(ecu) && lags(ecu)).map(|ecu| ecu.id).collect()
}

/// Whether the Primary last reported so long ago that it must report again: times stand in reports alone, so a vehicle
/// that is always idle would never show one that stands still.
fn is_old(primary: &Ecu, now: Time) -> bool {
    primary.last_report.as_ref().is_some_and(|last| now.since(last.time) > REPORT_AGE)
}

fn unverified(ecu: &Ecu) -> impl FnOnce(uptane::Error) -> Error {
    |cause| Error::Report { ecu: ecu.id, cause: Box::new(cause) }
}

fn installed(ecu: &Ecu, report: &Report) -> Result<Installed, Error> {
    let (name, image) = (report.image.name, &report.image);
    let sha256 = image.hashes.sha256().ok_or(uptane::Error::NoKnownHash);
    let sha256 = sha256.map_err(unverified(ecu))?;
    // Reports do not carry the line; it is known of the images that were assigned or enrolled.
    let assigned = ecu.desired.as_ref().map(|desired| &desired.image).filter(|image| image.name == name);
    let enrolled = ecu.installed.as_ref().filter(|image| image.name == name);
    let line = assigned.map(|image| image.line).or(enrolled.and_then(|image| image.line));
    Ok(Installed { name, length: image.length, sha256, line, counter: image.release_counter })
}

/// D10: a vehicle that accepted higher versions than these facts can give was served by a database that is lost. Its
/// content sequence moves past them, but not further than a lost database explains.
fn restored(facts: &Facts, reported: AcceptedVersions) -> Result<Option<(ContentSeq, ContentSeq)>, Error> {
    let own = versions(facts)?;
    if let Some(root) = reported.root.filter(|root| *root > own.root) {
        return Err(Error::RootAhead { reported: root.get(), newest: own.root });
    }
    let pairs =
        [(reported.timestamp, own.timestamp), (reported.snapshot, own.snapshot), (reported.targets, own.targets)];
    let ahead = pairs.into_iter().filter_map(|(reported, own)| reported.filter(|reported| *reported > own));
    let Some(highest) = ahead.max() else { return Ok(None) };
    let (current, next) = (facts.vehicle.content_seq, ContentSeq::above(highest.get())?);
    if next.get() - current.get() > MAX_RESTORED {
        return Err(Error::ImplausibleVersion { reported: highest.get() });
    }
    Ok(Some((current, next)))
}

/// How far an ECU's clock may be ahead of this server's.
const CLOCK_SKEW: Duration = Duration::from_secs(600);
/// How far an ECU's time may be behind what its vehicle was told; each check-in brings it a new one.
const FROZEN_AFTER: Duration = Duration::from_secs(86_400);
/// How long idle check-ins may follow each other before a manifest is asked for.
const REPORT_AGE: Duration = Duration::from_secs(30 * 86_400);
/// Content changes a lost database may have made after its backup.
const MAX_RESTORED: u64 = 1 << 16;

#[cfg(test)]
mod tests;
