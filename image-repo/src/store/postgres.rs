//! The store in a PostgreSQL database, which several instances of the service share.
//!
//! A change begins by counting the generation up in the one row of `repository`, on the condition that it is the expected
//! one. The lock on that row makes changes wait for one another, and whoever comes second finds another generation.
//!
//! # Migrations without downtime
//! Every instance brings the schema up to date when it starts, under an advisory lock. Instances of this release and of
//! the one before then work on the same schema, because
//! * a release *expands* it only: it adds tables, indexes and columns that are nullable or have a default, and
//!   statements name the columns they mean;
//! * what a release no longer uses, the release after it *contracts*: it is removed by a migration which also raises
//!   `repository.needs` to the lowest schema whose programs still work. A program that knows less refuses to start.
//!
//! # Connections
//! Those that broke are replaced when the next one is needed. TLS over a network is the rule, see
//! [`DatabaseUrl`](super::DatabaseUrl). `synchronous_commit` is set to `on`, whatever the server's default: what was
//! reported as done must survive a power failure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use host::audit::Entry;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::{ConnectOptions as _, Connection as _, PgPool, SqlSafeStr as _, Transaction};
use tokio::time::timeout;
use uptane::{ImageLine, ReleaseCounter, RoleName, TargetNameBuf, Version};

use super::batch::{self, Batch};
use super::entries;
use super::fault::Fault;
use super::rows::{self, Cells as _};
use super::sql::sql_store;
use super::statements::postgres as statements;
use super::url::DatabaseUrl;
use super::{Store, known_to};
use crate::error::Error;
use crate::facts::{Change, Generation, Head, Kept, Listing, SignedFile};
use crate::role::RoleId;

/// A store in a database server.
#[derive(Clone, Debug)]
pub struct Postgres {
    pool: PgPool,
    patience: Duration,
}

impl Postgres {
    /// Connects to the database of a `postgres://` address, and makes what is missing in it.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        match url.parse()? {
            DatabaseUrl::Postgres(options) => Self::with(*options).await,
            url @ (DatabaseUrl::Memory | DatabaseUrl::Sqlite(_)) => {
                Err(Fault::Url { given: url.to_string(), reason: "it is not PostgreSQL's" }.into())
            }
        }
    }

    /// Connects as these options say.
    pub(super) async fn with(options: PgConnectOptions) -> Result<Self, Error> {
        let options = options.application_name(NAME).options(SETTINGS).disable_statement_logging();
        migrate(&options).await?;
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(WAIT);
        Ok(Self { pool: pool.connect_with(options).await.map_err(Fault::from)?, patience: PATIENCE })
    }

    /// Closes its connections.
    pub async fn close(self) {
        self.pool.close().await;
    }

    async fn read(&self, query: Query<'_, sqlx::Postgres, PgArguments>) -> Result<Vec<PgRow>, Fault> {
        self.in_time(async { Ok(query.fetch_all(&self.pool).await?) }).await
    }

    /// A network may swallow a connection without a word, which nobody else notices for a quarter of an hour.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let late = || Fault::Lost { reason: format!("no answer within {} seconds", self.patience.as_secs()) };
        timeout(self.patience, work).await.map_err(|_| late())?
    }

    async fn begin(&self) -> Result<Transaction<'static, sqlx::Postgres>, Fault> {
        // Whatever the server's default: that statements see what was committed before them is all that is relied on.
        Ok(self.pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await?)
    }
}

sql_store!(Postgres, Postgres, statements);

async fn migrate(options: &PgConnectOptions) -> Result<(), Fault> {
    // A connection of its own: if a step fails, closing it gives up the advisory lock.
    let late = |_| Fault::Lost { reason: format!("no connection within {} seconds", WAIT.as_secs()) };
    let mut connection = timeout(WAIT, options.connect()).await.map_err(late)??;
    let migrated = bring_up_to_date(&mut connection).await;
    // What was done is done; a connection that cannot say goodbye is gone as well.
    drop(connection.close().await);
    migrated
}

async fn bring_up_to_date(connection: &mut PgConnection) -> Result<(), Fault> {
    let mut migrator = Migrator::with_migrations(migrations());
    // What a newer release has expanded, this one can use.
    migrator.set_ignore_missing(true);
    migrator.run(&mut *connection).await?;
    let needs = sqlx::query(statements::NEEDS).fetch_one(connection).await?;
    known_to(SCHEMA, needs.number("needs")?)
}

/// Every step from an empty database to this release's schema.
fn migrations() -> Vec<Migration> {
    let sql = include_str!("postgres/1-repository.sql").into_sql_str();
    vec![Migration::new(1, Cow::Borrowed("repository"), MigrationType::Simple, sql, false)]
}

/// The schema this release knows.
const SCHEMA: u64 = 1;
/// Connections of one instance.
const CONNECTIONS: u32 = 8;
/// How long to wait for a connection, in all.
const WAIT: Duration = Duration::from_secs(10);
/// How long a change, or something to read, may take in all: a hundred times what the largest takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// How an administrator sees the connections.
const NAME: &str = "image-repo";
/// Settings of every connection; times in milliseconds. An instance that hangs in the middle of a change does not keep
/// others from theirs for ever.
const SETTINGS: [(&str, &str); 3] =
    [("synchronous_commit", "on"), ("lock_timeout", "10000"), ("idle_in_transaction_session_timeout", "60000")];

#[cfg(test)]
mod tests;
