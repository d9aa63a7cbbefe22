//! Time attestations (design D14).

use super::fields::{required, take_text};
use super::header::check_type;
use super::place::{Found, Holds, Place, WHOLE, find};
use crate::json::{Event, Path, Sink, Span, Step, read, walk};
use crate::{Error, Nonce, Role, Time};

/// A view of a time attestation.
#[derive(Clone, Copy, Debug)]
pub struct TimeAttestation<'a> {
    signed: &'a [u8],
    time: Time,
}

impl<'a> TimeAttestation<'a> {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &'a [u8]) -> Result<Self, Error> {
        let mut reader = TimeReader::new(None);
        read(signed, &mut reader)?;
        Ok(Self { signed, time: reader.finish()? })
    }

    /// The time it attests.
    pub fn time(&self) -> Time {
        self.time
    }

    /// The nonces it answers.
    pub fn nonces(&self) -> impl Iterator<Item = Nonce> + use<'a> {
        let nonces = walk::member(self.signed, "nonces").unwrap_or_default();
        walk::elements(nonces).filter_map(|nonce| Nonce::parse(walk::text(nonce)?).ok())
    }
}

const TYPE: u8 = 1;
const NONCES: u8 = 2;
const NONCE: u8 = 3;
const TIME: u8 = 4;

const PLACES: [Place; 5] = [
    Place::whole("signed", Holds::Object),
    Place::member(TYPE, WHOLE, "_type", Holds::Text),
    Place::member(NONCES, WHOLE, "nonces", Holds::Array),
    Place::items(NONCE, NONCES, "nonces", Holds::Text),
    Place::member(TIME, WHOLE, "time", Holds::Text),
];

/// Reads the `signed` of an attestation and looks for one nonce in it.
#[derive(Clone, Copy)]
pub(crate) struct TimeReader {
    wanted: Option<Nonce>,
    is_answered: bool,
    typed: bool,
    has_nonces: bool,
    time: Option<Time>,
}

impl TimeReader {
    pub(crate) fn new(wanted: Option<Nonce>) -> Self {
        Self { wanted, is_answered: false, typed: false, has_nonces: false, time: None }
    }

    pub(crate) fn step(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        let Found { at, text, .. } = find(&PLACES, WHOLE, steps, event)?;
        match at {
            TYPE => check_type(&mut self.typed, Role::Time, text),
            NONCES => {
                self.has_nonces = true;
                Ok(())
            }
            NONCE => {
                let mut nonce = None;
                take_text(&mut nonce, text, Nonce::parse)?;
                self.is_answered |= nonce == self.wanted;
                Ok(())
            }
            TIME => take_text(&mut self.time, text, Time::parse),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.is_answered
    }

    pub(crate) fn finish(&self) -> Result<Time, Error> {
        required(self.typed.then_some(()), "_type")?;
        required(self.has_nonces.then_some(()), "nonces")?;
        required(self.time, "time")
    }
}

impl Sink for TimeReader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.step(path.steps(), event)
    }
}
