//! RSASSA-PSS with SHA-256 and MGF1 of SHA-256 (RFC 8017 §8.1.2): a signature is as long as the modulus. The length of
//! the salt is what the signature says: other implementations write 32 bytes or as many as fit.

use alloc::sync::Arc;

use rsa::pss::{Signature, VerifyingKey};
use rsa::signature::hazmat::PrehashVerifier as _;
use rsa::traits::PublicKeyParts as _;
use sha2::{Digest as _, Sha256};

use super::BadSignature;
use crate::key::RsaKey;

pub(super) struct Stream {
    key: Arc<RsaKey>,
    signature: Signature,
    sha256: Sha256,
}

impl Stream {
    pub(super) fn new(key: &Arc<RsaKey>, signature: &[u8]) -> Result<Self, BadSignature> {
        if signature.len() != key.verifying_key().size() {
            return Err(BadSignature);
        }
        let signature = Signature::try_from(signature).map_err(|_| BadSignature)?;
        Ok(Self { key: Arc::clone(key), signature, sha256: Sha256::new() })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
    }

    pub(super) fn verify(&self) -> Result<(), BadSignature> {
        let Self { key, signature, sha256 } = self;
        let key = VerifyingKey::<Sha256>::new_with_auto_salt_len(key.verifying_key().clone());
        key.verify_prehash(&sha256.clone().finalize(), signature).map_err(|_| BadSignature)
    }
}
