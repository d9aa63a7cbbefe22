//! Each kind of change as SQL. A statement that touches no row where it must touch one is a conflict.

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Sqlite, query::Query};
use uptane::metadata::NamedDelta;
use uptane::{EcuId, Length, ReleaseCounter, TargetNameBuf, Time, VehicleId, Version};

use super::MAX_REFUSED;
use super::sqlite::integer;
use super::statements::write;
use crate::Error;
use crate::epoch::{ContentSeq, Epoch};
use crate::facts::{
    Accepted, Change, Desired, Ecu, ImageFiles, Installed, LastReport, NewVehicle, Patch, Relisted, Seen, Vehicle,
};

/// Applies one change on an open transaction.
pub(super) async fn apply(to: &mut SqliteConnection, change: Change) -> Result<(), Error> {
    match change {
        Change::Register(new) => register(to, *new).await,
        Change::Assign { vehicle, expected, next, desired } => {
            advance_content(to, vehicle, expected, next).await?;
            assign(to, vehicle, desired).await
        }
        Change::Relist { vehicle, expected, next, relisted } => {
            advance_content(to, vehicle, expected, next).await?;
            relist(to, vehicle, relisted).await
        }
        Change::Accept(accepted) => accept(to, *accepted).await,
        Change::Refuse { vehicle, at, reason, attack } => {
            refuse(to, vehicle, at, reason, attack.map(|a| a.word())).await
        }
        Change::Seen(batch) => see(to, batch).await,
        Change::Epoch(next) => advance_epoch(to, next).await,
        Change::Root { version, file, epoch } => publish_root(to, version, file, epoch).await,
        Change::Image { expected, files } => keep_image(to, expected, files).await,
        Change::AddPatch { expected, patch } => add_patch(to, expected, *patch).await,
        Change::RemovePatch { expected, name } => remove_patch(to, expected, name).await,
    }
}

async fn register(to: &mut SqliteConnection, new: NewVehicle) -> Result<(), Error> {
    let Vehicle { id, vin, certificate, primary, registered, content_seq, manifest: _, seen: _ } = new.vehicle;
    let insert = write(
        "INSERT INTO vehicle (vehicle, vin, certificate, primary_ecu, registered, content_seq) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    );
    let insert = insert.bind(id.to_string()).bind(vin).bind(certificate.to_string()).bind(primary.to_string());
    let inserted = insert.bind(integer(registered.unix())?).bind(integer(content_seq.get())?).execute(&mut *to).await;
    inserted.map_err(|error| unique_or(error, Error::AlreadyRegistered))?;
    for ecu in new.ecus {
        insert_ecu(to, id, ecu).await?;
    }
    Ok(())
}

async fn insert_ecu(to: &mut SqliteConnection, vehicle: VehicleId, ecu: Ecu) -> Result<(), Error> {
    let insert = write(
        "INSERT INTO ecu (vehicle, ecu, hardware, verification, banks, public_key, installed_name, installed_length, \
         installed_sha256, installed_line, installed_counter) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    );
    let insert = insert.bind(vehicle.to_string()).bind(ecu.id.to_string()).bind(ecu.hardware.to_string());
    let insert = insert.bind(ecu.verification.word()).bind(ecu.banks.word()).bind(ecu.key.to_string());
    let insert = bind_installed(insert, ecu.installed.as_ref())?;
    insert.execute(to).await.map_err(|error| unique_or(error, Error::EcuTwice { ecu: ecu.id }))?;
    Ok(())
}

/// Binds name, length, digest, line and counter, in this order.
fn bind_installed<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    installed: Option<&Installed>,
) -> Result<Query<'q, Sqlite, SqliteArguments>, Error> {
    let length = installed.map(|image| integer(Length::get(image.length))).transpose()?;
    let counter = installed.map(|image| integer(ReleaseCounter::get(image.counter))).transpose()?;
    let query = query.bind(installed.map(|image| image.name.to_string())).bind(length);
    let query = query.bind(installed.map(|image| image.sha256.to_string()));
    Ok(query.bind(installed.and_then(|image| image.line).map(|line| line.to_string())).bind(counter))
}

/// Binds name, length, digest and base, in this order.
fn bind_delta(
    query: Query<'_, Sqlite, SqliteArguments>,
    named: Option<NamedDelta>,
) -> Result<Query<'_, Sqlite, SqliteArguments>, Error> {
    let delta = named.map(|named| named.delta);
    let length = delta.map(|delta| integer(delta.length.get())).transpose()?;
    let query = query.bind(named.map(|named| named.name.to_string())).bind(length);
    let query = query.bind(delta.map(|delta| delta.sha256.to_string()));
    Ok(query.bind(delta.map(|delta| delta.base.to_string())))
}

async fn advance_content(
    to: &mut SqliteConnection,
    vehicle: VehicleId,
    expected: ContentSeq,
    next: ContentSeq,
) -> Result<(), Error> {
    let update = write("UPDATE vehicle SET content_seq = ?3 WHERE vehicle = ?1 AND content_seq = ?2");
    let update = update.bind(vehicle.to_string()).bind(integer(expected.get())?).bind(integer(next.get())?);
    one(update.execute(to).await?.rows_affected())
}

async fn assign(to: &mut SqliteConnection, vehicle: VehicleId, desired: Vec<(EcuId, Desired)>) -> Result<(), Error> {
    for (ecu, Desired { image, listed, fallback, delta }) in desired {
        let hardware: Vec<_> = image.hardware.iter().map(|id| id.as_str()).collect();
        let insert = write(
            "INSERT OR REPLACE INTO desired (vehicle, ecu, name, length, sha256, sha512, hardware, line, counter, listed, \
             fallback, delta_name, delta_length, delta_sha256, delta_base) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        );
        let insert = insert.bind(vehicle.to_string()).bind(ecu.to_string()).bind(image.name.to_string());
        let insert = insert.bind(integer(image.length.get())?).bind(image.hashes.sha256().map(|hash| hash.to_string()));
        let insert = insert.bind(image.hashes.sha512().map(|hash| hash.to_string())).bind(hardware.join(" "));
        let insert = insert.bind(image.line.to_string()).bind(integer(image.counter.get())?);
        let insert = bind_delta(insert.bind(listed).bind(fallback.map(|name| name.to_string())), delta)?;
        // An ECU that is not of this vehicle breaks the foreign key.
        insert.execute(&mut *to).await.map_err(|error| foreign_or(error, Error::Conflict))?;
    }
    Ok(())
}

async fn relist(to: &mut SqliteConnection, vehicle: VehicleId, relisted: Vec<Relisted>) -> Result<(), Error> {
    for Relisted { ecu, listed, fallback, delta } in relisted {
        let update = write(
            "UPDATE desired SET listed = ?3, fallback = ?4, delta_name = ?5, delta_length = ?6, delta_sha256 = ?7, \
             delta_base = ?8 WHERE vehicle = ?1 AND ecu = ?2",
        );
        let update = update.bind(vehicle.to_string()).bind(ecu.to_string()).bind(listed);
        let update = bind_delta(update.bind(fallback.map(|name| name.to_string())), delta)?;
        one(update.execute(&mut *to).await?.rows_affected())?;
    }
    Ok(())
}

async fn accept(to: &mut SqliteConnection, accepted: Accepted) -> Result<(), Error> {
    let vehicle = accepted.vehicle.to_string();
    let update = write(
        "UPDATE vehicle SET manifest_digest = ?2, manifest_counter = ?3 \
         WHERE vehicle = ?1 AND manifest_digest IS ?4",
    );
    let update = update.bind(&vehicle).bind(accepted.manifest.digest.to_string());
    let update = update.bind(integer(accepted.manifest.counter.get())?);
    let update = update.bind(accepted.previous.map(|manifest| manifest.digest.to_string()));
    one(update.execute(&mut *to).await?.rows_affected())?;
    if let Some((expected, next)) = accepted.content_seq {
        advance_content(to, accepted.vehicle, expected, next).await?;
    }
    for (ecu, installed, report) in accepted.reports {
        report_ecu(to, &vehicle, ecu, &installed, &report).await?;
    }
    reach(to, &vehicle, accepted.unreachable).await?;
    let insert = write("INSERT INTO manifest (vehicle, counter, received, digest, file) VALUES (?1, ?2, ?3, ?4, ?5)");
    let insert = insert.bind(&vehicle).bind(integer(accepted.manifest.counter.get())?);
    let insert = insert.bind(integer(accepted.at.unix())?).bind(accepted.manifest.digest.to_string());
    insert.bind(accepted.file).execute(&mut *to).await.map_err(|error| unique_or(error, Error::Conflict))?;
    Ok(())
}

async fn report_ecu(
    to: &mut SqliteConnection,
    vehicle: &str,
    ecu: EcuId,
    installed: &Installed,
    report: &LastReport,
) -> Result<(), Error> {
    let update = write(
        "UPDATE ecu SET installed_name = ?3, installed_length = ?4, installed_sha256 = ?5, installed_line = ?6, \
         installed_counter = ?7, report_digest = ?8, report_counter = ?9, report_time = ?10, report_result = ?11, \
         report_attack = ?12 WHERE vehicle = ?1 AND ecu = ?2",
    );
    let update = bind_installed(update.bind(vehicle.to_owned()).bind(ecu.to_string()), Some(installed))?;
    let update = update.bind(report.digest.to_string()).bind(integer(report.counter.get())?);
    let update = update.bind(integer(report.time.unix())?).bind(report.result.word());
    let update = update.bind(report.attack.map(|attack| attack.word()));
    one(update.execute(to).await?.rows_affected())
}

async fn reach(to: &mut SqliteConnection, vehicle: &str, unreachable: Vec<(EcuId, Time)>) -> Result<(), Error> {
    let clear = write("UPDATE ecu SET unreachable = NULL WHERE vehicle = ?1 AND unreachable IS NOT NULL");
    clear.bind(vehicle).execute(&mut *to).await?;
    for (ecu, since) in unreachable {
        let update = write("UPDATE ecu SET unreachable = ?3 WHERE vehicle = ?1 AND ecu = ?2");
        let update = update.bind(vehicle).bind(ecu.to_string()).bind(integer(since.unix())?);
        one(update.execute(&mut *to).await?.rows_affected())?;
    }
    Ok(())
}

async fn refuse(
    to: &mut SqliteConnection,
    vehicle: VehicleId,
    at: Time,
    reason: String,
    attack: Option<&'static str>,
) -> Result<(), Error> {
    let insert = write(
        "INSERT INTO refused (vehicle, number, at, reason, attack) \
         SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4 FROM refused WHERE vehicle = ?1",
    );
    let insert = insert.bind(vehicle.to_string()).bind(integer(at.unix())?).bind(reason).bind(attack);
    insert.execute(&mut *to).await?;
    let prune = write(
        "DELETE FROM refused WHERE vehicle = ?1 \
         AND number <= (SELECT max(number) FROM refused WHERE vehicle = ?1) - ?2",
    );
    let kept = i64::try_from(MAX_REFUSED).map_err(|_| Error::VersionsExhausted)?;
    prune.bind(vehicle.to_string()).bind(kept).execute(to).await?;
    Ok(())
}

async fn see(to: &mut SqliteConnection, batch: Vec<(VehicleId, Seen)>) -> Result<(), Error> {
    for (vehicle, seen) in batch {
        // A vehicle that was removed meanwhile is skipped; two processes may flush in any order.
        let upsert = write(
            "INSERT INTO seen (vehicle, at, counter) SELECT vehicle, ?2, ?3 FROM vehicle WHERE vehicle = ?1 \
             ON CONFLICT (vehicle) DO UPDATE SET at = excluded.at, counter = excluded.counter \
             WHERE excluded.counter > seen.counter",
        );
        let upsert = upsert.bind(vehicle.to_string()).bind(integer(seen.at.unix())?);
        upsert.bind(integer(seen.counter.get())?).execute(&mut *to).await?;
    }
    Ok(())
}

async fn advance_epoch(to: &mut SqliteConnection, next: Epoch) -> Result<(), Error> {
    let Epoch { daily, daily_issued, monthly, monthly_issued, root, format, keys, .. } = &next;
    let insert = write(
        "INSERT INTO epoch (daily, daily_issued, monthly, monthly_issued, root, format, timestamp_key, snapshot_key, \
         targets_key, time_key, timestamp_lifetime, targets_lifetime) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12 \
         WHERE ?1 = (SELECT coalesce(max(daily), 0) + 1 FROM epoch)",
    );
    let insert = insert.bind(i64::from(daily.get())).bind(integer(daily_issued.unix())?);
    let insert = insert.bind(i64::from(monthly.get())).bind(integer(monthly_issued.unix())?);
    let insert = insert.bind(integer(root.get())?).bind(i64::from(*format));
    let insert = insert.bind(keys.timestamp.to_string()).bind(keys.snapshot.to_string());
    let insert = insert.bind(keys.targets.to_string()).bind(keys.time.to_string());
    let insert =
        insert.bind(integer(next.timestamp_lifetime.as_secs())?).bind(integer(next.targets_lifetime.as_secs())?);
    one(insert.execute(to).await?.rows_affected())
}

async fn publish_root(to: &mut SqliteConnection, version: Version, file: Vec<u8>, epoch: Epoch) -> Result<(), Error> {
    let insert = write("INSERT INTO root (version, file) VALUES (?1, ?2)").bind(integer(version.get())?).bind(file);
    insert.execute(&mut *to).await.map_err(|error| unique_or(error, Error::Conflict))?;
    advance_epoch(to, epoch).await
}

async fn keep_image(to: &mut SqliteConnection, expected: u64, files: ImageFiles) -> Result<(), Error> {
    let update = write(
        "UPDATE image_repository SET generation = generation + 1, root = ?2, timestamp = ?3, snapshot = ?4, \
         targets = ?5 WHERE generation = ?1",
    );
    let update = update.bind(integer(expected)?).bind(files.root).bind(files.timestamp);
    one(update.bind(files.snapshot).bind(files.targets).execute(to).await?.rows_affected())
}

async fn add_patch(to: &mut SqliteConnection, expected: u64, patch: Patch) -> Result<(), Error> {
    advance_patches(to, expected).await?;
    let insert = write("INSERT INTO patch (name, length, sha256, base, makes) VALUES (?1, ?2, ?3, ?4, ?5)");
    let insert = bind_delta(insert, Some(patch.named))?.bind(patch.makes.to_string());
    insert.execute(to).await.map_err(|error| unique_or(error, Error::Conflict))?;
    Ok(())
}

async fn remove_patch(to: &mut SqliteConnection, expected: u64, name: TargetNameBuf) -> Result<(), Error> {
    advance_patches(to, expected).await?;
    one(write("DELETE FROM patch WHERE name = ?1").bind(name.to_string()).execute(to).await?.rows_affected())
}

async fn advance_patches(to: &mut SqliteConnection, expected: u64) -> Result<(), Error> {
    let update = write("UPDATE patches SET generation = generation + 1 WHERE generation = ?1");
    one(update.bind(integer(expected)?).execute(to).await?.rows_affected())
}

fn one(rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Conflict) }
}

fn unique_or(error: sqlx::Error, meaning: Error) -> Error {
    let unique = error.as_database_error().is_some_and(|error| error.is_unique_violation());
    if unique { meaning } else { error.into() }
}

fn foreign_or(error: sqlx::Error, meaning: Error) -> Error {
    let foreign = error.as_database_error().is_some_and(|error| error.is_foreign_key_violation());
    if foreign { meaning } else { error.into() }
}
