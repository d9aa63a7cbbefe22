//! What this ECU is told once, when it is made or put into its vehicle (§5.4.1).

use uptane::{EcuId, HardwareId, KeyId, PublicKey, Sha256, VehicleId};

/// Who this ECU is, where it belongs, and whose commands it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Its id.
    pub ecu: EcuId,
    /// What it is.
    pub hardware: HardwareId,
    /// The vehicle it stands in.
    pub vehicle: VehicleId,
    /// The key its Primary signs commands with (design D8).
    pub primary: PublicKey,
    /// Most bytes one chunk may have: what the transport can carry at once.
    pub max_chunk: u32,
    /// Bytes of an image between two durable marks of progress, rounded up to the erase unit: a reset costs at most
    /// that many again, a mark costs one state record.
    pub progress: u32,
}

/// The key this ECU signs its reports with (§5.4.1), wherever it lives.
///
/// # Security
/// Whoever can call [`sign`](Self::sign) can speak for this ECU. It must sign nothing but what it is given here, with
/// pure Ed25519, and its key must be of this ECU alone.
pub trait EcuKey {
    /// The id that stands beside its signatures.
    fn key_id(&self) -> KeyId;

    /// The Ed25519 signature over the 32 bytes of a digest; `None` if the key cannot be used now.
    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]>;
}
