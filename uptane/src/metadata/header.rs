//! What every role file says of itself (§5.2.1), and what our `uptane` member adds to it.

use super::fields::{required, take_number, take_text};
use crate::json::{Event, Step, Whole as _};
use crate::{CampaignId, Director, Error, Image, Repository, Role, Time, VehicleId, Version, told};

/// The repository a file says it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The Director.
    Director,
    /// The Image repository.
    Image,
}

impl Origin {
    /// Whether this is the repository `R`.
    pub fn is<R: Repository>(self) -> bool {
        self.word() == R::NAME
    }

    fn word(self) -> &'static str {
        match self {
            Self::Director => Director::NAME,
            Self::Image => Image::NAME,
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        match word {
            Director::NAME => Some(Self::Director),
            Image::NAME => Some(Self::Image),
            _ => None,
        }
    }
}

/// The header, complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: Version,
    pub(crate) expires: Time,
    pub(crate) origin: Option<Origin>,
    pub(crate) vehicle: Option<VehicleId>,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) not_before: Option<Time>,
}

/// Collects a [`Header`].
#[derive(Clone, Copy)]
pub(crate) struct HeaderReader {
    role: Role,
    typed: bool,
    specified: bool,
    version: Option<Version>,
    expires: Option<Time>,
    origin: Option<Origin>,
    vehicle: Option<VehicleId>,
    campaign: Option<CampaignId>,
    not_before: Option<Time>,
}

impl HeaderReader {
    pub(crate) fn new(role: Role) -> Self {
        Self {
            role,
            typed: false,
            specified: false,
            version: None,
            expires: None,
            origin: None,
            vehicle: None,
            campaign: None,
            not_before: None,
        }
    }

    pub(crate) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("signed"),
            [Step::Key("_type")] => check_type(&mut self.typed, self.role, event),
            [Step::Key("spec_version")] => check_spec_version(&mut self.specified, event),
            [Step::Key("version")] => take_number(&mut self.version, event, "version", Version::new),
            [Step::Key("expires")] => take_text(&mut self.expires, event, "expires", Time::parse),
            [Step::Key("uptane")] => event.object("uptane"),
            [Step::Key("uptane"), Step::Key(key)] => self.uptane(key, event),
            _ => Ok(()),
        }
    }

    fn uptane(&mut self, key: &str, event: Event<'_>) -> Result<(), Error> {
        match key {
            "repository" => take_text(&mut self.origin, event, "repository", |word| {
                Origin::from_word(word).ok_or(Error::WrongType { field: told("repository") })
            }),
            "vehicle" => take_text(&mut self.vehicle, event, "vehicle", VehicleId::parse),
            "campaign" => take_text(&mut self.campaign, event, "campaign", CampaignId::parse),
            "not_before" => take_text(&mut self.not_before, event, "not_before", Time::parse),
            _ => Ok(()),
        }
    }

    pub(crate) fn finish(self) -> Result<Header, Error> {
        required(self.typed.then_some(()), "_type")?;
        required(self.specified.then_some(()), "spec_version")?;
        Ok(Header {
            version: required(self.version, "version")?,
            expires: required(self.expires, "expires")?,
            origin: self.origin,
            vehicle: self.vehicle,
            campaign: self.campaign,
            not_before: self.not_before,
        })
    }
}

/// A file of one kind is never taken for one of another (§5.2.1).
#[inline(never)]
pub(crate) fn check_type(typed: &mut bool, role: Role, event: Event<'_>) -> Result<(), Error> {
    *typed = event.text("_type")? == role.type_name();
    if *typed { Ok(()) } else { Err(Error::WrongType { field: told("_type") }) }
}

/// TUF promises that files of one major version can be read by every reader of it.
fn check_spec_version(specified: &mut bool, event: Event<'_>) -> Result<(), Error> {
    *specified = event.text("spec_version")?.starts_with("1.");
    if *specified { Ok(()) } else { Err(Error::WrongType { field: told("spec_version") }) }
}
