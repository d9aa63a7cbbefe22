//! What is written is well-formed and says what the run says, whatever names it has.

use proptest::prelude::*;

use super::*;

/// A piece of markup, its attributes and texts as they were before they were escaped.
#[derive(Debug, PartialEq)]
enum Token {
    Open(String, Vec<(String, String)>),
    Close(String),
    Text(String),
}

/// Elements of HTML that have no end.
const VOID: [&str; 2] = ["meta", "br"];

/// Reads markup as a strict parser would, and panics where one would give up.
fn tokens(mut markup: &str) -> Vec<Token> {
    let (mut tokens, mut open) = (Vec::new(), Vec::new());
    while let Some(start) = markup.find('<') {
        let (text, rest) = markup.split_at(start);
        if !text.trim().is_empty() {
            tokens.push(Token::Text(unescaped(text)));
        }
        let mut inside = None;
        let end = rest.char_indices().find(|(_, character)| match (inside, character) {
            (None, '"') => {
                inside = Some(());
                false
            }
            (Some(()), '"') => {
                inside = None;
                false
            }
            (None, '>') => true,
            _ => false,
        });
        let (tag, rest) = rest.split_at(end.expect("every tag ends").0);
        markup = &rest[1..];
        let tag = &tag[1..];
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "elements end in the order they began");
            tokens.push(Token::Close(name.to_owned()));
            continue;
        }
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
        tokens.push(Token::Open(name.to_owned(), attributes_of(attributes)));
        if !closed && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
        if name == "style" {
            markup = &markup[markup.find("</style>").expect("style ends")..];
        }
    }
    assert!(open.is_empty() && markup.trim().is_empty(), "{open:?} {markup}");
    tokens
}

fn attributes_of(mut text: &str) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    while let Some((name, rest)) = text.trim_start().split_once("=\"") {
        let (value, rest) = rest.split_once('"').expect("every value ends");
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{name}");
        attributes.push((name.to_owned(), unescaped(value)));
        text = rest;
    }
    assert!(text.trim().is_empty(), "{text}");
    attributes
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let first = parts.next().unwrap().to_owned();
    assert!(!text.contains(['<', '"']) && !text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    parts.fold(first, |text, part| {
        let (entity, rest) = part.split_once(';').expect("an entity ends");
        let character = match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            number => char::from_u32(number.strip_prefix('#').unwrap().parse().unwrap()).unwrap(),
        };
        text + &character.to_string() + rest
    })
}

fn seconds(seconds: u64) -> Moment {
    Moment::START + Duration::from_secs(seconds)
}

fn run() -> Run {
    let stretch = |phase, begin, end| Stretch { phase, begin: seconds(begin), end: seconds(end) };
    Run {
        scenario: "happy-path".to_owned(),
        vehicle: "2-ecus-workbench".to_owned(),
        seed: 7,
        end: seconds(100),
        ecus: vec![EcuRun {
            ecu: "brakes".to_owned(),
            phases: vec![stretch(Phase::Receiving, 10, 50), stretch(Phase::Trial, 50, 60)],
        }],
        buses: vec![BusRun {
            bus: "body".to_owned(),
            bucket: Duration::from_secs(10),
            busy: vec![Duration::from_secs(5); 10],
        }],
        traffic: vec![Traffic {
            end: "brakes".to_owned(),
            over: "body".to_owned(),
            payload: 262_144,
            wire: 300_000,
            messages: 40_000,
        }],
        verdicts: vec![Verdict { must: "brakes: r2 runs".to_owned(), falls_short: None }],
        faults: vec![Fired { at: seconds(20), place: "brakes".to_owned(), what: "is reset".to_owned() }],
        violations: Vec::new(),
    }
}

fn opened<'t>(tokens: &'t [Token], name: &str) -> Vec<&'t [(String, String)]> {
    let of = |token: &'t Token| match token {
        Token::Open(opened, attributes) if opened == name => Some(attributes.as_slice()),
        Token::Open(..) | Token::Close(_) | Token::Text(_) => None,
    };
    tokens.iter().filter_map(of).collect()
}

fn attribute<'t>(attributes: &'t [(String, String)], name: &str) -> &'t str {
    attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap()
}

#[test]
fn each_seed_has_a_test_case_for_each_thing_that_must_hold_and_one_for_the_invariants() {
    let mut second = run();
    second.seed = 8;
    second.verdicts[0].falls_short = Some("it runs factory".to_owned());
    let tokens = tokens(&junit(&[run(), second]));
    let names: Vec<&str> = opened(&tokens, "testcase").iter().map(|case| attribute(case, "name")).collect();
    assert_eq!(
        names,
        [
            "seed 7: brakes: r2 runs",
            "seed 7: no invariant is violated",
            "seed 8: brakes: r2 runs",
            "seed 8: no invariant is violated"
        ]
    );
    let suite = opened(&tokens, "testsuite")[0];
    assert_eq!(
        ["name", "tests", "failures", "time"].map(|name| attribute(suite, name)),
        ["happy-path on 2-ecus-workbench", "4", "1", "200.000000000"]
    );
    assert_eq!(attribute(opened(&tokens, "failure")[0], "message"), "it runs factory");
}

#[test]
fn violations_fail_the_test_case_of_the_invariants_all_in_its_text() {
    let mut run = run();
    let violation = |how: &str| Violation { at: seconds(3), invariant: "never mixed".to_owned(), how: how.to_owned() };
    run.violations = vec![violation("a new"), violation("b old")];
    let tokens = tokens(&junit(&[run]));
    assert_eq!(attribute(opened(&tokens, "testsuites")[0], "failures"), "1");
    let text = "at 3.000000000 s: never mixed: a new\nat 3.000000000 s: never mixed: b old";
    assert!(tokens.contains(&Token::Text(text.to_owned())), "{tokens:#?}");
}

#[test]
fn scenarios_have_suites_of_their_own_in_the_order_they_came() {
    let mut other = run();
    other.scenario = "other".to_owned();
    let tokens = tokens(&junit(&[run(), other, run()]));
    let suites: Vec<[&str; 2]> =
        opened(&tokens, "testsuite").iter().map(|suite| ["name", "tests"].map(|name| attribute(suite, name))).collect();
    assert_eq!(suites, [["happy-path on 2-ecus-workbench", "4"], ["other on 2-ecus-workbench", "2"]]);
}

#[test]
fn hostile_names_stay_names() {
    let hostile = "</title><script>alert('\"&amp;\"')</script>\n\u{0}\u{1b}\u{202e}\u{ffff}]]>";
    let harmless = hostile.replace(['\u{0}', '\u{1b}', '\u{202e}', '\u{ffff}'], "\u{fffd}");
    let mut run = run();
    run.scenario = hostile.to_owned();
    run.ecus[0].ecu = hostile.to_owned();
    run.buses[0].bus = hostile.to_owned();
    run.faults[0].place = hostile.to_owned();
    run.verdicts[0] = Verdict { must: hostile.to_owned(), falls_short: Some(hostile.to_owned()) };
    let found = tokens(&junit(std::slice::from_ref(&run)));
    assert_eq!(attribute(opened(&found, "testcase")[0], "classname"), harmless);
    assert!(found.contains(&Token::Text(harmless.clone())));
    let page = tokens(&page(&run));
    assert!(opened(&page, "script").is_empty());
    assert!(page.contains(&Token::Text(harmless)));
}

#[test]
fn a_page_needs_nothing_but_itself() {
    let page = page(&run());
    for word in ["<script", "http:", "https:", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn a_phase_is_drawn_where_it_was() {
    let tokens = tokens(&page(&run()));
    let receiving: Vec<_> =
        opened(&tokens, "rect").into_iter().filter(|rect| attribute(rect, "class") == "receiving").collect();
    // The first is the legend's. 10 s of 100 s over 820 pixels, for 40 s.
    assert_eq!(["x", "width"].map(|name| attribute(receiving[1], name)), ["82", "328"]);
}

#[test]
fn every_fault_is_marked_once_at_its_ecu_its_bus_or_elsewhere() {
    let mut run = run();
    for place in ["body", "cloud"] {
        run.faults.push(Fired { at: seconds(30), place: place.to_owned(), what: "fails".to_owned() });
    }
    let page = page(&run);
    assert_eq!(page.matches("fails</title>").count() + page.matches("is reset</title>").count(), 3);
    assert!(page.contains(">links, servers</text>"));
}

#[test]
fn a_bus_that_is_busy_half_the_time_has_a_load_of_50_percent() {
    let page = page(&run());
    assert!(page.contains("mean 50.0 %, peak 50.0 %"));
    // One step, at half the height, over the whole width.
    assert!(page.contains("d=\"M0 44H0V22H820V44Z\""), "{page}");
}

#[test]
fn a_run_in_which_nothing_happened_is_a_page_too() {
    let none = Run {
        end: Moment::START,
        ecus: Vec::new(),
        buses: vec![BusRun { bus: "x".to_owned(), bucket: Duration::ZERO, busy: Vec::new() }],
        traffic: Vec::new(),
        verdicts: Vec::new(),
        faults: Vec::new(),
        ..run()
    };
    assert!(!tokens(&page(&none)).is_empty());
}

#[test]
fn a_run_holds_only_without_violations() {
    let mut run = run();
    assert!(run.holds() && page(&run).contains(">holds</span></h1>"));
    run.violations.push(Violation { at: seconds(1), invariant: "x".to_owned(), how: "y".to_owned() });
    assert!(!run.holds() && page(&run).contains(">falls short</span></h1>"));
}

proptest! {
    #[test]
    fn any_text_and_any_time_make_well_formed_markup(
        text in any::<String>(), nanos: u64, end: u64, bucket: u64, busy in proptest::collection::vec(any::<u64>(), 0..5)
    ) {
        let mut run = run();
        run.end = Moment::from_nanos(end);
        run.vehicle.clone_from(&text);
        run.traffic[0].over.clone_from(&text);
        run.faults[0] = Fired { at: Moment::from_nanos(nanos), place: "brakes".to_owned(), what: text };
        run.buses[0].bucket = Duration::from_nanos(bucket);
        run.buses[0].busy = busy.into_iter().map(Duration::from_nanos).collect();
        run.traffic[0].wire = nanos;
        prop_assert!(!tokens(&page(&run)).is_empty());
        prop_assert!(!tokens(&junit(&[run])).is_empty());
    }
}
