//! `director vehicle list` and `show`.

use host::provisioning::Banks;
use serde_json::{Value, json};
use uptane::VehicleId;

use super::Data;
use crate::Error;
use crate::facts::{Desired, Ecu, Facts, Installed};
use crate::metadata::versions;
use crate::store::{Refused, Store as _};

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    data: Data,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    data: Data,
    /// The vehicle's id
    #[arg(long, value_name = "ID", value_parser = VehicleId::parse)]
    vehicle: VehicleId,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(args: &ListArgs) -> Result<(), Error> {
    let store = args.data.open().await?;
    let mut all = Vec::new();
    for id in store.vehicles().await? {
        all.extend(store.by_id(id).await?);
    }
    if args.json {
        host::cli::print(all.iter().map(json_of).collect::<Result<Value, _>>()?);
        return Ok(());
    }
    let row = |facts: &Facts| {
        let vehicle = &facts.vehicle;
        let on_list = facts.ecus.iter().filter(|ecu| ecu.desired.is_some()).count();
        let last = vehicle.seen.map_or("-".to_owned(), |seen| seen.at.to_string());
        let vin = vehicle.vin.clone().unwrap_or_else(|| "-".to_owned());
        [vehicle.id.to_string(), vin, facts.ecus.len().to_string(), on_list.to_string(), last]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    host::cli::print(host::cli::table(["VEHICLE", "VIN", "ECUS", "ASSIGNED", "LAST IDLE CHECK-IN"], &rows));
    Ok(())
}

pub(super) async fn show(args: &ShowArgs) -> Result<(), Error> {
    let store = args.data.open().await?;
    let facts = store.by_id(args.vehicle).await?.ok_or(Error::UnknownVehicle)?;
    let refused = store.refused(args.vehicle).await?;
    if args.json {
        let mut shown = json_of(&facts)?;
        if let Some(members) = shown.as_object_mut() {
            members.insert("refused".to_owned(), refused.iter().map(json_of_refused).collect());
        }
        host::cli::print(shown);
        return Ok(());
    }
    let versions = versions(&facts)?;
    host::cli::print(format_args!("vehicle {}, Primary {}", facts.vehicle.id, facts.vehicle.primary));
    host::cli::print(format_args!(
        "Targets version {}, Timestamp {}, Root {}",
        versions.targets, versions.timestamp, versions.root
    ));
    let rows: Vec<_> = facts.ecus.iter().map(row_of).collect();
    host::cli::print(host::cli::table(["ECU", "HARDWARE", "RUNS", "SHALL RUN", "RESULT", "ATTACK"], &rows));
    for Refused { at, reason, attack } in refused {
        let attack = attack.map_or("no attack", |attack| attack.word());
        host::cli::print(format_args!("dropped at {at}: {} ({attack})", host::cli::one_line(&reason)));
    }
    Ok(())
}

fn row_of(ecu: &Ecu) -> [String; 6] {
    let none = || "-".to_owned();
    let shall = ecu.desired.as_ref().map(|desired| shall_run(ecu, desired));
    let report = ecu.last_report.as_ref();
    let result = match ecu.unreachable {
        Some(since) => Some(format!("unreachable since {since}")),
        None => report.map(|report| report.result.to_string()),
    };
    [
        ecu.id.to_string(),
        ecu.hardware.to_string(),
        ecu.installed.as_ref().map_or_else(none, |image| image.name.to_string()),
        shall.unwrap_or_else(none),
        result.unwrap_or_else(none),
        report.and_then(|report| report.attack).map_or_else(none, |attack| attack.to_string()),
    ]
}

fn shall_run(ecu: &Ecu, desired: &Desired) -> String {
    let (name, fallback, delta) = (desired.image.name, desired.fallback, desired.delta);
    let runs_it = ecu.installed.is_some_and(|installed| installed.name == name);
    match (desired.listed, ecu.banks, fallback) {
        (false, _, _) => format!("{name} (left the Image repository)"),
        (true, Banks::Single, Some(fallback)) => format!("{name} (or else {fallback})"),
        // Its Primary does not begin what there is no way back from.
        (true, Banks::Single, None) if !runs_it => format!("{name} (nothing to return to)"),
        (true, Banks::Single | Banks::Two, _) => match delta.filter(|_| !runs_it) {
            Some(patch) => format!("{name} (by {})", patch.name),
            None => name.to_string(),
        },
    }
}

fn json_of(facts: &Facts) -> Result<Value, Error> {
    let (vehicle, epoch, versions) = (&facts.vehicle, &facts.epoch, versions(facts)?);
    Ok(json!({
        "vehicle": vehicle.id.to_string(),
        "vin": vehicle.vin,
        "primary": vehicle.primary.to_string(),
        "registered": vehicle.registered.to_string(),
        "last_idle": vehicle.seen.map(|seen| seen.at.to_string()),
        "content_seq": vehicle.content_seq.get(),
        "epoch": { "daily": epoch.daily.get(), "monthly": epoch.monthly.get(), "format": epoch.format },
        "versions": {
            "root": versions.root.get(),
            "timestamp": versions.timestamp.get(),
            "snapshot": versions.snapshot.get(),
            "targets": versions.targets.get(),
        },
        "ecus": facts.ecus.iter().map(json_of_ecu).collect::<Value>(),
    }))
}

fn json_of_ecu(ecu: &Ecu) -> Value {
    let report = ecu.last_report.as_ref();
    json!({
        "ecu": ecu.id.to_string(),
        "hardware_id": ecu.hardware.to_string(),
        "verification": ecu.verification.word(),
        "banks": ecu.banks.word(),
        "public_key": ecu.key.to_string(),
        "installed": ecu.installed.as_ref().map(json_of_installed),
        "desired": ecu.desired.as_ref().map(|desired| json!({
            "name": desired.image.name.to_string(),
            "release_counter": desired.image.counter.get(),
            "listed": desired.listed,
            "fallback": desired.fallback.map(|name| name.to_string()),
            "delta": desired.delta.map(|patch| patch.name.to_string()),
        })),
        "result": report.map(|report| report.result.word()),
        "attack": report.and_then(|report| report.attack).map(|attack| attack.word()),
        "unreachable_since": ecu.unreachable.map(|since| since.to_string()),
    })
}

fn json_of_installed(image: &Installed) -> Value {
    json!({
        "name": image.name.to_string(),
        "length": image.length.get(),
        "sha256": image.sha256.to_string(),
        "release_counter": image.counter.get(),
    })
}

fn json_of_refused(refused: &Refused) -> Value {
    json!({
        "at": refused.at.to_string(),
        "reason": refused.reason,
        "attack": refused.attack.map(|attack| attack.word()),
    })
}
