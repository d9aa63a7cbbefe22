use std::path::PathBuf;

use host::cli::Report as _;
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use uptane::{Length, Time};

use super::*;
use crate::facts::{Current, Lifetimes};
use crate::store::conformance::{apply, delegate, file, generation, list, listing, role, run, version};

/// A folder, and where a database may be in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.sqlite");
    (folder, path)
}

async fn execute(pool: &SqlitePool, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(pool).await.map(drop)
}

/// A database as releases before delegations made it, with two versions of Targets.
async fn of_one_folder(path: &Path, expires: &str) {
    disk::create(path, &[], Access::Private).unwrap();
    let pool = SqlitePool::connect_with(options(path)).await.unwrap();
    Migrator::with_migrations(migrations().into_iter().take(1).collect()).run(&pool).await.unwrap();
    let digest = Sha256::of(b"image");
    let rows = format!(
        "INSERT INTO role_key VALUES ('root', 'root.pem', 'ed25519:00');
         INSERT INTO lifetime VALUES ('root', 1), ('snapshot', 70);
         INSERT INTO file VALUES ('targets', 9, '2027-01-31T12:00:00Z', x'6f6e65', 1),
             ('targets', 10, '{expires}', x'74776f', 0), ('root', 1, '2027-01-31T12:00:00Z', x'726f6f74', 1);
         INSERT INTO image VALUES ('signed', 5, '{digest}', 'a-hw,b-hw', 'brake', 2, 10, 0),
             ('staged', 5, '{digest}', 'a-hw', 'brake', 3, NULL, 0);
         INSERT INTO line VALUES ('brake', 3);"
    );
    execute(&pool, &rows).await.unwrap();
    pool.close().await;
}

#[test]
fn what_was_applied_is_there_after_opening_again() {
    let (_folder, path) = place();
    run(async {
        let store = Sqlite::create(&path).await.unwrap();
        let changes = [Change::File(file("root", 1)), list("targets", "fw.bin", 4), delegate("targets", &["a"])];
        apply(&store, &changes).await.unwrap();
        let before = store.head().await.unwrap();
        store.close().await;
        assert!(!path.with_file_name("state.sqlite-wal").exists());

        let store = Sqlite::open(&path).await.unwrap();
        assert_eq!(store.head().await.unwrap(), before);
        assert_eq!(store.listed(RoleId::Targets).await.unwrap(), [listing("fw.bin", "brake", 4)]);
    });
}

#[test]
fn another_process_sees_a_change_at_once_and_cannot_make_it_again() {
    let (_folder, path) = place();
    run(async {
        let service = Sqlite::create(&path).await.unwrap();
        let command_line = Sqlite::open(&path).await.unwrap();
        command_line.apply(Generation::default(), &[Change::File(file("root", 1))]).await.unwrap();
        assert_eq!(generation(&service).await, 1);
        let late = service.apply(Generation::default(), &[Change::File(file("targets", 1))]).await;
        assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
    });
}

#[test]
fn a_change_waits_for_that_of_another_process() {
    let (_folder, path) = place();
    run(async {
        let store = Sqlite::create(&path).await.unwrap();
        let other = Sqlite::open(&path).await.unwrap();
        let lock = other.begin().await.unwrap();
        let changes = [Change::File(file("root", 1))];
        let release = async {
            std::thread::sleep(Duration::from_millis(200));
            lock.rollback().await.unwrap();
        };
        let (made, ()) = futures_util::future::join(store.apply(Generation::default(), &changes), release).await;
        made.unwrap();
        assert_eq!(generation(&store).await, 1);
    });
}

#[test]
fn a_change_does_not_wait_for_ever() {
    let (_folder, path) = place();
    run(async {
        let other = Sqlite::create(&path).await.unwrap();
        let store = Sqlite::connect(options(&path).busy_timeout(Duration::from_millis(50))).await.unwrap();
        let lock = other.begin().await.unwrap();
        let refused = store.apply(Generation::default(), &[]).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Busy { .. }))), "{refused:?}");
        lock.rollback().await.unwrap();
        store.apply(Generation::default(), &[]).await.unwrap();
    });
}

#[test]
fn a_store_is_neither_made_twice_nor_opened_where_there_is_none() {
    let (_folder, path) = place();
    run(async {
        let refused = Sqlite::open(&path).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Missing { .. }))), "{refused:?}");
        assert!(!path.exists());
        Sqlite::create(&path).await.unwrap().close().await;
        let refused = Sqlite::create(&path).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Exists { .. }))), "{refused:?}");
    });
}

#[test]
fn a_repository_of_one_folder_becomes_one_with_delegations() {
    let (_folder, path) = place();
    run(async {
        of_one_folder(&path, "2027-02-01T00:00:00Z").await;
        let store = Sqlite::open(&path).await.unwrap();

        let head = store.head().await.unwrap();
        let current = |number, expires, bytes: &[u8]| Current {
            version: version(number),
            expires: Time::parse(expires).unwrap(),
            length: Length::new(bytes.len().try_into().unwrap()).unwrap(),
            sha256: Sha256::of(bytes),
        };
        let targets = current(10, "2027-02-01T00:00:00Z", b"two");
        let root = current(1, "2027-01-31T12:00:00Z", b"root");
        assert_eq!(head.files, [(RoleId::Root, root), (RoleId::Targets, targets)].into());
        assert_eq!(head.generation, Generation::of(1));
        let default = Lifetimes::default();
        assert_eq!(head.lifetimes, Lifetimes { snapshot: Duration::from_secs(70), ..default });

        assert_eq!(store.file(RoleId::Targets, version(9)).await.unwrap().unwrap(), b"one");
        let unpublished = store.unpublished().await.unwrap();
        assert_eq!(
            unpublished.iter().map(|file| (file.role, file.version.get())).collect::<Vec<_>>(),
            [(RoleId::Targets, 10)]
        );
        let sha256 = Sha256::of(b"image");
        let signed = Listing { sha256, length: Length::new(5).unwrap(), ..listing("signed", "brake", 2) };
        assert_eq!(store.listed(RoleId::Targets).await.unwrap(), std::slice::from_ref(&signed));
        assert_eq!(store.highest(&[signed.line]).await.unwrap()[&signed.line].get(), 3);

        let again = store.apply(Generation::of(1), &[Change::File(file("targets", 9))]).await;
        assert!(matches!(again, Err(Error::Store(Fault::VersionUsed { .. }))), "{again:?}");
        store.apply(Generation::of(1), &[Change::File(file("targets", 11))]).await.unwrap();
    });
}

#[test]
fn a_repository_of_one_folder_that_cannot_be_migrated_is_left_as_it_was() {
    let (_folder, path) = place();
    run(async {
        of_one_folder(&path, "next year").await;
        let refused = Sqlite::open(&path).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Damaged { .. }))), "{refused:?}");

        let pool = SqlitePool::connect_with(options(&path)).await.unwrap();
        let steps = sqlx::query("SELECT max(version) AS step FROM _sqlx_migrations").fetch_one(&pool).await.unwrap();
        assert_eq!(steps.number("step").unwrap(), 1);
        execute(&pool, "UPDATE file SET expires = '2027-02-01T00:00:00Z'").await.unwrap();
        pool.close().await;
        assert_eq!(Sqlite::open(&path).await.unwrap().head().await.unwrap().files.len(), 2);
    });
}

#[test]
fn two_processes_may_migrate_at_once() {
    let (_folder, path) = place();
    run(async {
        of_one_folder(&path, "2027-02-01T00:00:00Z").await;
        let both = futures_util::future::join_all([Sqlite::open(&path), Sqlite::open(&path)]).await;
        for store in both {
            assert_eq!(generation(&store.unwrap()).await, 1);
        }
    });
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let (_folder, path) = place();
    std::fs::write(&path, b"this is not a database, whatever its name says".repeat(100)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = run(Sqlite::open(&path));
    assert!(matches!(refused, Err(Error::Store(Fault::Damaged { .. }))), "{refused:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_whose_pages_are_damaged_is_refused() {
    let (_folder, path) = place();
    run(async {
        let store = Sqlite::create(&path).await.unwrap();
        let listings: Vec<_> = (0..2_000).map(|number| list("targets", &format!("{number}"), 1)).collect();
        apply(&store, &listings).await.unwrap();
        store.close().await;
        let mut bytes = std::fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        bytes[half..].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();

        let store = Sqlite::open(&path).await.unwrap();
        let refused = store.listed(RoleId::Targets).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Damaged { .. }))), "{refused:?}");
    });
}

#[test]
fn a_row_that_was_never_written_so_is_refused() {
    let (_folder, path) = place();
    run(async {
        let store = Sqlite::create(&path).await.unwrap();
        apply(&store, &[list("targets", "fw.bin", 1), Change::File(file("root", 1))]).await.unwrap();
        execute(&store.writer, "UPDATE listing SET sha256 = 'x'; UPDATE file SET version = 0").await.unwrap();
        for refused in [store.listed(RoleId::Targets).await.map(drop), store.head().await.map(drop)] {
            assert!(matches!(refused, Err(Error::Store(Fault::Damaged { .. }))), "{refused:?}");
        }
    });
}

#[test]
fn a_database_that_needs_a_newer_program_is_refused() {
    let (_folder, path) = place();
    run(async {
        let store = Sqlite::create(&path).await.unwrap();
        execute(&store.writer, "UPDATE repository SET needs = 4").await.unwrap();
        store.close().await;
        let refused = Sqlite::open(&path).await.unwrap_err();
        assert!(matches!(refused, Error::Store(Fault::Newer { needs: 4, known: SCHEMA })), "{refused:?}");
        assert!(refused.advice().contains("upgrade"));
    });
}

#[test]
fn nothing_stays_of_a_change_for_which_there_is_no_room() {
    let (_folder, path) = place();
    run(async {
        let store = Sqlite::create(&path).await.unwrap();
        apply(&store, &[Change::File(file("root", 1))]).await.unwrap();
        let before = store.head().await.unwrap();
        let pages = sqlx::query("PRAGMA page_count").fetch_one(&store.writer).await.unwrap();
        let pages = pages.number("page_count").unwrap();
        execute(&store.writer, &format!("PRAGMA max_page_count = {}", pages + 5)).await.unwrap();

        let large = SignedFile { bytes: vec![7; 100_000], ..file("targets", 1) };
        let changes = [list("targets", "fw.bin", 1), Change::File(large)];
        let refused = apply(&store, &changes).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Full { .. }))), "{refused:?}");
        assert_eq!(store.head().await.unwrap(), before);
        assert_eq!(store.listed(RoleId::Targets).await.unwrap(), []);

        // The limit was one of the connection, and the store has taken another.
        apply(&store, &changes).await.unwrap();
        assert_eq!(store.listed(RoleId::Targets).await.unwrap().len(), 1);
    });
}

#[test]
fn the_database_itself_keeps_versions_from_being_used_twice() {
    let (_folder, path) = place();
    run(async {
        let store = Sqlite::create(&path).await.unwrap();
        apply(&store, &[Change::File(file("a", 3))]).await.unwrap();
        for (number, newest) in [(3, 0), (2, 1), (4, 1)] {
            let insert = format!("INSERT INTO file VALUES ('a', {number}, 1, 1, '', 0, {newest}, x'00')");
            assert!(execute(&store.writer, &insert).await.is_err(), "{insert}");
        }
        assert_eq!(store.head().await.unwrap().files[&role("a")].version, version(3));
    });
}

#[test]
fn no_statement_goes_through_all_that_was_ever_kept() {
    let (_folder, path) = place();
    run(async {
        let store = Sqlite::create(&path).await.unwrap();
        for (sql, index) in [
            (statements::HEAD, "file_newest"),
            (statements::FILE, "role=? AND version=?"),
            (statements::ENTRIES, "rowid>?"),
            (statements::LISTED, "PRIMARY KEY (role=?)"),
            (statements::NAMED, "listing_name"),
            (statements::HIGHEST, "line=?"),
            (statements::DELEGATORS, "delegation_role"),
            (statements::UNPUBLISHED, "file_unpublished"),
            (statements::HISTORY, "file_kept"),
            (statements::PUBLISHED, "role=? AND version=?"),
            (statements::PRUNE, "role=? AND version=?"),
            (statements::SUPERSEDE, "file_newest"),
            (statements::UNLIST, "PRIMARY KEY (role=? AND name=?)"),
            (statements::UNDELEGATE, "PRIMARY KEY (delegator=?)"),
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let plan = sqlx::query(explain).bind("[]").bind(1).fetch_all(&store.writer).await.unwrap();
            let plan: Vec<_> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
            assert!(plan.iter().any(|step| step.contains(index)), "{sql}: {plan:?}");
        }
    });
}
