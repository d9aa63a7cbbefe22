//! The rules in `tests/conformance/rules.md`, as a list.

/// The page.
pub const PAGE: &str = include_str!("../../conformance/rules.md");

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its number.
    pub number: &'static str,
    /// The section it stands in.
    pub section: &'static str,
}

/// Every rule of the page, in its order.
pub fn all() -> Vec<Rule> {
    let mut section = "";
    let mut rules = Vec::new();
    for line in PAGE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title;
        }
        let number = line.strip_prefix("* **").and_then(|rest| rest.split_once("** "));
        rules.extend(number.map(|(number, _)| Rule { number, section }));
    }
    rules
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_is_given_twice() {
        let numbers: BTreeSet<&str> = all().iter().map(|rule| rule.number).collect();
        assert_eq!(numbers.len(), all().len());
        assert!(numbers.contains("5.6.7.2.1"));
    }
}
