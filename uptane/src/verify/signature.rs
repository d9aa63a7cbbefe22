//! When is a signature good? The one rule, for every build and every caller (design D4).
//!
//! Ed25519: S is below the group order; the key A and the point R are encoded canonically and not of small order; the
//! equation is the one without cofactor, `R = S·B − k·A`. Nothing is verified in batches. A whole message is a stream
//! with one piece, so single and streamed verification accept the same set.

use ed25519_dalek::{Signature, StreamVerifier, VerifyingKey};

use crate::PublicKey;

/// Evidence that a key signed a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodSignature(());

/// The key did not make this signature over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

/// A signature whose message arrives in pieces.
pub struct SignatureStream(StreamVerifier);

impl SignatureStream {
    /// Begins; a key or signature outside the rule is refused at once.
    pub fn new(key: &PublicKey, signature: &[u8; 64]) -> Result<Self, BadSignature> {
        let PublicKey::Ed25519(key) = key;
        let [r, _] = signature.as_chunks::<32>().0 else {
            return Err(BadSignature);
        };
        point(r)?;
        // `verify_stream` refuses an S that is not below the group order.
        let stream = point(key)?.verify_stream(&Signature::from_bytes(signature));
        stream.map(Self).map_err(|_| BadSignature)
    }

    /// Takes the next bytes of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Says that the message is complete.
    pub fn finish(self) -> Result<GoodSignature, BadSignature> {
        self.0.finalize_and_verify().map(|()| GoodSignature(())).map_err(|_| BadSignature)
    }
}

/// Verifies a signature over a message that is at hand.
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8; 64]) -> Result<GoodSignature, BadSignature> {
    let mut stream = SignatureStream::new(key, signature)?;
    stream.update(message);
    stream.finish()
}

/// The point of a canonical encoding, if it is not of small order.
fn point(bytes: &[u8; 32]) -> Result<VerifyingKey, BadSignature> {
    let point = VerifyingKey::from_bytes(bytes).map_err(|_| BadSignature)?;
    // Decompression takes two spellings of some points; only the one compression writes is canonical.
    let is_canonical = point.to_edwards().compress().to_bytes() == *bytes;
    if is_canonical && !point.is_weak() { Ok(point) } else { Err(BadSignature) }
}
