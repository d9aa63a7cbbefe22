//! `cargo xtask evidence` builds and runs this: it shows, figure by figure, that a promise of the system holds.

use std::process::ExitCode;

use clap::Parser;
use tests::evidence::{self, Choice, Form};

/// Shows that the system keeps its promises.
#[derive(Parser)]
#[command(name = "cargo xtask evidence")]
struct Arguments {
    /// The piece of evidence to show.
    #[arg(required_unless_present_any = ["list", "all"])]
    name: Option<String>,
    /// Name every piece of evidence, with the promise it is for.
    #[arg(long, conflicts_with_all = ["name", "all"])]
    list: bool,
    /// Show them all, one after the other.
    #[arg(long, conflicts_with = "name")]
    all: bool,
    /// Print figures and raw samples as JSON, one object a line.
    #[arg(long)]
    json: bool,
    /// Decides what is left to chance: another seed, another run.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Show less of what takes long: so many mutants, planted bugs, seeds, kinds of flash, cuts of a series, or thousands of
    /// cases and inputs (docs/evidence.md). It then falls short of its limit. What is quick is always shown whole.
    #[arg(long, value_name = "COUNT")]
    few: Option<usize>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == simulator::live::NODE).is_some() {
        return simulator::live::run_node(arguments);
    }
    if arguments.next_if(|first| first == tests::guest::GUEST).is_some() {
        return tests::guest::run(arguments);
    }
    if arguments.peek().is_some_and(|first| first == tests::conformance::CLIENT) {
        return primary_ecu::tuf_client::run(arguments);
    }
    let Arguments { name, list, all, json, seed, few } = Arguments::parse();
    let choice = Choice { seed, few };
    let form = if json { Form::Json } else { Form::Text };
    let holds = match name {
        _ if list => {
            evidence::list();
            true
        }
        _ if all => evidence::show_all(form, choice),
        Some(name) => match evidence::find(&name) {
            Some(item) => evidence::show(item, form, choice),
            None => {
                eprintln!("error: there is no evidence named `{name}`; do: cargo xtask evidence --list");
                return ExitCode::from(2);
            }
        },
        None => false,
    };
    match holds {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
