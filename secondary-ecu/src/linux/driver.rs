//! `run`: boots the ECU and carries the Primary's requests to it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::args::Run;
use super::files::{Data, ReportKey, Vehicle};
use super::flash::FileFlash;
use super::full::Full;
use super::{Error, can, grpc};
use crate::Secondary;
use crate::channel::MAX_CHUNK;
use crate::clock::Clock;
use crate::state::Stage;
use crate::verifier::{Partial, PartialPlus, Verifier};
use proto::secondary::{Refusal, Reply, Request, Verification};
use proto::uds::{Control, Ecu};
use uptane::Nonce;
use uptane::verify::proof::ProvenPrimary;
use uptane::verify::signature::BadSignature;

pub(super) fn run(options: &Run) -> Result<(), Error> {
    let data = Data::open(&options.data)?;
    let (ecu, vehicle) = (data.ecu()?, data.vehicle()?);
    let _lock = data.lock()?;
    match ecu.verification {
        Verification::Full => serve(options, &data, &vehicle, Full::open(&data.folder)?),
        Verification::Partial => serve(options, &data, &vehicle, Partial::default()),
        Verification::PartialPlus => serve(options, &data, &vehicle, PartialPlus::default()),
    }
}

fn serve<V>(options: &Run, data: &Data, vehicle: &Vehicle, verifier: V) -> Result<(), Error>
where
    V: Verifier<FileFlash> + Send + 'static,
{
    let max_chunk = if options.can.is_some() { MAX_CHUNK } else { grpc::MAX_CHUNK };
    let node = Node::boot(data, vehicle, verifier, max_chunk)?;
    host::serve::runtime()?.block_on(async {
        match (options.listen, &options.can) {
            (Some(address), _) => grpc::serve(address, data, vehicle, node).await,
            (None, Some(bus)) => can::serve(options, bus, node).await,
            // The command line asks for one of them.
            (None, None) => Ok(()),
        }
    })
}

/// The machine, its clock, and what it does between requests.
pub(super) struct Node<V> {
    secondary: Secondary<V, FileFlash, ReportKey>,
    clock: Clock,
    start: Instant,
    flash: PathBuf,
    /// A tester asked for a reset.
    resets: bool,
}

impl<V: Verifier<FileFlash>> Node<V> {
    fn boot(data: &Data, vehicle: &Vehicle, verifier: V, max_chunk: u32) -> Result<Self, Error> {
        let (ecu, path) = (data.ecu()?, data.flash_path());
        let flash = FileFlash::open(&path)?;
        let secondary = Secondary::boot(ecu.profile(vehicle, max_chunk), ecu.layout(), flash, verifier, data.key()?);
        let secondary = secondary.map_err(|source| Error::Boot { path: path.clone(), source })?;
        let start = host::clock::stopwatch();
        let clock = Clock::new(secondary.state().time, start.elapsed());
        let mut node = Self { secondary, clock, start, flash: path, resets: false };
        node.greet()?;
        Ok(node)
    }

    /// Answers one request.
    pub(super) fn reply(&mut self, request: Request<'_>) -> Reply<'_> {
        let elapsed = self.start.elapsed();
        self.clock.correct(self.secondary.state().time, elapsed);
        let reply = self.secondary.handle(request, self.clock.now(elapsed));
        if let Reply::Refused(refusal) = reply {
            tracing::warn!(?refusal, check = check(refusal), "refused");
        }
        reply
    }

    /// What the ECU does once an answer has left: the reset that an activation, a roll back or a tester asks for. Whether
    /// there was one.
    pub(super) fn settle(&mut self) -> Result<bool, Error> {
        let asked = core::mem::take(&mut self.resets);
        if !asked && !self.secondary.wants_reset() {
            return Ok(false);
        }
        self.secondary.reset().map_err(|source| self.broken(source))?;
        self.greet()?;
        Ok(true)
    }

    /// The new image's self-test: it runs only if its digest is right, so running is passing.
    fn greet(&mut self) -> Result<(), Error> {
        let running = self.secondary.running();
        let voted = self.secondary.vote_healthy();
        voted.map_err(|source| Error::Prepare { path: self.flash.clone(), source })?;
        let stage = self.secondary.state().stage;
        let phase = stage.phase();
        match running.authorised {
            true => tracing::info!(bank = ?running.bank, sha256 = %running.sha256, ?phase, "booted"),
            false if matches!(stage, Stage::Armed(_)) => tracing::info!(?phase, "waiting for the new image"),
            false => tracing::error!(bank = ?running.bank, ?phase, "no bank may boot; waiting for an image"),
        }
        Ok(())
    }

    fn broken(&self, source: crate::BootError) -> Error {
        Error::Boot { path: self.flash.clone(), source }
    }
}

/// A process is its whole ECU: it has no messages but answers and records no trouble codes, so the log alone shows what a
/// tester has it silence.
impl<V: Verifier<FileFlash>> Ecu for Node<V> {
    fn challenge(&mut self) -> Option<Nonce> {
        let challenge = self.secondary.challenge();
        challenge.inspect_err(|fault| tracing::warn!(?fault, "no challenge can be made")).ok()
    }

    fn prove(&self, challenge: Nonce, proof: &[u8; 64]) -> Result<ProvenPrimary, BadSignature> {
        self.secondary.prove(challenge, proof)
    }

    fn permits(&self, control: Control) -> bool {
        match control {
            Control::Reset(_) => self.secondary.permits_reset(),
            Control::Communication(..) | Control::DtcSetting(_) => true,
        }
    }

    fn obey(&mut self, control: Control) {
        tracing::info!(?control, "the Primary controls this ECU");
        self.resets |= matches!(control, Control::Reset(_));
    }
}

/// The failed check in a word.
fn check(refusal: Refusal) -> Option<&'static str> {
    let Refusal::Check(code) = refusal else { return None };
    uptane::Error::name_of(code)
}

/// Reads a PEM file of the data folder.
pub(super) fn pem(path: &Path) -> Result<String, Error> {
    let bytes = host::disk::read(path, 64 * 1024)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?;
    String::from_utf8(bytes)
        .map_err(|error| host::Error::BadCertificate { what: "a PEM file", reason: error.to_string() }.into())
}
