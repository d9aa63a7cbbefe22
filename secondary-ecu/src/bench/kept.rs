//! Where an ECU on the bench keeps its metadata: in flash, or in files beside it.

#[cfg(feature = "linux")]
use alloc::vec;

use proto::secondary::Refusal;
#[cfg(feature = "linux")]
use proto::secondary::{File, ImageNumber, Repo as Which};
use uptane::testing::Repo;
#[cfg(feature = "linux")]
use uptane::verify::Mapping;

#[cfg(feature = "linux")]
use super::RamDisk;
use super::primary::{Key, profile, send_root, send_targets, send_time};
#[cfg(feature = "linux")]
use super::primary::{send, send_root_of};
use super::sure;
use crate::Secondary;
use crate::flash::ram::{Power, RamFlash};
use crate::flash::{Flash, Store};
#[cfg(feature = "linux")]
use crate::linux::Full;
use crate::provisioning::slot_root;
use crate::state::{Held, State};
use crate::verifier::{PartialPlus, Verifier};

/// What an ECU keeps beside its flash, and how it verifies what it is handed.
pub trait Kept<const WRITE: usize, const ERASE: usize>: Sized {
    /// How it verifies.
    type Verifier: for<'f> Verifier<&'f mut RamFlash<WRITE, ERASE>>;

    /// What an ECU keeps that was just provisioned, and what its state says of the Director's Root.
    fn provision<F: Flash>(power: &Power, store: &mut Store<F>, state: &State, repo: &Repo) -> (Self, Held);

    /// The same on another power.
    #[must_use]
    fn apart(&self, power: &Power) -> Self;

    /// A verifier as after a reset.
    fn verifier(&self) -> Self::Verifier;

    /// Hands over the newest metadata, Roots of version 2 first.
    fn hand_over(
        ecu: &mut Secondary<Self::Verifier, &mut RamFlash<WRITE, ERASE>, Key>,
        repo: &Repo,
    ) -> Result<(), Refusal>;
}

/// Partial verification with the Director's Roots; everything is in flash.
#[derive(Clone, Copy, Debug)]
pub struct InFlash;

impl<const WRITE: usize, const ERASE: usize> Kept<WRITE, ERASE> for InFlash {
    type Verifier = PartialPlus;

    fn provision<F: Flash>(_: &Power, store: &mut Store<F>, state: &State, repo: &Repo) -> (Self, Held) {
        (Self, sure(slot_root(store, state, &profile(repo), repo.director().first_root())))
    }

    fn apart(&self, _: &Power) -> Self {
        Self
    }

    fn verifier(&self) -> PartialPlus {
        PartialPlus::default()
    }

    fn hand_over(
        ecu: &mut Secondary<PartialPlus, &mut RamFlash<WRITE, ERASE>, Key>,
        repo: &Repo,
    ) -> Result<(), Refusal> {
        send_root(ecu, repo, 2)?;
        send_time(ecu, repo)?;
        send_targets(ecu, repo)
    }
}

/// Full verification; metadata is in files that lose power together with the flash.
#[cfg(feature = "linux")]
#[derive(Debug)]
pub struct InFiles(RamDisk);

#[cfg(feature = "linux")]
impl<const WRITE: usize, const ERASE: usize> Kept<WRITE, ERASE> for InFiles {
    type Verifier = Full<RamDisk>;

    fn provision<F: Flash>(power: &Power, _: &mut Store<F>, _: &State, repo: &Repo) -> (Self, Held) {
        let disk = RamDisk::new(power);
        let images = vec![repo.image().first_root().to_vec()];
        let held = sure(Full::trust(&disk, &Mapping::basic(), repo.director().first_root(), &images));
        (Self(disk), held)
    }

    fn apart(&self, power: &Power) -> Self {
        Self(self.0.apart(power))
    }

    fn verifier(&self) -> Full<RamDisk> {
        Full::new(&self.0, Mapping::basic())
    }

    fn hand_over(
        ecu: &mut Secondary<Full<RamDisk>, &mut RamFlash<WRITE, ERASE>, Key>,
        repo: &Repo,
    ) -> Result<(), Refusal> {
        let image = Which::Image(ImageNumber::FIRST);
        send_root(ecu, repo, 2)?;
        send_time(ecu, repo)?;
        for (which, files) in [(Which::Director, repo.director()), (image, repo.image())] {
            if which == image {
                send_root_of(ecu, repo, which, 2)?;
            }
            send(ecu, repo.now(), File::Timestamp(which), files.timestamp())?;
            send(ecu, repo.now(), File::Snapshot(which), files.snapshot())?;
            send(ecu, repo.now(), File::Targets(which), files.targets())?;
        }
        Ok(())
    }
}
