//! Names that a file gives to its own parts.

use std::fmt;

/// A name: letters, digits, `.`, `_` and `-`, at most 64, not starting with a dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// `None` if `text` is no name.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        let fits = (1..=uptane::limits::MAX_ID).contains(&text.len()) && !text.starts_with('.');
        (plain && fits).then(|| Self(text.to_owned()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_paths_and_lines_and_short() {
        assert_eq!(Name::parse("body-1.front").unwrap().as_str(), "body-1.front");
        for text in ["", ".hidden", "a b", "a/b", "tür", &"x".repeat(65)] {
            assert_eq!(Name::parse(text), None, "{text:?}");
        }
    }
}
