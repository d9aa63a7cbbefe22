//! What makes flash that of an ECU (§5.4.1): the image it leaves the factory with, then whom it trusts.
//!
//! Left to the caller: whether image and Root come from whom they must. Whoever provisions vouches for them.

use uptane::Time;

use crate::bank::Descriptor;
use crate::flash::{Appender, Bank, Flash, Store};
use crate::state::pages::Pages;
use crate::state::{Held, State};
use crate::verifier::{Desk, provision_root};
use crate::{BUFFER_SIZE, Fault, Profile};

/// Why an ECU does not trust what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// No state record: nothing was installed yet, or the flash is lost.
    #[error("there is no state in flash")]
    NoState,
    /// The Root does not verify.
    #[error("the Root does not verify: {0}")]
    Root(Fault),
    /// Flash failed.
    #[error("flash failed: {0}")]
    Storage(Fault),
}

/// Puts the first image into bank A, and makes bank A home. No release before it will ever be installed.
pub fn install<F: Flash>(store: &mut Store<F>, image: &[u8], descriptor: &Descriptor) -> Result<(), Fault> {
    store.describe(Bank::A, descriptor)?;
    let mut appender = Appender::new(store.layout().bank(store.erase_unit(), Bank::A), 0);
    appender.push(store, image)?;
    appender.finish(store)?;
    let mut state = State::new(Bank::A, descriptor.sha256, Time::EPOCH);
    state.floors.raise(descriptor.line, descriptor.counter)?;
    crate::provision(store, &state)
}

/// Trusts a Director Root, and takes `time` for the latest attested. `root` keeps the Root where the verifier looks for it:
/// [`slot_root`] for partial verification.
pub fn trust<F: Flash>(
    store: &mut Store<F>,
    time: Time,
    root: impl FnOnce(&mut Store<F>, &State) -> Result<Held, Fault>,
) -> Result<(), TrustError> {
    let (mut pages, state) = Pages::mount(store).map_err(|_| TrustError::NoState)?;
    let held = root(store, &state).map_err(TrustError::Root)?;
    pages.append(store, &State { root: Some(held), time, ..state }).map_err(TrustError::Storage)
}

/// Puts a Director Root into its slot of the flash.
pub fn slot_root<F: Flash>(store: &mut Store<F>, state: &State, profile: &Profile, root: &[u8]) -> Result<Held, Fault> {
    let mut buffer = [0; BUFFER_SIZE];
    provision_root(Desk { store, state, profile, nonce: None, buffer: &mut buffer, now: state.time }, root)
}
