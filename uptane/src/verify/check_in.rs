//! Did this Primary say that nothing changed? (design D9)

use super::ecu::{self, SignedByEcu};
use super::report::limit;
use crate::json::Document;
use crate::limits::MAX_CHECK_IN;
use crate::metadata::{CheckIn, Envelope};
use crate::{Error, PublicKey, Role};

/// A check-in, signed by the Primary whose key was given.
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedCheckIn {
    check_in: CheckIn,
    signed: SignedByEcu,
}

impl VerifiedCheckIn {
    /// What it says.
    pub fn check_in(&self) -> &CheckIn {
        &self.check_in
    }
}

/// Verifies a check-in with the Primary's key.
pub fn check_in(file: &[u8], key: &PublicKey) -> Result<VerifiedCheckIn, Error> {
    let document = Document::read(Role::CheckIn, file, limit(MAX_CHECK_IN)?)?;
    let envelope = Envelope::decode(document.bytes())?;
    let signed = ecu::check(Role::CheckIn, key, &envelope)?;
    Ok(VerifiedCheckIn { check_in: CheckIn::decode(envelope.signed())?, signed })
}
