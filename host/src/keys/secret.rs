//! Private keys as PKCS#8 carries them (RFC 5208; RFC 8410 §7 for Ed25519, RFC 5915 for ECDSA).

use p256::elliptic_curve::SecretKey;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::{AlgorithmIdentifierRef, EncodePrivateKey as _, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use uptane::sign::MemorySigner;
use zeroize::Zeroizing;

use super::Algorithm;
use crate::{Error, random};

/// The secret of a key, wiped when dropped.
pub(super) enum Secret {
    /// The seed of RFC 8032.
    Ed25519(Zeroizing<[u8; 32]>),
    /// A scalar of the group.
    EcdsaP256(SecretKey<p256::NistP256>),
}

impl Secret {
    /// A new one.
    pub(super) fn random(algorithm: Algorithm) -> Result<Self, Error> {
        match algorithm {
            Algorithm::Ed25519 => Ok(Self::Ed25519(Zeroizing::new(random::bytes()?))),
            Algorithm::EcdsaP256 => random_scalar().map(Self::EcdsaP256),
        }
    }

    /// Decodes a `PrivateKeyInfo`, if it is of one of the algorithms.
    pub(super) fn from_der(der: &SecretDocument) -> Option<Self> {
        let info = PrivateKeyInfoRef::try_from(der.as_bytes()).ok()?;
        if info.algorithm.oid != ED25519 {
            return SecretKey::try_from(info).ok().map(Self::EcdsaP256);
        }
        let seed = info.private_key.as_bytes().strip_prefix(&OCTET_STRING_OF_32)?;
        <[u8; 32]>::try_from(seed).ok().map(Zeroizing::new).map(Self::Ed25519)
    }

    /// The `PrivateKeyInfo`, as openssl writes it.
    pub(super) fn to_der(&self) -> pkcs8::Result<SecretDocument> {
        match self {
            Self::Ed25519(seed) => {
                let nested = Zeroizing::new([OCTET_STRING_OF_32.as_slice(), seed.as_slice()].concat());
                let algorithm = AlgorithmIdentifierRef { oid: ED25519, parameters: None };
                let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&nested)?);
                Ok(SecretDocument::encode_msg(&info)?)
            }
            Self::EcdsaP256(scalar) => scalar.to_pkcs8_der(),
        }
    }

    /// What signs with it.
    pub(super) fn signer(&self) -> Option<MemorySigner> {
        match self {
            Self::Ed25519(seed) => Some(MemorySigner::from_seed(seed)),
            Self::EcdsaP256(scalar) => {
                let bytes = Zeroizing::new(<[u8; 32]>::from(scalar.to_bytes()));
                MemorySigner::from_p256_scalar(&bytes)
            }
        }
    }
}

fn random_scalar() -> Result<SecretKey<p256::NistP256>, Error> {
    for _ in 0..MAX_DRAWS {
        let bytes = Zeroizing::new(random::bytes::<32>()?);
        if let Ok(scalar) = SecretKey::from_slice(bytes.as_slice()) {
            return Ok(scalar);
        }
    }
    Err(Error::NoRandom)
}

/// RFC 8410 §3.
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// RFC 8410 §7: the private key is an OCTET STRING in an OCTET STRING.
const OCTET_STRING_OF_32: [u8; 2] = [0x04, 0x20];
/// One draw in 2^32 is no scalar of the group: as many in a row are not random.
const MAX_DRAWS: u32 = 4;
