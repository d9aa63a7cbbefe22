//! The named parts of a file, which other parts speak of.

use std::ops::Range;

use super::{MistakeKind, Notes};

/// Parts of one kind, by name.
pub(in crate::world) struct Known<T> {
    what: &'static str,
    parts: Vec<Part<T>>,
}

struct Part<T> {
    name: String,
    line: usize,
    /// `None` if the part is there but wrong: it is known all the same, so that its mistakes do not make others.
    value: Option<T>,
}

impl<T> Known<T> {
    /// None yet.
    pub(in crate::world) fn new(what: &'static str) -> Self {
        Self { what, parts: Vec::new() }
    }

    /// Adds a part; notes a mistake, and adds nothing, if there is one of that name.
    pub(in crate::world) fn add(&mut self, name: &str, span: Range<usize>, value: Option<T>, notes: &mut Notes<'_>) {
        let line = notes.line(&span);
        match self.parts.iter().find(|part| part.name == name) {
            Some(Part { line: first, .. }) => {
                let first = *first;
                notes.note(span, MistakeKind::Duplicate { what: self.what, found: name.to_owned(), first });
            }
            None => self.parts.push(Part { name: name.to_owned(), line, value }),
        }
    }

    /// The part of a name, if it is right; notes a mistake if there is none.
    pub(in crate::world) fn find(&self, name: &str, span: Range<usize>, notes: &mut Notes<'_>) -> Option<&T> {
        match self.parts.iter().find(|part| part.name == name) {
            Some(part) => part.value.as_ref(),
            None => {
                let known = self.parts.iter().map(|part| part.name.clone()).collect();
                notes.note(span, MistakeKind::Unknown { what: self.what, found: name.to_owned(), known });
                None
            }
        }
    }

    /// Whether there is none, right or wrong.
    pub(in crate::world) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// All that are right, in the order of the file.
    pub(in crate::world) fn into_values(self) -> Vec<T> {
        self.parts.into_iter().filter_map(|part| part.value).collect()
    }
}
