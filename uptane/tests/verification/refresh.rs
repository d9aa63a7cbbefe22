//! The order of §5.4.4.2, and what is stored when (design D5).

use uptane::testing::{Repo, Vehicle};
use uptane::verify::{Keep, MetadataFile, Refresh, Step};
use uptane::{Error, Role, Time, Version};

#[test]
fn a_vehicle_of_a_hundred_ecus_approves_every_image() {
    let repo = Repo::seeded(100);
    let approved = Vehicle::provisioned(&repo).update(&repo).unwrap();
    assert_eq!(approved.entries().len(), 100);
}

#[test]
fn files_are_fetched_in_the_order_of_the_standard() {
    let repo = Repo::seeded(1);
    let mut vehicle = Vehicle::provisioned(&repo);
    vehicle.update(&repo).unwrap();
    let one = Version::FIRST;
    let files = [
        MetadataFile::Root(one.next().unwrap()),
        MetadataFile::Timestamp,
        MetadataFile::Snapshot(one),
        MetadataFile::Targets(one),
    ];
    assert_eq!(vehicle.fetched, [files, files].concat());
}

#[test]
fn only_root_and_timestamp_are_stored_before_everything_is_verified() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| next.director.renew_root());
    let mut vehicle = Vehicle::provisioned(&repo);
    vehicle.refresh_director(repo.director()).unwrap();
    let name = |keep: &Keep| match keep {
        Keep::Store { file, .. } => file.file_name(),
        Keep::Forget => "forget".into(),
    };
    let stored: Vec<_> = vehicle.kept.iter().map(name).collect();
    assert_eq!(stored, ["2.root.json", "timestamp.json"]);
}

#[test]
fn an_unchanged_snapshot_is_not_fetched_again() {
    let repo = Repo::seeded(1);
    let mut vehicle = Vehicle::provisioned(&repo);
    vehicle.update(&repo).unwrap();
    vehicle.fetched.clear();
    vehicle.update(&repo).unwrap();
    let root = MetadataFile::Root(Version::new(2).unwrap());
    assert_eq!(vehicle.fetched, [root, MetadataFile::Timestamp, root, MetadataFile::Timestamp]);
}

#[test]
fn a_file_in_another_json_form_is_verified_and_survives_a_restart() {
    let mut repo = Repo::seeded(1);
    repo.publish(|next| {
        next.image.mangle(Role::Snapshot, |file| {
            let text = String::from_utf8(file.clone()).unwrap();
            *file = text.replace("\"_type\":", "\n  \"_type\" : ").into_bytes();
        });
    });
    let mut vehicle = Vehicle::provisioned(&repo);
    vehicle.update(&repo).unwrap();
    vehicle.restart().unwrap();
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.image.snapshot().unwrap().bytes(), repo.image().snapshot());
}

#[test]
fn a_key_that_stands_twice_is_refused_in_every_json_form() {
    for twice in ["\"_type\":\"x\",\"_type\":", "\"_type\": \"x\", \"_type\":"] {
        let mut repo = Repo::seeded(1);
        repo.publish(|next| {
            next.image.mangle(Role::Snapshot, move |file| {
                let text = String::from_utf8(file.clone()).unwrap();
                *file = text.replacen("\"_type\":", twice, 1).into_bytes();
            });
        });
        let refused = Vehicle::provisioned(&repo).update(&repo).map(|_| ());
        assert!(matches!(refused, Err(Error::Duplicate { .. })), "{refused:?}");
    }
}

#[test]
fn new_time_keys_set_the_floor_of_time_to_their_root() {
    let mut repo = Repo::seeded(1);
    let mut vehicle = Vehicle::provisioned(&repo);
    vehicle.update(&repo).unwrap();
    let before = vehicle.director.clone();
    repo.publish(|next| next.director.renew_root());
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.director.time_floor_after(&before), None);
    repo.publish(|next| {
        next.director.rotate(Role::Time);
        next.director.set(Role::Root, &["uptane", "not_before"], "\"2026-11-01T00:00:00Z\"");
    });
    vehicle.update(&repo).unwrap();
    assert_eq!(vehicle.director.time_floor_after(&before), Time::parse("2026-11-01T00:00:00Z").ok());
}

#[test]
fn a_tuf_client_stores_each_role_as_it_is_verified() {
    let repo = Repo::seeded(1);
    let mut refresh = Refresh::tuf(Vehicle::provisioned(&repo).image, repo.now());
    let mut stored = Vec::new();
    while let Step::Fetch { file, .. } = refresh.next() {
        refresh.supply(repo.image().get(file).map(Into::into)).unwrap();
        stored.extend(refresh.keep().into_iter().map(|keep| match keep {
            Keep::Store { file, .. } => file.file_name(),
            Keep::Forget => "forget".into(),
        }));
    }
    assert_eq!(stored, ["timestamp.json", "1.snapshot.json", "1.targets.json"]);
    let refreshed = refresh.finish().unwrap();
    assert!(refreshed.changed());
    assert!(refreshed.commit().is_empty());
}

#[test]
fn a_refresh_that_is_not_done_is_not_finished() {
    let repo = Repo::seeded(1);
    let refresh = Refresh::image(Vehicle::provisioned(&repo).image, repo.now());
    assert!(refresh.finish().is_err());
}
