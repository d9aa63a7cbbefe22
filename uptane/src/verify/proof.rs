//! Is the Primary there? Its answer to a challenge, for what a diagnostic tester may do without a signed file
//! (ISO 14229-1, Authentication; `docs/pouf.md` §12).

use sha2::Digest as _;

use super::signature::{self, BadSignature};
use crate::{Algorithm, EcuId, Nonce, PublicKey, Sha256, VehicleId};

/// What an ECU asks its Primary to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The vehicle.
    pub vehicle: VehicleId,
    /// Who asks.
    pub ecu: EcuId,
    /// Never given out before, and nobody could foresee it.
    pub nonce: Nonce,
}

/// Evidence that the Primary answered a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvenPrimary(());

impl Challenge {
    /// The 32 bytes to be signed. They begin like nothing else that is signed, so a Primary that answers whoever asks
    /// gives away no file; and only the last part has no fixed length.
    pub(crate) fn digest(&self) -> Sha256 {
        let Self { vehicle, ecu, nonce } = self;
        let message = sha2::Sha256::new().chain_update(DOMAIN).chain_update(vehicle.0).chain_update(nonce.0);
        Sha256(message.chain_update(ecu.as_str()).finalize().into())
    }

    /// Verifies the proof of the Primary with this key.
    pub fn verify(&self, primary: &PublicKey, proof: &[u8]) -> Result<ProvenPrimary, BadSignature> {
        if primary.algorithm() != Algorithm::Ed25519 {
            return Err(BadSignature);
        }
        signature::verify(primary, &self.digest().0, proof).map(|_| ProvenPrimary(()))
    }
}

/// First bytes of what is signed.
const DOMAIN: &[u8] = b"uptane-proof-of-ownership";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::{Signer as _, prove};
    use crate::testing::signer;

    fn challenge() -> Challenge {
        Challenge { vehicle: VehicleId([1; 16]), ecu: EcuId::parse("brake").unwrap(), nonce: Nonce([2; 16]) }
    }

    #[test]
    fn the_primary_proves_itself_to_the_ecu_that_asked() {
        let primary = signer("ecu primary");
        let proof = prove(&challenge(), &primary).unwrap();
        assert!(challenge().verify(&primary.public_key(), &proof).is_ok());
    }

    #[test]
    fn a_proof_is_worth_nothing_for_any_other_challenge_vehicle_ecu_or_key() {
        let primary = signer("ecu primary");
        let proof = prove(&challenge(), &primary).unwrap();
        let others = [
            Challenge { vehicle: VehicleId([3; 16]), ..challenge() },
            Challenge { ecu: EcuId::parse("brake2").unwrap(), ..challenge() },
            Challenge { nonce: Nonce([3; 16]), ..challenge() },
        ];
        for other in others {
            assert_eq!(other.verify(&primary.public_key(), &proof), Err(BadSignature), "{other:?}");
        }
        assert_eq!(challenge().verify(&signer("ecu other").public_key(), &proof), Err(BadSignature));
        assert_eq!(challenge().verify(&primary.public_key(), &proof[..63]), Err(BadSignature));
    }

    #[cfg(feature = "ecdsa")]
    #[test]
    fn a_primary_with_another_kind_of_key_proves_nothing() {
        let primary = signer("ecdsa primary");
        assert!(prove(&challenge(), &primary).is_err());
        let signature = primary.sign(&challenge().digest().0).unwrap();
        assert_eq!(challenge().verify(&primary.public_key(), &signature), Err(BadSignature));
    }

    /// The example of `docs/pouf.md`, made with another implementation of Ed25519 and SHA-256.
    #[test]
    fn a_proof_has_the_bytes_of_the_page() {
        let digest = "75c1caf7da785a7abd612e00c6ca915e11bd4f280d7e3f031aba468dabd55fbd";
        assert_eq!(challenge().digest(), Sha256::parse(digest).unwrap());
        let mut proof = [0; 64];
        let hex = "b8055e0728c61253e1e0fc001dca32d1e268e217a1eeb94a88c8d1b1048007092f3ed4696e991de6f804e4e1885c8e6edd819daf73b928b67cb8bab2322d410c";
        crate::hex::decode(hex, &mut proof).unwrap();
        assert_eq!(prove(&challenge(), &signer("ecu ecu-000")).unwrap(), proof);
    }
}
