//! Has this ECU been named before? (§5.4.4.6, in two kilobytes)

use crate::limits::MAX_ECUS;
use crate::{EcuId, Sha256};

/// The ECUs a file has named so far, as 64 bits of each id's SHA-256.
///
/// Equal ids have equal prefixes, so no ECU named twice is ever missed. Different ids with one prefix would refuse a
/// good file; by chance that happens to one file of 256 ECUs in 10^14, and only who signs the file could bring it about.
pub(super) struct Ecus {
    prefixes: [u64; MAX_ECUS],
    count: usize,
}

impl Ecus {
    pub(super) fn new() -> Self {
        Self { prefixes: [0; MAX_ECUS], count: 0 }
    }

    /// Remembers this ECU, and says whether it was named before (§5.4.4.6 step 7).
    pub(super) fn names_again(&mut self, ecu: &EcuId) -> bool {
        let digest = Sha256::of(ecu.as_str().as_bytes()).0;
        let prefix = digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let again = self.prefixes.iter().take(self.count).any(|known| *known == prefix);
        // The reader refuses a file that names more, so the table never runs over.
        if let Some(place) = self.prefixes.get_mut(self.count) {
            *place = prefix;
            self.count += 1;
        }
        again
    }
}
