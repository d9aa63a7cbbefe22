//! What every role file says of itself (§5.2.1), and what our `uptane` member adds to it.

use super::fields::{required, take_number, take_text};
use super::place::{Found, Holds, Place, WHOLE, find};
use crate::json::{Event, Step};
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

const TYPE: u8 = 1;
const SPEC_VERSION: u8 = 2;
const VERSION: u8 = 3;
const EXPIRES: u8 = 4;
const UPTANE: u8 = 5;
const REPOSITORY: u8 = 6;
const VEHICLE: u8 = 7;
const CAMPAIGN: u8 = 8;
const NOT_BEFORE: u8 = 9;

const PLACES: [Place; 10] = [
    Place::whole("signed", Holds::Object),
    Place::member(TYPE, WHOLE, "_type", Holds::Text),
    Place::member(SPEC_VERSION, WHOLE, "spec_version", Holds::Text),
    Place::member(VERSION, WHOLE, "version", Holds::Number),
    Place::member(EXPIRES, WHOLE, "expires", Holds::Text),
    Place::member(UPTANE, WHOLE, "uptane", Holds::Object),
    Place::member(REPOSITORY, UPTANE, "repository", Holds::Text),
    Place::member(VEHICLE, UPTANE, "vehicle", Holds::Text),
    Place::member(CAMPAIGN, UPTANE, "campaign", Holds::Text),
    Place::member(NOT_BEFORE, UPTANE, "not_before", Holds::Text),
];

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

    #[inline(never)]
    pub(crate) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        let Found { at, text, number } = find(&PLACES, WHOLE, steps, event)?;
        match at {
            TYPE => check_type(&mut self.typed, self.role, text),
            SPEC_VERSION => check_spec_version(&mut self.specified, text),
            VERSION => take_number(&mut self.version, number, Version::new),
            EXPIRES => take_text(&mut self.expires, text, Time::parse),
            REPOSITORY => {
                let origin = Origin::from_word(text);
                origin.map(|origin| self.origin = Some(origin)).ok_or(Error::WrongType { field: told("repository") })
            }
            VEHICLE => take_text(&mut self.vehicle, text, VehicleId::parse),
            CAMPAIGN => take_text(&mut self.campaign, text, CampaignId::parse),
            NOT_BEFORE => take_text(&mut self.not_before, text, Time::parse),
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
pub(crate) fn check_type(typed: &mut bool, role: Role, word: &str) -> Result<(), Error> {
    *typed = word == role.type_name();
    if *typed { Ok(()) } else { Err(Error::WrongType { field: told("_type") }) }
}

/// TUF promises that files of one major version can be read by every reader of it.
fn check_spec_version(specified: &mut bool, version: &str) -> Result<(), Error> {
    *specified = version.starts_with("1.");
    if *specified { Ok(()) } else { Err(Error::WrongType { field: told("spec_version") }) }
}
