//! What the Director says of a patch: how one ECU may be brought from the image it holds to the one it is to run.
//!
//! A patch shortens a transfer and no check. It is described here so that whoever carries it knows that it is whole and for
//! which ECUs; the image it makes is held to what both repositories list, like any other.

use super::fields::{required, take_number, take_text};
use crate::json::{Event, Step, Whole as _};
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
    base: Option<Sha256>,
    length: Option<Length>,
    is_named: bool,
    sha256: Option<Sha256>,
}

impl DeltaReader {
    pub(super) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("delta"),
            [Step::Key("base")] => take_text(&mut self.base, event, "base", Sha256::parse),
            [Step::Key("length")] => take_number(&mut self.length, event, "length", Length::new),
            [Step::Key("name")] => {
                TargetName::parse(event.text("name")?)?;
                self.is_named = true;
                Ok(())
            }
            [Step::Key("sha256")] => take_text(&mut self.sha256, event, "sha256", Sha256::parse),
            _ => Ok(()),
        }
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
