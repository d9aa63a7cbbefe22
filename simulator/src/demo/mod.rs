//! The demonstration: one firmware file travels to four ECUs, then three attacks bounce off.

mod attacks;
mod evil_director;
mod firmware;
mod table;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use primary_ecu::status::Status;
use uptane::Sha256;

use crate::Error;
use crate::live::{DEMO_VEHICLE, Launcher, System};

/// What to demonstrate with.
#[derive(clap::Args, Debug, Default)]
pub struct Options {
    /// The firmware file to publish; without it, one of 256 KiB is made.
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// Keeps keys, databases, data folders and logs in this new folder.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Prints the result as one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs it all with the programs of the running binary; succeeds only if all ECUs updated and all attacks were refused.
pub fn run(options: &Options) -> Result<(), Error> {
    run_with(Launcher::current()?, options)
}

/// The same with programs of another binary.
pub fn run_with(launcher: Launcher, options: &Options) -> Result<(), Error> {
    let watch = host::clock::stopwatch();
    let temporary = tempfile::tempdir().map_err(Error::io("making a temporary folder"))?;
    let folder = options.keep.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder).map_err(Error::io(format!("making {}", folder.display())))?;

    let say = |text: String| {
        if !options.json {
            host::cli::print(text);
        }
    };
    say(format!("Making keys, repositories and a vehicle of {} ECUs …", DEMO_VEHICLE.len()));
    let mut system = System::create(launcher, folder, &DEMO_VEHICLE, &firmware::make(1))?;
    system.start_primary()?;
    let image = firmware::file(options.image.as_deref(), folder)?;
    let (status, digest) = update(&mut system, &image, &say)?;
    say(format!("\n{}\n", table::of(&status)));

    let refusals = attacks::run_all(&mut system, &digest, &say)?;
    let seconds = watch.elapsed().as_secs_f64();
    say(format!("All ECUs updated, all attacks refused, in {seconds:.1} s."));
    if options.json {
        let ecus = &status.ecus;
        host::cli::print(serde_json::json!({ "ecus": ecus, "attacks": refusals, "seconds": seconds }));
    }
    Ok(())
}

/// Publishes and installs `image` everywhere; returns how that went, and the image's digest in hex.
fn update(system: &mut System, image: &Path, say: &dyn Fn(String)) -> Result<(Status, String), Error> {
    let bytes = std::fs::read(image).map_err(Error::io(format!("reading {}", image.display())))?;
    let digest = Sha256::of(&bytes).to_string();
    say(format!("Publishing {NEW_IMAGE}: {} bytes, SHA-256 {digest}", bytes.len()));
    system.publish(NEW_IMAGE, image, 2)?;
    system.assign(NEW_IMAGE)?;

    let status = watch::until_updated(system, NEW_IMAGE, time_limit(bytes.len()))?;
    expect_running(system, &digest)?;
    Ok((status, digest))
}

/// Each ECU's own account, not the Primary's: the bank it boots has this digest.
fn expect_running(system: &System, digest: &str) -> Result<(), Error> {
    match system.running()?.into_iter().find(|(_, running)| running != digest) {
        None => Ok(()),
        Some((ecu, running)) => Err(Error::WrongImage { ecu: ecu.id, running, expected: digest.to_owned() }),
    }
}

/// A minute, and what the slowest way needs per byte.
fn time_limit(bytes: usize) -> Duration {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    Duration::from_secs(60).saturating_add(Duration::from_micros(bytes.saturating_mul(50)))
}

/// Target name of the image the demonstration installs.
const NEW_IMAGE: &str = "firmware/demo-2.bin";
