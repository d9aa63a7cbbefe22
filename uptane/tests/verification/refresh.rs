//! The order of §5.4.4.2, and what is stored when (design D5).

use uptane::Version;
use uptane::testing::{Repo, Vehicle};
use uptane::verify::{Keep, MetadataFile};

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
