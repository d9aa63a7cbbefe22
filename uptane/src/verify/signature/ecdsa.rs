//! ECDSA P-256 with SHA-256 (FIPS 186-5 §6.4.2): a signature is DER of exactly one spelling, r and s from 1 to the group
//! order; s may be high, as other implementations write either.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use sha2::Digest as _;

use super::BadSignature;
use crate::key;

pub(super) struct Stream {
    key: VerifyingKey,
    signature: Signature,
    sha256: sha2::Sha256,
}

impl Stream {
    pub(super) fn new(key: &[u8; 64], signature: &[u8]) -> Result<Self, BadSignature> {
        let key = key::p256::verifying_key(key).ok_or(BadSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| BadSignature)?;
        Ok(Self { key, signature, sha256: sha2::Sha256::new() })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
    }

    pub(super) fn verify(&self) -> Result<(), BadSignature> {
        let Self { key, signature, sha256 } = self;
        key.verify_prehash(&sha256.clone().finalize(), signature).map_err(|_| BadSignature)
    }
}
