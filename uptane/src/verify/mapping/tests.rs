use alloc::vec;

use super::*;

/// What a repository says of an image: one letter stands for length, hashes and match.
type Said = char;

const OTHER: Error = Error::Mismatch { what: "hashes" };

fn same(one: &Said, other: &Said) -> Result<(), Error> {
    if one == other { Ok(()) } else { Err(OTHER) }
}

fn named(name: &str) -> RepositoryName {
    RepositoryName::parse(name).unwrap()
}

fn entry(pattern: &str, repositories: &str, threshold: usize) -> Result<MappingEntry, Error> {
    let repositories = repositories.split(' ').map(named).collect();
    MappingEntry::new(vec![PathPattern::parse(pattern).unwrap()], repositories, threshold, true)
}

fn open_entry(pattern: &str, repositories: &str, threshold: usize) -> MappingEntry {
    MappingEntry { is_terminating: false, ..entry(pattern, repositories, threshold).unwrap() }
}

/// What the mapping makes of `fw/a.bin`, of which the Director says `x` and each repository what `says` lists for it.
fn decided(entries: Vec<MappingEntry>, says: &[(&str, Said)]) -> Result<Said, Error> {
    decided_of(entries, Some('x'), says)
}

fn decided_of(entries: Vec<MappingEntry>, chosen: Option<Said>, says: &[(&str, Said)]) -> Result<Said, Error> {
    let listed = |name: RepositoryName| says.iter().find(|(known, _)| *known == name.as_str()).map(|(_, said)| *said);
    let says = |name| listed(name).ok_or(Error::NotInImageRepository);
    let name = TargetName::parse("fw/a.bin").unwrap();
    let (whose, said) = Mapping::new(entries).unwrap().decide_by(name, chosen.as_ref(), says, same)?;
    assert_eq!(listed(whose), Some(said));
    Ok(said)
}

#[test]
fn by_default_director_and_image_repository_must_agree_on_every_name() {
    let basic = Mapping::basic();
    let [only] = basic.entries() else { panic!("{basic:?}") };
    assert!(only.covers(TargetName::parse("any/where.bin").unwrap()));
    assert_eq!(*only, entry("*", "director image", 2).unwrap());
    assert_eq!(decided(basic.entries.clone(), &[("image", 'x')]), Ok('x'));
    assert_eq!(decided(basic.entries.clone(), &[("image", 'y')]), Err(OTHER));
    assert_eq!(decided(basic.entries, &[]), Err(Error::NotInImageRepository));
}

#[test]
fn an_entry_without_the_director_is_not_built() {
    let refused = Err(Error::BadMapping { what: "an entry without the Director" });
    assert_eq!(entry("*", "image supplier", 2), refused);
}

#[test]
fn an_entry_in_which_the_director_is_enough_is_not_built() {
    let refused = Err(Error::BadMapping { what: "a threshold that the Director meets alone" });
    assert_eq!(entry("*", "director image", 1), refused);
    assert_eq!(entry("*", "director image", 0), refused);
}

#[test]
fn an_entry_whose_threshold_nobody_meets_is_not_built() {
    let refused = Err(Error::BadMapping { what: "a threshold nobody can meet" });
    assert_eq!(entry("*", "director image", 3), refused);
    assert_eq!(entry("*", "director", 2), refused);
}

#[test]
fn an_entry_that_names_a_repository_twice_is_not_built() {
    assert_eq!(entry("*", "director image image", 3), Err(Error::Duplicate { what: "repository" }));
}

#[test]
fn an_entry_without_paths_and_a_mapping_without_entries_are_not_built() {
    let repositories = vec![named("director"), named("image")];
    assert_eq!(MappingEntry::new(vec![], repositories, 2, true), Err(Error::BadMapping { what: "no path" }));
    assert_eq!(Mapping::new(vec![]), Err(Error::BadMapping { what: "no entry" }));
}

#[test]
fn a_mapping_has_bounds() {
    let limit = Err(Error::Limit { what: "mapping" });
    let one = entry("*", "director image", 2).unwrap();
    assert!(Mapping::new(vec![one.clone(); MAX_MAPPING_ENTRIES]).is_ok());
    assert_eq!(Mapping::new(vec![one; MAX_MAPPING_ENTRIES + 1]), limit);
    let other = |number| entry("*", &alloc::format!("director r{number}"), 2).unwrap();
    assert!(Mapping::new((1..MAX_REPOSITORIES).map(other).collect()).is_ok());
    assert_eq!(Mapping::new((0..MAX_REPOSITORIES).map(other).collect()), limit);
    let paths = vec![PathPattern::parse("*").unwrap(); MAX_MAPPING_PATHS + 1];
    let many = MappingEntry::new(paths, vec![named("director"), named("image")], 2, true);
    assert_eq!(many.map(|_| ()), limit.map(|_: Mapping| ()));
}

#[test]
fn the_first_entry_that_covers_the_name_decides() {
    let entries = || {
        vec![
            entry("maps/*", "director maps", 2).unwrap(),
            entry("fw/*", "director supplier", 2).unwrap(),
            entry("*", "director image", 2).unwrap(),
        ]
    };
    assert_eq!(decided(entries(), &[("supplier", 'x'), ("image", 'y')]), Ok('x'));
    assert_eq!(decided(entries(), &[("supplier", 'y'), ("image", 'x'), ("maps", 'x')]), Err(OTHER));
}

#[test]
fn a_name_that_no_entry_covers_is_refused() {
    let entries = vec![entry("maps/*", "director image", 2).unwrap(), entry("f?", "director image", 2).unwrap()];
    assert_eq!(decided(entries, &[("image", 'x')]), Err(Error::NotMapped));
}

#[test]
fn a_threshold_of_the_repositories_is_enough() {
    let entries = || vec![entry("*", "director image supplier fleet", 3).unwrap()];
    assert_eq!(decided(entries(), &[("image", 'x'), ("fleet", 'x')]), Ok('x'));
    assert_eq!(decided(entries(), &[("image", 'x'), ("fleet", 'x'), ("supplier", 'y')]), Ok('x'));
    let alone = Err(Error::NoConsensus { agreeing: 2, needed: 3 });
    assert_eq!(decided(entries(), &[("image", 'x'), ("fleet", 'y')]), alone);
    assert_eq!(decided(entries(), &[("image", 'x')]), alone);
}

#[test]
fn where_all_must_agree_the_first_that_does_not_is_named() {
    let entries = || vec![entry("*", "director image supplier", 3).unwrap()];
    assert_eq!(decided(entries(), &[("image", 'x'), ("supplier", 'x')]), Ok('x'));
    assert_eq!(decided(entries(), &[("image", 'x'), ("supplier", 'y')]), Err(OTHER));
    assert_eq!(decided(entries(), &[("image", 'x')]), Err(Error::NotInImageRepository));
}

#[test]
fn only_an_entry_that_does_not_terminate_leaves_the_name_to_the_next() {
    let says = [("image", 'x'), ("supplier", 'y')];
    let next = || entry("*", "director image", 2).unwrap();
    assert_eq!(decided(vec![entry("fw/*", "director supplier", 2).unwrap(), next()], &says), Err(OTHER));
    assert_eq!(decided(vec![open_entry("fw/*", "director supplier", 2), next()], &says), Ok('x'));
    assert_eq!(decided(vec![open_entry("fw/*", "director supplier", 2)], &says), Err(OTHER));
}

#[test]
fn repositories_that_agree_without_the_director_have_decided_against_it() {
    let first = open_entry("fw/*", "director supplier fleet", 2);
    let next = entry("*", "director image", 2).unwrap();
    let says = [("supplier", 'y'), ("fleet", 'y'), ("image", 'x')];
    assert_eq!(decided(vec![first, next], &says), Err(OTHER));
}

#[test]
fn an_image_the_director_only_names_is_what_a_threshold_says_it_is() {
    let entries = || vec![entry("*", "director image supplier fleet", 3).unwrap()];
    let two = [("image", 'y'), ("supplier", 'z'), ("fleet", 'z')];
    assert_eq!(decided_of(entries(), None, &two), Ok('z'));
    let alone = Err(Error::NoConsensus { agreeing: 2, needed: 3 });
    assert_eq!(decided_of(entries(), None, &two[..2]), alone);
    assert_eq!(decided_of(entries(), None, &[]), Err(Error::NotInImageRepository));
}

#[test]
fn why_a_repository_says_nothing_is_told_where_it_must_agree() {
    let broken = Error::Absent { role: crate::Role::Targets };
    let mapping = Mapping::basic();
    let name = TargetName::parse("fw/a.bin").unwrap();
    assert_eq!(mapping.decide_by(name, Some(&'x'), |_| Err(broken), same), Err(broken));
}

#[test]
fn every_repository_beside_the_director_is_named_once() {
    let entries = vec![entry("a", "supplier director", 2).unwrap(), entry("b", "director image supplier", 2).unwrap()];
    let names = Mapping::new(entries).unwrap().image_repositories();
    assert_eq!(names, [named("supplier"), named("image")]);
}

#[test]
fn a_star_alone_covers_every_name_and_within_a_pattern_none_with_a_slash() {
    let covers =
        |pattern: &str, name: &str| PathPattern::parse(pattern).unwrap().covers(TargetName::parse(name).unwrap());
    assert!(covers("*", "a/b/c.bin"));
    assert!(!covers("**", "a/b"));
    assert!(!covers("a/*", "a/b/c.bin"));
    assert!(covers("a/*/?.bin", "a/b/c.bin"));
    assert_eq!(PathPattern::parse(""), Err(Error::BadName { kind: "PathPattern" }));
}
