//! A Primary that updates one board, and the board's power.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use proto::secondary::{File, Phase, Reply, Repo as Which, Request};
use secondary_ecu::bench;
use uptane::sign::Signer as _;
use uptane::verify::{self, MetadataFile};
use uptane::{Action, Length, Nonce, Sha256, TransactionId, Version};

use super::board::Board;
use super::chip;
use super::costs::Costs;
use super::line::Line;
use super::vehicle::Vehicle;

/// Asks a board, and keeps what its answers cost it.
pub(super) struct Primary {
    /// None while the board is off.
    line: Option<Line>,
    costs: Costs,
    transaction: u8,
}

/// How far an image is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// Half of it.
    PowerCut,
}

/// How often it is asked whether it is healthy.
const PATIENCE: usize = 8;

impl Primary {
    pub(super) fn new(line: Line) -> Self {
        Self { line: Some(line), costs: Costs::default(), transaction: 0 }
    }

    /// Everything that was measured.
    pub(super) fn into_costs(self) -> Costs {
        self.costs
    }

    /// Cuts the power, and switches the board on again with the same flash.
    pub(super) fn power_cycle(&mut self, program: &Path, folder: &Path) -> Result<()> {
        self.line = None;
        self.line = Some(Line::new(Board::power_on(program, folder)?)?);
        Ok(())
    }

    /// Opens a transaction and hands over time, Root, Targets and image, or the patch that makes it.
    pub(super) fn stage(&mut self, vehicle: &Vehicle, ending: Ending) -> Result<()> {
        self.transaction += 1;
        self.ask("begin", Request::Begin(self.open()), done)?;
        let version = Version::new(vehicle.repo().release())?;
        let root = vehicle.repo().director().get(MetadataFile::Root(version)).context("each release has a Root")?;
        self.send("Root", File::Root(Which::Director, version), root)?;
        let nonce = self.ask("time nonce", Request::TimeNonce, |reply| {
            let Reply::TimeNonce(nonce) = reply else { bail!("no nonce: {reply:?}") };
            Ok(nonce)
        })?;
        self.send("time", File::Time, &vehicle.repo().time(vehicle.repo().now(), [nonce]))?;
        self.send("Targets", File::Targets(Which::Director), vehicle.targets())?;
        match ending {
            Ending::Whole => match vehicle.patch() {
                Some(patch) => self.send("patch", File::Patch, patch),
                None => self.send("image", File::Image, vehicle.image()),
            },
            Ending::PowerCut => {
                let (from, chunk) = self.offer("image", File::Image, vehicle.image())?;
                let half = vehicle.image().get(..vehicle.image().len() / 2).context("half is less")?;
                self.chunks("image", half, from, chunk)
            }
        }
    }

    /// Sends the rest of the image; from where.
    pub(super) fn resume(&mut self, vehicle: &Vehicle) -> Result<usize> {
        let (from, chunk) = self.offer("image", File::Image, vehicle.image())?;
        self.chunks("image", vehicle.image(), from, chunk)?;
        self.ask("image", Request::Close, done)?;
        Ok(from)
    }

    /// Sends the signed activate: the board resets.
    pub(super) fn activate(&mut self, vehicle: &Vehicle) -> Result<()> {
        self.command("activate", vehicle, Action::Activate)
    }

    /// Waits for the vote and sends the signed commit. Whether the new image runs, and is committed.
    pub(super) fn commit(&mut self, vehicle: &Vehicle) -> Result<bool> {
        for _ in 0..PATIENCE {
            match self.identify()? {
                (_, Phase::Healthy(_)) => break,
                (_, Phase::Trial(_)) => {}
                (_, phase) => bail!("after activate it is {phase:?}"),
            }
        }
        self.command("commit", vehicle, Action::Commit)?;
        Ok(self.identify()? == (Sha256::of(vehicle.image()), Phase::Committed(self.open())))
    }

    /// Whether the new image runs, and is not voted for however often its ECU is asked.
    pub(super) fn is_on_trial(&mut self, vehicle: &Vehicle) -> Result<bool> {
        let trial = (Sha256::of(vehicle.image()), Phase::Trial(self.open()));
        for _ in 0..PATIENCE {
            if self.identify()? != trial {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether another image than the assigned one runs, and the transaction is rolled back.
    pub(super) fn has_returned(&mut self, before: Sha256) -> Result<bool> {
        Ok(self.identify()? == (before, Phase::RolledBack(self.open())))
    }

    /// Whether its report is signed with its key, over our nonce, and names the image.
    pub(super) fn report(&mut self, vehicle: &Vehicle) -> Result<bool> {
        let nonce = Nonce([7; 16]);
        let file = self.ask("report", Request::Report(nonce), |reply| {
            let Reply::Report(report) = reply else { bail!("no report: {reply:?}") };
            Ok(report.to_vec())
        })?;
        let verified = verify::report(&file, &chip::report_key().public_key())?;
        let said = verified.report();
        let names = said.image.hashes.sha256() == Some(Sha256::of(vehicle.image()));
        Ok(names && said.nonce == Some(nonce) && said.ecu == vehicle.me().ecu)
    }

    fn identify(&mut self) -> Result<(Sha256, Phase)> {
        self.ask("identify", Request::Identify, |reply| {
            let Reply::Identity(identity) = reply else { bail!("no identity: {reply:?}") };
            Ok((identity.running, identity.phase))
        })
    }

    fn command(&mut self, what: &str, vehicle: &Vehicle, action: Action) -> Result<()> {
        self.send(what, File::Command, &bench::command(vehicle.repo(), action, self.open()))
    }

    fn send(&mut self, what: &str, file: File, bytes: &[u8]) -> Result<()> {
        let (from, chunk) = self.offer(what, file, bytes)?;
        self.chunks(what, bytes, from, chunk)?;
        self.ask(what, Request::Close, done)
    }

    fn offer(&mut self, what: &str, file: File, bytes: &[u8]) -> Result<(usize, usize)> {
        self.ask(what, Request::Offer(file, length(bytes.len())?), |reply| {
            let Reply::Ready(from, chunk) = reply else { bail!("{what} is not taken: {reply:?}") };
            Ok((from.get().try_into()?, chunk.try_into()?))
        })
    }

    fn chunks(&mut self, what: &str, bytes: &[u8], from: usize, chunk: usize) -> Result<()> {
        let rest = bytes.get(from..).context("it goes on within the file")?;
        for (number, piece) in rest.chunks(chunk).enumerate() {
            let end = from + number * chunk + piece.len();
            self.ask(what, Request::Chunk(length(end - piece.len())?, piece), |reply| {
                ensure!(reply == Reply::Taken(length(end)?), "a chunk of {what} is answered {reply:?}");
                Ok(())
            })?;
        }
        Ok(())
    }

    fn ask<T>(&mut self, what: &str, request: Request<'_>, hear: impl FnOnce(Reply<'_>) -> Result<T>) -> Result<T> {
        let line = self.line.as_mut().context("the board is on")?;
        let heard = line.ask(request, hear).with_context(|| what.to_owned())?;
        self.costs.add(what, &line.trace()?)?;
        Ok(heard)
    }

    fn open(&self) -> TransactionId {
        TransactionId([self.transaction; 16])
    }
}

fn done(reply: Reply<'_>) -> Result<()> {
    ensure!(reply == Reply::Done, "answered {reply:?}");
    Ok(())
}

fn length(bytes: usize) -> Result<Length> {
    Ok(Length::new(bytes.try_into()?)?)
}
