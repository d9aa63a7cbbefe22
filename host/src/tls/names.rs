//! Who a certificate is for.

use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use uptane::{EcuId, Sha256, VehicleId};

use crate::Error;

/// The DNS name in the certificate of an ECU, whatever address it listens on.
///
/// An ECU id may be longer than a DNS label and hold what a label may not, so the label is its digest (its first 40 hex
/// digits). The vehicle is part of the name: an ECU of one vehicle is nobody in another.
pub fn server_name(vehicle: VehicleId, ecu: EcuId) -> String {
    let digest = Sha256::of(ecu.as_str().as_bytes()).to_string();
    format!("e{digest:.40}.{vehicle}.convoy.internal")
}

/// Identifies a certificate: the SHA-256 of its DER form.
pub fn fingerprint(certificate: &[u8]) -> Sha256 {
    Sha256::of(certificate)
}

/// Checks that a certificate (DER) the other end showed is for `name`, as [`server_name`] makes it.
///
/// # Security
/// TLS has verified that the certificate is of our authority, which serves every vehicle. Saying yes wrongly lets an ECU of
/// another vehicle in; saying no wrongly shuts the right one out.
pub fn verify_name(certificate: &[u8], name: &str) -> Result<(), Error> {
    let wrong = |error: rustls::Error| Error::certificate("the certificate of the other end", error);
    let certificate = CertificateDer::from(certificate);
    let parsed = ParsedCertificate::try_from(&certificate).map_err(wrong)?;
    let name = ServerName::try_from(name).map_err(|error| Error::certificate("the name of the other end", error))?;
    verify_server_name(&parsed, &name).map_err(wrong)
}
