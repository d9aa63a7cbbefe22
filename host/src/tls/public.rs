//! The serving end of what anybody may read.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::{ClientCertVerifierBuilder, VerifierBuilderError, WebPkiClientVerifier};

use super::{Identity, protocols, provider, trust};
use crate::Error;

/// What a server wants to know of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients<'a> {
    /// Nothing; they are not asked for a certificate.
    Unasked,
    /// They may show a certificate of this authority (PEM) or none; any other is refused.
    Asked(&'a str),
    /// They must show a certificate of this authority (PEM).
    Required(&'a str),
}

/// A server that shows `identity` to anybody, with TLS 1.3, or 1.2 for content networks and proxies that lag behind.
///
/// rustls has no renegotiation, no static RSA key exchange and no block ciphers in CBC mode, so 1.2 is not the weak
/// version it is elsewhere.
pub fn public_config(identity: &Identity, clients: Clients<'_>) -> Result<Arc<ServerConfig>, Error> {
    let (chain, key) = identity.decode()?;
    let config = ServerConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS);
    let config = config.map_err(|error| Error::certificate("the TLS provider", error))?;
    let config = match clients {
        Clients::Unasked => config.with_no_client_auth(),
        Clients::Asked(authority) => {
            let verifier = verifier(authority)?.allow_unauthenticated().build();
            config.with_client_cert_verifier(verifier.map_err(unusable)?)
        }
        Clients::Required(authority) => {
            config.with_client_cert_verifier(verifier(authority)?.build().map_err(unusable)?)
        }
    };
    let config = config.with_single_cert(chain, key);
    let mut config = config.map_err(|error| Error::certificate("the certificate", error))?;
    config.alpn_protocols = protocols();
    Ok(Arc::new(config))
}

fn verifier(authority: &str) -> Result<ClientCertVerifierBuilder, Error> {
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(trust(authority)?), provider()))
}

fn unusable(error: VerifierBuilderError) -> Error {
    Error::certificate("the authority's certificate", error)
}

const VERSIONS: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];
