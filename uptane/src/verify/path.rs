//! Path patterns of delegations and mappings (§5.2.3.2, TUF 1.0.34 §4.5): `*` stands for any characters, `?` for one, and
//! neither for a `/`.

/// Whether the pattern stands for this name. Takes at most pattern × name steps.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    // Where to go on if what was tried since the last `*` fails: behind it, one character of the name later.
    let mut last_star = None;
    loop {
        let rest_of_name = name.clone();
        match (pattern.next(), name.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                last_star = Some((pattern.clone(), rest_of_name.clone()));
                name = rest_of_name;
            }
            (Some('?'), Some(character)) if character != '/' => {}
            (Some(wanted), Some(character)) if wanted == character && wanted != '?' => {}
            _ => {
                let Some((behind, mut from)) = last_star else { return false };
                // The `*` takes one character more, unless it would cross into another part.
                match from.next() {
                    None | Some('/') => return false,
                    Some(_) => {}
                }
                last_star = Some((behind.clone(), from.clone()));
                (pattern, name) = (behind, from);
            }
        }
    }
}
#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_match_as_the_examples_of_tuf_say() {
        for (pattern, name, expected) in [
            ("targets/*.tgz", "targets/foo.tgz", true),
            ("targets/*.tgz", "targets/bar.tgz", true),
            ("targets/*.tgz", "targets/foo.txt", false),
            ("foo-version-?.tgz", "foo-version-2.tgz", true),
            ("foo-version-?.tgz", "foo-version-a.tgz", true),
            ("foo-version-?.tgz", "foo-version-alpha.tgz", false),
            ("*.tgz", "foo.tgz", true),
            ("*.tgz", "targets/foo.tgz", false),
            ("foo.tgz", "foo.tgz", true),
            ("foo.tgz", "foo_tgz", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn no_wildcard_stands_for_a_slash() {
        for (pattern, name) in [("*", "a/b"), ("a?b", "a/b"), ("a*b", "a/b"), ("*/c", "a/b/c"), ("a/*", "a/b/c")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(matches("*/*", "a/b"));
        assert!(matches("*/b", "/b"));
    }

    #[test]
    fn a_star_stands_for_nothing_too_and_for_as_much_as_it_must() {
        for (pattern, name) in [("a*", "a"), ("**", ""), ("*a*b", "xaxbxb"), ("fw/*-*.bin", "fw/a-b-c.bin")] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        assert!(!matches("*a*b", "xaxbx"));
        assert!(!matches("", "a"));
        assert!(!matches("a", ""));
    }

    #[test]
    fn brackets_and_backslashes_stand_for_themselves() {
        assert!(!matches("[ab]", "a"));
        assert!(matches("[ab]", "[ab]"));
        assert!(!matches("\\*", "*"));
    }

    #[test]
    fn a_question_mark_stands_for_a_character_and_not_for_a_byte() {
        assert!(matches("?", "ö"));
        assert!(!matches("??", "ö"));
    }

    /// What a pattern means, as slowly as it can be said.
    fn means(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', rest @ ..], _) => {
                means(rest, name) || matches!(name, [c, more @ ..] if *c != '/' && means(pattern, more))
            }
            (['?', rest @ ..], [c, more @ ..]) => *c != '/' && means(rest, more),
            ([wanted, rest @ ..], [c, more @ ..]) => wanted == c && means(rest, more),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_short_way_finds_what_the_long_way_finds(pattern in "[ab/*?]{0,9}", name in "[ab/]{0,9}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), means(&chars(&pattern), &chars(&name)));
        }
    }
}
