//! Keys of ECDSA P-256: PEM of a `SubjectPublicKeyInfo` with an uncompressed point (RFC 5480 §2).

use core::fmt;

use super::pem;

/// The coordinates of the point, if it is one of the curve.
pub(super) fn parse(text: &str) -> Option<[u8; 64]> {
    let mut der = [0; PREFIX.len() + 64];
    let point = pem::decode(text, &mut der)?.strip_prefix(&PREFIX)?;
    let point = <[u8; 64]>::try_from(point).ok()?;
    verifying_key(&point).map(|_| point)
}

/// The key as its arithmetic takes it.
pub(crate) fn verifying_key(point: &[u8; 64]) -> Option<p256::ecdsa::VerifyingKey> {
    let mut sec1 = [UNCOMPRESSED; 65];
    sec1.iter_mut().skip(1).zip(point).for_each(|(to, from)| *to = *from);
    p256::ecdsa::VerifyingKey::from_sec1_bytes(&sec1).ok()
}

/// The coordinates of a key.
#[cfg(feature = "sign")]
pub(crate) fn point(key: &p256::ecdsa::VerifyingKey) -> [u8; 64] {
    let sec1 = key.to_sec1_point(false);
    let mut point = [0; 64];
    point.iter_mut().zip(sec1.as_bytes().iter().skip(1)).for_each(|(to, from)| *to = *from);
    point
}

/// Writes the key as PEM.
pub(super) fn write(f: &mut impl fmt::Write, point: &[u8; 64]) -> fmt::Result {
    let mut der = [0; PREFIX.len() + 64];
    der.iter_mut().zip(PREFIX.iter().chain(point)).for_each(|(to, from)| *to = *from);
    pem::write(f, &der)
}

/// SEC 1 §2.3.3: what stands before the coordinates.
const UNCOMPRESSED: u8 = 4;
/// All of the structure that stands before the coordinates: `id-ecPublicKey`, `secp256r1`, and `UNCOMPRESSED`.
const PREFIX: [u8; 27] = [
    0x30,
    0x59,
    0x30,
    0x13,
    0x06,
    0x07,
    0x2a,
    0x86,
    0x48,
    0xce,
    0x3d,
    0x02,
    0x01,
    0x06,
    0x08,
    0x2a,
    0x86,
    0x48,
    0xce,
    0x3d,
    0x03,
    0x01,
    0x07,
    0x03,
    0x42,
    0x00,
    UNCOMPRESSED,
];
