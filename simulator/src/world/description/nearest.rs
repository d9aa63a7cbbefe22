//! Which name was probably meant.

/// The one of `known` that is least different from `found`, if it is hardly different.
pub(super) fn nearest<'k>(found: &str, known: &'k [String]) -> Option<&'k str> {
    let found: Vec<char> = found.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let nearest = known.iter().map(|name| (distance(&found, name), name)).min_by_key(|(distance, _)| *distance);
    let (distance, name) = nearest?;
    (distance <= found.len().div_ceil(3)).then_some(name)
}

/// How many characters must be added, removed or changed (Levenshtein), neighbours that are swapped counting once.
fn distance(found: &[char], name: &str) -> usize {
    let name: Vec<char> = name.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=name.len()).collect();
    for (row, &character) in found.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, &wanted) in name.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX - 1);
            let changed = at(&above, column) + usize::from(character != wanted);
            let mut least = changed.min(at(&above, column + 1) + 1).min(at(&line, column) + 1);
            let swapped = row > 0 && column > 0 && found.get(row - 1) == Some(&wanted);
            if swapped && name.get(column - 1) == Some(&character) {
                least = least.min(at(&before, column - 1) + 1);
            }
            line.push(least);
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or(found.len())
}

/// Characters that are compared; ids have no more.
const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_slip_of_the_finger_is_seen_through() {
        let names = known(&["powertrain", "chassis", "body"]);
        for (found, meant) in [("bdoy", "body"), ("Body", "body"), ("chasis", "chassis"), ("power-train", "powertrain")]
        {
            assert_eq!(nearest(found, &names), Some(meant), "{found}");
        }
    }

    #[test]
    fn what_is_like_nothing_has_no_nearest_name() {
        assert_eq!(nearest("infotainment", &known(&["body", "chassis"])), None);
        assert_eq!(nearest("x", &[]), None);
    }

    #[test]
    fn distances_are_those_of_the_textbook() {
        let distance = |a: &str, b: &str| distance(&a.chars().collect::<Vec<_>>(), b);
        assert_eq!([distance("kitten", "sitting"), distance("ab", "ba"), distance("", "abc")], [3, 1, 3]);
    }
}
