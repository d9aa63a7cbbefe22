//! `simulator scenario`: checks scenarios.

use std::path::Path;

use clap::Subcommand;

use super::{Error, source, vehicle};
use crate::runs::Recipe;
use crate::world::description::Pause;
use crate::world::scenario::Scenario;
use crate::world::scenario::ready::Ready;
use crate::world::vehicle::{Vehicle, ready};

/// What to do with scenarios.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks a scenario and its vehicle, and explains every mistake: file, line, column, what was found and expected.
    #[command(after_help = "Example: simulator scenario check my-scenario.toml")]
    Check {
        /// A TOML file, or the name of a ready scenario.
        #[arg(value_name = "FILE|NAME")]
        scenario: String,
        /// Prints the result as one JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Lists the scenarios that are ready to use.
    #[command(after_help = "Example: simulator scenario list")]
    List,
    /// Prints the file of a scenario, to begin one's own with.
    #[command(after_help = "Example: simulator scenario show power-cuts > my-scenario.toml")]
    Show {
        /// A TOML file, or the name of a ready scenario.
        #[arg(value_name = "FILE|NAME")]
        scenario: String,
    },
}

/// Does it.
pub fn run(command: &Command) -> Result<(), Error> {
    match command {
        Command::Check { scenario, json } => {
            let source = find(scenario)?;
            let read = Scenario::parse(&source.name, &source.text, |given| vehicle_of(&source.name, given));
            let right = read.as_ref().map_or_else(|_| String::new(), summary);
            source::verdict(&source.name, &read, *json, &right)
        }
        Command::List => {
            let scenarios = Ready::ALL.into_iter().filter_map(Ready::scenario);
            let rows: Vec<[String; 3]> = scenarios.map(|scenario| row(&scenario)).collect();
            host::cli::print(host::cli::table(["scenario", "vehicle", "what happens"], &rows));
            Ok(())
        }
        Command::Show { scenario } => {
            host::cli::print(find(scenario)?.text.trim_end());
            Ok(())
        }
    }
}

fn find(given: &str) -> Result<source::Source, Error> {
    source::find(given, "scenario", &Ready::ALL.map(|ready| (ready.name, ready.text)))
}

/// What a run of a scenario with this seed follows from. Mistakes are printed.
pub(super) fn recipe(given: &str, seed: u64) -> Result<Recipe, Error> {
    let source = find(given)?;
    let mut vehicle = String::new();
    let read = Scenario::parse(&source.name, &source.text, |name| {
        vehicle = vehicle_source(&source.name, name)?.text;
        vehicle_of(&source.name, name)
    });
    if let Err(mistakes) = read {
        mistakes.lines().for_each(host::cli::print);
        return Err(Error::Mistaken { file: source.name, mistakes: mistakes.list().len() });
    }
    Ok(Recipe { file: source.name, scenario: source.text, vehicle, seed, outside: None })
}

/// The vehicle a scenario names: a ready one, or a file whose path begins where the scenario's file is.
fn vehicle_source(scenario: &str, given: &str) -> Result<source::Source, String> {
    let beside = Path::new(scenario).parent().unwrap_or(Path::new("")).join(given);
    let path = beside.to_string_lossy();
    let is_ready = ready::Ready::named(given).is_some();
    vehicle::find(if is_ready { given } else { &path })
        .map_err(|_| format!("there is no vehicle `{given}`, neither a ready one nor a file that is text"))
}

fn vehicle_of(scenario: &str, given: &str) -> Result<Vehicle, String> {
    let source = vehicle_source(scenario, given)?;
    Vehicle::parse(&source.name, &source.text).map_err(|mistakes| {
        let (file, number) = (mistakes.file(), host::cli::counted(mistakes.list().len(), "mistake"));
        let first = mistakes.list().first().map(|first| format!(", at {first}")).unwrap_or_default();
        format!("the vehicle {file} has {number}, the first{first}")
    })
}

/// One line on a scenario that is right.
fn summary(scenario: &Scenario) -> String {
    let counted = host::cli::counted;
    let must = scenario.musts().len();
    format!(
        "right: {}, {} and {} on {}, within {}; {} must hold",
        counted(scenario.releases().len(), "release"),
        counted(scenario.campaigns().len(), "campaign"),
        counted(scenario.rotations().len(), "key rotation"),
        scenario.vehicle().name(),
        Pause(scenario.limit()),
        if must == 1 { "1 thing".to_owned() } else { format!("{must} things") },
    )
}

fn row(scenario: &Scenario) -> [String; 3] {
    [scenario.name().to_string(), scenario.vehicle().name().to_string(), scenario.about().to_owned()]
}
