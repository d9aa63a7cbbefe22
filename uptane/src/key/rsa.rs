//! Keys of RSASSA-PSS: PEM of a `SubjectPublicKeyInfo` (RFC 8017 §A.1).

use alloc::boxed::Box;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

use rsa::RsaPublicKey;
use rsa::pkcs8::{DecodePublicKey as _, EncodePublicKey as _};
use rsa::traits::PublicKeyParts as _;

use super::pem;
use crate::Sha256;
use crate::limits::MAX_KEY_TEXT;

/// An RSA public key of 2,048 to 4,096 bits.
#[derive(Clone)]
pub struct RsaKey {
    key: RsaPublicKey,
    /// Its one DER encoding, by which keys are compared.
    spki: Box<[u8]>,
}

impl RsaKey {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut der = [0; MAX_KEY_TEXT];
        let key = RsaPublicKey::from_public_key_der(pem::decode(text, &mut der)?).ok()?;
        Self::new(key)
    }

    /// This key, if its modulus has an allowed length.
    pub(crate) fn new(key: RsaPublicKey) -> Option<Self> {
        let spki = key.to_public_key_der().ok()?.as_bytes().into();
        (MODULUS_BYTES.contains(&key.size()) && key.n().bits_vartime().is_multiple_of(8)).then_some(Self { key, spki })
    }

    pub(crate) fn verifying_key(&self) -> &RsaPublicKey {
        &self.key
    }
}

/// The lengths of moduli that are taken, in bytes.
const MODULUS_BYTES: core::ops::RangeInclusive<usize> = 256..=512;

impl fmt::Display for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pem::write(f, &self.spki)
    }
}

impl fmt::Debug for RsaKey {
    /// The digest of its encoding: the key itself fills a page.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Sha256::of(&self.spki), f)
    }
}

impl PartialEq for RsaKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for RsaKey {}

impl PartialOrd for RsaKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for RsaKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.spki.cmp(&other.spki)
    }
}

impl Hash for RsaKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spki.hash(state);
    }
}
