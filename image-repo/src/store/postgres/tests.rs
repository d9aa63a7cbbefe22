use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use futures_util::future::{join, join_all};
use host::cli::Report as _;
use host::tls::{Authority, Purpose, request};
use sqlx::AssertSqlSafe;
use uptane::Time;

use super::*;
use crate::store::conformance::{apply, database, file, generation, list, role, run, server, version};
use crate::store::server::Server;

async fn execute(store: &Postgres, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&store.pool).await.map(drop)
}

#[test]
fn what_was_applied_is_there_when_another_instance_connects() {
    run(async {
        let url = database();
        let store = Postgres::connect(&url).await.unwrap();
        apply(&store, &[Change::File(file("root", 1)), list("targets", "fw.bin", 4)]).await.unwrap();
        let before = store.head().await.unwrap();
        store.close().await;
        assert_eq!(Postgres::connect(&url).await.unwrap().head().await.unwrap(), before);
    });
}

#[test]
fn instances_may_start_at_once_on_an_empty_database() {
    run(async {
        let url = database();
        let stores = join_all((0..4).map(|_| Postgres::connect(&url))).await;
        let stores: Vec<_> = stores.into_iter().map(Result::unwrap).collect();
        apply(&stores[0], &[]).await.unwrap();
        for store in &stores {
            assert_eq!(generation(store).await, 1);
        }
    });
}

#[test]
fn of_many_instances_that_change_one_generation_one_does() {
    run(async {
        let url = database();
        let stores = join_all((0..4).map(|_| Postgres::connect(&url))).await;
        let stores: Vec<_> = stores.into_iter().map(Result::unwrap).collect();
        let changes: Vec<_> = (1..=4).map(|number| [Change::File(file("targets", number))]).collect();
        let made = stores.iter().zip(&changes).map(|(store, changes)| store.apply(Generation::default(), changes));
        let made = join_all(made).await;
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:?}");
        assert_eq!(made.iter().filter(|made| matches!(made, Err(Error::Conflict))).count(), 3, "{made:?}");
        assert_eq!(stores[0].history().await.unwrap().len(), 1);
    });
}

#[test]
fn a_database_that_needs_a_newer_program_is_refused() {
    run(async {
        let url = database();
        let store = Postgres::connect(&url).await.unwrap();
        execute(&store, "UPDATE repository SET needs = 2").await.unwrap();
        let refused = Postgres::connect(&url).await.unwrap_err();
        assert!(matches!(refused, Error::Store(Fault::Newer { needs: 2, known: SCHEMA })), "{refused:?}");
        assert!(refused.advice().contains("upgrade"));
    });
}

#[test]
fn a_database_that_a_newer_release_has_expanded_is_used_as_before() {
    run(async {
        let url = database();
        let store = Postgres::connect(&url).await.unwrap();
        apply(&store, &[Change::File(file("targets", 1))]).await.unwrap();
        let expand = "ALTER TABLE file ADD COLUMN signer TEXT; ALTER TABLE listing ADD COLUMN notes TEXT DEFAULT '';
            ALTER TABLE repository ADD COLUMN mirrors BIGINT NOT NULL DEFAULT 0; CREATE TABLE mirror (name TEXT);
            INSERT INTO _sqlx_migrations VALUES (99, 'mirrors', now(), TRUE, '', 0)";
        execute(&store, expand).await.unwrap();
        // Both the instance that runs and one that starts.
        for (store, number) in [(store, 2), (Postgres::connect(&url).await.unwrap(), 3)] {
            apply(&store, &[Change::File(file("targets", number)), list("targets", "fw.bin", number)]).await.unwrap();
            assert_eq!(store.listed(RoleId::Targets).await.unwrap().len(), 1);
            assert_eq!(store.head().await.unwrap().files[&RoleId::Targets].version, version(number));
        }
    });
}

#[test]
fn nothing_stays_of_a_change_whose_connection_is_lost() {
    run(async {
        let url = database();
        let (store, administrator) = (Postgres::connect(&url).await.unwrap(), Postgres::connect(&url).await.unwrap());
        apply(&store, &[Change::File(file("root", 1))]).await.unwrap();
        let before = store.head().await.unwrap();

        // The change is made to wait for this table, and its connection is ended meanwhile.
        let mut lock = administrator.pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE line").execute(&mut *lock).await.unwrap();
        let end = async {
            while sqlx::query(END).fetch_all(&administrator.pool).await.unwrap().is_empty() {}
            lock.rollback().await.unwrap();
        };
        let changes = [Change::File(file("root", 2)), list("targets", "fw.bin", 1)];
        let (lost, ()) = join(apply(&store, &changes), end).await;
        let lost = lost.unwrap_err();
        assert!(matches!(lost, Error::Store(Fault::Lost { .. })), "{lost:?}");
        assert!(lost.advice().contains("check that the database runs"));

        assert_eq!(store.head().await.unwrap(), before);
        apply(&store, &changes).await.unwrap();
    });
}

/// Ends whoever waits for a lock in this database.
const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[test]
fn a_store_whose_connections_were_all_ended_connects_again() {
    run(async {
        let url = database();
        let (store, administrator) = (Postgres::connect(&url).await.unwrap(), Postgres::connect(&url).await.unwrap());
        join_all((0..4).map(|_| store.head())).await.into_iter().for_each(|head| drop(head.unwrap()));
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        execute(&administrator, end).await.unwrap();
        apply(&store, &[Change::File(file("root", 1))]).await.unwrap();
        assert_eq!(generation(&store).await, 1);
    });
}

#[test]
fn a_change_does_not_wait_for_ever_for_an_instance_that_hangs() {
    run(async {
        let url = database();
        let (store, hanging) = (Postgres::connect(&url).await.unwrap(), Postgres::connect(&url).await.unwrap());
        let mut change = hanging.begin().await.unwrap();
        sqlx::query(statements::ADVANCE).bind(0_i64).execute(&mut *change).await.unwrap();
        let refused = store.apply(Generation::default(), &[]).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Busy { .. }))), "{refused:?}");
        change.rollback().await.unwrap();
        store.apply(Generation::default(), &[]).await.unwrap();
    });
}

#[test]
fn a_mark_waits_for_a_change_that_is_being_made() {
    run(async {
        let url = database();
        let (store, other) = (Postgres::connect(&url).await.unwrap(), Postgres::connect(&url).await.unwrap());
        apply(&store, &[Change::File(file("a", 1))]).await.unwrap();
        let impatient = Postgres { patience: Duration::from_millis(100), ..store.clone() };
        let mut change = other.begin().await.unwrap();
        sqlx::query(statements::ADVANCE).bind(1_i64).execute(&mut *change).await.unwrap();
        let marked = [(role("a"), version(1))];
        for refused in [impatient.published(&marked).await, impatient.prune(&marked).await] {
            assert!(matches!(refused, Err(Error::Store(Fault::Lost { .. }))), "{refused:?}");
        }
        change.rollback().await.unwrap();
        store.published(&marked).await.unwrap();
        assert_eq!(store.unpublished().await.unwrap(), []);
    });
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for_without_end() {
    run(async {
        let url = database();
        let (store, hanging) = (Postgres::connect(&url).await.unwrap(), Postgres::connect(&url).await.unwrap());
        let store = Postgres { patience: Duration::from_millis(100), ..store };
        let mut lock = hanging.pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE repository").execute(&mut *lock).await.unwrap();
        for refused in [store.head().await.map(drop), store.apply(Generation::default(), &[]).await] {
            assert!(matches!(refused, Err(Error::Store(Fault::Lost { .. }))), "{refused:?}");
        }
        lock.rollback().await.unwrap();
        let store = Postgres { patience: PATIENCE, ..store };
        store.apply(Generation::default(), &[]).await.unwrap();
    });
}

#[test]
fn a_server_that_is_not_there_is_told_from_one_that_refuses() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let nobody = Postgres::connect(&format!("postgres:///a?host={}", folder.path().display())).await;
        assert!(matches!(nobody, Err(Error::Store(Fault::Lost { .. }))), "{nobody:?}");
        let url = format!("postgres:///none?host={}&user=convoy", server().folder().display());
        let refused = Postgres::connect(&url).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Unusable { .. }))), "{refused:?}");
    });
}

#[test]
fn a_row_that_was_never_written_so_is_refused() {
    run(async {
        let store = Postgres::connect(&database()).await.unwrap();
        apply(&store, &[list("targets", "fw.bin", 1), Change::File(file("root", 1))]).await.unwrap();
        execute(&store, "UPDATE listing SET sha256 = 'x'; UPDATE file SET version = 0").await.unwrap();
        for refused in [store.listed(RoleId::Targets).await.map(drop), store.head().await.map(drop)] {
            assert!(matches!(refused, Err(Error::Store(Fault::Damaged { .. }))), "{refused:?}");
        }
    });
}

#[test]
fn the_database_itself_keeps_versions_from_being_used_twice() {
    run(async {
        let store = Postgres::connect(&database()).await.unwrap();
        apply(&store, &[Change::File(file("a", 3))]).await.unwrap();
        for (number, newest) in [(3, false), (2, true), (4, true)] {
            let insert = format!("INSERT INTO file VALUES ('a', {number}, 1, 1, '', FALSE, {newest}, '')");
            assert!(execute(&store, &insert).await.is_err(), "{insert}");
        }
        assert_eq!(store.head().await.unwrap().files[&role("a")].version, version(3));
    });
}

#[test]
fn what_is_reported_as_done_is_on_disk_even_if_the_database_prefers_not_to_wait() {
    run(async {
        let url = database();
        let store = Postgres::connect(&url).await.unwrap();
        let prefer = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
            END $$";
        execute(&store, prefer).await.unwrap();
        let store = Postgres::connect(&url).await.unwrap();
        let set = sqlx::query("SELECT current_setting('synchronous_commit') AS set").fetch_one(&store.pool).await;
        assert_eq!(set.unwrap().text("set").unwrap(), "on");
    });
}

/// A file that the server may read and others may not.
fn private(server: &Server, name: &str, text: &str) -> String {
    let path = server.folder().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = fs::metadata(server.folder()).unwrap();
    chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
    path.display().to_string()
}

fn ask(server: &Server, sql: &str) -> String {
    let output = server.client("psql").args(["-d", "postgres", "-tAc", sql]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A server on a port of this machine with a certificate for `localhost`, and its port.
fn encrypting(authority: &Authority, now: Time) -> (Server, u16) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::start(&[("listen_addresses", "127.0.0.1"), ("port", &port.to_string())]).unwrap();
    let (request, key) = request("database").unwrap();
    let names = ["localhost".to_owned()];
    let day = Duration::from_secs(86_400);
    let certificate = authority.issue(&request, "database", &names, Purpose::Server, now, day).unwrap();
    let (certificate, key) = (private(&server, "tls.pem", &certificate), private(&server, "tls.key", &key));
    ask(&server, &format!("ALTER SYSTEM SET ssl_cert_file = '{certificate}'"));
    ask(&server, &format!("ALTER SYSTEM SET ssl_key_file = '{key}'"));
    ask(&server, "ALTER SYSTEM SET ssl = on");
    ask(&server, "SELECT pg_reload_conf()");
    while ask(&server, "SHOW ssl") != "on" {}
    (server, port)
}

#[test]
fn a_server_on_a_network_is_verified_by_the_authority_that_the_address_names() {
    let now = host::clock::now();
    let authority = |name| Authority::create(name, now, Duration::from_secs(86_400)).unwrap();
    let (ours, theirs) = (authority("ours"), authority("theirs"));
    let (_server, port) = encrypting(&ours, now);
    let folder = tempfile::tempdir().unwrap();
    let url = |root: &Path| {
        format!("postgres://convoy@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={}", root.display())
    };
    let written = |name: &str, authority: &Authority| {
        let path = folder.path().join(name);
        fs::write(&path, authority.certificate()).unwrap();
        url(&path)
    };
    run(async {
        let store = Postgres::connect(&written("ours.pem", &ours)).await.unwrap();
        let encrypted = "SELECT count(*) AS encrypted FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
        let row = sqlx::query(encrypted).fetch_one(&store.pool).await.unwrap();
        assert_eq!(row.number("encrypted").unwrap(), 1);

        let refused = Postgres::connect(&written("theirs.pem", &theirs)).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Unusable { .. }))), "{refused:?}");
        let elsewhere = written("ours.pem", &ours).replace("localhost", "127.0.0.1");
        let refused = Postgres::connect(&elsewhere).await;
        assert!(matches!(refused, Err(Error::Store(Fault::Unusable { .. }))), "{refused:?}");
    });
}
