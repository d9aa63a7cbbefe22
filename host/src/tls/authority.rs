//! The certificate authority of one installation, and the requests it answers.

use std::fmt;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};
use uptane::Time;
use zeroize::Zeroizing;

use super::Identity;
use crate::{Error, random};

/// Issues the certificates both ends of a connection show.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    key: Zeroizing<String>,
}

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Calling, for example a vehicle at the Director.
    Client,
    /// Serving, for example the Director.
    Server,
    /// Both, for an ECU that is called and calls.
    ClientAndServer,
}

impl Authority {
    /// Makes an authority.
    pub fn create(name: &str, now: Time, lifetime: Duration) -> Result<Self, Error> {
        let key = KeyPair::generate().map_err(|error| Error::certificate("the authority's key", error))?;
        let mut params = params(name, now, lifetime)?;
        // It signs end certificates, never another authority.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).map_err(wrong)?.pem();
        let text = Zeroizing::new(key.serialize_pem());
        Ok(Self { issuer: Issuer::new(params, key), certificate, key: text })
    }

    /// The authority of these two PEM texts.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, Error> {
        // The pair is checked like any other, then used to sign.
        let identity = Identity::new(certificate.to_owned(), Zeroizing::new(key.to_owned()))?;
        let pair = KeyPair::from_pem(key).map_err(|error| Error::certificate("the authority's key", error))?;
        let issuer = Issuer::from_ca_cert_pem(certificate, pair).map_err(wrong)?;
        Ok(Self { issuer, certificate: identity.certificate, key: identity.key })
    }

    /// Its certificate, PEM: what everyone else is provisioned with.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its private key, PEM.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Answers a request (PEM) with a certificate (PEM).
    ///
    /// The request proves possession of the key and gives nothing but the key: who the certificate is for, and what it may
    /// be used for, is what the caller says. `names` are DNS names or IP addresses.
    pub fn issue(
        &self,
        request: &str,
        common_name: &str,
        names: &[String],
        purpose: Purpose,
        now: Time,
        lifetime: Duration,
    ) -> Result<String, Error> {
        let request = CertificateSigningRequestParams::from_pem(request);
        let request = request.map_err(|error| Error::certificate("the certificate request", error))?;
        let mut params = params(common_name, now, lifetime)?;
        params.subject_alt_names = CertificateParams::new(names).map_err(wrong)?.subject_alt_names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match purpose {
            Purpose::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Purpose::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
            Purpose::ClientAndServer => vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth],
        };
        Ok(params.signed_by(&request.public_key, &self.issuer).map_err(wrong)?.pem())
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority(..)")
    }
}

/// A new ECDSA P-256 key and a request for its certificate, both PEM: request first.
pub fn request(common_name: &str) -> Result<(String, Zeroizing<String>), Error> {
    let key = KeyPair::generate().map_err(|error| Error::certificate("the key", error))?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named(common_name);
    let request = params.serialize_request(&key).and_then(|request| request.pem()).map_err(wrong)?;
    Ok((request, Zeroizing::new(key.serialize_pem())))
}

/// How long before `now` a certificate is valid: clocks in vehicles are seldom right.
const BACKDATED: Duration = Duration::from_secs(24 * 3600);

fn params(common_name: &str, now: Time, lifetime: Duration) -> Result<CertificateParams, Error> {
    let mut serial: [u8; 16] = random::bytes()?;
    // Positive and of full length, as RFC 5280 §4.1.2.2 wants it.
    serial[0] = serial[0] & 0x7f | 0x40;
    let at = |time: Time| date_time_ymd(1970, 1, 1) + Duration::from_secs(time.unix());
    let mut params = CertificateParams::default();
    params.distinguished_name = named(common_name);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = date_time_ymd(1970, 1, 1) + now.since(Time::EPOCH).saturating_sub(BACKDATED);
    params.not_after = at(now.saturating_add(lifetime));
    Ok(params)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn wrong(error: rcgen::Error) -> Error {
    Error::certificate("the certificate", error)
}
