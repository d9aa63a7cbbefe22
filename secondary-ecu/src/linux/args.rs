//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use host::can::Place;
use host::provisioning::FirstImage;
use proto::secondary::Verification;
use uptane::{EcuId, HardwareId};

use crate::flash::Banks;

/// An ECU behind a Primary: verifies what it is handed, and runs what is authorised.
#[derive(Debug, Parser)]
#[command(name = "secondary-ecu", version)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Log more; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Log as JSON lines.
    #[arg(long, global = true)]
    pub(super) log_json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an ECU: its keys, its flash with a first image, and the enrolment file for the Director.
    Init(Box<Init>),
    /// Take what makes the ECU part of a vehicle: trusted Roots, the Primary's key, certificates.
    Provision(Provision),
    /// Boot, and answer the Primary.
    Run(Run),
    /// Tell what runs, and where an update stands.
    Status(Status),
}

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The ECU's data folder.
    #[arg(long)]
    pub(super) data: PathBuf,
    /// Its id, unique in the vehicle.
    #[arg(long)]
    pub(super) ecu: EcuId,
    /// What hardware it is.
    #[arg(long)]
    pub(super) hardware_id: HardwareId,
    /// How it verifies.
    #[arg(long)]
    pub(super) verification: How,
    #[command(flatten)]
    pub(super) image: FirstImage,
    /// Bytes of the longest image it shall take.
    #[arg(long, default_value_t = 16 * 1024 * 1024)]
    pub(super) bank_size: u32,
    /// How many images its flash has room for.
    #[arg(long, value_enum, default_value_t = Room::Two)]
    pub(super) banks: Room,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum How {
    /// Both repositories (§5.4.4.2).
    Full,
    /// Director Targets under a provisioned Root (§5.4.4.1).
    Partial,
    /// Director Targets, Director Roots, vehicle id and release counters.
    PartialPlus,
}

impl From<How> for Verification {
    fn from(how: How) -> Self {
        match how {
            How::Full => Self::Full,
            How::Partial => Self::Partial,
            How::PartialPlus => Self::PartialPlus,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Room {
    /// One: a new image goes where the old one is, after all others have been updated.
    Single,
    /// Two: the old image stays until the new one is committed.
    Two,
}

impl From<Room> for Banks {
    fn from(room: Room) -> Self {
        match room {
            Room::Single => Self::Single,
            Room::Two => Self::Two,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Provision {
    /// The ECU's data folder.
    #[arg(long)]
    pub(super) data: PathBuf,
    /// The folder `director vehicle add` wrote.
    #[arg(long)]
    pub(super) bundle: PathBuf,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("transport").required(true).args(["listen", "can"]))]
pub(super) struct Run {
    /// The ECU's data folder.
    #[arg(long)]
    pub(super) data: PathBuf,
    /// Answer gRPC on this address; port 0 takes a free one.
    #[arg(long)]
    pub(super) listen: Option<SocketAddr>,
    /// Answer UDS on this CAN bus: an interface such as `can0`, or the folder of a bus between processes, such as `./bus`
    /// or `unix:bus`. For example `--can can0 --fd --request-id 0x7e0 --response-id 0x7e8`.
    #[arg(long, requires_all = ["framing", "request_id", "response_id"])]
    pub(super) can: Option<Place>,
    #[command(flatten)]
    pub(super) framing: Framing,
    /// CAN id the Primary sends to.
    #[arg(long, value_parser = can_id)]
    pub(super) request_id: Option<u32>,
    /// CAN id this ECU answers with.
    #[arg(long, value_parser = can_id)]
    pub(super) response_id: Option<u32>,
    /// CAN id at which this ECU hears images together with others, when the Primary asks it to.
    #[arg(long, value_parser = can_id, requires = "can")]
    pub(super) broadcast_id: Option<u32>,
}

#[derive(Debug, Args)]
#[group(id = "framing", multiple = false)]
pub(super) struct Framing {
    /// Frames of 8 bytes.
    #[arg(long)]
    pub(super) classical: bool,
    /// Frames of 64 bytes.
    #[arg(long)]
    pub(super) fd: bool,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// The ECU's data folder.
    #[arg(long)]
    pub(super) data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A CAN id in decimal, or in hex after `0x`.
fn can_id(text: &str) -> Result<u32, String> {
    let id = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    id.map_err(|_| "a CAN id is a number like 0x7e0".to_owned())
}
