//! The store in one SQLite file.
//!
//! Readers share a small pool and see every committed change, also those of another process. All changes of this process
//! go through [`super::writer`], one connection that commits groups of them with `synchronous=FULL`.

use std::path::Path;
use std::time::Duration;

use sqlx::SqlSafeStr as _;
use sqlx::SqlitePool;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use uptane::{Sha256, VehicleId, Version};

use super::statements::read;
use super::writer::Writer;
use super::{Refused, Store, rows};
use crate::Error;
use crate::epoch::Epoch;
use crate::facts::{Change, Facts, ImageFiles, Patch};

/// A store in a file.
#[derive(Clone, Debug)]
pub struct Sqlite {
    readers: SqlitePool,
    writer: Writer,
}

impl Sqlite {
    /// Makes a new store; refuses if the file exists.
    pub async fn create(path: &Path) -> Result<Self, Error> {
        if path.exists() {
            return Err(Error::AlreadyInitialised);
        }
        // The inventory is private (§5.3.2.2); SQLite gives its other files the mode of this one.
        host::disk::create(path, &[], host::disk::Access::Private)?;
        Self::connect(options(path)).await
    }

    /// Opens a store that [`Self::create`] made, bringing its schema up to this release's.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            return Err(Error::NotInitialised);
        }
        Self::connect(options(path)).await
    }

    async fn connect(options: SqliteConnectOptions) -> Result<Self, Error> {
        let writer = Writer::start(&options, &Migrator::with_migrations(migrations())).await?;
        let readers = SqlitePoolOptions::new().max_connections(READERS).test_before_acquire(false);
        let readers = readers.connect_with(options.pragma("query_only", "on")).await?;
        Ok(Self { readers, writer })
    }
}

impl Store for Sqlite {
    async fn by_certificate(&self, certificate: Sha256) -> Result<Option<Facts>, Error> {
        let query = read(BY_CERTIFICATE).bind(certificate.to_string());
        rows::facts(&query.fetch_all(&self.readers).await?)
    }

    async fn by_id(&self, vehicle: VehicleId) -> Result<Option<Facts>, Error> {
        let query = read(BY_ID).bind(vehicle.to_string());
        rows::facts(&query.fetch_all(&self.readers).await?)
    }

    async fn vehicles(&self) -> Result<Vec<VehicleId>, Error> {
        let rows = read("SELECT vehicle FROM vehicle ORDER BY vehicle").fetch_all(&self.readers).await?;
        rows.iter().map(|row| rows::one(row, "vehicle")).collect()
    }

    async fn epoch(&self) -> Result<Option<Epoch>, Error> {
        let query = read("SELECT * FROM epoch ORDER BY daily DESC LIMIT 1");
        query.fetch_optional(&self.readers).await?.as_ref().map(rows::epoch).transpose()
    }

    async fn roots(&self, first: Version) -> Result<Vec<Vec<u8>>, Error> {
        let query = read("SELECT file FROM root WHERE version >= ?1 ORDER BY version");
        let rows = query.bind(integer(first.get())?).fetch_all(&self.readers).await?;
        rows.iter().map(rows::file).collect()
    }

    async fn image(&self) -> Result<(u64, ImageFiles), Error> {
        rows::image(&read("SELECT * FROM image_repository").fetch_one(&self.readers).await?)
    }

    async fn patches(&self) -> Result<(u64, Vec<Patch>), Error> {
        // One statement, so that the generation is that of the rows; without a patch it gives one row of nulls.
        let query = read("SELECT * FROM patches LEFT JOIN patch ON true ORDER BY name");
        let rows = query.fetch_all(&self.readers).await?;
        let first = rows.first().ok_or(Error::CorruptStore { column: "generation" })?;
        let patches = rows.iter().filter_map(|row| rows::patch(row).transpose()).collect::<Result<_, _>>()?;
        Ok((rows::number(first, "generation")?, patches))
    }

    async fn refused(&self, vehicle: VehicleId) -> Result<Vec<Refused>, Error> {
        let query = read("SELECT at, reason, attack FROM refused WHERE vehicle = ?1 ORDER BY number");
        let rows = query.bind(vehicle.to_string()).fetch_all(&self.readers).await?;
        rows.iter().map(rows::refused).collect()
    }

    async fn apply(&self, change: Change) -> Result<(), Error> {
        self.writer.apply(change).await
    }
}

/// A number as SQLite keeps it. Every number of ours is below 2⁵³.
pub(super) fn integer(number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|_| Error::VersionsExhausted)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
}

/// Every step from an empty file to this release's schema.
fn migrations() -> Vec<Migration> {
    let inventory = include_str!("../../migrations/0001_inventory.sql");
    let single_bank = include_str!("../../migrations/0002_single_bank.sql");
    let step = |number, name: &'static str, sql: &'static str| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let patches = include_str!("../../migrations/0003_patches.sql");
    vec![step(1, "inventory", inventory), step(2, "single bank", single_bank), step(3, "patches", patches)]
}

/// The vehicle, its ECUs and the epoch in one statement, so that they belong together.
macro_rules! facts_where {
    ($condition:literal) => {
        concat!(
            "SELECT v.vehicle, v.vin, v.certificate, v.primary_ecu, v.registered, v.content_seq, \
             v.manifest_digest, v.manifest_counter, s.at AS seen_at, s.counter AS seen_counter, i.generation AS image_generation, \
             p.generation AS patch_generation, e.*, \
             u.ecu, u.hardware, u.verification, u.banks, u.public_key, u.installed_name, u.installed_length, \
             u.installed_sha256, u.installed_line, u.installed_counter, u.report_digest, u.report_counter, \
             u.report_time, u.report_result, u.report_attack, u.unreachable, \
             d.name AS desired_name, d.length AS desired_length, d.sha256 AS desired_sha256, \
             d.sha512 AS desired_sha512, d.hardware AS desired_hardware, d.line AS desired_line, \
             d.counter AS desired_counter, d.listed AS desired_listed, d.fallback AS desired_fallback, \
             d.delta_name, d.delta_length, d.delta_sha256, d.delta_base \
             FROM vehicle v \
             JOIN ecu u ON u.vehicle = v.vehicle \
             JOIN epoch e ON e.daily = (SELECT max(daily) FROM epoch) \
             JOIN image_repository i ON i.id = 1 \
             JOIN patches p ON p.id = 1 \
             LEFT JOIN seen s ON s.vehicle = v.vehicle \
             LEFT JOIN desired d ON d.vehicle = u.vehicle AND d.ecu = u.ecu \
             WHERE ",
            $condition,
            " ORDER BY u.ecu"
        )
    };
}

const BY_CERTIFICATE: &str = facts_where!("v.certificate = ?1");
const BY_ID: &str = facts_where!("v.vehicle = ?1");

/// Reading connections.
const READERS: u32 = 4;
/// How long a writer waits for one of another process.
const BUSY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use host::provisioning::Banks;
    use sqlx::{ConnectOptions as _, Connection as _};
    use uptane::sign::{MemorySigner, Signer as _};

    use super::*;
    use crate::facts::Change;
    use crate::testing;

    #[tokio::test]
    async fn an_ecu_registered_before_banks_were_told_has_two() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("director.db");
        host::disk::create(&path, &[], host::disk::Access::Private).unwrap();
        let mut connection = options(&path).connect().await.unwrap();
        let before = migrations().into_iter().take(1).collect();
        Migrator::with_migrations(before).run(&mut connection).await.unwrap();
        let (id, key) = (testing::VEHICLE, MemorySigner::from_seed(&[3; 32]).public_key());
        let sha256 = Sha256([7; 32]);
        for sql in [
            format!("INSERT INTO vehicle VALUES ('{id}', NULL, '{sha256}', 'brake', 1, 1, NULL, NULL)"),
            format!(
                "INSERT INTO ecu (vehicle, ecu, hardware, verification, public_key) \
                 VALUES ('{id}', 'brake', 'hw', 'full', '{key}')"
            ),
            format!("INSERT INTO desired VALUES ('{id}', 'brake', 'fw', 1, '{sha256}', NULL, 'hw', 'main', 1, 1)"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();

        let store = Sqlite::open(&path).await.unwrap();
        let root = Change::Root { version: Version::FIRST, file: Vec::new(), epoch: testing::epoch() };
        store.apply(root).await.unwrap();
        let facts = store.by_id(id).await.unwrap().unwrap();
        assert_eq!((facts.ecus[0].banks, facts.ecus[0].desired.as_ref().unwrap().fallback), (Banks::Two, None));
    }
}
