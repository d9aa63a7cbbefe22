//! One SQLite file, `state.sqlite`, in write-ahead mode, synchronised at every commit.

use std::borrow::Cow;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqlSafeStr as _};
use uptane::{HardwareId, ImageLine, Length, PublicKey, ReleaseCounter, Time, Version};

use super::Store;
use crate::error::Error;
use crate::old::facts::{Change, Facts, Image, RoleKey, SignedFile};
use crate::role::TopRole;

/// A repository's database.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: SqliteConnection,
}

impl Sqlite {
    /// Makes the database, which must not be there.
    pub(crate) async fn create(path: &Path) -> Result<Self, Error> {
        Self::connect(path, true).await
    }

    /// Opens the database, which must be there.
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        Self::connect(path, false).await
    }

    /// Closes it, so that all of it is in one file.
    pub(crate) async fn close(self) -> Result<(), Error> {
        Ok(self.connection.close().await?)
    }

    async fn connect(path: &Path, create: bool) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .disable_statement_logging();
        let mut connection = options.connect().await?;
        let migrated = Migrator::with_migrations(migrations()).run(&mut connection).await;
        migrated.map_err(|error| Error::Database { reason: host::cli::one_line(&error.to_string()) })?;
        Ok(Self { connection })
    }
}

impl Store for Sqlite {
    async fn facts(&mut self) -> Result<Facts, Error> {
        let mut facts = Facts::default();
        // One transaction: all of it is of one moment.
        let mut transaction = self.connection.begin().await?;
        for row in sqlx::query("SELECT role, file, public FROM role_key").fetch_all(&mut *transaction).await? {
            let public = PublicKey::parse_ed25519(row.try_get("public")?).map_err(|_| damaged("public"))?;
            facts.keys.insert(role(&row)?, RoleKey { file: row.try_get("file")?, public });
        }
        for row in sqlx::query("SELECT role, seconds FROM lifetime").fetch_all(&mut *transaction).await? {
            facts.lifetimes.insert(role(&row)?, Duration::from_secs(number(&row, "seconds")?));
        }
        for row in sqlx::query(FILES).fetch_all(&mut *transaction).await? {
            facts.files.push(file(&row)?);
        }
        for row in sqlx::query(IMAGES).fetch_all(&mut *transaction).await? {
            let image = image(&row)?;
            facts.images.insert(image.name, image);
        }
        for row in sqlx::query("SELECT line, highest FROM line").fetch_all(&mut *transaction).await? {
            let highest = ReleaseCounter::new(number(&row, "highest")?).map_err(|_| damaged("highest"))?;
            facts.lines.insert(parsed(&row, "line")?, highest);
        }
        transaction.rollback().await?;
        Ok(facts)
    }

    async fn apply(&mut self, changes: &[Change]) -> Result<(), Error> {
        let mut transaction = self.connection.begin().await?;
        for change in changes {
            apply(&mut transaction, change).await?;
        }
        Ok(transaction.commit().await?)
    }
}

const FILES: &str = "SELECT role, version, expires, bytes, published FROM file AS f \
    WHERE version = (SELECT max(version) FROM file WHERE role = f.role) OR (role = 'root' AND published = 0) \
    ORDER BY role, version";
const IMAGES: &str =
    "SELECT name, length, sha256, hardware_ids, line, release_counter, listed, published FROM image ORDER BY name";

async fn apply(connection: &mut SqliteConnection, change: &Change) -> Result<(), Error> {
    let query = match change {
        Change::Key(role, key) => sqlx::query("INSERT OR REPLACE INTO role_key (role, file, public) VALUES (?, ?, ?)")
            .bind(role.word())
            .bind(&key.file)
            .bind(key.public.to_string()),
        Change::Lifetime(role, lifetime) => {
            let query = sqlx::query("INSERT OR REPLACE INTO lifetime (role, seconds) VALUES (?, ?)");
            query.bind(role.word()).bind(stored(lifetime.as_secs()))
        }
        Change::File(file) => {
            let query =
                sqlx::query("INSERT INTO file (role, version, expires, bytes, published) VALUES (?, ?, ?, ?, ?)");
            let query = query.bind(file.role.word()).bind(stored(file.version.get())).bind(file.expires.to_string());
            query.bind(&file.bytes).bind(file.published)
        }
        Change::Stage(image) => {
            raise(connection, image).await?;
            stage(image)
        }
        Change::List(version) => {
            sqlx::query("UPDATE image SET listed = ? WHERE listed IS NULL").bind(stored(version.get()))
        }
        Change::FilePublished(role, version) => {
            let query = sqlx::query("UPDATE file SET published = 1 WHERE role = ? AND version = ?");
            query.bind(role.word()).bind(stored(version.get()))
        }
        Change::ImagePublished(name) => {
            sqlx::query("UPDATE image SET published = 1 WHERE name = ?").bind(name.as_str().to_owned())
        }
    };
    query.execute(connection).await?;
    Ok(())
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn stage(image: &Image) -> Query<'_> {
    let Image { name, length, sha256, hardware_ids, line, release_counter, listed, published } = image;
    let hardware_ids = hardware_ids.iter().map(HardwareId::as_str).collect::<Vec<_>>().join(",");
    sqlx::query(
        "INSERT OR REPLACE INTO image (name, length, sha256, hardware_ids, line, release_counter, listed, published) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(name.as_str())
    .bind(stored(length.get()))
    .bind(sha256.to_string())
    .bind(hardware_ids)
    .bind(line.as_str())
    .bind(stored(release_counter.get()))
    .bind(listed.map(|version| stored(version.get())))
    .bind(*published)
}

async fn raise(connection: &mut SqliteConnection, image: &Image) -> Result<(), Error> {
    let query = sqlx::query(
        "INSERT INTO line (line, highest) VALUES (?, ?) \
         ON CONFLICT (line) DO UPDATE SET highest = max(highest, excluded.highest)",
    );
    query.bind(image.line.as_str()).bind(stored(image.release_counter.get())).execute(connection).await?;
    Ok(())
}

fn file(row: &SqliteRow) -> Result<SignedFile, Error> {
    Ok(SignedFile {
        role: role(row)?,
        version: Version::new(number(row, "version")?).map_err(|_| damaged("version"))?,
        expires: parsed::<Time>(row, "expires")?,
        bytes: row.try_get("bytes")?,
        published: row.try_get("published")?,
    })
}

fn image(row: &SqliteRow) -> Result<Image, Error> {
    let hardware_ids: String = row.try_get("hardware_ids")?;
    let hardware_ids = hardware_ids.split(',').map(HardwareId::parse).collect::<Result<_, _>>();
    let listed: Option<i64> = row.try_get("listed")?;
    let listed = listed.map(|version| u64::try_from(version).ok().and_then(|version| Version::new(version).ok()));
    Ok(Image {
        name: parsed(row, "name")?,
        length: Length::new(number(row, "length")?).map_err(|_| damaged("length"))?,
        sha256: parsed(row, "sha256")?,
        hardware_ids: hardware_ids.map_err(|_| damaged("hardware_ids"))?,
        line: parsed::<ImageLine>(row, "line")?,
        release_counter: ReleaseCounter::new(number(row, "release_counter")?)
            .map_err(|_| damaged("release_counter"))?,
        listed: listed.map(|version| version.ok_or_else(|| damaged("listed"))).transpose()?,
        published: row.try_get("published")?,
    })
}

fn role(row: &SqliteRow) -> Result<TopRole, Error> {
    TopRole::parse(row.try_get("role")?).ok_or_else(|| damaged("role"))
}

fn parsed<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<T, Error> {
    row.try_get::<&str, _>(column)?.parse().map_err(|_| damaged(column))
}

fn number(row: &SqliteRow, column: &'static str) -> Result<u64, Error> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| damaged(column))
}

/// SQLite's integers are signed; every number of ours is below 2^53.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn damaged(column: &'static str) -> Error {
    Error::Database { reason: format!("column {column} holds what was never written there") }
}

fn migrations() -> Vec<Migration> {
    let first = include_str!("1-facts.sql").into_sql_str();
    vec![Migration::new(1, Cow::Borrowed("facts"), MigrationType::Simple, first, false)]
}

#[cfg(test)]
mod tests;
