//! Did enough keys sign? The only place that counts signatures (§5.4.4.3 to §5.4.4.6; §5.1: "threshold of unique keys").

use super::signature::{GoodSignature, SignatureStream};
use super::stream::Signatures;
use crate::limits::MAX_ROLE_KEYS;
use crate::metadata::{Entry, Envelope, KeyHint, RoleKeys};
use crate::{Error, KeyId, PublicKey, Role};

/// Evidence that a threshold of distinct keys of a role signed the bytes that were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThresholdMet(());

/// Counts the keys that signed a file while the file streams by: first its signatures, then what was signed.
///
/// For each key the first signature that claims it decides; a second one changes nothing, so that the work an attacker
/// can cause is bounded by the number of keys. What claims no key of the role is passed over (trap T20).
pub struct Threshold {
    role: Role,
    needed: u8,
    slots: [Slot; MAX_ROLE_KEYS],
}

#[expect(clippy::large_enum_variant, reason = "there is no heap to move the larger one to")]
enum Slot {
    /// A key that no signature has claimed yet.
    Silent(KeyHint, PublicKey),
    /// A signature of this key over what is streaming by.
    Claimed(SignatureStream),
    /// No key, or one whose signature cannot be good.
    Empty,
}

impl Threshold {
    /// Begins to count for these keys.
    pub fn new(role: Role, keys: &RoleKeys) -> Self {
        let slots = keys.slots().map(|slot| slot.map_or(Slot::Empty, |(hint, key)| Slot::Silent(hint, key)));
        Self { role, needed: keys.threshold(), slots }
    }

    /// Takes the next signature.
    pub fn signature(&mut self, id: &KeyId, bytes: Option<&[u8; 64]>) {
        let claimed = KeyHint::of(id);
        for slot in &mut self.slots {
            if let Slot::Silent(hint, key) = slot
                && *hint == claimed
            {
                let stream = bytes.and_then(|bytes| SignatureStream::new(key, bytes).ok());
                *slot = stream.map_or(Slot::Empty, Slot::Claimed);
                return;
            }
        }
    }

    /// Takes the next bytes of what was signed.
    pub fn update(&mut self, bytes: &[u8]) {
        for slot in &mut self.slots {
            if let Slot::Claimed(stream) = slot {
                stream.update(bytes);
            }
        }
    }

    /// Counts.
    pub fn finish(self) -> Result<ThresholdMet, Error> {
        let Self { role, needed, slots } = self;
        let good = |slot| match slot {
            Slot::Claimed(stream) => stream.finish().ok(),
            Slot::Silent(..) | Slot::Empty => None,
        };
        let valid = slots.into_iter().filter_map(good).fold(0_u8, |valid, _: GoodSignature| valid.saturating_add(1));
        match valid >= needed {
            true => Ok(ThresholdMet(())),
            false => Err(Error::BelowThreshold { role, valid, needed }),
        }
    }
}

impl Signatures for Threshold {
    fn entry(&mut self, entry: &Entry) {
        if let Some(id) = &entry.key {
            self.signature(id, entry.bytes.as_ref());
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// Counts the keys that signed a file at hand.
pub fn check(role: Role, keys: &RoleKeys, file: &Envelope<'_>) -> Result<ThresholdMet, Error> {
    let mut threshold = Threshold::new(role, keys);
    for signature in file.signatures() {
        threshold.signature(&signature.key, signature.bytes::<64>().as_ref());
    }
    file.hash_signed_into(|bytes| threshold.update(bytes));
    threshold.finish()
}
