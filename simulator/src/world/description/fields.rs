//! The keys of a table, taken one by one; what is left at the end is unknown.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::value::{Value, short, unlike};
use super::{MAX_FILE, MAX_MISTAKES, Mistake, MistakeKind, Mistakes};

/// Where the mistakes of a file are noted while it is read.
pub(in crate::world) struct Notes<'s> {
    file: &'s str,
    text: &'s str,
    mistakes: Vec<Mistake>,
}

impl<'s> Notes<'s> {
    /// Reads `text` with `read`, which is given its top-level table and notes what is wrong.
    ///
    /// What `read` makes counts only if it noted nothing.
    pub(in crate::world) fn read<T>(
        file: &'s str,
        text: &'s str,
        read: impl FnOnce(Fields<'_>, &mut Self) -> Option<T>,
    ) -> Result<T, Mistakes> {
        let mut notes = Self { file, text, mistakes: Vec::new() };
        if text.len() > MAX_FILE {
            notes.note(0..0, MistakeKind::TooLong { found: text.len() });
            return notes.finish(None);
        }
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors.iter().take(MAX_MISTAKES) {
            let found = short_message(error.message());
            notes.note(error.span().unwrap_or_default(), MistakeKind::Syntax { found });
        }
        // The parser repairs what it cannot read: what is missing afterwards need not be missing in the file.
        let made = if errors.is_empty() { read(Fields::of_file(document.get_ref()), &mut notes) } else { None };
        notes.finish(made)
    }

    /// Notes what is wrong at `span`.
    pub(in crate::world) fn note(&mut self, span: Range<usize>, kind: MistakeKind) {
        if self.mistakes.len() < MAX_MISTAKES {
            let (line, column) = self.position(span.start);
            self.mistakes.push(Mistake { line, column, kind });
        }
    }

    /// Notes that what stands at `span` cannot be.
    pub(in crate::world) fn impossible(&mut self, span: Range<usize>, found: String, expected: impl Into<String>) {
        self.note(span, MistakeKind::Impossible { found, expected: expected.into() });
    }

    /// The line, from 1, of a place in the file.
    pub(in crate::world) fn line(&self, span: &Range<usize>) -> usize {
        self.position(span.start).0
    }

    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.as_bytes().get(..at.min(self.text.len())).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').next_back().unwrap_or_default();
        let breaks = before.iter().filter(|byte| **byte == b'\n').count();
        (breaks + 1, String::from_utf8_lossy(line).chars().count() + 1)
    }

    fn finish<T>(self, made: Option<T>) -> Result<T, Mistakes> {
        match (Mistakes::of(self.file, self.mistakes), made) {
            (Some(mistakes), _) => Err(mistakes),
            (None, Some(made)) => Ok(made),
            // Whoever makes nothing has noted why; if not, the file as a whole is to blame rather than a panic.
            (None, None) => {
                let kind = MistakeKind::Syntax { found: "nothing could be made of it".to_owned() };
                Err(Mistakes::single(self.file, Mistake { line: 1, column: 1, kind }))
            }
        }
    }
}

fn short_message(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join(", ")
}

/// A table whose keys are being read.
pub(in crate::world) struct Fields<'t> {
    table: &'t DeTable<'t>,
    span: Range<usize>,
    whose: String,
    asked: Vec<&'static str>,
}

impl<'t> Fields<'t> {
    fn of_file(table: &'t DeTable<'t>) -> Self {
        Self { table, span: 0..0, whose: "the file".to_owned(), asked: Vec::new() }
    }

    /// The table that `value` is; `None`, and a note, if it is none.
    pub(in crate::world) fn of_value(
        value: &'t Spanned<DeValue<'t>>,
        whose: &str,
        notes: &mut Notes<'_>,
    ) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(table) => {
                Some(Self { table, span: value.span(), whose: whose.to_owned(), asked: Vec::new() })
            }
            other @ (DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)) => {
                notes.note(value.span(), unlike(other, "a table"));
                None
            }
        }
    }

    /// Whom messages about missing keys speak of from now on.
    pub(in crate::world) fn call(&mut self, whose: String) {
        self.whose = whose;
    }

    /// Whom messages speak of.
    pub(in crate::world) fn whose(&self) -> &str {
        &self.whose
    }

    /// Where the table begins.
    pub(in crate::world) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The value of `key`, unread.
    pub(in crate::world) fn raw(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// The value of `key`, if it is there and right.
    pub(in crate::world) fn optional<T: Value>(
        &mut self,
        key: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<Spanned<T>> {
        self.raw(key).and_then(|value| read(value, notes))
    }

    /// The same, where it must be there.
    pub(in crate::world) fn required<T: Value>(
        &mut self,
        key: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<Spanned<T>> {
        match self.raw(key) {
            Some(value) => read(value, notes),
            None => {
                self.missing(key, T::expected(), notes);
                None
            }
        }
    }

    /// The value of `key`; `default` if it is not there or wrong.
    pub(in crate::world) fn or<T: Value>(&mut self, key: &'static str, default: T, notes: &mut Notes<'_>) -> T {
        self.optional(key, notes).map_or(default, Spanned::into_inner)
    }

    /// The table of `key`, if it is there and one.
    pub(in crate::world) fn table(&mut self, key: &'static str, notes: &mut Notes<'_>) -> Option<Self> {
        let whose = format!("`{key}`");
        self.raw(key).and_then(|value| Self::of_value(value, &whose, notes))
    }

    /// Every `[[key]]`, of which there may be `most`.
    pub(in crate::world) fn tables(&mut self, key: &'static str, most: usize, notes: &mut Notes<'_>) -> Vec<Self> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            notes.note(value.span(), unlike(value.get_ref(), format!("tables that begin with [[{key}]]")));
            return Vec::new();
        };
        if let Some(excess) = array.get(most) {
            let found = format!("this is one [[{key}]] too many, there are {}", array.len());
            notes.impossible(excess.span(), found, format!("at most {most}"));
        }
        let whose = format!("this [[{key}]]");
        array.iter().take(most).filter_map(|value| Self::of_value(value, &whose, notes)).collect()
    }

    /// The values of a list; `None` if `key` is not there.
    pub(in crate::world) fn list<T: Value>(
        &mut self,
        key: &'static str,
        notes: &mut Notes<'_>,
    ) -> Option<Vec<Spanned<T>>> {
        let value = self.raw(key)?;
        let Some(array) = value.get_ref().as_array() else {
            notes.note(value.span(), unlike(value.get_ref(), format!("a list, each entry {}", T::expected())));
            return Some(Vec::new());
        };
        Some(array.iter().filter_map(|value| read(value, notes)).collect())
    }

    /// Notes that `key` is not there.
    pub(in crate::world) fn missing(&self, key: &'static str, expected: String, notes: &mut Notes<'_>) {
        notes.note(self.span(), MistakeKind::Missing { whose: self.whose.clone(), key, expected });
    }

    /// Whether `key` is there.
    pub(in crate::world) fn has(&self, key: &str) -> bool {
        self.table.iter().any(|(name, _)| name.get_ref() == key)
    }

    /// Notes every key that nobody asked for.
    pub(in crate::world) fn finish(self, notes: &mut Notes<'_>) {
        for (name, _) in self.table.iter() {
            if !self.asked.iter().any(|asked| name.get_ref() == asked) {
                let known = self.asked.iter().map(|asked| (*asked).to_owned()).collect();
                notes.note(name.span(), MistakeKind::Unknown { what: "key", found: short(name.get_ref()), known });
            }
        }
    }
}

/// The value, if it is one of its type.
pub(in crate::world) fn read<T: Value>(value: &Spanned<DeValue<'_>>, notes: &mut Notes<'_>) -> Option<Spanned<T>> {
    match T::read(value.get_ref()) {
        Ok(read) => Some(Spanned::new(value.span(), read)),
        Err(kind) => {
            notes.note(value.span(), kind);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bytes, Pause};
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let read = Notes::read("a.toml", text, |mut fields, notes| {
            fields.required::<Pause>("delay", notes);
            fields.optional::<Bytes>("size", notes);
            for mut part in fields.tables("part", 2, notes) {
                part.required::<Bytes>("size", notes);
                part.finish(notes);
            }
            fields.finish(notes);
            Some(())
        });
        read.map_or_else(|mistakes| mistakes.lines().collect(), |()| Vec::new())
    }

    #[test]
    fn a_right_file_has_no_mistakes() {
        assert_eq!(mistakes("delay = \"2 ms\"\n[[part]]\nsize = \"1 B\""), [""; 0]);
    }

    #[test]
    fn all_mistakes_are_found_at_once_each_at_its_place() {
        let found = mistakes("dealy = \"2 ms\"\nsize = 4\n\n[[part]]\nsize = \"4 Kib\"\n\n  [[part]]\n");
        assert_eq!(
            found,
            [
                "a.toml:1:1: the file lacks `delay`; expected a time such as \"20 ms\" (ns, us, ms, s, min, h)",
                "a.toml:1:1: unknown key `dealy`; expected one of `delay`, `size`, `part` (did you mean `delay`?)",
                "a.toml:2:8: found the number 4; expected a size such as \"256 KiB\" (B, KiB, MiB, GiB)",
                "a.toml:5:8: found \"4 Kib\"; expected a size such as \"256 KiB\" (B, KiB, MiB, GiB)",
                "a.toml:7:3: this [[part]] lacks `size`; expected a size such as \"256 KiB\" (B, KiB, MiB, GiB)",
            ]
        );
    }

    #[test]
    fn more_tables_than_there_may_be_are_counted_and_not_read() {
        let found = mistakes(&format!("delay = \"2 ms\"{}", "\n[[part]]\nsize = \"1 B\"".repeat(3)));
        assert_eq!(found, ["a.toml:6:1: this is one [[part]] too many, there are 3; expected at most 2"]);
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        assert!(mistakes("delay = \"2 ms\" # ü\npart = { \"ü\" = 1, x = 2 }")[0].starts_with("a.toml:2:8: "));
        assert!(mistakes("delay = \"2 ms\"\nsize = [\"ü\", 1").iter().all(|line| line.starts_with("a.toml:2:")));
    }

    #[test]
    fn what_is_not_toml_is_said_with_its_place() {
        let found = mistakes("delay = \"2 ms\"\nsize = = 4\n");
        assert!(found[0].starts_with("a.toml:2:8: this is not TOML: "), "{found:?}");
    }

    #[test]
    fn a_file_too_long_to_be_a_description_is_not_read() {
        let found = mistakes(&"#".repeat(MAX_FILE + 1));
        assert_eq!(found, ["a.toml:1:1: the file has 1048577 bytes; expected at most 1048576"]);
    }
}
