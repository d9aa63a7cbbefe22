//! What a diagnostic tester may do to this ECU, and how one shows that it is the Primary (ISO 14229-1, 11 and 29).

use uptane::verify::proof::{Challenge, ProvenPrimary};
use uptane::verify::signature::BadSignature;
use uptane::{Nonce, Sha256};

use super::Secondary;
use crate::flash::Flash;
use crate::state::Stage;
use crate::verifier::Verifier;
use crate::{EcuKey, Fault, Profile};

/// Where the challenges come from, from one reset to the next.
pub(crate) struct Challenges {
    /// Nobody outside knows it.
    secret: Sha256,
    given: u64,
}

impl<V: Verifier<F>, F: Flash, K: EcuKey> Secondary<V, F, K> {
    /// Whether a reset costs nothing but time. While a new image is on trial it would take that back, which is for the
    /// Primary's signed command to do.
    pub fn permits_reset(&self) -> bool {
        match self.state.stage {
            Stage::Armed(_) | Stage::Trying(_) => false,
            Stage::Idle
            | Stage::Staging(_)
            | Stage::Staged(_)
            | Stage::Healthy(_)
            | Stage::Committed(_)
            | Stage::RolledBack(_) => true,
        }
    }

    /// A challenge nobody can foresee and that was never given out. Whoever asks again and again wears no flash: what it is
    /// made from is made durable once between two resets.
    pub fn challenge(&mut self) -> Result<Nonce, Fault> {
        let Challenges { secret, given } = match self.challenges.take() {
            Some(challenges) => challenges,
            None => Challenges { secret: self.unforeseen(b"uptane-challenges")?, given: 0 },
        };
        let digest = Sha256::of_all(&[&secret.0, &given.to_le_bytes()]).0;
        self.challenges = Some(Challenges { secret, given: given.checked_add(1).ok_or(Fault::Storage)? });
        digest.first_chunk().copied().map(Nonce).ok_or(Fault::Storage)
    }

    /// Verifies the Primary's proof over a challenge.
    pub fn prove(&self, challenge: Nonce, proof: &[u8]) -> Result<ProvenPrimary, BadSignature> {
        let Profile { vehicle, ecu, primary, .. } = &self.profile;
        Challenge { vehicle: *vehicle, ecu: *ecu, nonce: challenge }.verify(primary, proof)
    }
}
