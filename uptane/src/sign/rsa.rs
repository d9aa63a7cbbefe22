//! RSA keys for tests: they follow from a seed, so that nobody can take one for a secret.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::convert::Infallible;

use rsa::RsaPrivateKey;
use rsa::pss::SigningKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _};
use sha2::Sha256;

use crate::PublicKey;
use crate::key::RsaKey;

/// A private key of 2,048 bits.
pub(crate) struct Secret(RsaPrivateKey);

impl Secret {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        let key = RsaPrivateKey::new(&mut Stream::of(seed), 2_048);
        Self(key.unwrap_or_else(|error| panic!("2048 bits are enough: {error}")))
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        let key = RsaKey::new(self.0.to_public_key());
        PublicKey::RsaPss(Arc::new(key.unwrap_or_else(|| panic!("2048 bits are enough"))))
    }

    /// The signature with a salt of 32 bytes that follow from the message: one message, one signature.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let key = SigningKey::<Sha256>::new(self.0.clone());
        key.sign_with_rng(&mut Stream::of(message), message).to_vec()
    }
}

/// Bytes that look random and follow from a seed.
struct Stream {
    seed: crate::Sha256,
    at: u64,
}

impl Stream {
    fn of(seed: &[u8]) -> Self {
        Self { seed: crate::Sha256::of(seed), at: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        self.at += 1;
        let mut input = self.seed.0.to_vec();
        input.extend(self.at.to_be_bytes());
        crate::Sha256::of(&input).0
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_be_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for piece in out.chunks_mut(32) {
            piece.iter_mut().zip(self.block()).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

// True of nothing whose seed is known; tests alone are built with it.
impl TryCryptoRng for Stream {}
