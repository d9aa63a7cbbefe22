//! `status`: what runs, and where an update stands, read from flash without disturbing a running process.

use host::provisioning;
use proto::secondary::Phase;
use serde::Serialize;

use super::Error;
use super::args::Status;
use super::files::Data;
use super::flash::FileFlash;
use crate::bank::Descriptor;
use crate::flash::{Banks, Store};
use crate::state::State;
use crate::state::pages::Pages;
use crate::{BUFFER_SIZE, BootError, Fault, transaction};

#[derive(Serialize)]
struct Shown {
    ecu: String,
    hardware_id: String,
    verification: &'static str,
    banks: provisioning::Banks,
    provisioned: bool,
    running: Option<Image>,
    phase: &'static str,
    transaction: Option<String>,
    director_targets: Option<u64>,
    last_result: &'static str,
    last_refusal: Option<Refusal>,
}

#[derive(Serialize)]
struct Image {
    name: String,
    sha256: String,
    length: u64,
    release_counter: u64,
}

#[derive(Serialize)]
struct Refusal {
    check: &'static str,
    attack: Option<&'static str>,
}

pub(super) fn status(options: &Status) -> Result<(), Error> {
    let data = Data::open(&options.data)?;
    let ecu = data.ecu()?;
    let path = data.flash_path();
    let mut store = Store::new(FileFlash::look(&path)?, ecu.layout())?;
    let no_state = |_| Error::Boot { path: path.clone(), source: BootError::NoState };
    let (_, state) = Pages::mount(&mut store).map_err(no_state)?;
    let running = running(&mut store, &state).map_err(|source| Error::Prepare { path: path.clone(), source })?;
    let shown = Shown {
        ecu: ecu.ecu.to_string(),
        hardware_id: ecu.hardware.to_string(),
        verification: ecu.verification.word(),
        banks: ecu.banks.into(),
        provisioned: data.path("vehicle.toml").exists(),
        running: running.map(image),
        phase: phase_word(state.stage.phase()),
        transaction: state.stage.transaction().map(|transaction| transaction.to_string()),
        director_targets: state.targets.map(|held| held.version.get()),
        last_result: crate::report::result_code(state.outcome.ending).word(),
        last_refusal: refusal(&state),
    };
    match options.json {
        true => host::cli::print(serde_json::json!(shown)),
        false => print(&shown),
    }
    Ok(())
}

/// What runs. In a single bank there may be another image than the one that must run, or a part of it.
fn running(store: &mut Store<FileFlash>, state: &State) -> Result<Option<Descriptor>, Fault> {
    let bank = transaction::wanted_bank(state.stage, state.home);
    let is_there = match store.layout().banks {
        Banks::Single => store.digest(bank, &mut [0; BUFFER_SIZE])? == state.bootable(bank),
        Banks::Two => true,
    };
    if is_there { store.descriptor(bank) } else { Ok(None) }
}

fn print(shown: &Shown) {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let image = |image: &Image| {
        let Image { name, sha256, length, release_counter } = image;
        format!("{name} ({length} bytes, release {release_counter}, sha256 {sha256})")
    };
    let refusal = |refusal: &Refusal| match refusal.attack {
        Some(attack) => format!("{} (points to {attack})", refusal.check),
        None => refusal.check.to_owned(),
    };
    let phase = match &shown.transaction {
        Some(transaction) => format!("{} {transaction}", shown.phase),
        None => shown.phase.to_owned(),
    };
    let rows = [
        row("hardware", shown.hardware_id.clone()),
        row("verification", shown.verification.to_owned()),
        row("banks", if shown.banks == provisioning::Banks::Single { "single" } else { "two" }.to_owned()),
        row("provisioned", if shown.provisioned { "yes" } else { "no" }.to_owned()),
        row("running", shown.running.as_ref().map_or_else(|| "nothing".to_owned(), image)),
        row("phase", phase),
        row("last result", shown.last_result.to_owned()),
        row("last refusal", shown.last_refusal.as_ref().map_or_else(|| "none".to_owned(), refusal)),
    ];
    host::cli::print(host::cli::table(["ecu", &shown.ecu], &rows));
}

fn image(descriptor: Descriptor) -> Image {
    let Descriptor { name, length, sha256, line: _, counter } = descriptor;
    Image { name: name.to_string(), sha256: sha256.to_string(), length: length.get(), release_counter: counter.get() }
}

fn refusal(state: &State) -> Option<Refusal> {
    let check = uptane::Error::name_of(state.outcome.check)?;
    Some(Refusal { check, attack: state.outcome.attack.map(uptane::Attack::word) })
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Idle => "idle",
        Phase::Staging(_) => "staging",
        Phase::Staged(_) => "staged",
        Phase::Trial(_) => "trial",
        Phase::Healthy(_) => "healthy",
        Phase::Committed(_) => "committed",
        Phase::RolledBack(_) => "rolled-back",
    }
}
