//! When is a signature good? The one rule for each algorithm, for every build and every caller (design D4).
//!
//! A whole message is a stream with one piece, so single and streamed verification accept the same set. Nothing is
//! verified in batches.

use crate::PublicKey;

#[cfg(feature = "ecdsa")]
mod ecdsa;
mod ed25519;
#[cfg(feature = "rsa")]
mod rsa;

/// Evidence that a key signed a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodSignature(());

/// The key did not make this signature over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

/// A signature whose message arrives in pieces.
pub struct SignatureStream(Stream);

enum Stream {
    Ed25519(ed25519::Stream),
    #[cfg(feature = "ecdsa")]
    EcdsaP256(ecdsa::Stream),
    #[cfg(feature = "rsa")]
    RsaPss(rsa::Stream),
}

impl SignatureStream {
    /// Begins; a key or signature outside the rule of its algorithm is refused at once.
    pub fn new(key: &PublicKey, signature: &[u8]) -> Result<Self, BadSignature> {
        Ok(Self(match key {
            PublicKey::Ed25519(key) => Stream::Ed25519(ed25519::Stream::new(key, signature)?),
            #[cfg(feature = "ecdsa")]
            PublicKey::EcdsaP256(key) => Stream::EcdsaP256(ecdsa::Stream::new(key, signature)?),
            #[cfg(feature = "rsa")]
            PublicKey::RsaPss(key) => Stream::RsaPss(rsa::Stream::new(key, signature)?),
        }))
    }

    /// Takes the next bytes of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Stream::Ed25519(stream) => stream.update(bytes),
            #[cfg(feature = "ecdsa")]
            Stream::EcdsaP256(stream) => stream.update(bytes),
            #[cfg(feature = "rsa")]
            Stream::RsaPss(stream) => stream.update(bytes),
        }
    }

    /// Says that the message is complete.
    pub fn finish(self) -> Result<GoodSignature, BadSignature> {
        let good = match self.0 {
            Stream::Ed25519(stream) => stream.finish(),
            #[cfg(feature = "ecdsa")]
            Stream::EcdsaP256(stream) => stream.finish(),
            #[cfg(feature = "rsa")]
            Stream::RsaPss(stream) => stream.finish(),
        };
        good.map(|()| GoodSignature(()))
    }
}

/// Verifies a signature over a message that is at hand.
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<GoodSignature, BadSignature> {
    let mut stream = SignatureStream::new(key, signature)?;
    stream.update(message);
    stream.finish()
}

#[cfg(test)]
mod tests;
