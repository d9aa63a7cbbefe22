//! Whether a process can do its work: named parts, each well or not, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

/// The parts of a process and how they are. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<&'static str, Option<String>>>>,
}

impl Health {
    /// Says that a part is well.
    pub fn well(&self, part: &'static str) {
        self.set(part, None);
    }

    /// Says that a part is not well, and why.
    pub fn ill(&self, part: &'static str, why: impl ToString) {
        self.set(part, Some(why.to_string()));
    }

    /// Whether every part is well, and one line about each.
    pub fn report(&self) -> (bool, String) {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for (part, state) in parts.iter() {
            let state = state.as_deref().map_or("ok".to_owned(), crate::cli::one_line);
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "{part}: {state}");
        }
        (parts.values().all(Option::is_none), text)
    }

    fn set(&self, part: &'static str, state: Option<String>) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(part, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ill_part_makes_the_whole_ill_until_it_is_well_again() {
        let health = Health::default();
        health.well("store");
        health.ill("image repository", "cannot be reached");
        assert_eq!(health.report(), (false, "image repository: cannot be reached\nstore: ok\n".to_owned()));
        health.well("image repository");
        assert!(health.report().0);
    }
}
