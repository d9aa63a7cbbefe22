//! Did this ECU sign? The frame of reports, manifests, check-ins and commands (§5.4.2.1.1; trap T13).
//!
//! The signature is plain Ed25519 over the 32 bytes of the digest that the entry states, and the digest must be that of
//! `signed`. An ECU has one key, so an entry is tried whatever id it has (TAP 12).

use super::signature;
use super::stream::Signatures;
use crate::metadata::{Entry, Envelope};
use crate::{Algorithm, Error, PublicKey, Role, Sha256, Sha256Hash, told};

/// Evidence that an ECU signed the bytes that were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedByEcu(());

/// Checks the signature of one ECU while the file streams by.
pub(super) struct EcuSigned {
    role: Role,
    key: PublicKey,
    /// The digest the key did sign.
    vouched: Option<Sha256>,
    sha256: Sha256Hash,
}

impl EcuSigned {
    pub(super) fn new(role: Role, key: PublicKey) -> Self {
        Self { role, key, vouched: None, sha256: Sha256Hash::default() }
    }

    pub(super) fn finish(&mut self) -> Result<SignedByEcu, Error> {
        let Self { role, key: _, vouched, sha256 } = self;
        match *vouched == Some(sha256.take()) {
            true => Ok(SignedByEcu(())),
            false => Err(Error::BelowThreshold { role: told(*role), valid: told(0), needed: told(1) }),
        }
    }
}

impl Signatures for EcuSigned {
    fn entry(&mut self, entry: &Entry) {
        if let (Some(hash), Some(bytes), None) = (entry.ecu_hash(), entry.signature(), self.vouched)
            // The one method there is names this algorithm.
            && self.key.algorithm() == Algorithm::Ed25519
            && signature::verify(&self.key, &hash.0, bytes).is_ok()
        {
            self.vouched = Some(hash);
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
    }
}

/// Checks that the ECU with this key signed a file at hand.
pub fn check(role: Role, key: &PublicKey, file: &Envelope<'_>) -> Result<SignedByEcu, Error> {
    let mut signed = EcuSigned::new(role, key.clone());
    file.entries().for_each(|entry| signed.entry(&entry));
    file.hash_signed_into(|bytes| signed.update(bytes));
    signed.finish()
}
