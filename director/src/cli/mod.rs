//! The command line.

mod assign;
mod bundle;
mod images;
mod init;
mod patch;
mod root;
mod serve;
mod show;
mod vehicle;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::store::Sqlite;
use crate::{Error, files};

/// Signs what each vehicle shall install, and judges what vehicles report.
#[derive(Debug, Parser)]
#[command(name = "director", version)]
struct Args {
    /// More in the log, on standard error; twice for still more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    /// The log as JSON lines
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a new Director: keys, certificate authority, database, Root
    Init(init::Args),
    /// The vehicles and their ECUs
    #[command(subcommand)]
    Vehicle(VehicleCommand),
    /// Says what ECUs of a vehicle shall install
    Assign(assign::Args),
    /// What shortens the way from one image to another
    #[command(subcommand)]
    Patch(PatchCommand),
    /// The images that vehicles need, which the Image repository must keep
    #[command(after_help = "Example: director images --data director --json > in-use.json")]
    Images(images::Args),
    /// Answers vehicles
    Serve(serve::Args),
    /// The Root of trust
    #[command(subcommand)]
    Root(RootCommand),
}

#[derive(Debug, Subcommand)]
enum VehicleCommand {
    /// Registers a vehicle and writes what its ECUs are provisioned with
    Add(vehicle::Args),
    /// Every vehicle in one line
    List(show::ListArgs),
    /// Everything about one vehicle
    Show(show::ShowArgs),
}

#[derive(Debug, Subcommand)]
enum PatchCommand {
    /// Tells ECUs of a patch that was published
    #[command(after_help = "Example: director patch add --data director --name brake/fw-1-to-2.patch \
        --makes brake/fw-2.bin fw-1-to-2.patch")]
    Add(Box<patch::AddArgs>),
    /// Every patch in one line
    #[command(after_help = "Example: director patch list --data director")]
    List(patch::ListArgs),
    /// Tells no ECU of a patch any more
    #[command(after_help = "Example: director patch remove --data director brake/fw-1-to-2.patch")]
    Remove(Box<patch::RemoveArgs>),
}

#[derive(Debug, Subcommand)]
enum RootCommand {
    /// Issues Root anew with the same keys and a later expiry
    Renew(root::RenewArgs),
    /// Gives one role a new key
    Rotate(root::RotateArgs),
}

/// The data folder of every command.
#[derive(Clone, Debug, clap::Args)]
struct Data {
    /// The Director's data folder
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Data {
    fn path(&self) -> &Path {
        &self.data
    }

    async fn open(&self) -> Result<Sqlite, Error> {
        Sqlite::open(&files::database(&self.data)).await
    }
}

/// Runs the command line and says how it ended.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Args = match host::cli::parse(args) {
        Ok(args) => args,
        Err(ended) => return ended,
    };
    host::logs::init(args.verbose, args.log_json);
    let done = host::serve::runtime().map_err(Error::from).and_then(|runtime| runtime.block_on(dispatch(args.command)));
    host::cli::finish(done)
}

async fn dispatch(command: Command) -> Result<(), Error> {
    match command {
        Command::Init(args) => init::run(&args).await,
        Command::Vehicle(VehicleCommand::Add(args)) => vehicle::run(&args).await,
        Command::Vehicle(VehicleCommand::List(args)) => show::list(&args).await,
        Command::Vehicle(VehicleCommand::Show(args)) => show::show(&args).await,
        Command::Assign(args) => assign::run(&args).await,
        Command::Patch(PatchCommand::Add(args)) => patch::add(&args).await,
        Command::Patch(PatchCommand::List(args)) => patch::list(&args).await,
        Command::Patch(PatchCommand::Remove(args)) => patch::remove(&args).await,
        Command::Images(args) => images::run(&args).await,
        Command::Serve(args) => serve::run(&args).await,
        Command::Root(RootCommand::Renew(args)) => root::renew(&args).await,
        Command::Root(RootCommand::Rotate(args)) => root::rotate(&args).await,
    }
}
