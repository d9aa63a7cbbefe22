//! The tests of the whole workspace, built once.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command;
use crate::stage::Count;
use crate::workspace::Workspace;

/// Unit tests, integration tests and the examples in the documentation of every crate.
///
/// One build for all: the feature sets that differ from it are held by `clippy` and `probes`.
pub(crate) fn run(workspace: &Workspace) -> Result<Count> {
    let mut cargo = command::cargo(&workspace.root);
    count(cargo.args(["test", "--locked", "--workspace", "--no-fail-fast"]))
}

fn count(cargo: &mut Command) -> Result<Count> {
    let mut count = Count::default();
    let succeeded = command::watch(cargo, |line| {
        if let Some(more) = result_line(line) {
            count += more;
        }
    })?;
    match (succeeded, count.failed) {
        (false, 0) => bail!("the tests could not be built or run"),
        _ => Ok(count),
    }
}

/// Reads `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; …`.
fn result_line(line: &str) -> Option<Count> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut count = Count::default();
    for part in numbers.split(';') {
        let mut words = part.split_whitespace();
        let (Some(number), Some(word)) = (words.next(), words.next()) else { continue };
        match word {
            "passed" => count.passed = number.parse().ok()?,
            "failed" => count.failed = number.parse().ok()?,
            "ignored" => count.ignored = number.parse().ok()?,
            _ => {}
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_of_a_test_binary_is_counted() {
        let line = "test result: ok. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(result_line(line), Some(Count { passed: 12, failed: 3, ignored: 1 }));
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(result_line("test closing_line ... ok"), None);
    }
}
