//! What the Director says of a patch: how one ECU may be brought from the image it holds to the one it is to run.
//!
//! A patch shortens a transfer and no check. It is described here so that whoever carries it knows that it is whole and for
//! which ECUs; the image it makes is held to what both repositories list, like any other.

use super::fields::required;
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
            [] => event.object("delta")?,
            [Step::Key("base")] => self.base = Some(Sha256::parse(event.text("base")?)?),
            [Step::Key("length")] => self.length = Some(Length::new(event.unsigned("length")?)?),
            [Step::Key("name")] => {
                TargetName::parse(event.text("name")?)?;
                self.is_named = true;
            }
            [Step::Key("sha256")] => self.sha256 = Some(Sha256::parse(event.text("sha256")?)?),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Delta, Error> {
        required(self.is_named.then_some(()), "name")?;
        Ok(Delta {
            base: required(self.base, "base")?,
            length: required(self.length, "length")?,
            sha256: required(self.sha256, "sha256")?,
        })
    }
}
