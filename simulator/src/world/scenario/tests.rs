//! The ready scenarios are right, faults come from a seed, and every mistake is explained.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::ready::Ready;
use super::*;
use crate::world::vehicle;

fn vehicles(name: &str) -> Result<Vehicle, String> {
    let ready = vehicle::ready::Ready::named(name).ok_or_else(|| format!("there is no vehicle `{name}`"))?;
    ready.vehicle().ok_or_else(|| "wrong".to_owned())
}

fn scenario(name: &str) -> Scenario {
    let ready = Ready::named(name).unwrap();
    Scenario::parse(name, ready.text, vehicles).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The mistakes of a ready scenario in which `from` was replaced by `to`, once, without their places.
fn mistakes(name: &str, from: &str, to: &str) -> Vec<String> {
    let text = Ready::named(name).unwrap().text;
    assert!(text.contains(from), "{from}");
    let mistakes = Scenario::parse("s.toml", &text.replacen(from, to, 1), vehicles).expect_err("a mistake");
    mistakes.list().iter().map(|mistake| mistake.kind.to_string()).collect()
}

fn mistake(name: &str, from: &str, to: &str) -> String {
    let found = mistakes(name, from, to);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

#[test]
fn every_ready_scenario_is_right_and_called_what_its_file_is() {
    for ready in Ready::ALL {
        assert_eq!(scenario(ready.name).name().as_str(), ready.name);
        assert_eq!(ready.scenario().as_ref(), Some(&scenario(ready.name)));
    }
}

#[test]
fn two_ecus_get_256_kib_and_the_rest_16() {
    let scenario = scenario("happy-path");
    let mut sizes: Vec<u64> = scenario.releases()[0].images().iter().map(|image| image.size.0 >> 10).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [16, 16, 16, 16, 16, 16, 256, 256]);
}

#[test]
fn the_faults_of_a_seed_are_always_the_same_and_in_the_order_of_time() {
    let scenario = scenario("power-cuts");
    let faults = scenario.faults(7);
    assert_eq!(faults, scenario.faults(7));
    assert_ne!(faults, scenario.faults(8));
    assert!(faults.is_sorted_by_key(Fault::at));
    assert!(faults.iter().all(|fault| fault.at() < scenario.faults_end()));
}

#[test]
fn a_seed_means_the_same_faults_for_ever() {
    let faults = scenario("power-cuts").faults(7);
    let first: Vec<String> = faults.iter().take(3).map(|fault| format!("{} {}", fault.at(), fault.what())).collect();
    let expected = [
        "12.980634869 battery loses power within its next flash operation",
        "43.701409752 motor loses power within its next flash operation",
        "53.118181889 door-front is reset",
    ];
    assert_eq!(first, expected);
}

#[test]
fn a_mix_comes_as_often_as_it_says() {
    let scenario = scenario("bus-errors");
    let resets = |seed| {
        let is_off = |fault: &&Fault| matches!(fault.what(), What::Node { fault: NodeFault::BusOff, .. });
        scenario.faults(seed).iter().filter(is_off).count()
    };
    let mean = (0..200).map(resets).sum::<usize>() / 200;
    // Every 60 s for 20 minutes.
    assert!((18..=22).contains(&mean), "{mean}");
}

/// What the text of each kind of fault has.
const KINDS: [&str; 12] = [
    "has bit errors",
    "goes bus-off",
    "keeps nothing",
    "within its next flash",
    "is cut",
    "is slower by",
    "loses 30 %",
    "takes no CAN frames",
    "loses power for",
    "is reset",
    "votes sick",
    "at most for",
];

#[test]
fn the_default_mix_has_every_kind_of_fault_at_many_places_and_about_ten_in_a_run() {
    let scenario = scenario("default-mix");
    let runs: Vec<Vec<Fault>> = (0..500).map(|seed| scenario.faults(seed)).collect();
    let faults: Vec<String> = runs.iter().flatten().map(|fault| fault.what().to_string()).collect();
    assert!((9..=11).contains(&(faults.len() / runs.len())), "{} in 500 runs", faults.len());
    for words in KINDS {
        let places: BTreeSet<_> = faults.iter().filter_map(|fault| Some(fault.split_once(words)?.0)).collect();
        assert!(places.len() > 1, "{words}: {places:?}");
    }
    assert!(faults.iter().all(|fault| KINDS.iter().any(|words| fault.contains(words))));
}

#[test]
fn every_fault_of_a_file_is_there_whatever_the_seed() {
    let scenario = scenario("lossy-links");
    let cut = |fault: &Fault| {
        fault.at() == Moment::from_nanos(20_000_000_000) && fault.what().to_string() == "link cloud is cut for 15 s"
    };
    assert!((0..9).all(|seed| scenario.faults(seed).iter().any(cut)));
}

#[test]
fn names_that_are_not_there_are_explained_with_those_that_are() {
    let text = mistake("happy-path", "\"brakes\"", "\"braks\"");
    assert!(
        text.starts_with("unknown ECU `braks`; expected one of `gateway`")
            && text.ends_with("(did you mean `brakes`?)"),
        "{text}"
    );
    assert_eq!(
        mistake("happy-path", "runs = \"r2\"", "runs = \"r1\""),
        "unknown release `r1`; expected one of `r2`, `factory` (did you mean `r2`?)"
    );
    assert_eq!(
        mistake("two-campaigns", "after = \"spring\"", "after = \"sprung\""),
        "unknown campaign `sprung`; expected `spring` (did you mean `spring`?)"
    );
    assert!(
        mistake("lossy-links", "link = \"cloud\"", "link = \"clod\"")
            .ends_with("expected one of `cloud`, `display` (did you mean `cloud`?)")
    );
    assert!(mistake("power-cuts", "kind = \"reset\"", "kind = \"rest\"").ends_with("(did you mean `reset`?)"));
}

#[test]
fn a_vehicle_that_is_not_there_is_a_mistake_and_the_rest_is_read_all_the_same() {
    let found = mistakes("happy-path", "\"8-ecus-compact\"\nlimit = \"1 h\"", "\"9-ecus\"\nlimit = 1");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("there is no vehicle `9-ecus`; expected the name of a ready vehicle"), "{found:#?}");
}

#[test]
fn an_image_larger_than_its_bank_comes_with_the_bank() {
    let found =
        mistakes("happy-path", "{ ecus = \"rest\", size = \"16 KiB\" }", "{ ecus = \"rest\", size = \"65 KiB\" }");
    assert_eq!(found[0], "an image of 65 KiB does not fit ECU `door-front`; expected at most 64 KiB, its `bank_size`");
    assert_eq!(found.len(), 2, "both doors: {found:#?}");
}

#[test]
fn a_range_of_times_is_two_of_them_the_lesser_first() {
    let text = mistake("power-cuts", "lasts = [\"100 ms\", \"30 s\"]", "lasts = \"30 s\"");
    assert_eq!(text, "found \"30 s\"; expected the least and the greatest time, such as [\"1 s\", \"5 s\"]");
    let text = mistake("power-cuts", "[\"100 ms\", \"30 s\"]", "[\"100 s\", \"30 s\"]");
    assert!(text.starts_with("100 s is more than 30 s"), "{text}");
}

#[test]
fn a_mix_that_would_never_be_drawn_to_its_end_is_refused() {
    let text = mistake("power-cuts", "every = \"60 s\"", "every = \"100 ms\"");
    assert!(text.starts_with("100 ms is too often: a run would have more than 5000 of these"), "{text}");
    assert!(mistake("power-cuts", "every = \"60 s\"", "every = \"0 s\"").starts_with("0 ns is too often"));
}

#[test]
fn a_mix_has_a_place_to_happen_at() {
    let text = mistake("default-mix", "kind = \"bus-off\"", "kind = \"bus-off\"\nnodes = []");
    assert_eq!(text, "`nodes` names no place, so that this never happens; expected at least one name, or no such key");
    let text = mistake("default-mix", "kind = \"bus-off\"", "kind = \"bus-off\"\nnodes = [\"display\"]");
    assert!(text.starts_with("unknown node `display`; expected one of `battery`, `motor`"), "{text}");
}

#[test]
fn what_begins_after_the_end_never_begins() {
    let text = mistake("key-rotation", "at = \"6 min\"", "at = \"3 h\"");
    assert_eq!(text, "3 h is after the end of the scenario; expected at most its `limit`, 2 h");
}

#[test]
fn a_campaign_cannot_begin_before_its_release_is_there() {
    let text = mistake("happy-path", "at = \"20 s\"", "at = \"9 s\"");
    assert_eq!(text, "campaign `spring` begins before its release `r2` is published; expected a later `at`");
}

#[test]
fn an_ecu_without_image_cannot_be_updated_nor_be_made_to_run_it() {
    let text =
        mistake("two-campaigns", "ecus = [\"battery\", \"door-front\", \"door-rear\"]\nruns = \"r2\"", "runs = \"r3\"");
    assert!(text.starts_with("ECU `battery` can never run `r3`, which has no image for it"), "{text}");
    let text = mistake("two-campaigns", "after = \"spring\"", "after = \"spring\"\necus = [\"battery\"]");
    assert!(text.starts_with("release `r3` has no image for ECU `battery`"), "{text}");
}

#[test]
fn an_ecu_that_has_no_power_is_not_updated() {
    let text = Ready::named("happy-path").unwrap().text;
    let sedan = text.replace("8-ecus-compact", "40-ecus-sedan");
    let found = Scenario::parse("s.toml", &sedan, vehicles).unwrap_err().list()[0].to_string();
    assert!(found.starts_with("16:8: campaign `spring` updates ECU `brakes`, which never has power"), "{found}");
    let charging = sedan + "\n[[power]]\nat = \"5 s\"\nstate = \"charging\"\n";
    assert!(Scenario::parse("s.toml", &charging, vehicles).is_ok());
}

#[test]
fn a_must_says_one_thing() {
    let text = mistake("happy-path", "runs = \"r2\"", "runs = \"r2\"\nrefuses = \"rollback\"");
    assert_eq!(text, "it must say one thing that holds; expected one of `runs`, `keeps`, `refuses`");
}

#[test]
fn musts_read_as_sentences() {
    let text = Ready::named("happy-path").unwrap().text.to_owned()
        + "[[must]]\necus = [\"brakes\"]\nkeeps = \"factory\"\nresult = \"rolled-back\"\n[[must]]\nrefuses = \"freeze\"\n";
    let scenario = Scenario::parse("s.toml", &text, vehicles).unwrap();
    let sentences: Vec<String> = scenario.musts().iter().map(Must::to_string).collect();
    assert_eq!(
        sentences,
        [
            "8 ECUs: r2 runs",
            "brakes: factory still runs, and the result is rolled-back",
            "8 ECUs: something was refused as freeze"
        ]
    );
}

/// What a file says and is not refused is there.
fn nothing_is_dropped(scenario: &Scenario, text: &str) {
    let file: toml::Table = toml::from_str(text).unwrap();
    let said = |key: &str| file.get(key).map_or(0, |tables| tables.as_array().unwrap().len());
    let keys = ["release", "campaign", "rotation", "fault", "mix", "must"];
    let kept = [
        scenario.releases().len(),
        scenario.campaigns().len(),
        scenario.rotations().len(),
        scenario.faults.len(),
        scenario.mix().len(),
        scenario.musts().len(),
    ];
    assert_eq!(keys.map(said), kept);
}

#[test]
fn nothing_that_is_right_is_dropped() {
    for ready in Ready::ALL {
        nothing_is_dropped(&scenario(ready.name), ready.text);
    }
}

#[test]
fn a_fault_that_can_happen_nowhere_in_a_vehicle_is_a_mistake() {
    let no_ethernet = "8-ecus-compact\"\nlimit = \"1 h\"";
    let fault = "2-ecus-workbench\"\nlimit = \"1 h\"\n[[fault]]\nkind = \"link-cut\"\nlink = \"brakes\"\nat = \"1 s\"\nlasts = \"1 s\"\n";
    let found = mistakes("happy-path", no_ethernet, fault);
    assert!(found.contains(&"unknown link `brakes`; expected `cloud`".to_owned()), "{found:#?}");
}

/// The happy path with a fault.
fn with_fault(fault: &str) -> Result<Scenario, Mistakes> {
    let text =
        Ready::named("happy-path").unwrap().text.to_owned() + "[[fault]]\nat = \"1 s\"\nlasts = \"2 s\"\n" + fault;
    Scenario::parse("s.toml", &text, vehicles)
}

#[test]
fn power_that_fails_at_something_counted_reads_as_a_sentence() {
    let sentence = |fault: &str| with_fault(fault).unwrap().faults(1)[0].what().to_string();
    assert_eq!(
        sentence("kind = \"flash-cut\"\nnode = \"brakes\"\nnumber = 17\ntorn = \"weak\""),
        "brakes loses power for 2 s at its flash operation 17, with weak cells left"
    );
    assert_eq!(
        sentence("kind = \"disk-cut\"\nnode = \"gateway\"\nreach = \"vehicle\""),
        "gateway loses power with the whole vehicle for 2 s at its disk operation 1, half done"
    );
    assert_eq!(
        sentence("kind = \"message-cut\"\nnode = \"display\"\nnumber = 3"),
        "display loses power for 2 s at its message 3"
    );
}

#[test]
fn what_an_ecu_does_not_have_is_not_counted() {
    let mistake = |fault: &str| with_fault(fault).unwrap_err().list()[0].kind.to_string();
    let text = mistake("kind = \"flash-cut\"\nnode = \"gateway\"");
    assert!(text.starts_with("unknown node `gateway`; expected one of `display`, `battery`"), "{text}");
    let text = mistake("kind = \"disk-cut\"\nnode = \"brakes\"");
    assert!(text.starts_with("unknown node `brakes`; expected one of `gateway`, `display`"), "{text}");
    let text = mistake("kind = \"disk-cut\"\nnode = \"gateway\"\ntorn = \"weak\"");
    assert_eq!(text, "unknown way to tear an operation of a disk `weak`; expected one of `before`, `half`, `after`");
    let text = mistake("kind = \"message-cut\"\nnode = \"brakes\"\ntorn = \"half\"");
    assert!(text.starts_with("unknown key `torn`"), "{text}");
    let text = mistake("kind = \"message-cut\"\nnode = \"brakes\"\nnumber = 0");
    assert_eq!(text, "found the number 0; expected a whole number above 0");
}

proptest! {
    #[test]
    fn no_edits_of_a_scenario_make_the_reader_or_the_draw_panic(
        at: prop::sample::Index, length in 0_usize..40, insert in "[ -~\\n]{0,12}", which in 0..Ready::ALL.len()
    ) {
        let mut text: Vec<char> = Ready::ALL[which].text.chars().collect();
        let at = at.index(text.len());
        text.splice(at..(at + length).min(text.len()), insert.chars());
        let text: String = text.into_iter().collect();
        if let Ok(scenario) = Scenario::parse("s.toml", &text, vehicles) {
            prop_assert!(scenario.faults(1).is_sorted_by_key(Fault::at));
            nothing_is_dropped(&scenario, &text);
        }
    }
}

const FLOOD: &str = "[[fault]]\nkind = \"flood\"\nbus = \"body\"\nid = 0x720\nsays = \"requests\"\nevery = \"2 ms\"\n\
                     at = \"30 s\"\nlasts = \"5 s\"\n[[must]]";

#[test]
fn a_flood_says_who_it_pretends_to_be_and_how_often() {
    let text = Ready::named("happy-path").unwrap().text.replacen("[[must]]", FLOOD, 1);
    let scenario = Scenario::parse("s.toml", &text, vehicles).unwrap();
    let [fault] = &scenario.faults(1)[..] else { panic!("one fault") };
    assert_eq!(fault.what().to_string(), "bus body is flooded with requests as 0x720 every 2 ms for 5 s");
    assert_eq!(fault.what().kind(), "flood");
    let often = FLOOD.replace("2 ms", "10 us");
    assert_eq!(
        mistake("happy-path", "[[must]]", &often),
        "10 us is shorter than any frame; expected at least 100 us, or no such key"
    );
}

#[test]
fn a_mix_leaves_the_controllers_of_the_primary_alone_unless_it_names_it() {
    let of = |text: &str| {
        let scenario = Scenario::parse("s.toml", text, vehicles).unwrap();
        let faults: Vec<Fault> = (0..50).flat_map(|seed| scenario.faults(seed)).collect();
        faults.iter().any(|fault| fault.what().to_string() == "gateway goes bus-off")
    };
    let text = Ready::named("bus-errors").unwrap().text;
    assert!(!of(text));
    assert!(of(&text.replace("kind = \"bus-off\"", "kind = \"bus-off\"\nnodes = [\"gateway\", \"brakes\"]")));
}
