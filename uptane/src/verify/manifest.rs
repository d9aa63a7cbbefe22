//! Did this Primary send this manifest? (§5.3.2.1, §5.4.2.1.1; trap T11)

use alloc::vec::Vec;

use super::ecu::{self, SignedByEcu};
use super::report::limit;
use crate::json::Document;
use crate::limits::MAX_MANIFEST;
use crate::metadata::{Envelope, Manifest};
use crate::{Error, PublicKey, Role, Sha256};

/// A manifest, signed by the Primary whose key was given. Its reports are files of their own, to be verified with the
/// keys of the ECUs that made them ([`report`](super::report())).
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedManifest {
    canonical: Vec<u8>,
    sha256: Sha256,
    signed: SignedByEcu,
}

impl VerifiedManifest {
    /// What it says.
    pub fn view(&self) -> Manifest<'_> {
        // `manifest` decoded these very bytes, and decoding is a function of them.
        decode(&self.canonical).unwrap_or_else(|error| unreachable!("a verified manifest decodes: {error}"))
    }

    /// Digest of the file as received, by which check-ins refer to it.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }
}

/// Verifies a manifest with the Primary's key.
pub fn manifest(file: &[u8], key: &PublicKey) -> Result<VerifiedManifest, Error> {
    let document = Document::read(Role::Manifest, file, limit(MAX_MANIFEST)?)?;
    let signed = ecu::check(Role::Manifest, key, &Envelope::decode(document.bytes())?)?;
    decode(document.bytes())?;
    let sha256 = document.sha256();
    Ok(VerifiedManifest { canonical: document.into_bytes(), sha256, signed })
}

fn decode(file: &[u8]) -> Result<Manifest<'_>, Error> {
    Manifest::decode(Envelope::decode(file)?.signed())
}
