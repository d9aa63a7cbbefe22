//! The machine: a Primary asks, this ECU answers. No I/O but flash, no clock, no heap.

mod diagnostics;
mod image;
mod patch;
mod requests;
mod single;

use core::mem::MaybeUninit;

use proto::secondary::{Identity, Refusal, Reply, Request};
use uptane::{Nonce, Sha256, Time};

use self::diagnostics::Challenges;
use crate::flash::{BadLayout, Bank, Banks, Flash, Layout, Store};
use crate::scratch::Scratch;
use crate::state::pages::Pages;
use crate::state::{Ending, Outcome, State};
use crate::transfer::Transfer;
use crate::verifier::{Desk, Verifier};
use crate::{EcuKey, Fault, Profile, transaction};

/// A Secondary, from one reset to the next.
///
/// `V` judges metadata, `F` is its flash, `K` signs its reports.
pub struct Secondary<V, F, K> {
    pub(crate) profile: Profile,
    pub(crate) store: Store<F>,
    pub(crate) pages: Pages,
    pub(crate) state: State,
    pub(crate) verifier: V,
    pub(crate) key: K,
    pub(crate) running: Running,
    pub(crate) nonce: Option<Nonce>,
    pub(crate) challenges: Option<Challenges>,
    pub(crate) transfer: Transfer,
    pub(crate) scratch: Scratch,
}

/// What was booted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// The bank.
    pub bank: Bank,
    /// The digest of what stands in it.
    pub sha256: Sha256,
    /// Whether that is what the bank may boot. If not, nothing of it runs: the ECU waits in its boot loader for a new
    /// image or a signed roll back; with a single bank, for the new image or the last committed one.
    pub authorised: bool,
}

/// Why an ECU does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootError {
    /// The flash cannot be divided so.
    #[error(transparent)]
    Layout(#[from] BadLayout),
    /// The trusted metadata in flash does not verify any more.
    #[error("the stored metadata does not verify: {0}")]
    Metadata(Fault),
    /// No state record: this ECU was never provisioned, or its flash is lost.
    #[error("there is no state in flash")]
    NoState,
    /// Flash failed.
    #[error("flash failed while starting")]
    Storage,
}

impl<V: Verifier<F>, F: Flash, K: EcuKey> Secondary<V, F, K> {
    /// What a reset does: finds the state, decides which bank runs, checks it from its first to its last byte, and
    /// verifies the trusted metadata again.
    pub fn boot(profile: Profile, layout: Layout, flash: F, verifier: V, key: K) -> Result<Self, BootError> {
        let mut secondary = Self::asleep(profile, Store::new(flash, layout)?, verifier, key);
        secondary.reset()?;
        Ok(secondary)
    }

    /// The same in a place of its own, such as a `static`: no stack has to hold the machine while metadata is verified.
    pub fn boot_in(
        place: &mut MaybeUninit<Self>,
        profile: Profile,
        layout: Layout,
        flash: F,
        verifier: V,
        key: K,
    ) -> Result<&mut Self, BootError> {
        let secondary = Self::place_in(place, profile, Store::new(flash, layout)?, verifier, key);
        secondary.reset()?;
        Ok(secondary)
    }

    /// What it leaves on the stack is gone before anything is verified.
    #[inline(never)]
    fn place_in(place: &mut MaybeUninit<Self>, profile: Profile, store: Store<F>, verifier: V, key: K) -> &mut Self {
        place.write(Self::asleep(profile, store, verifier, key))
    }

    /// A machine that has looked at nothing yet.
    fn asleep(profile: Profile, store: Store<F>, verifier: V, key: K) -> Self {
        Self {
            profile,
            store,
            pages: Pages::UNKNOWN,
            state: State::new(Bank::A, NOTHING, Time::EPOCH),
            verifier,
            key,
            running: Running { bank: Bank::A, sha256: NOTHING, authorised: false },
            nonce: None,
            challenges: None,
            transfer: Transfer::default(),
            scratch: Scratch::new(),
        }
    }

    /// A reset without leaving the process: everything not in flash is forgotten.
    #[inline(never)]
    pub fn reset(&mut self) -> Result<(), BootError> {
        self.transfer = Transfer::default();
        (self.nonce, self.challenges) = (None, None);
        self.find_state().map_err(|_| BootError::NoState)?;
        self.decide().map_err(|_| BootError::Storage)?;
        let (verifier, desk) = self.desk(self.state.time);
        let accepted = verifier.reload(desk).map_err(BootError::Metadata)?;
        self.accept(accepted).map_err(|_| BootError::Storage)
    }

    /// Where there is no state, what was known before stays.
    #[inline(never)]
    fn find_state(&mut self) -> Result<(), Fault> {
        let mut found = self.state;
        self.pages = Pages::find(&mut self.store, &mut found)?;
        self.state = found;
        Ok(())
    }

    /// Decides which bank runs, and checks it. A bank on trial that is not what it must be is given up before it runs.
    #[inline(never)]
    fn decide(&mut self) -> Result<(), Fault> {
        self.inspect()?;
        let (banks, is_whole) = (self.banks(), self.running.authorised);
        self.change(|next| transaction::boot(next, banks, is_whole))?;
        match transaction::wanted_bank(self.state.stage, self.state.home) == self.running.bank {
            true => Ok(()),
            false => self.inspect(),
        }
    }

    /// Reads the bank that must run.
    #[inline(never)]
    fn inspect(&mut self) -> Result<(), Fault> {
        let bank = transaction::wanted_bank(self.state.stage, self.state.home);
        let digest = self.store.digest(bank, self.scratch.buffer())?;
        let authorised = digest.is_some_and(|digest| self.state.may_boot(bank, &digest));
        self.running = Running { bank, sha256: digest.unwrap_or(NOTHING), authorised };
        Ok(())
    }

    /// Answers one request. `now` is the ECU's time; it counts only where it is later than the latest attested one.
    pub fn handle(&mut self, request: Request<'_>, now: Time) -> Reply<'_> {
        let now = now.max(self.state.time);
        match request {
            Request::Identify => Reply::Identity(self.identity()),
            Request::TimeNonce => self.answer(Self::time_nonce, Reply::TimeNonce),
            Request::Begin(transaction) => self.answer(|ecu| ecu.begin(transaction), |()| Reply::Done),
            Request::Offer(file, length) => {
                let max_chunk = self.profile.max_chunk;
                self.answer(|ecu| ecu.offer(file, length, now), |from| Reply::Ready(from.into(), max_chunk))
            }
            Request::Chunk(offset, bytes) => {
                self.answer(|ecu| ecu.chunk(offset, bytes, now), |taken| Reply::Taken(taken.into()))
            }
            Request::Close => self.answer(|ecu| ecu.close(now), |()| Reply::Done),
            Request::Report(nonce) => self.answer_report(nonce, now),
        }
    }

    /// Does something, and says what came of it.
    fn answer<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, Fault>,
        reply: impl FnOnce(T) -> Reply<'static>,
    ) -> Reply<'static> {
        match act(self) {
            Ok(done) => reply(done),
            Err(fault) => Reply::Refused(self.refused(fault)),
        }
    }

    /// The new image's word that it works. It counts while the image runs on trial, and is kept across resets.
    pub fn vote_healthy(&mut self) -> Result<(), Fault> {
        match self.running.authorised {
            true => self.change(transaction::vote),
            false => Ok(()),
        }
    }

    /// Whether the bank that must run is another than the one that does: the driver resets the ECU once the answer has
    /// left, and before it handles another request. What was asked in between would be answered for an image that is
    /// about to stop; a Primary that believed it could close a vehicle mixed. An image that arrived where nothing ran
    /// asks for a reset as well.
    pub fn wants_reset(&self) -> bool {
        let Running { bank, sha256, authorised } = &self.running;
        let has_arrived = !authorised && self.state.may_boot(*bank, sha256);
        has_arrived || transaction::wanted_bank(self.state.stage, self.state.home) != *bank
    }

    /// Gives back what outlives a reset.
    pub fn into_parts(self) -> (Profile, F, V, K) {
        (self.profile, self.store.into_flash(), self.verifier, self.key)
    }

    /// What was booted.
    pub fn running(&self) -> Running {
        self.running
    }

    /// The durable state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// This ECU's account of itself.
    #[inline(never)]
    pub fn identity(&self) -> Identity {
        Identity {
            ecu: self.profile.ecu,
            hardware: self.profile.hardware,
            verification: V::VERIFICATION,
            director_root: self.verifier.director_root(&self.state),
            image_root: self.verifier.image_root(),
            running: if self.is_waiting() { NOTHING } else { self.running.sha256 },
            phase: self.state.stage.phase(),
        }
    }

    /// How many images there is room for.
    pub(crate) fn banks(&self) -> Banks {
        self.store.banks()
    }

    /// The verifier, and what it works on.
    #[inline(never)]
    pub(crate) fn desk(&mut self, now: Time) -> (&mut V, Desk<'_, F>) {
        let Self { profile, store, state, verifier, nonce, scratch, .. } = self;
        (verifier, Desk { store, state, profile, nonce: *nonce, buffer: scratch.buffer(), now })
    }

    /// Makes what `change` makes of the state durable.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut State)) -> Result<(), Fault> {
        let mut next = self.state;
        change(&mut next);
        self.record(&next)
    }

    /// Makes `next` the durable state, unless it is already.
    #[inline(never)]
    pub(crate) fn record(&mut self, next: &State) -> Result<(), Fault> {
        if !self.state.is_recorded_as(next)? {
            self.pages.append(&mut self.store, next)?;
            self.state = *next;
        }
        Ok(())
    }

    /// Keeps what the next report says of a refusal, and tells the Primary.
    #[inline(never)]
    fn refused(&mut self, fault: Fault) -> Refusal {
        let outcome = match fault {
            Fault::Check(check) => {
                Some(Outcome { ending: Ending::Refused, attack: check.attack(), check: check.code() })
            }
            Fault::Storage => Some(Outcome { ending: Ending::StorageFailed, attack: None, check: 0 }),
            Fault::NotForMe | Fault::Offset | Fault::Phase | Fault::TooLong => None,
        };
        if let Some(outcome) = outcome {
            // Where flash fails the refusal still goes out; the report then misses it.
            let _ = self.change(|next| next.outcome = outcome);
        }
        fault.refusal(self.transfer.progress.taken.into())
    }

    fn answer_report(&mut self, nonce: Nonce, now: Time) -> Reply<'_> {
        match self.report(nonce, now) {
            Ok(length) => match self.scratch.buffer().get(..length) {
                Some(report) => Reply::Report(report),
                None => Reply::Refused(Refusal::Storage),
            },
            Err(fault) => Reply::Refused(self.refused(fault)),
        }
    }
}

/// The digest that is told where there is no image: no image has it.
const NOTHING: Sha256 = Sha256([0; 32]);

/// The first state of an ECU that runs `image`, which stands in bank A already, and what it trusts from its maker.
pub fn provision<F: Flash>(store: &mut Store<F>, state: &State) -> Result<(), Fault> {
    Pages::format(store, state).map(|_| ())
}

#[cfg(test)]
mod tests;
