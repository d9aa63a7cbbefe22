//! Logs: one line per event on standard error, for people or as JSON.

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Names the environment variable that sets levels per module, for example `warn,director=debug`.
pub const LEVEL_VARIABLE: &str = "CONVOY_LOG";

/// Starts logging. `verbosity` counts `-v` on the command line: warnings, then what happens, then how.
///
/// The second start in one process changes nothing.
pub fn init(verbosity: u8, json: bool) {
    let level = match verbosity {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let named = std::env::var(LEVEL_VARIABLE).ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = named.unwrap_or_else(|| Targets::new().with_default(level));
    let format = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry();
    let started = match json {
        true => registry.with(format.json().with_filter(filter)).try_init(),
        false => registry.with(format.with_target(false).with_ansi(false).with_filter(filter)).try_init(),
    };
    // A simulator that runs several nodes in one process starts it once.
    drop(started);
}
