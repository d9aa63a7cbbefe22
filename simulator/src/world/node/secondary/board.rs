//! The machine of a Secondary with its flash, behind traits that do not say which verification and which chip it is.

use std::rc::Rc;

use primary_ecu::provision::Bundle;
use proto::secondary::{Refusal, Reply, Request};
use secondary_ecu::flash::{Flash, Layout, Store};
use secondary_ecu::linux::Full;
use secondary_ecu::provisioning::slot_root;
use secondary_ecu::state::{Held, State};
use secondary_ecu::verifier::{Partial, PartialPlus, Verifier};
use secondary_ecu::{BootError, EcuKey, Fault, Profile, Running, Secondary};
use uptane::sign::{MemorySigner, Signer as _};
use uptane::verify::Mapping;
use uptane::{KeyId, Sha256, Time};

use crate::world::disk::VirtualDisk;
use crate::world::flash::{Chip, Mishap, Torn};
use crate::world::time::Moment;

/// A Secondary that runs, or waits for power.
pub(super) trait Board {
    /// What a reset does.
    fn boot(&mut self) -> Result<(), BootError>;
    /// Nothing is left but what is in flash and on the disk.
    fn stop(&mut self);
    /// Answers one request.
    fn handle(&mut self, request: Request<'_>, now: Time) -> Reply<'_>;
    /// The new image's word that it works.
    fn vote(&mut self) -> Result<(), Fault>;
    /// What it is like; `None` while it does not run.
    fn seen(&self) -> Option<Seen<'_>>;
}

/// What a running Secondary is like.
#[derive(Clone, Copy)]
pub(super) struct Seen<'b> {
    pub(super) running: Running,
    pub(super) state: &'b State,
    pub(super) wants_reset: bool,
    /// Bytes of the new image that a patch on its way has told.
    pub(super) told: Option<u32>,
}

/// A chip of any units; see [`Chip`].
pub(super) trait Nor {
    fn begin(&self, now: Moment);
    fn free_at(&self) -> Moment;
    fn cut_power(&self, at: Moment);
    fn restore_power(&self, now: Moment);
    fn plan(&self, operation: u64, mishap: Mishap);
    fn cut_power_at(&self, operation: u64, torn: Torn);
    fn take_fired(&self) -> Vec<Mishap>;
    fn operations(&self) -> u64;
    fn dark_since(&self) -> Option<Moment>;
    fn wear(&self) -> Vec<u32>;
}

impl<const WRITE: usize, const ERASE: usize> Nor for Chip<WRITE, ERASE> {
    fn begin(&self, now: Moment) {
        Self::begin(self, now);
    }

    fn free_at(&self) -> Moment {
        Self::free_at(self)
    }

    fn cut_power(&self, at: Moment) {
        Self::cut_power(self, at);
    }

    fn restore_power(&self, now: Moment) {
        Self::restore_power(self, now);
    }

    fn plan(&self, operation: u64, mishap: Mishap) {
        Self::plan(self, operation, mishap);
    }

    fn cut_power_at(&self, operation: u64, torn: Torn) {
        Self::cut_power_at(self, operation, torn);
    }

    fn take_fired(&self) -> Vec<Mishap> {
        Self::take_fired(self)
    }

    fn operations(&self) -> u64 {
        Self::operations(self)
    }

    fn dark_since(&self) -> Option<Moment> {
        Self::dark_since(self)
    }

    fn wear(&self) -> Vec<u32> {
        Self::wear(self)
    }
}

/// How a Secondary judges, and where it keeps what it does.
pub(super) trait Judge: Sized {
    /// Opens what is kept.
    fn open(disk: &VirtualDisk) -> Self;
    /// Keeps the Roots of a bundle.
    fn trust<F: Flash>(
        disk: &VirtualDisk,
        store: &mut Store<F>,
        state: &State,
        profile: &Profile,
        bundle: &Bundle,
    ) -> Result<Held, Fault>;
}

impl Judge for Full<VirtualDisk> {
    fn open(disk: &VirtualDisk) -> Self {
        Self::new(disk, Mapping::basic())
    }

    fn trust<F: Flash>(
        disk: &VirtualDisk,
        _: &mut Store<F>,
        _: &State,
        _: &Profile,
        bundle: &Bundle,
    ) -> Result<Held, Fault> {
        let images: Vec<_> = bundle.images.iter().map(|(_, root)| root.bytes.clone()).collect();
        Self::trust(disk, &Mapping::basic(), &bundle.director.bytes, &images)
    }
}

/// What keeps the Director's Root, and all else, in flash.
trait InFlash: Default {}

impl InFlash for Partial {}

impl InFlash for PartialPlus {}

impl<V: InFlash> Judge for V {
    fn open(_: &VirtualDisk) -> Self {
        Self::default()
    }

    fn trust<F: Flash>(
        _: &VirtualDisk,
        store: &mut Store<F>,
        state: &State,
        profile: &Profile,
        bundle: &Bundle,
    ) -> Result<Held, Fault> {
        slot_root(store, state, profile, &bundle.director.bytes)
    }
}

/// The key that an ECU signs its reports with.
#[derive(Clone, Debug)]
pub(super) struct Key {
    id: KeyId,
    signer: Rc<MemorySigner>,
}

impl Key {
    pub(super) fn new(signer: MemorySigner) -> Self {
        Self { id: signer.key_id(), signer: Rc::new(signer) }
    }
}

impl EcuKey for Key {
    fn key_id(&self) -> KeyId {
        self.id
    }

    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]> {
        self.signer.sign(&digest.0).ok()?.try_into().ok()
    }
}

/// A Secondary of one verification on one chip.
pub(super) struct Mcu<V, const WRITE: usize, const ERASE: usize> {
    pub(super) profile: Profile,
    pub(super) layout: Layout,
    pub(super) chip: Chip<WRITE, ERASE>,
    pub(super) disk: VirtualDisk,
    pub(super) key: Key,
    pub(super) secondary: Option<Box<Secondary<V, Chip<WRITE, ERASE>, Key>>>,
}

impl<V, const WRITE: usize, const ERASE: usize> Board for Mcu<V, WRITE, ERASE>
where
    V: Judge + Verifier<Chip<WRITE, ERASE>>,
{
    fn boot(&mut self) -> Result<(), BootError> {
        self.secondary = None;
        let (profile, chip, key) = (self.profile.clone(), self.chip.clone(), self.key.clone());
        let secondary = Secondary::boot(profile, self.layout, chip, V::open(&self.disk), key)?;
        self.secondary = Some(Box::new(secondary));
        Ok(())
    }

    fn stop(&mut self) {
        self.secondary = None;
    }

    fn handle(&mut self, request: Request<'_>, now: Time) -> Reply<'_> {
        match &mut self.secondary {
            Some(secondary) => secondary.handle(request, now),
            None => Reply::Refused(Refusal::Storage),
        }
    }

    fn vote(&mut self) -> Result<(), Fault> {
        self.secondary.as_mut().map_or(Ok(()), |secondary| secondary.vote_healthy())
    }

    fn seen(&self) -> Option<Seen<'_>> {
        let secondary = self.secondary.as_ref()?;
        let (running, wants_reset) = (secondary.running(), secondary.wants_reset());
        Some(Seen { running, state: secondary.state(), wants_reset, told: secondary.told_by_patch() })
    }
}
