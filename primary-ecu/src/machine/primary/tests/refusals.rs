//! Why an update is refused, and what is told and kept of it.

use uptane::verify::time;

use super::*;

#[test]
fn a_flipped_image_byte_is_refused_and_told_and_the_next_good_image_installed() {
    let mut bench = Bench::new(3);
    bench.repo.publish(|next| next.release());
    bench.tampered = true;
    assert_eq!(bench.refused(), uptane::Error::ImageDigest);
    assert!(bench.all_run(1));
    let told = bench.told.clone().unwrap().outcome;
    assert_eq!((told.result.as_str(), told.attack.as_deref()), ("verification-failed", Some("arbitrary-software")));

    bench.trace.clear();
    assert_eq!(bench.refused(), uptane::Error::ImageDigest);
    assert_eq!(bench.trace.iter().filter(|word| **word == "full").count(), 0, "the Director knows");

    bench.tampered = false;
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
}

#[test]
fn an_older_set_of_image_metadata_is_a_rollback() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    bench.tampered = true;
    bench.refused();
    bench.tampered = false;
    bench.repo.publish(|next| next.image.version(Role::Timestamp, 1));
    assert!(matches!(bench.refused(), uptane::Error::Rollback { role: Role::Timestamp, .. }));
    assert!(bench.all_run(1));
}

#[test]
fn an_image_the_director_alone_names_is_refused_and_its_metadata_not_kept() {
    let mut bench = Bench::new(2);
    let ecu = bench.repo.ecus()[1].ecu;
    bench.repo.publish(|next| {
        next.release();
        let name = format!("fw/{ecu}-2.bin");
        next.image.remove(Role::Targets, &["targets", name.as_str()]);
    });
    assert_eq!(bench.refused(), uptane::Error::NotInImageRepository);
    assert_eq!(bench.accepted, Accepted::default());
    assert!(bench.all_run(1));
}

#[test]
fn a_time_that_was_moved_forward_stays_while_its_keys_do() {
    let mut bench = Bench::new(1);
    bench.cycle();
    bench.time = bench.repo.now().saturating_add(time::MAX_JUMP);
    bench.repo.publish(|next| next.director.renew_root());
    let (known, offered) = (bench.time, bench.repo.now());
    assert_eq!(bench.refused(), uptane::Error::TimeRollback { known, offered });
}
