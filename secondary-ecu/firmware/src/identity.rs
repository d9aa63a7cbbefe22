//! Who this ECU is: a page its maker writes, then locks. It is the last of the flash.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `CVI1` |
//! | 32 | the seed of the report key (RFC 8032) |
//! | 1 + 128 | length of the id of that key, as the Director knows it; that id, filled up |
//! | 32 | the public key of the vehicle's Primary |
//! | 16 | the vehicle |
//! | 1 + 64 | length of the ECU's id; its id, filled up |
//! | 1 + 64 | length of its hardware id; its hardware id, filled up |

use secondary_ecu::{EcuKey, Profile};
use uptane::limits::{MAX_ID, MAX_KEY_ID};
use uptane::{EcuId, HardwareId, KeyId, PublicKey, Sha256, VehicleId};

/// The key this ECU signs its reports with.
///
/// A chip with a place that only its cryptographic unit can read keeps the seed there.
pub(crate) struct ReportKey {
    key: uptane::ReportKey,
    id: KeyId,
}

/// Bytes of one chunk. With its two bytes before it, it is what a message from the Primary needs room for.
pub(crate) const MAX_CHUNK: u32 = 1_024;
/// A reset costs no more of an image than this again.
const PROGRESS: u32 = 16 * 1024;
/// Bytes of the page.
pub(crate) const PAGE: usize = 4_096;
const MAGIC: [u8; 4] = *b"CVI1";

/// Reads the page; `None` if it says nothing, or nonsense.
pub(crate) fn read(page: &[u8]) -> Option<(Profile, ReportKey)> {
    let (_, rest) = page.split_first_chunk().filter(|(magic, _)| **magic == MAGIC)?;
    let (seed, rest) = rest.split_first_chunk()?;
    let (id, rest) = text::<{ 1 + MAX_KEY_ID }>(rest)?;
    let (primary, rest) = rest.split_first_chunk()?;
    let (vehicle, rest) = rest.split_first_chunk()?;
    let (ecu, rest) = text::<{ 1 + MAX_ID }>(rest)?;
    let (hardware, _) = text::<{ 1 + MAX_ID }>(rest)?;
    let profile = Profile {
        ecu: EcuId::parse(ecu).ok()?,
        hardware: HardwareId::parse(hardware).ok()?,
        vehicle: VehicleId(*vehicle),
        primary: PublicKey::Ed25519(*primary),
        max_chunk: MAX_CHUNK,
        progress: PROGRESS,
    };
    Some((profile, ReportKey { key: uptane::ReportKey::from_seed(seed), id: KeyId::parse(id).ok()? }))
}

/// A text after its length in a field of `N` bytes, and what follows.
fn text<const N: usize>(page: &[u8]) -> Option<(&str, &[u8])> {
    let (field, rest) = page.split_first_chunk::<N>()?;
    let (length, text) = field.split_first()?;
    Some((core::str::from_utf8(text.get(..usize::from(*length))?).ok()?, rest))
}

impl EcuKey for ReportKey {
    fn key_id(&self) -> KeyId {
        self.id
    }

    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]> {
        Some(self.key.sign(&digest.0))
    }
}
