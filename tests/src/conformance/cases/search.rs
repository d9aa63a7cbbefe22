//! Where a target is looked for, and in which order (§5.6.7).

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::conformance::keys::sha256;
use crate::conformance::{Case, Scene};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = GRAPHS.iter().map(graph).collect();
    cases.extend(PATTERNS.iter().map(pattern));
    cases.extend(finding());
    cases.extend(hashes());
    cases
}

/// A delegation: from, to, whether it is terminating, and its path.
type Delegation = (&'static str, &'static str, bool, &'static str);

/// A sentence, its rules, the delegations, and the roles visited for a target called `missing`.
type Graph = (&'static str, &'static [&'static str], &'static [Delegation], &'static [&'static str]);

const GRAPHS: [Graph; 14] = [
    ("one delegation is followed", &["5.6.7a"], &[("targets", "a", false, "*")], &["a"]),
    (
        "two delegations are followed in their order",
        &["5.6.7.2", "5.6.7.2.2"],
        &[("targets", "b", false, "*"), ("targets", "a", false, "*")],
        &["b", "a"],
    ),
    (
        "what a role delegates to comes before its sisters",
        &["5.6.7a", "5.6.7.2"],
        &[("targets", "a", false, "*"), ("targets", "b", false, "*"), ("a", "c", false, "*"), ("a", "d", false, "*")],
        &["a", "c", "d", "b"],
    ),
    (
        "a chain is followed to its end before the next sister",
        &["5.6.7a", "5.6.7.2.2"],
        &[("targets", "a", false, "*"), ("targets", "b", false, "*"), ("a", "c", false, "*"), ("c", "d", false, "*")],
        &["a", "c", "d", "b"],
    ),
    (
        "after a terminating delegation comes no other",
        &["5.6.7.2.1"],
        &[("targets", "a", true, "*"), ("targets", "b", false, "*")],
        &["a"],
    ),
    (
        "after a terminating delegation further down comes no other, higher up neither",
        &["5.6.7.2.1"],
        &[("targets", "a", false, "*"), ("targets", "b", false, "*"), ("a", "c", true, "*"), ("a", "d", false, "*")],
        &["a", "c"],
    ),
    (
        "below a terminating delegation the search goes on",
        &["5.6.7.2.1", "5.6.7a"],
        &[("targets", "a", true, "*"), ("targets", "b", false, "*"), ("a", "c", false, "*"), ("a", "d", false, "*")],
        &["a", "c", "d"],
    ),
    (
        "a terminating delegation that does not match ends nothing",
        &["5.6.7.2.1", "5.6.7.2"],
        &[("targets", "a", true, "*.py"), ("targets", "b", false, "*")],
        &["b"],
    ),
    (
        "a delegation that does not match is not followed, nor what is below it",
        &["5.6.7.2"],
        &[("targets", "a", false, "*.py"), ("targets", "b", false, "*"), ("a", "c", false, "*")],
        &["b"],
    ),
    (
        "a delegation further down that does not match is not followed",
        &["5.6.7.2"],
        &[
            ("targets", "a", false, "*"),
            ("a", "c", false, "*.py"),
            ("c", "d", false, "*"),
            ("targets", "b", false, "*"),
        ],
        &["a", "b"],
    ),
    (
        "a cycle ends",
        &["5.6.7.1a"],
        &[("targets", "a", false, "*"), ("a", "b", false, "*"), ("b", "c", false, "*"), ("c", "a", false, "*")],
        &["a", "b", "c"],
    ),
    (
        "a role that delegates to itself is visited once",
        &["5.6.7.1a"],
        &[("targets", "a", false, "*"), ("a", "a", false, "*")],
        &["a"],
    ),
    (
        "a role that is reached twice is visited where it is reached first",
        &["5.6.7.1a"],
        &[("targets", "a", false, "*"), ("targets", "b", false, "*"), ("b", "c", false, "*"), ("a", "c", false, "*")],
        &["a", "c", "b"],
    ),
    (
        "a role that does not match on one way is reached on another",
        &["5.6.7.1a", "5.6.7.2"],
        &[
            ("targets", "a", false, "*"),
            ("targets", "b", false, "*"),
            ("b", "c", false, "*"),
            ("a", "c", false, "*.py"),
        ],
        &["a", "b", "c"],
    ),
];

/// Makes the graph; its roles list nothing.
fn build(s: &mut Scene, delegations: &[Delegation]) -> Result<()> {
    let mut roles: Vec<&str> = Vec::new();
    for (from, to, terminating, path) in delegations {
        s.repo.delegate(from, to, json!({ "paths": [path], "terminating": terminating }))?;
        roles.extend((!roles.contains(to)).then_some(*to));
    }
    roles.push("targets");
    s.repo.publish_targets(&roles)
}

fn graph((name, rules, delegations, visited): &'static Graph) -> Case {
    Case::new(*name, rules, move |s| {
        s.init()?;
        build(s, delegations)?;
        s.does_not_download(&["missing"])?;
        let visited: Vec<String> = visited.iter().map(|role| format!("1.{role}.json")).collect();
        s.then_asked_for(&visited.iter().map(String::as_str).collect::<Vec<_>>())?;
        s.has(&[])
    })
}

/// A path, a name that matches it, and one that does not.
const PATTERNS: [(&str, &str, &str); 10] = [
    ("*", "file", "folder/file"),
    ("*.md", "readme.md", "folder/readme.md"),
    ("folder/*", "folder/file", "folder/deeper/file"),
    ("*/*", "folder/file", "file"),
    ("folder/*/file", "folder/x/file", "folder/x/y/file"),
    ("fi?e", "file", "fie"),
    ("a?b", "axb", "a/b"),
    ("file", "file", "files"),
    ("foo.bar", "foo.bar", "fooxbar"),
    ("v*.*.bin", "v1.2.bin", "v12bin"),
];

fn pattern((path, matching, other): &'static (&str, &str, &str)) -> Case {
    let sentence = format!("{path:?} matches {matching:?} and not {other:?}");
    Case::new(sentence, &["F.9", "5.6.7.2"], move |s| {
        s.init()?;
        s.repo.delegate("targets", "role", json!({ "paths": [path] }))?;
        s.repo.add_target("role", matching, b"content");
        s.repo.add_target("role", other, b"other");
        s.repo.publish_targets(&["role", "targets"])?;
        s.does_not_download(&[other])?;
        s.then_asked_for(&[])?;
        s.downloads(&[matching])?;
        s.has(&[b"content"])
    })
}

fn finding() -> Vec<Case> {
    vec![
        Case::new("top-level Targets come before every delegation", &["5.6.7a", "5.6.7.1c", "5.7.1"], |s| {
            s.init()?;
            s.repo.delegate("targets", "role", json!({ "paths": ["*"] }))?;
            s.repo.add_target("role", "name", b"of the role");
            s.repo.add_target("targets", "name", b"of Targets");
            s.repo.publish_targets(&["role", "targets"])?;
            s.downloads(&["name"])?;
            s.has(&[b"of Targets"])?;
            s.then_asked_for(&[&format!("targets/{}.name", sha256(b"of Targets"))])
        }),
        Case::new("the first role that lists the target settles it", &["5.6.7.1c", "5.7.1"], |s| {
            s.init()?;
            for role in ["first", "second", "third"] {
                s.repo.delegate("targets", role, json!({ "paths": ["*"] }))?;
            }
            s.repo.add_target("third", "name", b"third");
            s.repo.add_target("second", "name", b"second");
            s.repo.publish_targets(&["first", "second", "third", "targets"])?;
            s.downloads(&["name"])?;
            s.has(&[b"second"])?;
            let digest = sha256(b"second");
            s.then_asked_for(&["1.first.json", "1.second.json", &format!("targets/{digest}.name")])
        }),
        Case::new("a name must match on every step of the way", &["5.6.7.2"], |s| {
            s.init()?;
            s.repo.delegate("targets", "all", json!({ "paths": ["releases/*/*"] }))?;
            s.repo.delegate("all", "x", json!({ "paths": ["releases/x/*"] }))?;
            s.repo.delegate("all", "y", json!({ "paths": ["releases/y/*.zip"] }))?;
            s.repo.add_target("x", "releases/x/1", b"x");
            s.repo.add_target("y", "releases/y/1.zip", b"y");
            s.repo.add_target("y", "releases/z/1.zip", b"z");
            s.repo.publish_targets(&["x", "y", "all", "targets"])?;
            s.does_not_download(&["releases/z/1.zip"])?;
            s.then_asked_for(&["1.all.json"])?;
            s.downloads(&["releases/x/1", "releases/y/1.zip"])?;
            s.has(&[b"x", b"y"])
        }),
        Case::new("any of several paths will do", &["5.6.7.2", "F.9"], |s| {
            s.init()?;
            s.repo.delegate("targets", "docs", json!({ "paths": ["*.doc", "*.md"] }))?;
            s.repo.add_target("docs", "readme.md", b"md");
            s.repo.publish_targets(&["docs", "targets"])?;
            s.downloads(&["readme.md"])?;
            s.has(&[b"md"])
        }),
        Case::new("a target nobody lists is an error, and nothing is downloaded", &["5.7.2", "C.5"], |s| {
            s.init()?;
            s.repo.add_target("targets", "apple", b"apple");
            s.repo.publish_targets(&["targets"])?;
            s.does_not_download(&["pear"])?;
            s.asked_for(&["2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"])?;
            s.trusts(&[("root", 1), ("snapshot", 2), ("targets", 2), ("timestamp", 2)])?;
            s.has(&[])
        }),
        Case::new("a search ends below a limit of depth", &["5.6.7.1b"], |s| {
            s.init()?;
            let names: Vec<String> = (0..60).map(|number| format!("r{number}")).collect();
            let mut from = "targets";
            for name in &names {
                s.repo.delegate(from, name, json!({ "paths": ["*"] }))?;
                from = name;
            }
            s.repo.add_target(from, "name", b"content");
            let roles: Vec<&str> = names.iter().map(String::as_str).chain(["targets"]).collect();
            s.repo.publish_targets(&roles)?;
            s.does_not_download(&["name"])?;
            let asked = s.repo.server().requests().len();
            ensure!((10..60).contains(&asked), "asked for {asked} files");
            s.has(&[])
        }),
        Case::new("a search ends after a limit of roles", &["5.6.7.1b"], |s| {
            s.init()?;
            let names: Vec<String> = (0..600).map(|number| format!("r{number}")).collect();
            for name in &names {
                s.repo.delegate("targets", name, json!({ "paths": ["*"] }))?;
            }
            let last = names.last().map_or("", String::as_str);
            s.repo.add_target(last, "name", b"content");
            let roles: Vec<&str> = names.iter().map(String::as_str).chain(["targets"]).collect();
            s.repo.publish_targets(&roles)?;
            s.does_not_download(&["name"])?;
            let asked = s.repo.server().requests().len();
            ensure!(asked < 600, "asked for {asked} files");
            s.has(&[])
        }),
    ]
}

fn prefixes(names: &[&str], length: usize) -> Value {
    let prefixes = names.iter().map(|name| sha256(name.as_bytes())[..length].to_owned());
    json!({ "path_hash_prefixes": prefixes.collect::<Vec<_>>() })
}

fn hashes() -> Vec<Case> {
    let mut cases = vec![
        Case::new("a delegation by hash prefixes takes the names under them alone", &["F.10", "5.6.7.2"], |s| {
            s.init()?;
            s.repo.delegate("targets", "role", prefixes(&["some/name", "other"], 4))?;
            s.repo.add_target("role", "some/name", b"content");
            s.repo.add_target("role", "outside", b"outside");
            s.repo.publish_targets(&["role", "targets"])?;
            s.does_not_download(&["outside"])?;
            s.then_asked_for(&[])?;
            s.downloads(&["some/name"])?;
            s.has(&[b"content"])
        }),
        Case::new("a name is in one bin of sixteen by its first hex digit", &["F.10"], |s| {
            s.init()?;
            let bins: Vec<String> = (0..16).map(|bin| format!("bin-{bin:x}")).collect();
            for (digit, bin) in bins.iter().enumerate() {
                s.repo.delegate("targets", bin, json!({ "path_hash_prefixes": [format!("{digit:x}")] }))?;
            }
            let bin = format!("bin-{}", &sha256(b"some/name")[..1]);
            s.repo.add_target(&bin, "some/name", b"content");
            let roles: Vec<&str> = bins.iter().map(String::as_str).chain(["targets"]).collect();
            s.repo.publish_targets(&roles)?;
            s.downloads(&["some/name"])?;
            s.then_asked_for(&[&format!("1.{bin}.json"), &format!("targets/some/{}.name", sha256(b"content"))])
        }),
    ];
    for bit_length in [1, 4, 5] {
        let sentence = format!("of {} succinct bins the one is asked for", 1 << bit_length);
        cases.push(Case::new(sentence, &["F.11", "5.6.7.2"], move |s| {
            s.init()?;
            let bins = s.repo.delegate_to_bins("targets", "bin", bit_length)?;
            let name = "some/name";
            let first = u32::from_str_radix(&sha256(name.as_bytes())[..8], 16)?;
            let bin = &bins[usize::try_from(first >> (32 - bit_length))?];
            s.repo.add_target(bin, name, b"content");
            let roles: Vec<&str> = bins.iter().map(String::as_str).chain(["targets"]).collect();
            s.repo.publish_targets(&roles)?;
            s.downloads(&[name])?;
            s.has(&[b"content"])?;
            s.then_asked_for(&[&format!("1.{bin}.json"), &format!("targets/some/{}.name", sha256(b"content"))])
        }));
    }
    cases
}
