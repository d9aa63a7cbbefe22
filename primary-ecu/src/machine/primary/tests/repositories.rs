//! Several Image repositories (§5.2.6), delegated Targets (§5.4.2.6), and stored files that are damaged.

use uptane::RoleName;
use uptane::metadata::Covers;
use uptane::sign::DelegationBuilder;
use uptane::testing::role_keys;
use uptane::verify::{MappingEntry, PathPattern};

use super::*;
use crate::machine::delegated_for;

fn named(name: &str) -> RepositoryName {
    RepositoryName::parse(name).unwrap()
}

/// A vehicle whose mapping asks a second Image repository too, `threshold` of the three being enough.
fn with_supplier(threshold: usize) -> Bench {
    let mut bench = Bench::new(2);
    let names = ["director", "image", "supplier"].map(named).to_vec();
    let entry = MappingEntry::new(vec![PathPattern::parse("*").unwrap()], names, threshold, true);
    bench.mapping = Mapping::new(vec![entry.unwrap()]).unwrap();
    let root = bench.repo.image().first_root().to_vec();
    bench.images.insert(named("supplier"), Files { root, ..Files::default() });
    bench
}

/// Lets the supplier's repository stay behind while a new release is published.
fn leave_supplier_behind(bench: &mut Bench) {
    bench.other = Some((named("supplier"), bench.repo.clone()));
    bench.repo.publish(|next| next.release());
}

#[test]
fn every_image_repository_of_the_mapping_is_refreshed_and_kept_apart() {
    let mut bench = with_supplier(3);
    bench.repo.publish(|next| next.release());
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
    let current = bench.accepted.of(named("supplier"));
    assert_eq!((current.snapshot, current.targets), (2, 2));
    assert!(bench.images.values().all(|files| files.targets.as_deref() == Some(bench.repo.image().targets())));
}

#[test]
fn one_of_the_repositories_that_must_all_agree_is_enough_to_refuse() {
    let mut bench = with_supplier(3);
    leave_supplier_behind(&mut bench);
    assert_eq!(bench.refused(), uptane::Error::NotInImageRepository);
    assert!(!bench.trace.contains(&"download"));
    assert_eq!(bench.accepted, Accepted::default());
}

#[test]
fn a_threshold_of_the_repositories_is_enough_to_install() {
    let mut bench = with_supplier(2);
    leave_supplier_behind(&mut bench);
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
}

#[test]
fn an_image_that_no_entry_covers_is_refused() {
    let mut bench = Bench::new(2);
    let names = ["director", "image"].map(named).to_vec();
    let entry = MappingEntry::new(vec![PathPattern::parse("maps/*").unwrap()], names, 2, true);
    bench.mapping = Mapping::new(vec![entry.unwrap()]).unwrap();
    bench.repo.publish(|next| next.release());
    assert_eq!(bench.refused(), uptane::Error::NotMapped);
}

/// The images of each ECU are vouched for by a role of its own.
fn delegating() -> Bench {
    let mut bench = Bench::new(3);
    let names: Vec<_> = bench.repo.ecus().iter().map(|ecu| format!("fw/{}-?.bin", ecu.ecu)).collect();
    bench.repo.publish(|next| {
        next.release();
        for (number, pattern) in names.into_iter().enumerate() {
            let role = format!("role-{number}");
            let covers = Covers::Paths(vec![pattern.as_str().into()]);
            let to = DelegationBuilder::role(RoleName::parse(&role).unwrap(), role_keys(&role), covers);
            next.image.delegate("targets", to);
            next.image.supply(&role, &[number]);
        }
    });
    bench
}

#[test]
fn delegated_files_are_fetched_stored_and_current() {
    let mut bench = delegating();
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
    let roles: Vec<_> = bench.accepted.image.delegated.keys().cloned().collect();
    assert_eq!(roles, ["role-0", "role-1", "role-2"]);
    assert_eq!(bench.images[&named("image")].delegated.len(), 3);
}

#[test]
fn a_secondary_is_given_the_delegated_files_of_its_own_search_and_no_others() {
    let mut bench = delegating();
    bench.cycle();
    let (vehicle, now) = (bench.repo.vehicle(), bench.repo.now());
    let image = &bench.images[&named("image")];
    for (number, ecu) in bench.repo.ecus().iter().enumerate() {
        let files = delegated_for(ecu.ecu, vehicle, now, &bench.director, image).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.file_name()).collect();
        assert_eq!(names, [format!("2.role-{number}.json")]);
    }
}

#[test]
fn a_damaged_file_is_told_and_fetched_again() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    bench.cycle();
    bench.director.snapshot.as_mut().unwrap().truncate(40);
    bench.trace.clear();
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.trace.contains(&"damaged"));
    assert_eq!(bench.director.snapshot.as_deref(), Some(bench.repo.director().snapshot()));
    bench.trace.clear();
    bench.cycle();
    assert!(!bench.trace.contains(&"damaged"));
}

#[test]
fn of_a_damaged_root_the_one_before_is_trusted_and_the_newest_fetched_again() {
    let mut bench = Bench::new(2);
    bench.cycle();
    bench.repo.publish(|next| next.director.rotate(Role::Snapshot));
    bench.cycle();
    let newest = bench.director.root.clone();
    assert_eq!(newest, bench.repo.director().root());
    bench.director.root.truncate(100);
    bench.trace.clear();
    bench.repo.publish(|next| next.release());
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.trace.contains(&"damaged"));
    assert_eq!(bench.director.root, newest);
    assert!(bench.all_run(2));
}

#[test]
fn what_roots_former_keys_signed_is_forgotten_and_not_called_damaged() {
    let mut bench = Bench::new(2);
    bench.cycle();
    bench.repo.publish(|next| next.director.rotate(Role::Snapshot));
    // The power failed when the new Root was stored and nothing else.
    let root = bench.repo.director().root().to_vec();
    bench.director.former_root = Some(std::mem::replace(&mut bench.director.root, root));
    bench.trace.clear();
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(!bench.trace.contains(&"damaged"));
    assert_eq!(bench.director.snapshot.as_deref(), Some(bench.repo.director().snapshot()));
}
