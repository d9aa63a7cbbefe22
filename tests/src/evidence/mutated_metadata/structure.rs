//! Changes that know JSON and not what it means.

use super::chance::Chance;
use super::tree::Tree;

/// Changes one thing; the name of what was done.
pub(super) fn mutate(tree: &mut Tree, chance: &mut Chance) -> &'static str {
    match chance.below(12) {
        0 => {
            *number(tree, chance) = Tree::raw(chance.word(NUMBERS));
            "structure: edges of numbers"
        }
        1 => {
            *string(tree, chance) = string_at_the_edge(chance);
            "structure: edges of strings"
        }
        2 => {
            *tree.any(chance) = any_value(chance);
            "structure: a value of another type"
        }
        3 => {
            nest(tree, chance);
            "structure: nesting"
        }
        4 => {
            lengthen(tree, chance);
            "structure: long lists"
        }
        5 | 6 => elements(tree, chance),
        _ => members(tree, chance),
    }
}

fn members(tree: &mut Tree, chance: &mut Chance) -> &'static str {
    let Some(members) = container(tree, chance, |tree| tree.members().is_some()).members() else {
        return "structure: nothing";
    };
    let at = chance.below(members.len());
    match chance.below(6) {
        0 if at < members.len() => {
            members.remove(at);
            "structure: a member removed"
        }
        1 => {
            let name = any_name(chance);
            members.get_mut(at).into_iter().for_each(|member| member.0 = name.clone());
            "structure: a member renamed"
        }
        2 => {
            let mut twice = members.get(at).cloned().unwrap_or((any_name(chance), any_value(chance)));
            if chance.percent(50) {
                twice.1 = any_value(chance);
            }
            let to = chance.below(members.len() + 1);
            members.insert(to, twice);
            "structure: a key twice"
        }
        3 => {
            let to = chance.below(members.len());
            if at < members.len() {
                members.swap(at, to);
            }
            "structure: members in another order"
        }
        _ => {
            // At its place in canonical order, or anywhere.
            let new = (any_name(chance), any_value(chance));
            let to = if chance.percent(50) { members.len() } else { chance.below(members.len() + 1) };
            members.insert(to, new);
            "structure: a member nobody knows"
        }
    }
}

fn elements(tree: &mut Tree, chance: &mut Chance) -> &'static str {
    let Some(elements) = container(tree, chance, |tree| tree.elements().is_some()).elements() else {
        return "structure: nothing";
    };
    let at = chance.below(elements.len());
    match chance.below(3) {
        0 if at < elements.len() => {
            elements.remove(at);
            "structure: an element removed"
        }
        1 => {
            let new = if chance.percent(50) { any_value(chance) } else { string_at_the_edge(chance) };
            elements.insert(at.min(elements.len()), new);
            "structure: an element added"
        }
        _ => {
            let twice = elements.get(at).cloned();
            elements.extend(twice);
            "structure: an element twice"
        }
    }
}

/// A random value of this kind, after a few attempts; else any.
fn container<'t>(tree: &'t mut Tree, chance: &mut Chance, is_one: impl Fn(&mut Tree) -> bool) -> &'t mut Tree {
    for _ in 0..12 {
        let mut again = chance.split();
        if is_one(tree.any(&mut again.clone())) {
            return tree.any(&mut again);
        }
    }
    tree
}

fn number<'t>(tree: &'t mut Tree, chance: &mut Chance) -> &'t mut Tree {
    container(tree, chance, |tree| tree.number().is_some())
}

fn string<'t>(tree: &'t mut Tree, chance: &mut Chance) -> &'t mut Tree {
    container(tree, chance, |tree| matches!(tree, Tree::Text(_)))
}

fn string_at_the_edge(chance: &mut Chance) -> Tree {
    let long = |length| Tree::text(&"x".repeat(length));
    match chance.below(8) {
        0 => long(*chance.one(&[0, 1, 64, 65, 128, 129, 255, 256, 300]).unwrap_or(&0)),
        1 => long(*chance.one(&[2_000, 6_617, 6_618, 6_619, 9_000]).unwrap_or(&0)),
        2 | 3 => Tree::raw(chance.word(SPELLINGS)),
        4 => Tree::Raw(chance.one(BROKEN).map(|bytes| bytes.to_vec()).unwrap_or_default()),
        // The same word in NFD and in NFC, and what is no word.
        5 => Tree::text(chance.word(&["u\u{308}", "\u{fc}", "\u{feff}", "\u{202e}x", "\u{10ffff}", "\u{7f}"])),
        _ => Tree::text(chance.word(WORDS)),
    }
}

fn any_name(chance: &mut Chance) -> Tree {
    match chance.below(6) {
        0 => string_at_the_edge(chance),
        1 => Tree::text(&"n".repeat(*chance.one(&[100, 200, 1_100, 2_000]).unwrap_or(&1))),
        _ => Tree::text(chance.word(WORDS)),
    }
}

fn any_value(chance: &mut Chance) -> Tree {
    match chance.below(7) {
        0 => Tree::raw("null"),
        1 => Tree::raw(chance.word(&["true", "false"])),
        2 => Tree::raw(chance.word(NUMBERS)),
        3 => string_at_the_edge(chance),
        4 => Tree::List(vec![Tree::raw("1"); chance.below(3)]),
        5 => Tree::object([("a", Tree::raw("1"))]),
        _ => Tree::Object(Vec::new()),
    }
}

fn nest(tree: &mut Tree, chance: &mut Chance) {
    let depth = 1 + chance.below(22);
    let (open, close) = if chance.percent(50) { ("[", "]") } else { ("{\"a\":", "}") };
    let inside = if open == "[" { "" } else { "1" };
    let nested = format!("{}{inside}{}", open.repeat(depth), close.repeat(depth));
    match chance.percent(60) {
        true => tree.set(&[], "z", Tree::raw(&nested)),
        false => *tree.any(chance) = Tree::raw(&nested),
    }
}

fn lengthen(tree: &mut Tree, chance: &mut Chance) {
    let length = *chance.one(&[8, 9, 16, 17, 32, 33, 64, 65, 3_000]).unwrap_or(&8);
    match chance.percent(50) {
        true => tree.set(&[], "z", Tree::List(vec![Tree::raw("0"); length])),
        false => {
            if let Some(elements) = container(tree, chance, |tree| tree.elements().is_some()).elements()
                && let Some(last) = elements.last().cloned()
            {
                elements.resize_with(length, || last.clone());
            }
        }
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "2",
    "3",
    "-1",
    "1.0",
    "1e3",
    "1E0",
    "0.5",
    "01",
    "+1",
    "-",
    "1.",
    ".5",
    "9007199254740990",
    "9007199254740991",
    "9007199254740992",
    "-9007199254740991",
    "-9007199254740992",
    "18446744073709551615",
    "18446744073709551616",
    "1e999",
    "99999999999999999999999999999999999999",
    "4294967295",
    "4294967296",
    "256",
    "NaN",
    "Infinity",
    "0x1",
];

/// Strings spelled in ways that are, or are not, JSON.
const SPELLINGS: &[&str] = &[
    r#""\u0041""#,
    r#""\u000a""#,
    r#""\n""#,
    r#""\/""#,
    r#""\ud834\udd1e""#,
    r#""\ud800""#,
    r#""\udc00x""#,
    r#""\u0000""#,
    r#""\u001F""#,
    r#""\u001f""#,
    r#""\x41""#,
    r#""\u12""#,
    r#""\"""#,
    r#""\\""#,
    "\"\n\"",
    "'a'",
    "\"",
];

const BROKEN: &[&[u8]] =
    &[b"\"\xff\"", b"\"\xc0\x80\"", b"\"\xed\xa0\x80\"", b"\"\xf4\x90\x80\x80\"", b"\"\xe2\x82\"", b"\xef\xbb\xbf1"];

/// Names that mean something somewhere, and names that do not.
const WORDS: &[&str] = &[
    "_type",
    "expires",
    "version",
    "spec_version",
    "uptane",
    "repository",
    "vehicle",
    "campaign",
    "not_before",
    "time",
    "keys",
    "roles",
    "root",
    "snapshot",
    "targets",
    "timestamp",
    "keyids",
    "threshold",
    "keytype",
    "keyval",
    "public",
    "scheme",
    "meta",
    "snapshot.json",
    "targets.json",
    "length",
    "hashes",
    "sha256",
    "sha512",
    "custom",
    "match",
    "ecus",
    "line",
    "release_counter",
    "hardware_ids",
    "hardware_id",
    "order",
    "fallback",
    "delegations",
    "name",
    "paths",
    "path_hash_prefixes",
    "terminating",
    "min_roles_in_agreement",
    "succinct_roles",
    "bit_length",
    "name_prefix",
    "brakes",
    "hw-1",
    "ecdsa",
    "signatures",
    "signed",
    "keyid",
    "sig",
    "director",
    "image",
    "../x",
    "a//b",
    "/a",
    ".",
    "",
    "zz",
    "A",
    "1.0.34",
    "2.0.0",
    "1.",
    "ed25519",
    "2026-12-01T00:00:00Z",
    "2026-12-01T00:00:01Z",
    "9999-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    "2027-02-29T00:00:00Z",
    "2027-01-01T00:00:00+00:00",
];
