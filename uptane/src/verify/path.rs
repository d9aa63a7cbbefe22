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
