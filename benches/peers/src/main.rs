//! Measures our TUF client beside the others. See README.md.

mod cases;
mod clients;
mod generate;
mod machine;
mod measure;
mod plan;
mod report;
mod run;
mod source;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use machine::Watch;
use measure::{Effort, Order};
use run::Settings;

const USAGE: &str = "usage: peers run [--json] [--seed N] [--python PROGRAM] [--only WORD]...
       peers generate REPOSITORY FOLDER SEED
       peers measure|prepare CLIENT MEASUREMENT METADATA SCRATCH CORE MILLISECONDS RUNS";

fn main() -> Result<()> {
    let process = Watch::start();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["generate", repository, folder, seed] => {
            generate::generate(repository.parse()?, seed.parse()?, Path::new(folder))
        }
        [verb @ ("measure" | "prepare"), client, measurement, metadata, scratch, core, milliseconds, runs] => {
            machine::pin(core.parse()?)?;
            let order = Order {
                client: client.parse()?,
                measurement: measurement.parse()?,
                metadata: Path::new(metadata),
                scratch: Path::new(scratch),
                effort: Effort { at_least: Duration::from_millis(milliseconds.parse()?), runs: runs.parse()? },
            };
            if *verb == "prepare" {
                return measure::prepare(&order);
            }
            println!("{}", serde_json::to_string(&measure::measure(&order, process)?)?);
            Ok(())
        }
        ["run", options @ ..] => compare(options),
        _ => bail!(USAGE),
    }
}

fn compare(options: &[&str]) -> Result<()> {
    let mut settings = Settings { seed: 1, python: None, only: Vec::new() };
    let mut json = false;
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut value = || options.next().copied().context(USAGE);
        match *option {
            "--json" => json = true,
            "--seed" => settings.seed = value()?.parse()?,
            "--python" => settings.python = Some(value()?.into()),
            "--only" => settings.only.push(value()?.to_owned()),
            _ => bail!(USAGE),
        }
    }
    match json {
        // Standard output belongs to the program that reads it.
        true => {
            eprintln!("{}", report::heading());
            let report = run::run(&settings, |row| eprint!("{row}"))?;
            println!("{}", serde_json::to_string(&report)?);
        }
        false => {
            println!("{}", report::heading());
            run::run(&settings, |row| print!("{row}"))?;
        }
    }
    Ok(())
}
