use super::*;
use crate::testing::{self, ecu_id, image};
use uptane::metadata::Delta;
use uptane::{ImageLine, Length};

fn catalogue() -> Catalogue {
    [image(0), image(1), image(2), image(3)].into_iter().collect()
}

fn wanted(ecu: &str, release: u64) -> [(EcuId, TargetNameBuf); 1] {
    [(ecu_id(ecu), image(release).name)]
}

#[test]
fn an_assignment_is_the_image_repositorys_own_words() {
    let facts = testing::facts();
    let Ok(Change::Assign { expected, next, desired, .. }) = assign(&facts, &catalogue(), &wanted("brake", 3)) else {
        panic!("refused");
    };
    assert_eq!(desired, [(ecu_id("brake"), Desired { image: image(3), listed: true, fallback: None, delta: None })]);
    assert_eq!((expected.get(), next.get()), (5, 6));
}

#[test]
fn what_the_image_repository_lacks_is_not_assigned() {
    let refused = assign(&testing::facts(), &catalogue(), &wanted("brake", 9));
    assert!(matches!(refused, Err(Error::NotInImageRepository { .. })), "{refused:?}");
}

#[test]
fn an_image_for_other_hardware_is_not_assigned() {
    let refused = assign(&testing::facts(), &catalogue(), &wanted("primary", 3));
    assert!(matches!(refused, Err(Error::Hardware { .. })), "{refused:?}");
}

#[test]
fn an_older_release_is_not_assigned_and_the_same_may_be() {
    let refused = assign(&testing::facts(), &catalogue(), &wanted("brake", 0));
    assert!(matches!(refused, Err(Error::CounterLower { .. })), "{refused:?}");
    assign(&testing::facts(), &catalogue(), &wanted("brake", 1)).unwrap();
}

#[test]
fn counters_of_another_line_say_nothing() {
    let other = ImageTarget { line: ImageLine::parse("other").unwrap(), ..image(0) };
    assign(&testing::facts(), &[other].into_iter().collect(), &wanted("brake", 0)).unwrap();
}

#[test]
fn one_ecu_gets_one_image() {
    let twice = [(ecu_id("brake"), image(2).name), (ecu_id("brake"), image(3).name)];
    let refused = assign(&testing::facts(), &catalogue(), &twice);
    assert!(matches!(refused, Err(Error::EcuTwice { .. })), "{refused:?}");
    let refused = assign(&testing::facts(), &catalogue(), &wanted("stranger", 3));
    assert!(matches!(refused, Err(Error::UnknownEcu { .. })), "{refused:?}");
}

#[test]
fn an_image_that_leaves_is_taken_off_the_list_and_returns_with_it() {
    let mut facts = testing::facts();
    assert_eq!(relist(&facts, &catalogue()).unwrap(), None);

    let Some(Change::Relist { relisted, .. }) = relist(&facts, &Catalogue::default()).unwrap() else {
        panic!("still listed");
    };
    assert_eq!(relisted, [Relisted { ecu: ecu_id("brake"), listed: false, fallback: None, delta: None }]);

    facts.ecus[0].desired.as_mut().unwrap().listed = false;
    let Some(Change::Relist { relisted, .. }) = relist(&facts, &catalogue()).unwrap() else {
        panic!("not back");
    };
    assert_eq!(relisted, [Relisted { ecu: ecu_id("brake"), listed: true, fallback: None, delta: None }]);
}

#[test]
fn other_bytes_under_the_same_name_are_another_image() {
    let other = ImageTarget { hashes: uptane::Hashes::of(b"other"), ..image(2) };
    let change = relist(&testing::facts(), &[other].into_iter().collect()).unwrap();
    assert!(matches!(change, Some(Change::Relist { .. })));
}

/// The brake has a single bank, shall run release 2 and runs this one.
fn of_single_bank(runs: u64) -> Facts {
    let mut facts = testing::facts();
    let brake = &mut facts.ecus[0];
    (brake.banks, brake.installed) = (Banks::Single, Some(testing::installed(runs)));
    facts
}

fn fallback_of(facts: &Facts, catalogue: &Catalogue) -> Option<TargetNameBuf> {
    let Ok(Change::Assign { desired, .. }) = assign(facts, catalogue, &wanted("brake", 3)) else {
        panic!("refused");
    };
    desired[0].1.fallback
}

#[test]
fn an_ecu_of_a_single_bank_returns_to_what_it_runs() {
    assert_eq!(fallback_of(&of_single_bank(1), &catalogue()), Some(image(1).name));
    assert_eq!(fallback_of(&testing::facts(), &catalogue()), None);
}

#[test]
fn nothing_is_returned_to_that_may_not_run_there() {
    let facts = of_single_bank(1);
    let other_bytes = ImageTarget { hashes: uptane::Hashes::of(b"other"), ..image(1) };
    let other_hardware = ImageTarget { hardware: vec![facts.ecus[1].hardware], ..image(1) };
    let older = ImageTarget { counter: image(0).counter, ..image(1) };
    for unfit in [other_bytes, other_hardware, older] {
        let catalogue = [unfit, image(3)].into_iter().collect();
        assert_eq!(fallback_of(&facts, &catalogue), None);
    }
    assert_eq!(fallback_of(&facts, &[image(3)].into_iter().collect()), None);
    assert_eq!(fallback_of(&of_single_bank(3), &catalogue()), None);
}

#[test]
fn what_an_ecu_of_a_single_bank_returns_to_follows_what_it_runs() {
    let mut facts = of_single_bank(1);
    for (runs, returns_to) in [(1, Some(image(1).name)), (2, None), (1, Some(image(1).name))] {
        facts.ecus[0].installed = Some(testing::installed(runs));
        let Some(Change::Relist { relisted, .. }) = relist(&facts, &catalogue()).unwrap() else {
            panic!("release {runs}: nothing changes");
        };
        assert_eq!(relisted, [Relisted { ecu: ecu_id("brake"), listed: true, fallback: returns_to, delta: None }]);
        facts.ecus[0].desired.as_mut().unwrap().fallback = returns_to;
        assert_eq!(relist(&facts, &catalogue()).unwrap(), None);
    }
}

fn digest(release: u64) -> Sha256 {
    image(release).hashes.sha256().unwrap()
}

fn patch(from: u64, to: u64) -> Patch {
    let name = TargetNameBuf::parse(&format!("brake/{from}-to-{to}.patch")).unwrap();
    let delta = Delta { base: digest(from), length: Length::new(9).unwrap(), sha256: Sha256([5; 32]) };
    Patch { named: NamedDelta { name, delta }, makes: digest(to) }
}

fn patched() -> Catalogue {
    catalogue().with_patches([patch(1, 2), patch(1, 3), patch(2, 3)])
}

fn delta_of(facts: &Facts, catalogue: &Catalogue) -> Option<NamedDelta> {
    let Ok(Change::Assign { desired, .. }) = assign(facts, catalogue, &wanted("brake", 3)) else {
        panic!("refused");
    };
    desired[0].1.delta
}

/// What the relisting of the brake says of its patch; none if nothing changes.
fn relisted_delta(facts: &Facts, catalogue: &Catalogue) -> Option<Option<NamedDelta>> {
    match relist(facts, catalogue).unwrap() {
        None => None,
        Some(Change::Relist { relisted, .. }) => Some(relisted[0].delta),
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn an_ecu_is_told_of_the_patch_for_what_it_runs() {
    let mut facts = testing::facts();
    assert_eq!(delta_of(&facts, &patched()), Some(patch(1, 3).named));
    facts.ecus[0].installed = Some(testing::installed(2));
    assert_eq!(delta_of(&facts, &patched()), Some(patch(2, 3).named));
    assert_eq!(delta_of(&facts, &catalogue()), None);
    assert_eq!(delta_of(&facts, &catalogue().with_patches([patch(1, 3)])), None);
}

#[test]
fn what_is_installed_counts_by_its_digest_and_not_by_its_name() {
    let mut facts = testing::facts();
    facts.ecus[0].installed.as_mut().unwrap().sha256 = digest(2);
    assert_eq!(delta_of(&facts, &patched()), Some(patch(2, 3).named));
    facts.ecus[0].installed.as_mut().unwrap().sha256 = Sha256([8; 32]);
    assert_eq!(delta_of(&facts, &patched()), None);
}

#[test]
fn an_ecu_without_a_second_bank_or_a_known_image_is_told_of_no_patch() {
    assert_eq!(delta_of(&of_single_bank(1), &patched()), None);
    let mut facts = testing::facts();
    facts.ecus[0].installed = None;
    assert_eq!(delta_of(&facts, &patched()), None);
}

#[test]
fn a_base_that_left_the_image_repository_can_still_be_patched() {
    let left = [image(2), image(3)].into_iter().collect::<Catalogue>().with_patches([patch(1, 3)]);
    assert_eq!(delta_of(&testing::facts(), &left), Some(patch(1, 3).named));
}

#[test]
fn a_patch_that_is_added_or_removed_moves_the_sequence() {
    let mut facts = testing::facts();
    let Some(Change::Relist { expected, next, relisted, .. }) = relist(&facts, &patched()).unwrap() else {
        panic!("not told of");
    };
    let told = Relisted { ecu: ecu_id("brake"), listed: true, fallback: None, delta: Some(patch(1, 2).named) };
    assert_eq!((expected.get(), next.get(), relisted), (5, 6, vec![told]));

    facts.ecus[0].desired.as_mut().unwrap().delta = told.delta;
    assert_eq!(relist(&facts, &patched()).unwrap(), None);
    assert_eq!(relisted_delta(&facts, &catalogue()), Some(None));
    let mut other = patch(1, 2);
    other.named.delta.sha256 = Sha256([6; 32]);
    assert_eq!(relisted_delta(&facts, &catalogue().with_patches([other])), Some(Some(other.named)));
}

#[test]
fn the_patch_an_ecu_took_stays_named_so_that_an_update_is_one_version() {
    let mut facts = testing::facts();
    facts.ecus[0].desired.as_mut().unwrap().delta = Some(patch(1, 2).named);
    for runs in [1, 2, 1] {
        facts.ecus[0].installed = Some(testing::installed(runs));
        assert_eq!(relist(&facts, &patched()).unwrap(), None, "release {runs}");
    }
    facts.ecus[0].installed = Some(testing::installed(2));
    assert_eq!(relisted_delta(&facts, &catalogue()), Some(None), "removed");

    // Another image it reports is the base of no patch, or of another one.
    facts.ecus[0].installed = Some(testing::installed(0));
    assert_eq!(relisted_delta(&facts, &patched()), Some(None));
    let both = catalogue().with_patches([patch(1, 2), patch(0, 2)]);
    assert_eq!(relisted_delta(&facts, &both), Some(Some(patch(0, 2).named)));
}

#[test]
fn an_image_assigned_to_an_ecu_that_runs_it_brings_no_patch() {
    let mut facts = testing::facts();
    facts.ecus[0].installed = Some(testing::installed(3));
    assert_eq!(delta_of(&facts, &patched()), None);
}
