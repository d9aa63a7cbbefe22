//! What every command of ours does the same way: one line per failure that says what is wrong and what to do, and an exit
//! status that a script can act on.
//!
//! Standard output carries what was asked for, standard error everything else.

use std::ffi::OsString;
use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;

/// How a command ends. The numbers are an interface: scripts act on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It failed for a reason of its own.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Verification refused something.
    Refused = 3,
    /// A configuration, key or data file is missing or wrong.
    Configuration = 4,
    /// A port, another process or the network stands in the way; trying again may help.
    Unavailable = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Failed => Self::from(1),
            Exit::Usage => Self::from(2),
            Exit::Refused => Self::from(3),
            Exit::Configuration => Self::from(4),
            Exit::Unavailable => Self::from(5),
        }
    }
}

/// An error an operator can act on.
pub trait Report: std::error::Error {
    /// How the command ends.
    fn exit(&self) -> Exit;

    /// What the operator should do, as an order: "give --passphrase-file".
    fn advice(&self) -> String;
}

/// Reads the command line, or prints one line (the whole text for `--help` and `--version`) and says how to end.
pub fn parse<P: clap::Parser>(args: impl IntoIterator<Item = OsString>) -> Result<P, ExitCode> {
    P::try_parse_from(args).map_err(|error| {
        let kind = error.kind();
        if matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return if error.print().is_ok() { ExitCode::SUCCESS } else { Exit::Failed.into() };
        }
        let what = match kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            true => "no command was given".to_owned(),
            false => usage(&error.to_string()),
        };
        say(&what, "run it with --help to see what it takes");
        Exit::Usage.into()
    })
}

/// Ends a command: prints a failure as one line on standard error, `error: what; do: what to do`.
pub fn finish<E: Report>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error, &error.advice());
            error.exit().into()
        }
    }
}

/// Tells whoever started this process where it listens: `listening http://127.0.0.1:8080` on standard output, at once.
pub fn announce(url: impl fmt::Display) {
    let mut out = std::io::stdout().lock();
    // Whoever closed standard output does not want to know.
    let _ = writeln!(out, "listening {url}").and_then(|()| out.flush());
}

/// Prints one line on standard output; a closed pipe (`| head`) is no failure.
pub fn print(text: impl fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// `text` on one line, without control characters: what names from outside may hold must not move the cursor.
pub fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A number of things in words: `1 image`, `2 images`.
pub fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// Rows under a header, in columns as wide as their widest cell.
pub fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let header = header.map(str::to_owned);
    let mut widths = [0; N];
    for row in std::iter::once(&header).chain(rows) {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    std::iter::once(&header).chain(rows).map(line).collect::<Vec<_>>().join("\n")
}

fn say(what: &impl fmt::Display, advice: &str) {
    let line = format!("error: {}; do: {}", one_line(&what.to_string()), one_line(advice));
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// The part of clap's message that says what is wrong, without the usage text below it.
fn usage(message: &str) -> String {
    let message = message.split("\n\nUsage:").next().unwrap_or(message);
    let message = message.split("\n\nFor more information").next().unwrap_or(message);
    message.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Args {
        #[arg(long)]
        repo: String,
    }

    #[test]
    fn what_clap_says_becomes_one_line() {
        let error = <Args as clap::Parser>::try_parse_from(["x"]).unwrap_err();
        let line = one_line(&usage(&error.to_string()));
        assert_eq!(line, "the following required arguments were not provided: --repo <REPO>");
    }

    #[test]
    fn names_from_outside_cannot_start_a_line_or_move_the_cursor() {
        assert_eq!(one_line("a\nerror: b\x1b[2Jc"), "a error: b [2Jc");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["brake".to_owned(), "1".to_owned()], ["a".to_owned(), "20".to_owned()]];
        assert_eq!(table(["ecu", "n"], &rows), "ecu    n\nbrake  1\na      20");
    }
}
