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
pub struct SignatureStream(Claims<1>);

impl SignatureStream {
    /// Begins; a signature outside the rule of the key's algorithm is refused at once.
    pub fn new(key: &PublicKey, signature: &[u8]) -> Result<Self, BadSignature> {
        let claim = Claim::new(key, signature).ok_or(BadSignature)?;
        Ok(Self(Claims { claims: [Some(claim)], message: ed25519::Message::new() }))
    }

    /// Takes the next bytes of the message.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Says that the message is complete.
    pub fn finish(self) -> Result<GoodSignature, BadSignature> {
        self.0.verify(0)
    }
}

/// Signatures over one message, which arrives in pieces: what is the same for all of them is here once.
pub(super) struct Claims<const N: usize> {
    claims: [Option<Claim>; N],
    message: ed25519::Message,
}

impl<const N: usize> Claims<N> {
    #[inline(never)]
    pub(super) fn new() -> Self {
        Self { claims: [const { None }; N], message: ed25519::Message::new() }
    }

    /// Takes a signature of this key, before any of the message. One that is outside the rule of its algorithm is not
    /// good, like any other.
    pub(super) fn claim(&mut self, place: usize, key: &PublicKey, signature: &[u8]) {
        if let Some(place) = self.claims.get_mut(place) {
            *place = Claim::new(key, signature);
        }
    }

    /// Takes the next bytes of the message.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        update(&mut self.claims, &mut self.message, bytes);
    }

    /// Judges the signature in this place, once the message is complete.
    pub(super) fn verify(&self, place: usize) -> Result<GoodSignature, BadSignature> {
        let claim = self.claims.get(place).and_then(Option::as_ref).ok_or(BadSignature)?;
        claim.verify(&self.message)
    }
}

fn update(claims: &mut [Option<Claim>], message: &mut ed25519::Message, bytes: &[u8]) {
    #[cfg(feature = "ecdsa")]
    claims.iter_mut().flatten().for_each(|claim| claim.update(bytes));
    message.update(bytes, |blocks| {
        for claim in claims.iter_mut().flatten() {
            #[cfg_attr(not(feature = "ecdsa"), expect(irrefutable_let_patterns, reason = "there is but one algorithm"))]
            if let Claim::Ed25519(claim) = claim {
                claim.update(blocks);
            }
        }
    });
}

enum Claim {
    Ed25519(ed25519::Claim),
    #[cfg(feature = "ecdsa")]
    EcdsaP256(ecdsa::Stream),
    #[cfg(feature = "rsa")]
    RsaPss(rsa::Stream),
}

impl Claim {
    #[inline(never)]
    fn new(key: &PublicKey, signature: &[u8]) -> Option<Self> {
        Some(match key {
            PublicKey::Ed25519(key) => Self::Ed25519(ed25519::Claim::new(key, signature)?),
            #[cfg(feature = "ecdsa")]
            PublicKey::EcdsaP256(key) => Self::EcdsaP256(ecdsa::Stream::new(key, signature).ok()?),
            #[cfg(feature = "rsa")]
            PublicKey::RsaPss(key) => Self::RsaPss(rsa::Stream::new(key, signature).ok()?),
        })
    }

    /// Takes the next bytes, unless blocks of them are taken.
    #[cfg(feature = "ecdsa")]
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Ed25519(_) => {}
            Self::EcdsaP256(stream) => stream.update(bytes),
            #[cfg(feature = "rsa")]
            Self::RsaPss(stream) => stream.update(bytes),
        }
    }

    fn verify(&self, message: &ed25519::Message) -> Result<GoodSignature, BadSignature> {
        let good = match self {
            Self::Ed25519(claim) => claim.verify(message),
            #[cfg(feature = "ecdsa")]
            Self::EcdsaP256(stream) => stream.verify(),
            #[cfg(feature = "rsa")]
            Self::RsaPss(stream) => stream.verify(),
        };
        good.map(|()| GoodSignature(()))
    }
}

/// Verifies a signature over a message that is at hand.
pub fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<GoodSignature, BadSignature> {
    let mut claims = Claims::<1>::new();
    claims.claim(0, key, signature);
    claims.update(message);
    claims.verify(0)
}

#[cfg(test)]
mod tests;
