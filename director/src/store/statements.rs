//! Every statement the store executes, counted.

use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

/// A statement that reads.
pub(super) fn read(sql: &'static str) -> Query<'static, Sqlite, SqliteArguments> {
    metrics::counter!(STATEMENTS, "kind" => "read").increment(1);
    sqlx::query(sql)
}

/// A statement that writes.
pub(super) fn write(sql: &'static str) -> Query<'static, Sqlite, SqliteArguments> {
    metrics::counter!(STATEMENTS, "kind" => "write").increment(1);
    sqlx::query(sql)
}

const STATEMENTS: &str = "director_sql_statements_total";
