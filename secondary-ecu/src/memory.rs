//! How much memory a Secondary takes, field by field: all of it is known when it is compiled.

use core::mem::size_of;

use uptane::verify::partial::{
    CommandStream, Itself, OwnTargets, Plus, RootCheck, RootPass, RootStream, TargetsCheck, TargetsStream, TrustedRoot,
};
use uptane::verify::time::{TimeCheck, TimeStream};

use crate::flash::{Flash, Store};
use crate::scratch::Scratch;
use crate::state::State;
use crate::state::pages::Pages;
use crate::transfer::Transfer;
use crate::verifier::{PartialPlus, Wanted};
use crate::{EcuKey, Profile, Secondary};

/// Bytes a Secondary with PV+ may take in all, for a vehicle of as many ECUs as Director Targets may name.
pub const BUDGET: usize = 16 * 1024;

/// One part and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: usize,
}

/// What a PV+ Secondary with this flash and key takes: its fields, then what lives only while a file is verified. The
/// streams exclude one another, and none outlives its request, so the largest stands for all.
/// The size of the vehicle does not matter: nothing grows with the number of ECUs.
pub fn parts<F: Flash, K: EcuKey>() -> [Part; 10] {
    let fields = [
        Part { name: "profile", bytes: size_of::<Profile>() },
        Part { name: "flash and layout", bytes: size_of::<Store<F>>() },
        Part { name: "state pages", bytes: size_of::<Pages>() },
        Part { name: "state", bytes: size_of::<State>() },
        Part { name: "metadata file on its way", bytes: size_of::<PartialPlus>() },
        Part { name: "transfer", bytes: size_of::<Transfer>() },
        Part { name: "report key", bytes: size_of::<K>() },
        Part { name: "buffer or decoder of patches", bytes: size_of::<Scratch>() },
    ];
    let sum = fields.iter().map(|part| part.bytes).sum::<usize>();
    let [profile, store, pages, state, verifier, transfer, key, buffer] = fields;
    let rest = Part { name: "padding and small fields", bytes: size_of::<Secondary<PartialPlus, F, K>>() - sum };
    let reading = size_of::<TargetsCheck<Plus>>() + size_of::<TargetsStream<'_>>();
    let targets = reading.max(size_of::<OwnTargets<Plus>>() + size_of::<Wanted>());
    let pass = size_of::<RootCheck<Itself<'_>>>() + size_of::<TrustedRoot>() + size_of::<RootPass<'_>>();
    let root = pass.max(size_of::<TrustedRoot>() + size_of::<RootStream>());
    let time = size_of::<TimeCheck>() + size_of::<TimeStream<'_>>();
    let largest = targets.max(root).max(time).max(size_of::<CommandStream>());
    let verifying = Part { name: "while a file is verified", bytes: largest };
    [profile, store, pages, state, verifier, transfer, key, buffer, rest, verifying]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flash::ram::RamFlash;
    use uptane::{KeyId, Sha256};

    /// A key in a chip: nothing of it is in memory.
    struct InChip;

    impl EcuKey for InChip {
        fn key_id(&self) -> KeyId {
            Sha256([0; 32]).into()
        }

        fn sign(&mut self, _: &Sha256) -> Option<[u8; 64]> {
            None
        }
    }

    // Built together with crates that evaluate longer keys, it is no firmware; `cargo xtask evidence no-std` always is.
    #[test]
    fn a_secondary_fits_sixteen_kibibytes() {
        let parts = parts::<&mut RamFlash<8, 4_096>, InChip>();
        let sum: usize = parts.iter().map(|part| part.bytes).sum();
        assert!(sum <= BUDGET || uptane::limits::MAX_EVALUATED_SIGNATURE > 64, "{sum}: {parts:?}");
    }
}
