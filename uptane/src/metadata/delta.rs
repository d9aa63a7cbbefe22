//! What the Director says of a patch: how one ECU may be brought from the image it holds to the one it is to run.
//!
//! A patch shortens a transfer and no check. It is described here so that whoever carries it knows that it is whole and for
//! which ECUs; the image it makes is held to what both repositories list, like any other.

use super::fields::required;
use crate::{Error, Length, Sha256, TargetName, TargetNameBuf};

/// A patch for an ECU that holds the image `base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta {
    /// Digest of the image it is for.
    pub base: Sha256,
    /// Its own length.
    pub length: Length,
    /// Its own digest.
    pub sha256: Sha256,
}

/// A patch, and what it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedDelta {
    /// The name under which it can be fetched.
    pub name: TargetNameBuf,
    /// What it is.
    pub delta: Delta,
}

/// Collects a [`Delta`]. Its name is held to its form and not kept: an ECU without a heap fetches nothing.
#[derive(Clone, Copy, Default)]
pub(super) struct DeltaReader {
    pub(super) base: Option<Sha256>,
    pub(super) length: Option<Length>,
    is_named: bool,
    pub(super) sha256: Option<Sha256>,
}

impl DeltaReader {
    pub(super) fn name(&mut self, name: &str) -> Result<(), Error> {
        TargetName::parse(name).map(|_| self.is_named = true)
    }

    /// Refuses a description that lacks a member.
    pub(super) fn check(&self) -> Result<(), Error> {
        required(self.is_named.then_some(()), "name")?;
        required(self.base.as_ref(), "base")?;
        required(self.length.as_ref(), "length")?;
        required(self.sha256.as_ref(), "sha256").map(|_| ())
    }

    /// What it says, once it was checked.
    pub(super) fn delta(&self) -> Option<Delta> {
        Some(Delta { base: self.base?, length: self.length?, sha256: self.sha256? })
    }
}
