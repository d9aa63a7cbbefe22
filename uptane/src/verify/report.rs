//! Did this ECU report this? (§5.3.2.1, §5.4.2.1.2)

use super::ecu::{self, SignedByEcu};
use crate::json::Document;
use crate::limits::MAX_REPORT;
use crate::metadata::{Envelope, Report};
use crate::{Error, Length, PublicKey, Role};

/// A report, signed by the ECU whose key was given. Whether it fits the inventory is for the Director to say.
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedReport {
    report: Report,
    signed: SignedByEcu,
}

impl VerifiedReport {
    /// What it says.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

/// Verifies a report with the key of the ECU that is to have made it.
pub fn report(file: &[u8], key: &PublicKey) -> Result<VerifiedReport, Error> {
    let document = Document::read(Role::Report, file, limit(MAX_REPORT)?)?;
    let envelope = Envelope::decode(document.bytes())?;
    let signed = ecu::check(Role::Report, key, &envelope)?;
    Ok(VerifiedReport { report: Report::decode(envelope.signed())?, signed })
}

/// A limit as the length it is.
pub(super) fn limit(limit: usize) -> Result<Length, Error> {
    Length::new(u64::try_from(limit).unwrap_or(u64::MAX))
}
