use alloc::vec::Vec;

use super::*;

#[test]
fn codes_and_words_of_checks_belong_together() {
    assert_eq!(Error::BadDigest.code(), 1);
    assert_eq!(Error::WrongVehicle { role: Role::Targets }.code(), 35);
    assert_eq!(Error::name_of(Error::Replay.code()), Some(Error::Replay.name()));
    assert_eq!(Error::name_of(0), None);
    assert_eq!(Error::name_of(255), None);
}

// `name` has a word for every variant, or it would not compile; this reads which words those are.
#[test]
fn every_check_has_a_word_and_a_code_of_its_own() {
    let (_, rest) = include_str!("../error.rs").split_once("pub fn name(&self)").unwrap();
    let (name, _) = rest.split_once("pub fn code(&self)").unwrap();
    let mut words: Vec<&str> = name.split('"').skip(1).step_by(2).collect();
    let mut checks = CHECKS.to_vec();
    words.sort_unstable();
    checks.sort_unstable();
    assert_eq!(words, checks);
    checks.dedup();
    assert_eq!(checks.len(), CHECKS.len());
}
