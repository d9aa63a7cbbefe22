//! The frame around every signed file: `{"signatures":[…],"signed":{…}}`.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::canonical::{Value, signed_form};
use super::{KeySet, SignError, Signer};
use crate::limits::MAX_SIGNATURES;
use crate::metadata::{Entry, Envelope, Root, Snapshot, Targets, TimeAttestation, Timestamp};
use crate::verify::{signature, threshold};
use crate::{Algorithm, Error, KeyId, PublicKey, Role, Sha256};

/// A file that may still lack signatures; no reader accepts it before [`finish`](Self::finish).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartlySigned {
    role: Role,
    /// Wire form of `signed`.
    signed: Vec<u8>,
    /// Sorted by key id, each at most once.
    signatures: BTreeMap<KeyId, Vec<u8>>,
    /// Whether signatures came in a file, so that nobody has verified them yet.
    carried: bool,
}

impl PartlySigned {
    pub(crate) fn new(role: Role, signed: &Value) -> Self {
        Self { role, signed: signed.to_wire(), signatures: BTreeMap::new(), carried: false }
    }

    /// A file that another signer began ([`to_file`](Self::to_file)). Look at what it says before you sign it.
    pub fn from_file(role: Role, file: &[u8]) -> Result<Self, SignError> {
        let envelope = Envelope::decode(file)?;
        check_type(role, envelope.signed())?;
        let signature = |entry: Entry| Some((entry.key?, entry.signature()?.to_vec()));
        let signatures = envelope.entries().filter_map(signature).collect();
        Ok(Self { role, signed: envelope.signed().to_vec(), signatures, carried: true })
    }

    /// What is signed, in wire form.
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// The keys that have signed, or say so, ascending by id.
    pub fn signers(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.signatures.keys().copied()
    }

    /// Those of these keys whose signature is here and verifies, ascending by id.
    pub fn verified(&self, keys: &KeySet) -> Vec<KeyId> {
        let message = signed_form(&self.signed);
        let is_good = |id: &KeyId, key: &PublicKey| {
            let signature = self.signatures.get(id);
            signature.is_some_and(|bytes| signature::verify(key, &message, bytes).is_ok())
        };
        keys.keys().filter(|(id, key)| is_good(id, key)).map(|(id, _)| id).collect()
    }

    /// Takes the signatures of another copy of the same file; of a key that signed both, this one's stays.
    pub fn merged(mut self, other: Self) -> Result<Self, SignError> {
        if self.role != other.role || self.signed != other.signed {
            return Err(Error::Duplicate { what: "version with two contents" }.into());
        }
        self.carried |= other.carried || !other.signatures.is_empty();
        for (id, signature) in other.signatures {
            self.signatures.entry(id).or_insert(signature);
        }
        self.bounded()
    }

    /// Adds the signature of a key of one of these sets, under the id it has there.
    pub fn signed_for(self, sets: &[&KeySet], signer: &dyn Signer) -> Result<Self, SignError> {
        let key = signer.public_key();
        let stranger = SignError::NotOfThisRole { role: self.role, key: Box::new(signer.key_id()) };
        let ids: Vec<_> = sets.iter().filter_map(|keys| keys.id_of(&key)).collect();
        let signed = ids.iter().try_fold(self, |file, id| file.add_as(*id, signer))?;
        if ids.is_empty() { Err(stranger) } else { Ok(signed) }
    }

    /// Adds the signature of one key, under the id that key gives itself.
    pub fn signed_by(self, signer: &dyn Signer) -> Result<Self, SignError> {
        self.add_as(signer.key_id(), signer)
    }

    /// The finished file, if enough keys of `keys` signed and nobody else did.
    pub fn finish(self, keys: &KeySet) -> Result<Vec<u8>, SignError> {
        self.finish_for(&[keys])
    }

    /// The finished file, if enough keys of every one of `sets` signed: a Root that rotates keys is signed by those of
    /// its predecessor and by its own (§5.4.4.3 step 2.3).
    pub fn finish_for(self, sets: &[&KeySet]) -> Result<Vec<u8>, SignError> {
        for keys in sets {
            let valid = keys.keys().filter(|(id, _)| self.signatures.contains_key(id)).count();
            if valid < keys.threshold() {
                return Err(SignError::BelowThreshold { role: self.role, valid, needed: keys.threshold() });
            }
        }
        let known = |id: &KeyId| sets.iter().any(|keys| keys.keys().any(|(known, _)| known == *id));
        if let Some(key) = self.signatures.keys().find(|id| !known(id)) {
            return Err(SignError::NotOfThisRole { role: self.role, key: Box::new(*key) });
        }
        let file = self.to_file();
        if self.carried {
            let envelope = Envelope::decode(&file)?;
            for keys in sets {
                threshold::check(self.role, &keys.role_keys()?, &envelope)?;
            }
        }
        Ok(file)
    }

    /// The file with the signatures it has, to carry to the next signer.
    pub fn to_file(&self) -> Vec<u8> {
        let signature = |(id, bytes): (&KeyId, &Vec<u8>)| {
            Value::object([("keyid", Value::text(id)), ("sig", Value::text(Hex(bytes)))])
        };
        let signatures = self.signatures.iter().map(signature).collect();
        enclose(signatures, self.signed.clone())
    }

    /// Signs with every one of `signers`, each under the id the role knows it by, and finishes.
    pub(crate) fn sign(mut self, sets: &[&KeySet], signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        for signer in signers {
            let key = signer.public_key();
            let id = sets.iter().find_map(|keys| keys.id_of(&key)).unwrap_or_else(|| signer.key_id());
            self = self.add_as(id, *signer)?;
        }
        self.finish_for(sets)
    }

    fn add_as(mut self, id: KeyId, signer: &dyn Signer) -> Result<Self, SignError> {
        let signature = checked_signature(signer, &signed_form(&self.signed))?;
        self.signatures.insert(id, signature);
        self.bounded()
    }

    fn bounded(self) -> Result<Self, SignError> {
        match self.signatures.len() > MAX_SIGNATURES {
            true => Err(Error::Limit { what: "signatures" }.into()),
            false => Ok(self),
        }
    }
}

/// A file of an ECU: one key, signing the SHA-256 digest of `signed` (§5.4.2.1.1, §5.4.2.1.2; trap T13).
pub(crate) fn sign_as_ecu(signed: &Value, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
    let signed = signed.to_wire();
    let digest = Sha256::of(&signed_form(&signed));
    let signature = sign_digest(digest, signer)?;
    let entry = Value::object([
        ("hash", Value::text(digest)),
        ("hash_function", Value::text("sha256")),
        ("keyid", Value::text(signer.key_id())),
        ("method", Value::text("ed25519")),
        ("sig", Value::text(Hex(&signature))),
    ]);
    Ok(enclose(vec![entry], signed))
}

/// An ECU's signature: Ed25519 over a digest.
pub(crate) fn sign_digest(digest: Sha256, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
    match signer.public_key().algorithm() == Algorithm::Ed25519 {
        true => checked_signature(signer, &digest.0),
        false => Err(Error::BadKey.into()),
    }
}

fn enclose(signatures: Vec<Value>, signed: Vec<u8>) -> Vec<u8> {
    Value::object([("signatures", Value::List(signatures)), ("signed", Value::Canonical(signed))]).to_wire()
}

/// A signature that is known to verify: a faulty one must not leave, as it can give the key away.
fn checked_signature(signer: &dyn Signer, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let bytes = signer.sign(message)?;
    match signature::verify(&signer.public_key(), message, &bytes) {
        Ok(_) => Ok(bytes),
        Err(_) => Err(SignError::WrongSignature { key: Box::new(signer.key_id()) }),
    }
}

/// Refuses a file that is not of this role.
fn check_type(role: Role, signed: &[u8]) -> Result<(), Error> {
    match role {
        Role::Root => Root::decode(signed).map(|_| ()),
        Role::Snapshot => Snapshot::decode(signed).map(|_| ()),
        Role::Targets => Targets::decode(signed).map(|_| ()),
        Role::Time => TimeAttestation::decode(signed).map(|_| ()),
        Role::Timestamp => Timestamp::decode(signed).map(|_| ()),
        // An ECU has one key, so its files are never signed in parts.
        Role::Report | Role::Manifest | Role::CheckIn | Role::Command => Err(Error::WrongType { field: "_type" }),
    }
}

struct Hex<'a>(&'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        crate::hex::write(f, self.0)
    }
}
