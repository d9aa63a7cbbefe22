//! Who may publish what.
//!
//! A writer shows a client certificate or a bearer token; a configuration file says which roles' files it may bring. That it
//! may bring a file says nothing about the file: the role's own keys must have signed it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use uptane::Sha256;

use crate::error::Error;
use crate::role::RoleId;

/// Somebody who may publish.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Writer {
    /// Its name, which the audit log gives.
    pub name: String,
    /// The roles whose files it may bring: `root`, `targets`, or names of delegated roles.
    roles: BTreeSet<String>,
    /// SHA-256 of its client certificate in DER, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    /// SHA-256 of its bearer token, in hex: the token itself stands nowhere on the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    token_sha256: Option<String>,
}

/// Everybody who may publish.
#[derive(Clone, Debug, Default)]
pub struct Writers(Vec<Known>);

#[derive(Clone, Debug)]
struct Known {
    name: String,
    roles: BTreeSet<RoleId>,
    certificate: Option<Sha256>,
    token: Option<Sha256>,
}

/// What a caller showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown<'a> {
    /// Its client certificate, which TLS has verified, in DER.
    pub certificate: Option<&'a [u8]>,
    /// Its bearer token.
    pub token: Option<&'a str>,
}

/// A writer that showed who it is.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated<'w>(&'w Known);

impl Writers {
    /// The writers of a configuration. Each must have a name of its own, a way to show who it is, and a role.
    pub fn of(writers: &[Writer]) -> Result<Self, Error> {
        let known = writers.iter().map(Known::of).collect::<Result<Vec<_>, _>>()?;
        let names: BTreeSet<_> = known.iter().map(|writer| &writer.name).collect();
        match names.len() == known.len() {
            true => Ok(Self(known)),
            false => Err(bad("names", "two writers have one name")),
        }
    }

    /// The writer that showed this.
    ///
    /// # Security
    /// Digests of secrets are compared, so the time it takes tells nothing about a token. Saying yes wrongly lets a stranger
    /// fill the disk and bring files that their roles signed; nothing else becomes visible.
    pub fn authenticate(&self, shown: Shown<'_>) -> Result<Authenticated<'_>, Error> {
        let certificate = shown.certificate.map(host::tls::fingerprint);
        let token = shown.token.map(|token| Sha256::of(token.as_bytes()));
        let is_shown = |of: Option<Sha256>, shown: Option<Sha256>| of.is_some() && of == shown;
        let found =
            self.0.iter().find(|known| is_shown(known.certificate, certificate) || is_shown(known.token, token));
        found.map(Authenticated).ok_or(Error::UnknownWriter)
    }
}

impl<'w> Authenticated<'w> {
    /// Its name.
    pub fn name(&self) -> &'w str {
        &self.0.name
    }

    /// Refuses a role whose files it may not bring.
    pub fn check(&self, role: RoleId) -> Result<(), Error> {
        match self.0.roles.contains(&role) {
            true => Ok(()),
            false => Err(Error::NotAllowed { writer: self.0.name.clone(), role: Box::new(role) }),
        }
    }
}

impl Known {
    fn of(writer: &Writer) -> Result<Self, Error> {
        let digest = |hex: &Option<String>| {
            hex.as_deref().map(str::parse).transpose().map_err(|_| bad(&writer.name, "a digest is not 64 hex digits"))
        };
        let roles = writer.roles.iter().map(|role| role.parse()).collect::<Result<BTreeSet<RoleId>, _>>();
        let roles = roles.map_err(|_| bad(&writer.name, "a role has no possible name"))?;
        let (certificate, token) = (digest(&writer.certificate)?, digest(&writer.token_sha256)?);
        match () {
            () if writer.name.is_empty() || writer.name.len() > MAX_NAME => {
                Err(bad(&writer.name, "its name is empty or too long"))
            }
            () if certificate.is_none() && token.is_none() => {
                Err(bad(&writer.name, "it has neither certificate nor token_sha256"))
            }
            () if roles.is_empty() => Err(bad(&writer.name, "it has no role")),
            () => Ok(Self { name: writer.name.clone(), roles, certificate, token }),
        }
    }
}

/// Bytes of a writer's name.
const MAX_NAME: usize = 128;

fn bad(writer: &str, reason: &'static str) -> Error {
    Error::BadWriter { writer: writer.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writers(text: &str) -> Result<Writers, Error> {
        #[derive(Deserialize)]
        struct File {
            writer: Vec<Writer>,
        }
        Writers::of(&toml::from_str::<File>(text).unwrap().writer)
    }

    fn acme(more: &str) -> String {
        format!("[[writer]]\nname = \"acme\"\nroles = [\"acme\", \"targets\"]\n{more}\n")
    }

    fn token(token: &str) -> String {
        format!("token_sha256 = \"{}\"", Sha256::of(token.as_bytes()))
    }

    #[test]
    fn a_writer_is_known_by_its_token_and_may_bring_the_files_of_its_roles() {
        let writers = writers(&acme(&token("secret"))).unwrap();
        let writer = writers.authenticate(Shown { token: Some("secret"), certificate: None }).unwrap();
        assert_eq!(writer.name(), "acme");
        writer.check(RoleId::Targets).unwrap();
        writer.check("acme".parse().unwrap()).unwrap();
        assert!(matches!(writer.check(RoleId::Root), Err(Error::NotAllowed { role, .. }) if *role == RoleId::Root));
    }

    #[test]
    fn a_writer_is_known_by_its_certificate() {
        let certificate = b"certificate";
        let text = acme(&format!("certificate = \"{}\"", Sha256::of(certificate)));
        let writers = writers(&text).unwrap();
        assert!(writers.authenticate(Shown { certificate: Some(certificate), token: None }).is_ok());
    }

    #[test]
    fn whoever_shows_nothing_or_something_else_is_nobody() {
        let writers = writers(&acme(&token("secret"))).unwrap();
        for shown in [
            Shown::default(),
            Shown { token: Some("Secret"), certificate: None },
            Shown { token: None, certificate: Some(b"secret") },
        ] {
            assert!(matches!(writers.authenticate(shown), Err(Error::UnknownWriter)), "{shown:?}");
        }
    }

    #[test]
    fn writers_that_could_never_be_told_apart_are_refused() {
        for text in [
            acme(""),
            acme("token_sha256 = \"short\""),
            acme(&token("a")) + &acme(&token("b")),
            acme(&token("a")).replace("\"acme\", \"targets\"", ""),
            acme(&token("a")).replace("\"targets\"", "\"\""),
        ] {
            assert!(matches!(writers(&text), Err(Error::BadWriter { .. })), "{text}");
        }
    }
}
