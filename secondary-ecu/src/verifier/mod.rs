//! How an ECU judges metadata: the part in which a full and a partial Secondary differ.

mod partial;

#[cfg(feature = "linux")]
pub(crate) use partial::want;
pub use partial::{Partial, PartialPlus, provision_root};

use proto::secondary::{File, Verification};
use uptane::metadata::Delta;
use uptane::verify::image::FileCheck;
use uptane::{Hashes, Length, Nonce, Sha256, TargetNameBuf, Time, Version};

use crate::bank::Descriptor;
use crate::flash::{Flash, Store};
use crate::state::{Held, State};
use crate::{Fault, Profile};

/// What a verifier works on. It may read and write metadata slots; state is only read, and changed by what it returns.
pub struct Desk<'d, F> {
    /// The flash.
    pub store: &'d mut Store<F>,
    /// The state before this request.
    pub state: &'d State,
    /// Who this ECU is.
    pub profile: &'d Profile,
    /// The nonce this ECU asked the next time attestation to carry.
    pub nonce: Option<Nonce>,
    /// Scratch space.
    pub buffer: &'d mut [u8],
    /// The time of this request.
    pub now: Time,
}

/// What a complete and verified file changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// Nothing: the same file is trusted already, or it is judged with one that follows.
    Nothing,
    /// A new Director Root.
    Root {
        /// Where it is held.
        held: Held,
        /// Whether what the old Root vouched for must go: its Targets keys are no longer these (trap T6).
        drops_targets: bool,
        /// The new floor of time, where the time key was rotated (design D14).
        time: Option<Time>,
    },
    /// New Director Targets.
    Targets(Held),
    /// A time attestation.
    Time(Time),
}

/// The image that verified metadata assigns to this ECU.
pub struct Wanted {
    /// What the bank's header will say.
    pub descriptor: Descriptor,
    /// The image to return to where there is no second bank (design D8).
    pub fallback: Option<Fallback>,
    /// The patch that makes the image of another one.
    pub delta: Option<Delta>,
    /// Every digest that is listed of it.
    pub hashes: Hashes,
}

impl Wanted {
    /// Takes the image's bytes, and tells whether they are the assigned ones.
    pub fn check(&self) -> FileCheck {
        FileCheck::new(self.descriptor.length, self.hashes)
    }
}

/// What verified metadata say of the image to return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    /// Its name in both repositories.
    pub name: TargetNameBuf,
    /// Its digest; the Director alone, whom partial verification asks, tells none.
    pub sha256: Option<Sha256>,
}

impl Fallback {
    /// Whether this is the image that `descriptor` describes.
    pub fn is(&self, descriptor: &Descriptor) -> bool {
        self.name == descriptor.name && self.sha256.is_none_or(|sha256| sha256 == descriptor.sha256)
    }
}

/// Judges metadata, and says what it assigns.
///
/// # Security
/// [`wanted`](Self::wanted) is what an image is checked against, so it must rest on files verified since the last reset
/// and valid at `desk.now`. Wrongly saying yes runs an image nobody authorised; wrongly saying no costs the update.
pub trait Verifier<F: Flash> {
    /// How it verifies.
    const VERIFICATION: Verification;

    /// Reads back what `desk.state` says is trusted, after a reset, and says what was stored and `desk.state` does not
    /// know, because the power failed between the two.
    fn reload(&mut self, desk: Desk<'_, F>) -> Result<Accepted, Fault>;

    /// The Director Root it trusts.
    fn director_root(&self, state: &State) -> Version;

    /// The Image Root it trusts.
    fn image_root(&self) -> Option<Version>;

    /// Prepares for a file of this length; whatever was on its way before is dropped.
    fn offer(&mut self, desk: Desk<'_, F>, file: File, length: Length) -> Result<(), Fault>;

    /// Takes the next bytes of the offered file; never more than were announced.
    fn take(&mut self, desk: Desk<'_, F>, bytes: &[u8]) -> Result<(), Fault>;

    /// Judges the offered file, all of whose bytes were taken.
    fn close(&mut self, desk: Desk<'_, F>) -> Result<Accepted, Fault>;

    /// Verifies anew what is trusted, and finds the image it assigns to this ECU.
    fn wanted(&mut self, desk: Desk<'_, F>) -> Result<Wanted, Fault>;
}
