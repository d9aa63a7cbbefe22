//! What TUF 1.0.34 asks where it asks something else than Uptane (ADR 0005).

use uptane::testing::{Files, Next, Repo};
use uptane::verify::{Keep, MetadataFile, Refresh, Step, Trusted};
use uptane::{Error, Image, Role, Time, Version};

use crate::below;

/// A TUF client of the Image repository.
struct Client {
    now: Time,
    trusted: Trusted<Image>,
    fetched: Vec<MetadataFile>,
    kept: Vec<Keep>,
}

impl Client {
    fn of(repo: &Repo) -> Self {
        let trusted = Trusted::provision(repo.image().first_root()).unwrap();
        Self { now: repo.now(), trusted, fetched: Vec::new(), kept: Vec::new() }
    }

    fn refresh(&mut self, files: &Files) -> Result<(), Error> {
        (self.fetched, self.kept) = (Vec::new(), Vec::new());
        let mut refresh = Refresh::tuf(self.trusted.clone(), self.now);
        while let Step::Fetch { file, .. } = refresh.next() {
            self.fetched.push(file);
            let supplied = refresh.supply(files.get(file).map(Into::into));
            self.kept.extend(refresh.keep());
            if supplied.is_err() {
                self.trusted = refresh.abandon();
                return supplied;
            }
        }
        self.trusted = refresh.finish().unwrap().into_trusted();
        Ok(())
    }

    fn versions(&self) -> [Option<u64>; 3] {
        let trusted = &self.trusted;
        [
            trusted.timestamp().map(|file| file.version().get()),
            trusted.snapshot().map(|file| file.version().get()),
            trusted.targets().map(|file| file.version().get()),
        ]
    }
}

fn refreshed() -> (Repo, Client) {
    let repo = Repo::seeded(1);
    let mut client = Client::of(&repo);
    client.refresh(repo.image()).unwrap();
    (repo, client)
}

fn after(change: impl FnOnce(&mut Next)) -> (Client, Result<(), Error>) {
    let (mut repo, mut client) = refreshed();
    repo.publish(change);
    let refreshed = client.refresh(repo.image());
    (client, refreshed)
}

const FIRST: Version = Version::FIRST;

#[test]
fn what_was_stored_before_a_refusal_stays_trusted() {
    let (client, refused) = after(|next| next.image.signed_by(Role::Targets, &["stranger"]));
    assert_eq!(refused, Err(below(Role::Targets, 0, 2)));
    assert_eq!(client.versions(), [Some(2), Some(2), Some(1)]);
}

#[test]
fn an_unchanged_repository_costs_two_requests() {
    let (repo, mut client) = refreshed();
    client.refresh(repo.image()).unwrap();
    assert_eq!(client.fetched, [MetadataFile::Root(Version::new(2).unwrap()), MetadataFile::Timestamp]);
    assert_eq!(client.kept, []);
}

// T4: the short cut for unchanged bytes does not shorten their life.
#[test]
fn unchanged_bytes_expire_all_the_same() {
    let (repo, mut client) = refreshed();
    client.now = client.trusted.timestamp().unwrap().expires();
    assert!(matches!(client.refresh(repo.image()), Err(Error::Expired { .. })));
}

// T18.
#[test]
fn a_timestamp_of_the_same_version_is_no_news() {
    let (client, refreshed) = after(|next| next.image.version(Role::Timestamp, 1));
    assert_eq!(refreshed, Ok(()));
    assert_eq!(client.versions(), [Some(1), Some(1), Some(1)]);
    assert_eq!(client.kept, []);
}

#[test]
fn an_older_timestamp_is_a_rollback() {
    let (mut repo, mut client) = refreshed();
    let old = repo.image().clone();
    repo.publish(|_| {});
    client.refresh(repo.image()).unwrap();
    let (trusted, offered) = (Version::new(2).unwrap(), FIRST);
    assert_eq!(client.refresh(&old), Err(Error::Rollback { role: Role::Timestamp, trusted, offered }));
}

#[test]
fn digests_of_snapshot_are_not_asked_for() {
    let (client, refreshed) = after(|next| next.image.remove(Role::Timestamp, &["meta", "snapshot.json", "hashes"]));
    assert_eq!(refreshed, Ok(()));
    assert_eq!(client.versions(), [Some(2); 3]);
}

#[test]
fn targets_are_judged_by_the_version_snapshot_lists_alone() {
    let (mut repo, mut client) = refreshed();
    repo.publish(|next| next.image.version(Role::Targets, 9));
    client.refresh(repo.image()).unwrap();
    assert_eq!(client.versions(), [Some(2), Some(2), Some(9)]);
    // A new key of Snapshot forgets what Snapshot listed, and with it what Targets were.
    repo.publish(|next| {
        next.image.rotate(Role::Snapshot);
        next.image.version(Role::Targets, 3);
    });
    client.refresh(repo.image()).unwrap();
    assert_eq!(client.versions(), [Some(3), Some(3), Some(3)]);
}

#[test]
fn snapshot_is_judged_by_the_version_timestamp_lists_alone() {
    let (client, refreshed) = after(|next| next.image.version(Role::Snapshot, 1));
    assert_eq!(refreshed, Ok(()));
    assert_eq!(client.versions(), [Some(2), Some(1), Some(2)]);
}

#[test]
fn snapshot_never_lists_an_older_targets() {
    let (mut repo, mut client) = refreshed();
    repo.publish(|next| next.image.version(Role::Targets, 9));
    client.refresh(repo.image()).unwrap();
    repo.publish(|next| next.image.version(Role::Targets, 8));
    let (trusted, offered) = (Version::new(9).unwrap(), Version::new(8).unwrap());
    assert_eq!(client.refresh(repo.image()), Err(Error::Rollback { role: Role::Targets, trusted, offered }));
}

#[test]
fn new_keys_of_timestamp_or_snapshot_forget_what_the_old_ones_signed() {
    for role in [Role::Timestamp, Role::Snapshot] {
        let (client, refreshed) = after(|next| next.image.rotate(role));
        assert_eq!(refreshed, Ok(()));
        assert!(client.kept.contains(&Keep::Forget), "{role}");
    }
}

#[test]
fn new_keys_of_targets_forget_nothing_and_the_old_file_is_replaced() {
    let (client, refreshed) = after(|next| next.image.rotate(Role::Targets));
    assert_eq!(refreshed, Ok(()));
    assert!(!client.kept.contains(&Keep::Forget));
    assert_eq!(client.versions(), [Some(2); 3]);
}

#[test]
fn a_repository_that_knows_nothing_of_uptane_is_as_good_as_any() {
    let (client, refreshed) = after(|next| {
        for role in [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets] {
            next.image.remove(role, &["uptane"]);
        }
        next.image.set(Role::Targets, &["targets", "any name, é"], r#"{"hashes":{"sha256":"00"},"length":1}"#);
        next.image.remove(Role::Targets, &["targets", "fw/ecu-000-1.bin", "custom"]);
    });
    assert_eq!(refreshed, Ok(()));
    let targets = client.trusted.targets().unwrap().view();
    assert_eq!(targets.file("fw/ecu-000-1.bin").unwrap().unwrap().custom(), None);
    assert_eq!(targets.file("any name, é").unwrap_err(), Error::BadDigest);
    assert!(targets.file("none such").unwrap().is_none());
}

#[test]
fn names_are_found_whatever_escapes_they_need() {
    let name = "a \"quoted\" name\\with\u{1}everything";
    let entry = format!(r#"{{"custom":{{"a":[1]}},"hashes":{{"sha256":"{}"}},"length":7}}"#, "ab".repeat(32));
    let (client, refreshed) = after(|next| next.image.set(Role::Targets, &["targets", name], entry));
    assert_eq!(refreshed, Ok(()));
    let targets = client.trusted.targets().unwrap().view();
    let file = targets.file(name).unwrap().unwrap();
    assert_eq!((file.length().get(), file.custom()), (7, Some(&br#"{"a":[1]}"#[..])));
    assert!(file.hashes().sha256().is_some());
}
