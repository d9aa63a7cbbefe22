//! Time attestation (design D14).

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::canonical::Value;
use super::{KeySet, PartlySigned, SignError, Signer};
use crate::{Nonce, Role, Time};

/// Builds the answer to the ECUs that asked for the time, each with a nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeBuilder {
    /// The time.
    pub time: Time,
    /// Who asked.
    pub nonces: BTreeSet<Nonce>,
}

impl TimeBuilder {
    /// The attestation, signed with the time keys of Director Root.
    pub fn sign(self, keys: &KeySet, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        let signed = Value::object([
            ("_type", Value::text(Role::Time.type_name())),
            ("nonces", Value::texts(self.nonces)),
            ("time", Value::text(self.time)),
        ]);
        PartlySigned::new(Role::Time, &signed).sign(&[keys], signers)
    }
}
