//! TLS between vehicles and the Director, and between the ECUs of a vehicle: an authority of our own, certificates with
//! names we choose, and the one way to set up both ends. And the serving end of what anybody may read
//! ([`public_config`]).
//!
//! Trust is the provisioned authority alone, never the system's list, and both ends show a certificate, but for readers of
//! what is public. The provider of cryptography is aws-lc-rs, handed over explicitly; nothing here depends on or sets a process-wide default.

mod authority;
mod names;
mod public;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use crate::Error;
use crate::disk::{self, Access};

pub use authority::{Authority, Purpose, request};
pub use names::{fingerprint, server_name, verify_name};
pub use public::{Clients, public_config};
pub use rustls::ServerConfig;

/// A certificate and its key, both PEM: what one end of a connection shows.
///
/// `tonic` takes the two texts as `Identity::from_pem(identity.certificate(), identity.key())`, and the authority's
/// certificate as `Certificate::from_pem`.
#[derive(Clone)]
pub struct Identity {
    certificate: String,
    key: Zeroizing<String>,
}

impl Identity {
    /// Puts a certificate and its key together.
    pub fn new(certificate: String, key: Zeroizing<String>) -> Result<Self, Error> {
        let identity = Self { certificate, key };
        let (chain, key) = identity.decode()?;
        // Refuses a key that is not the certificate's.
        let certified = rustls::sign::CertifiedKey::from_der(chain, key, &provider());
        certified.map_err(|error| Error::certificate("the certificate", error))?;
        Ok(identity)
    }

    /// Reads a certificate and its key; a key that others may read is refused.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let key_text = Zeroizing::new(read_pem(key)?);
        disk::check_private(key)?;
        Self::new(read_pem(certificate)?, key_text)
    }

    /// The certificate, PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The private key, PEM.
    pub fn key(&self) -> &str {
        &self.key
    }

    fn decode(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes());
        Ok((certificates(&self.certificate)?, key.map_err(|error| Error::certificate("the private key", error))?))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// Makes a new key for a certificate in a new file with mode 0600, and returns the request to hand to the authority.
pub fn generate_key(path: &Path, common_name: &str) -> Result<String, Error> {
    let (request, key) = request(common_name)?;
    disk::create(path, key.as_bytes(), Access::Private)?;
    Ok(request)
}

/// Reads a PEM file, such as the certificate of an authority.
pub fn read_pem(path: &Path) -> Result<String, Error> {
    let bytes = disk::read(path, MAX_PEM)?.ok_or_else(|| Error::Missing { path: path.to_owned() })?;
    String::from_utf8(bytes).map_err(|error| Error::certificate("a PEM file", error))
}

/// The DER form of the first certificate of a PEM text.
pub fn certificate_der(pem: &str) -> Result<CertificateDer<'static>, Error> {
    let first = certificates(pem)?.into_iter().next();
    first.ok_or_else(|| Error::certificate("the certificate", "it is empty"))
}

/// The serving end: shows `identity`, and takes only clients with a certificate of `authority` (PEM).
pub fn server_config(identity: &Identity, authority: &str) -> Result<Arc<ServerConfig>, Error> {
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(trust(authority)?), provider()).build();
    let verifier = verifier.map_err(|error| Error::certificate("the authority's certificate", error))?;
    let (chain, key) = identity.decode()?;
    let config = ServerConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS);
    let config = config.and_then(|config| config.with_client_cert_verifier(verifier).with_single_cert(chain, key));
    let mut config = config.map_err(|error| Error::certificate("the certificate", error))?;
    config.alpn_protocols = protocols();
    Ok(Arc::new(config))
}

/// The calling end: takes only servers with a certificate of `authority` (PEM), and shows `identity`.
pub fn client_config(identity: &Identity, authority: &str) -> Result<Arc<ClientConfig>, Error> {
    let (chain, key) = identity.decode()?;
    let config = ClientConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS);
    let roots = trust(authority)?;
    let config = config.and_then(|config| config.with_root_certificates(roots).with_client_auth_cert(chain, key));
    let mut config = config.map_err(|error| Error::certificate("the certificate", error))?;
    config.alpn_protocols = protocols();
    Ok(Arc::new(config))
}

/// A calling end that trusts nobody: for clients that need a configuration and will never use it.
pub(crate) fn trusting_nobody() -> Result<ClientConfig, Error> {
    let config = ClientConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS);
    let config = config.map_err(|error| Error::certificate("the TLS provider", error))?;
    Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// Both ends are ours, so there is no older version to be kind to.
const VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];
/// Bytes of a PEM file.
const MAX_PEM: u64 = 64 * 1024;

fn protocols() -> Vec<Vec<u8>> {
    vec![b"h2".to_vec(), b"http/1.1".to_vec()]
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn trust(authority: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authority)? {
        roots.add(certificate).map_err(|error| Error::certificate("the authority's certificate", error))?;
    }
    Ok(roots)
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let read = read.map_err(|error| Error::certificate("the certificate", error))?;
    (!read.is_empty()).then_some(read).ok_or_else(|| Error::certificate("the certificate", "the file holds none"))
}

#[cfg(test)]
mod tests;
