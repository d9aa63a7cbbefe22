//! `simulator vehicle`: checks and shows vehicles.

use clap::Subcommand;
use proto::can::Format;

use super::{Error, source};
use crate::world::chance::PerBillion;
use crate::world::description::{Bytes, Mistakes, Pause, percent};
use crate::world::vehicle::ready::Ready;
use crate::world::vehicle::{Banks, Bus, Connection, Ecu, Link, Vehicle};

/// What to do with vehicles.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Checks a vehicle and explains every mistake: file, line, column, what was found, what was expected.
    #[command(after_help = "Example: simulator vehicle check my-vehicle.toml")]
    Check {
        /// A TOML file, or the name of a ready vehicle.
        #[arg(value_name = "FILE|NAME")]
        vehicle: String,
        /// Prints the result as one JSON object instead of lines.
        #[arg(long)]
        json: bool,
    },
    /// Lists the vehicles that are ready to use.
    #[command(after_help = "Example: simulator vehicle list")]
    List,
    /// Shows a vehicle: its buses, and for each ECU how it is reached, how it verifies, and what it holds.
    #[command(
        after_help = "Examples:\n  simulator vehicle show 8-ecus-compact\n  simulator vehicle show --toml 8-ecus-compact > my-vehicle.toml"
    )]
    Show {
        /// A TOML file, or the name of a ready vehicle.
        #[arg(value_name = "FILE|NAME")]
        vehicle: String,
        /// Prints the file itself, to begin one's own with.
        #[arg(long)]
        toml: bool,
    },
}

/// Does it.
pub fn run(command: &Command) -> Result<(), Error> {
    match command {
        Command::Check { vehicle, json } => {
            let source = find(vehicle)?;
            let read = Vehicle::parse(&source.name, &source.text);
            let right = read.as_ref().map_or_else(|_| String::new(), summary);
            source::verdict(&source.name, &read, *json, &right)
        }
        Command::List => {
            let vehicles = Ready::ALL.into_iter().filter_map(|ready| ready.vehicle());
            let rows: Vec<[String; 2]> =
                vehicles.map(|vehicle| [vehicle.name().to_string(), vehicle.about().to_owned()]).collect();
            host::cli::print(host::cli::table(["vehicle", "what it is"], &rows));
            Ok(())
        }
        Command::Show { vehicle, toml } => {
            let source = find(vehicle)?;
            if *toml {
                host::cli::print(source.text.trim_end());
                return Ok(());
            }
            let read = Vehicle::parse(&source.name, &source.text);
            read.map(|vehicle| host::cli::print(shown(&vehicle))).map_err(|mistakes| mistaken(&mistakes))
        }
    }
}

pub(super) fn find(given: &str) -> Result<source::Source, Error> {
    source::find(given, "vehicle", &Ready::ALL.map(|ready| (ready.name, ready.text)))
}

fn mistaken(mistakes: &Mistakes) -> Error {
    mistakes.lines().for_each(host::cli::print);
    Error::Mistaken { file: mistakes.file().to_owned(), mistakes: mistakes.list().len() }
}

/// One line on a vehicle that is right.
fn summary(vehicle: &Vehicle) -> String {
    let (ecus, buses) = (vehicle.ecus().count(), vehicle.buses().len());
    let buses = if buses == 1 { "1 bus".to_owned() } else { format!("{buses} buses") };
    format!("right: {}, {buses}, Primary `{}`", host::cli::counted(ecus, "ECU"), vehicle.primary().id())
}

/// The vehicle for people.
fn shown(vehicle: &Vehicle) -> String {
    let mut parts = vec![format!("{}: {}", vehicle.name(), vehicle.about())];
    let links = std::iter::once(("cloud", vehicle.cloud())).chain(vehicle.ethernet().map(|link| ("ethernet", link)));
    let links: Vec<_> = links.map(|(name, link)| link_row(name, link)).collect();
    parts.push(host::cli::table(["link", "delay", "jitter", "rate", "loss"], &links));
    let buses: Vec<_> = vehicle.buses().iter().map(|bus| bus_row(vehicle, bus)).collect();
    if !buses.is_empty() {
        parts.push(host::cli::table(["bus", "nominal", "data", "background", "ECUs"], &buses));
    }
    let ecus: Vec<_> = vehicle.ecus().map(ecu_row).collect();
    parts.push(host::cli::table(ECU_HEADER, &ecus));
    parts.join("\n\n")
}

const ECU_HEADER: [&str; 8] = ["ECU", "hardware", "reached by", "ids", "verification", "CPU", "banks", "power"];

fn link_row(name: &str, link: &Link) -> [String; 5] {
    let [delay, jitter] = [link.delay(), link.jitter()].map(|pause| Pause(pause).to_string());
    [name.to_owned(), delay, jitter, link.rate().to_string(), share(link.loss())]
}

fn bus_row(vehicle: &Vehicle, bus: &Bus) -> [String; 5] {
    let rate = |bits: std::num::NonZeroU32| format!("{} kbit/s", f64::from(bits.get()) / 1_000.0);
    [
        bus.name().to_string(),
        rate(bus.nominal()),
        bus.data().map_or_else(none, rate),
        share(bus.background()),
        vehicle.on_bus(bus.name()).count().to_string(),
    ]
}

fn ecu_row(ecu: &Ecu) -> [String; 8] {
    let hardware = ecu.hardware();
    let (reached, ids) = match ecu.connection() {
        Connection::Primary => ("(Primary)".to_owned(), none()),
        Connection::Ethernet => ("ethernet".to_owned(), none()),
        Connection::Can { bus, format, request, response, hears } => {
            let format = match format {
                Format::Classical => "classical",
                Format::Fd => "fd",
            };
            let [request, response] = [request, response].map(|id| format!("{:#05x}", id.raw()));
            let heard = hears.map_or(String::new(), |hears| {
                format!(", {:#05x} → {:#05x}", hears.broadcast.raw(), hears.answer.raw())
            });
            (format!("{bus} ({format})"), format!("{request} → {response}{heard}"))
        }
    };
    let states: Vec<String> = ecu.supply().states().iter().map(ToString::to_string).collect();
    let bank: Bytes = hardware.longest_image();
    [
        ecu.id().to_string(),
        hardware.id().to_string(),
        reached,
        ids,
        ecu.verification().to_string(),
        hardware.cpu().to_string(),
        match hardware.banks() {
            Banks::Single => format!("1 × {bank}"),
            Banks::Two => format!("2 × {bank}"),
        },
        states.join(", "),
    ]
}

fn share(share: PerBillion) -> String {
    if share == PerBillion::NEVER { none() } else { percent(share) }
}

fn none() -> String {
    "-".to_owned()
}
