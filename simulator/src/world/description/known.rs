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
    span: Range<usize>,
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
        match self.parts.iter().find(|part| part.name == name) {
            Some(part) => {
                let first = notes.line(&part.span);
                notes.note(span, MistakeKind::Duplicate { what: self.what, found: name.to_owned(), first });
            }
            None => self.parts.push(Part { name: name.to_owned(), span, value }),
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

    /// The names of all, right or wrong, in the order of the file.
    pub(in crate::world) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().map(|part| part.name.as_str())
    }

    /// All that are right, each with the place of its name.
    pub(in crate::world) fn placed(&self) -> impl Iterator<Item = (&T, Range<usize>)> {
        self.parts.iter().filter_map(|part| Some((part.value.as_ref()?, part.span.clone())))
    }

    /// All that are right.
    pub(in crate::world) fn values(&self) -> impl Iterator<Item = &T> {
        self.parts.iter().filter_map(|part| part.value.as_ref())
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
