//! The store in one SQLite file, in write-ahead mode and synchronised at every commit.
//!
//! Several processes may use the file. Readers share a small pool and see every committed change at once; this process
//! changes it over one connection, whose transactions begin by taking the file's write lock and wait for that of
//! another process for [`BUSY`]. Migrations are one transaction, whoever comes first.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use host::audit::Entry;
use host::disk::{self, Access};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqlSafeStr as _, SqlitePool, Transaction};
use uptane::{ImageLine, ReleaseCounter, RoleName, Sha256, TargetNameBuf, Version};

use super::batch::{self, Batch};
use super::entries;
use super::fault::Fault;
use super::rows::{self, Cells as _};
use super::sql::sql_store;
use super::statements::sqlite as statements;
use super::{Store, known_to};
use crate::error::Error;
use crate::facts::{Change, Generation, Head, Kept, Listing, SignedFile};
use crate::role::RoleId;

/// A store in a file.
#[derive(Clone, Debug)]
pub struct Sqlite {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Sqlite {
    /// Makes the database, which must not be there. Only its owner may read it.
    pub async fn create(path: &Path) -> Result<Self, Error> {
        match disk::create(path, &[], Access::Private) {
            Ok(()) => Ok(Self::connect(options(path)).await?),
            Err(host::Error::Exists { path }) => Err(Fault::Exists { path }.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the database, which must be there, and brings one of an older release up to date.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        if !path.exists() {
            return Err(Fault::Missing { path: path.to_owned() }.into());
        }
        Ok(Self::connect(options(path)).await?)
    }

    /// Closes it, so that all of it is in one file if no other process has it open.
    pub async fn close(self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    async fn connect(options: SqliteConnectOptions) -> Result<Self, Fault> {
        let writer = SqlitePoolOptions::new().max_connections(1).before_acquire(|connection, _| {
            // When a disk is full, SQLite undoes a transaction by itself, which the driver never learns.
            Box::pin(async { Ok(!connection.is_in_transaction()) })
        });
        let writer = writer.connect_with(options.clone()).await?;
        migrate(&mut *writer.acquire().await?).await?;
        let readers = SqlitePoolOptions::new().max_connections(READERS);
        let readers = readers.connect_with(options.pragma("query_only", "on")).await?;
        Ok(Self { writer, readers })
    }

    async fn read(&self, query: Query<'_, sqlx::Sqlite, SqliteArguments>) -> Result<Vec<SqliteRow>, Fault> {
        Ok(query.fetch_all(&self.readers).await?)
    }

    /// A file answers or fails by itself, and a lock is waited for no longer than [`BUSY`].
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        work.await
    }

    async fn begin(&self) -> Result<Transaction<'static, sqlx::Sqlite>, Fault> {
        Ok(self.writer.begin_with(BEGIN).await?)
    }
}

sql_store!(Sqlite, Sqlite, statements);

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", JOURNAL)
        .busy_timeout(BUSY)
        .disable_statement_logging()
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), Fault> {
    let mut transaction = connection.begin_with(BEGIN).await?;
    // Whether a newer schema is too new, the database itself says.
    let mut migrator = Migrator::with_migrations(migrations());
    migrator.set_ignore_missing(true);
    migrator.run_to(DIGESTS, &mut *transaction).await?;
    let step = sqlx::query("SELECT max(version) AS step FROM _sqlx_migrations").fetch_one(&mut *transaction).await?;
    if step.optional_integer("step")? == Some(DIGESTS) {
        digest(&mut transaction).await?;
    }
    migrator.run(&mut *transaction).await?;
    let needs = sqlx::query(statements::NEEDS).fetch_one(&mut *transaction).await?;
    known_to(SCHEMA, needs.number("needs")?)?;
    Ok(transaction.commit().await?)
}

/// Fills in the digests of files that were kept without.
async fn digest(transaction: &mut SqliteConnection) -> Result<(), Fault> {
    for row in sqlx::query("SELECT role, version FROM file").fetch_all(&mut *transaction).await? {
        let (role, version) = (row.text("role")?, rows::stored("a version", row.number("version")?)?);
        let file = sqlx::query(statements::FILE).bind(role).bind(version).fetch_one(&mut *transaction).await?;
        let update = sqlx::query("UPDATE file SET sha256 = $3 WHERE role = $1 AND version = $2");
        let update = update.bind(role).bind(version).bind(Sha256::of(&file.bytes("bytes")?).to_string());
        update.execute(&mut *transaction).await?;
    }
    Ok(())
}

/// Every step from an empty file to this release's schema.
fn migrations() -> Vec<Migration> {
    let step = |number, name, sql: &'static str| {
        Migration::new(number, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    vec![
        step(1, "facts", include_str!("sqlite/1-facts.sql")),
        step(DIGESTS, "digests", include_str!("sqlite/2-digests.sql")),
        step(3, "delegations", include_str!("sqlite/3-delegations.sql")),
    ]
}

/// The schema this release knows.
const SCHEMA: u64 = 3;
/// The step after which digests are filled in.
const DIGESTS: i64 = 2;
/// Takes the file's write lock at once, so that no transaction has to give up half-way.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// Reading connections.
const READERS: u32 = 4;
/// How long a process waits for another.
const BUSY: Duration = Duration::from_secs(10);
/// Bytes to which the write-ahead log shrinks again.
const JOURNAL: &str = "16777216";

#[cfg(test)]
mod tests;
