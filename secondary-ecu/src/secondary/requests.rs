//! Requests about metadata, commands, the transaction and the report.

use proto::secondary::File;
use uptane::limits::MAX_COMMAND;
use uptane::verify::partial::{CommandStream, VerifiedCommand};
use uptane::{Length, Nonce, Sha256, Time, TransactionId};

use super::Secondary;
use crate::flash::{self, Area, Bank, Flash, Side, size};
use crate::report::Report;
use crate::state::State;
use crate::transfer::{Chunk, Kind, Progress, Transfer};
use crate::verifier::{Accepted, Verifier};
use crate::{EcuKey, Fault, Profile, transaction};

impl<V: Verifier<F>, F: Flash, K: EcuKey> Secondary<V, F, K> {
    /// A nonce nobody can foresee and that was never given out: it is made with the ECU's own key from a counter that
    /// is durable before. Until an attestation has carried it, the same one is given.
    #[inline(never)]
    pub(super) fn time_nonce(&mut self) -> Result<Nonce, Fault> {
        if let Some(nonce) = self.nonce {
            return Ok(nonce);
        }
        let nonce = self.unforeseen(b"uptane-time-nonce")?.0.first_chunk().copied().map(Nonce);
        self.nonce = nonce;
        nonce.ok_or(Fault::Storage)
    }

    /// A value for one purpose that nobody can foresee and that never comes again.
    #[inline(never)]
    pub(super) fn unforeseen(&mut self, purpose: &[u8]) -> Result<Sha256, Fault> {
        let nonces = self.state.nonces.checked_add(1).ok_or(Fault::Storage)?;
        self.change(|next| next.nonces = nonces)?;
        let seed = Sha256::of_all(&[purpose, &nonces.to_le_bytes()]);
        let signature = self.key.sign(&seed).ok_or(Fault::Storage)?;
        Ok(Sha256::of(&signature))
    }

    #[inline(never)]
    pub(super) fn begin(&mut self, transaction: TransactionId) -> Result<(), Fault> {
        let mut next = self.state;
        transaction::begin(&mut next, transaction)?;
        if next.stage != self.state.stage {
            self.transfer = Transfer::default();
        }
        self.record(&next)
    }

    /// Where to go on with `file`.
    #[inline(never)]
    pub(super) fn offer(&mut self, file: File, length: Length, now: Time) -> Result<u32, Fault> {
        self.transfer = Transfer::default();
        match file {
            File::Image => self.offer_image(length, now),
            File::Patch => self.offer_patch(length, now),
            File::Command => self.offer_command(length),
            File::Time
            | File::Root(..)
            | File::Timestamp(_)
            | File::Snapshot(_)
            | File::Targets(_)
            | File::Delegated(_) => self.offer_metadata(file, length, now),
        }
    }

    /// What is trusted must not change under an image that has been activated: commands name it by digest.
    fn offer_metadata(&mut self, file: File, length: Length, now: Time) -> Result<u32, Fault> {
        if !matches!(file, File::Time) && self.state.stage.is_activated() {
            return Err(Fault::Phase);
        }
        let (verifier, desk) = self.desk(now);
        verifier.offer(desk, file, length)?;
        self.transfer.begin(Kind::Metadata, Progress::after(0, length)?);
        Ok(0)
    }

    /// A command is put where the next Root would go, and verified from there.
    fn offer_command(&mut self, length: Length) -> Result<u32, Fault> {
        let side = self.state.root.map_or(Side::Left, |held| held.side.other());
        let area = self.store.layout().slot(self.store.erase_unit(), flash::Kind::Root, side);
        if usize::try_from(length.get()).map_or(true, |length| length > MAX_COMMAND.min(size(area.size()))) {
            return Err(Fault::TooLong);
        }
        self.transfer.begin_in(area, 0, Kind::Command, Progress::after(0, length)?);
        Ok(0)
    }

    /// Takes a chunk. A file whose bytes are refused is dropped, but for images, whose good bytes stay.
    #[inline(never)]
    pub(super) fn chunk(&mut self, offset: Length, bytes: &[u8], now: Time) -> Result<u32, Fault> {
        if self.on_its_way()?.place(offset, bytes)? == Chunk::Next
            && let Err(fault) = self.take(bytes, now)
        {
            self.transfer = Transfer::default();
            return Err(fault);
        }
        Ok(self.transfer.progress.taken)
    }

    /// How far the file is that was offered.
    fn on_its_way(&self) -> Result<Progress, Fault> {
        match self.transfer.kind {
            Kind::Nothing => Err(Fault::Offset),
            Kind::Metadata | Kind::Command | Kind::Image | Kind::Patch | Kind::Complete => Ok(self.transfer.progress),
        }
    }

    #[inline(never)]
    fn take(&mut self, bytes: &[u8], now: Time) -> Result<(), Fault> {
        match self.transfer.kind {
            Kind::Nothing | Kind::Complete => return Err(Fault::Offset),
            Kind::Command | Kind::Image => self.transfer.appender.push(&mut self.store, bytes)?,
            Kind::Patch => self.take_patch(bytes)?,
            Kind::Metadata => {
                let (verifier, desk) = self.desk(now);
                verifier.take(desk, bytes)?;
            }
        }
        self.transfer.progress.advance(bytes);
        self.keep_progress()
    }

    #[inline(never)]
    pub(super) fn close(&mut self, now: Time) -> Result<(), Fault> {
        let progress = self.on_its_way()?;
        if !progress.is_complete() {
            return Err(Fault::Offset);
        }
        let (kind, area) = (self.transfer.kind, self.transfer.appender.area());
        self.arrived()?;
        match kind {
            Kind::Nothing => Ok(()),
            Kind::Metadata => self.close_metadata(now),
            Kind::Command => self.command(area, progress.length),
            Kind::Image | Kind::Patch | Kind::Complete => self.close_image(now),
        }
    }

    #[inline(never)]
    fn close_metadata(&mut self, now: Time) -> Result<(), Fault> {
        let (verifier, desk) = self.desk(now);
        let accepted = verifier.close(desk)?;
        self.accept(accepted)
    }

    /// Makes what a verified file changes durable.
    #[inline(never)]
    pub(super) fn accept(&mut self, accepted: Accepted) -> Result<(), Fault> {
        let mut next = self.state;
        match accepted {
            Accepted::Nothing => return Ok(()),
            Accepted::Root { held, drops_targets, time } => {
                next.root = Some(held);
                next.time = time.unwrap_or(next.time);
                if drops_targets {
                    next.targets = None;
                }
            }
            Accepted::Targets(held) => next.targets = Some(held),
            Accepted::Time(time) => {
                next.time = time;
                self.nonce = None;
            }
        }
        // An image was staged for the Targets that were trusted then.
        if digest_of_targets(&next) != digest_of_targets(&self.state) {
            next.stage = next.stage.unstaged();
        }
        self.record(&next)
    }

    /// Carries out a command of the Primary's key, for this ECU and vehicle, about the trusted Director Targets.
    #[inline(never)]
    fn command(&mut self, area: Area, length: u32) -> Result<(), Fault> {
        let command = self.read_command(area, length)?;
        let (banks, spare, mut next) = (self.banks(), self.spare(), self.state);
        transaction::carry_out(&mut next, banks, &command, || self.store.descriptor(spare))?;
        self.record(&next)
    }

    /// Never made part of another function, so that the stream leaves a small stack with it.
    #[inline(never)]
    fn read_command(&mut self, area: Area, length: u32) -> Result<VerifiedCommand, Fault> {
        let Profile { primary, ecu, vehicle, .. } = &self.profile;
        let mut stream = CommandStream::new(primary.clone(), *ecu, *vehicle);
        self.store.stream(area, 0, length, self.scratch.buffer(), |piece| Ok(stream.feed(piece)?))?;
        Ok(stream.finish()?)
    }

    /// The image that the report names. Where nothing runs in a single bank there may be anything in it: the report tells
    /// what ran by right last.
    #[inline(never)]
    fn told_of(&self) -> Bank {
        match self.is_waiting() {
            true => self.state.home,
            false => self.running.bank,
        }
    }

    /// Writes the report into the buffer. Its counter is durable before it is signed, so it is never used twice.
    #[inline(never)]
    pub(super) fn report(&mut self, nonce: Nonce, time: Time) -> Result<usize, Fault> {
        let counter = self.state.reports.next()?;
        self.change(|next| next.reports = counter)?;
        let image = self.store.descriptor(self.told_of())?.ok_or(Fault::Storage)?;
        let Self { profile, state, key, scratch, .. } = self;
        Report { profile, state, image: &image, nonce, time }.write(key, scratch.buffer())
    }
}

fn digest_of_targets(state: &State) -> Option<&Sha256> {
    state.targets.as_ref().map(|held| &held.sha256)
}
