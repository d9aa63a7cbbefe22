//! Whose patch is fetched.

use uptane::Role;

use super::*;

/// How many patches a cycle asks for, where the Director describes to one ECU a patch of `base` and of this length.
fn fetched(which: usize, base: &[u8], length: usize, single_bank: bool) -> usize {
    let mut bench = Bench::new(3);
    let ecu = bench.repo.ecus()[which];
    if single_bank {
        bench.single_banks.insert(ecu.ecu);
    }
    let name = ecu.image_name(2);
    let at = |member| ["targets", &name, "custom", "uptane", "ecus", ecu.ecu.as_str(), member];
    let (base, sha256) = (Sha256::of(base), Sha256::of(b"patch"));
    bench.repo.publish(|next| {
        next.release();
        let delta = format!(r#"{{"base":"{base}","length":{length},"name":"patch","sha256":"{sha256}"}}"#);
        next.director.set(Role::Targets, &at("delta"), delta);
        if single_bank {
            next.director.set(Role::Targets, &at("fallback"), format!("\"{}\"", ecu.image_name(1)));
        }
    });
    bench.cycle().unwrap().unwrap();
    bench.trace.iter().filter(|word| **word == "patch").count()
}

#[test]
fn a_patch_is_fetched_for_an_ecu_that_runs_its_base() {
    let old = Bench::new(3).repo.ecus()[1].image(1);
    assert_eq!(fetched(1, &old, 5, false), 1);
    assert_eq!(fetched(1, b"another", 5, false), 0);
}

#[test]
fn a_patch_as_long_as_its_image_is_not_fetched() {
    let old = Bench::new(3).repo.ecus()[1].image(1);
    assert_eq!(fetched(1, &old, old.len(), false), 0);
    assert_eq!(fetched(1, &old, old.len() - 1, false), 1);
}

#[test]
fn the_primary_itself_and_a_single_bank_need_no_patch() {
    let ecus = Bench::new(3).repo.ecus().to_vec();
    assert_eq!(fetched(0, &ecus[0].image(1), 5, false), 0);
    assert_eq!(fetched(1, &ecus[1].image(1), 5, true), 0);
}
