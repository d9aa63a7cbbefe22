//! A mistake in a file: where it is, what was found, what was expected.

use std::fmt;

use super::MAX_FILE;
use super::nearest::nearest;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// The character in its line, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: MistakeKind,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.kind)
    }
}

/// All mistakes of a file, in the order of its lines; at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} in {file}: {}", host::cli::counted(list.len(), "mistake"), shown(list))]
pub struct Mistakes {
    file: String,
    list: Vec<Mistake>,
}

impl Mistakes {
    /// `None` if there is none.
    pub(super) fn of(file: &str, mut list: Vec<Mistake>) -> Option<Self> {
        list.sort_by_key(|mistake| (mistake.line, mistake.column));
        (!list.is_empty()).then(|| Self { file: file.to_owned(), list })
    }

    /// One alone.
    pub(super) fn single(file: &str, mistake: Mistake) -> Self {
        Self { file: file.to_owned(), list: vec![mistake] }
    }

    /// The name the file was given.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Each of them.
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }

    /// A line for each, as compilers write them: `FILE:LINE:COLUMN: what is wrong`.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|mistake| host::cli::one_line(&format!("{}:{mistake}", self.file)))
    }
}

fn shown(list: &[Mistake]) -> String {
    list.iter().map(Mistake::to_string).collect::<Vec<_>>().join("; ")
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MistakeKind {
    /// Something of which there may be one stands twice.
    #[error("{what} `{found}` stands here again, it is in line {first} already; expected another")]
    Duplicate {
        /// What it is.
        what: &'static str,
        /// Its name.
        found: String,
        /// Where it stands first.
        first: usize,
    },
    /// What stands there cannot be, given what else is in the file.
    #[error("{found}; expected {expected}")]
    Impossible {
        /// What cannot be, and why.
        found: String,
        /// What can.
        expected: String,
    },
    /// Something is not there.
    #[error("{whose} lacks `{key}`; expected {expected}")]
    Missing {
        /// Who lacks it.
        whose: String,
        /// The key.
        key: &'static str,
        /// What it says.
        expected: String,
    },
    /// The text is not TOML.
    #[error("this is not TOML: {found}")]
    Syntax {
        /// What the parser found, and expected.
        found: String,
    },
    /// The file is longer than any description is.
    #[error("the file has {found} bytes; expected at most {MAX_FILE}")]
    TooLong {
        /// Its length.
        found: usize,
    },
    /// A key or name that nobody knows.
    #[error("unknown {what} `{found}`; expected {}", Known { found, known })]
    Unknown {
        /// What it names.
        what: &'static str,
        /// The name.
        found: String,
        /// All names that are known.
        known: Vec<String>,
    },
    /// A value of another kind or form than its key takes.
    #[error("found {found}; expected {expected}")]
    Value {
        /// The value.
        found: String,
        /// What the key takes.
        expected: String,
    },
}

/// What could stand there instead, what was probably meant first.
struct Known<'a> {
    found: &'a str,
    known: &'a [String],
}

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, known } = *self;
        if known.is_empty() {
            return f.write_str("none, as there is none");
        }
        let listed: Vec<String> = known.iter().take(MOST_LISTED).map(|name| format!("`{name}`")).collect();
        write!(f, "{}{}", if known.len() == 1 { "" } else { "one of " }, listed.join(", "))?;
        if let more @ 1.. = known.len().saturating_sub(MOST_LISTED) {
            write!(f, " and {more} more")?;
        }
        match nearest(found, known) {
            Some(name) => write!(f, " (did you mean `{name}`?)"),
            None => Ok(()),
        }
    }
}

/// Names that are listed; the nearest is named however many there are.
const MOST_LISTED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(found: &str, known: &[&str]) -> String {
        let known = known.iter().map(|name| (*name).to_owned()).collect();
        MistakeKind::Unknown { what: "bus", found: found.to_owned(), known }.to_string()
    }

    #[test]
    fn an_unknown_name_comes_with_those_that_are_known_and_the_nearest() {
        let text = unknown("bdoy", &["chassis", "body"]);
        assert_eq!(text, "unknown bus `bdoy`; expected one of `chassis`, `body` (did you mean `body`?)");
        assert_eq!(unknown("x", &[]), "unknown bus `x`; expected none, as there is none");
    }

    #[test]
    fn of_many_names_some_are_listed_and_the_nearest_is_found_among_all() {
        let names: Vec<String> = (0..100).map(|number| format!("door-{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = unknown("door-o99", &names);
        assert!(text.ends_with("`door-15` and 84 more (did you mean `door-99`?)"), "{text}");
    }

    #[test]
    fn mistakes_come_in_the_order_of_lines_and_none_is_no_mistakes() {
        let mistake = |line| Mistake { line, column: 1, kind: MistakeKind::TooLong { found: line } };
        let mistakes = Mistakes::of("a.toml", vec![mistake(7), mistake(2)]).unwrap();
        assert_eq!(mistakes.lines().next().unwrap(), "a.toml:2:1: the file has 2 bytes; expected at most 1048576");
        assert_eq!(Mistakes::of("a.toml", Vec::new()), None);
    }
}
