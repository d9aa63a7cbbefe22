use alloc::string::String;
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

// `code` has a number for every variant, or it would not compile; this reads which numbers those are.
#[test]
fn every_check_has_a_code_of_its_own_and_the_word_that_its_variant_is_called_by() {
    let (_, rest) = include_str!("../error.rs").split_once("pub fn code(&self)").unwrap();
    let (code, _) = rest.split_once("pub fn name_of").unwrap();
    let arms = code.split("Self::").filter_map(|arm| arm.split_once(" => "));
    let arms = arms.map(|(variant, number)| (word(variant), number.split(',').next().unwrap().parse().unwrap()));
    let mut codes: Vec<(String, usize)> = arms.collect();
    codes.sort_unstable_by_key(|(_, code)| *code);
    let expected: Vec<(String, usize)> = CHECKS.iter().map(|check| String::from(*check)).zip(1..).collect();
    assert_eq!(codes, expected);
}

/// `NotJson { .. }` as `not-json`.
fn word(variant: &str) -> String {
    let name = variant.split(' ').next().unwrap_or_default();
    let letters = name.chars().enumerate().flat_map(|(at, letter)| {
        let dash = (at > 0 && letter.is_uppercase()).then_some('-');
        dash.into_iter().chain([letter.to_ascii_lowercase()])
    });
    letters.collect()
}
