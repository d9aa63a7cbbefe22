//! Faults that are left to chance: so often, at these places, for so long. From a seed comes a list of them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::cast::Cast;
use super::fault::Fault;
use super::kind::{Detail, Kind, Place, place};
use super::plan::Release;
use super::{MAX_DRAWN, Node, What};
use crate::world::chance::{Chance, PerBillion};
use crate::world::description::{Fields, Name, Notes, Pause, Word};
use crate::world::time::Moment;

/// One kind of fault and how often it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    kind: Kind,
    often: Often,
    places: Vec<Place>,
    lasts: RangeInclusive<Duration>,
    detail: Detail,
}

/// How often a fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Often {
    /// Once per this pause, on average.
    Every(Duration),
    /// Once in this share of the runs.
    InRuns(PerBillion),
}

impl Mix {
    /// Reads a `[[mix]]`.
    pub(super) fn read(cast: &Cast<'_>, mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let kind = fields.required::<Kind>("kind", notes)?.into_inner();
        fields.call(format!("this mix of {}", kind.word()));
        let often = often(kind, &mut fields, notes);
        let all = kind.places(cast);
        let places = match fields.list::<Name>(kind.keys().1, notes) {
            Some(names) => names.iter().filter_map(|name| place(kind, name, &all, notes)).collect(),
            None => all,
        };
        if places.is_empty() && cast.vehicle.is_some() {
            let found = format!("there is nothing in this vehicle that {} can happen to", kind.word());
            notes.impossible(fields.span(), found, "no such entry, or another vehicle");
        }
        let lasts = if kind.lasts() { lasts(&mut fields, notes) } else { Some(Duration::ZERO..=Duration::ZERO) };
        let detail = kind.detail(&mut fields, notes);
        fields.finish(notes);
        Some(Self { kind, often: often?, places, lasts: lasts?, detail: detail? })
    }

    /// The word for its kind, as files have it.
    pub fn kind(&self) -> &'static str {
        self.kind.word()
    }

    /// The faults of one run, none at or after `end`.
    pub(super) fn draw(&self, chance: &mut Chance, end: Moment, releases: &[Release]) -> Vec<Fault> {
        match self.often {
            Often::InRuns(share) => {
                let sick = chance.happens(share).then(|| self.sick(chance, releases)).flatten();
                sick.map(|what| Fault::new(Moment::START, what)).into_iter().collect()
            }
            Often::Every(pause) => {
                let mut at = Moment::START;
                let mut faults = Vec::new();
                while faults.len() < MAX_DRAWN {
                    at += chance.pause(Duration::ZERO..=pause.saturating_mul(2));
                    let place = chance.choose(&self.places).cloned();
                    let lasts = chance.pause(self.lasts.clone());
                    let what = place.and_then(|place| self.kind.fault(place, &self.detail, lasts, None));
                    let Some(what) = what.filter(|_| at < end) else { break };
                    faults.push(Fault::new(at, what));
                }
                faults
            }
        }
    }

    /// A sick image, of a release that has one for the ECU.
    fn sick(&self, chance: &mut Chance, releases: &[Release]) -> Option<What> {
        let release = chance.choose(releases)?;
        let has_image = |place: &&Place| match place {
            Place::Node(Node::Ecu(id)) => release.image(id).is_some(),
            Place::Bus(_) | Place::Link(_) | Place::Node(Node::Server(_)) => false,
        };
        let places: Vec<Place> = self.places.iter().filter(has_image).cloned().collect();
        let place = chance.choose(&places)?.clone();
        self.kind.fault(place, &self.detail, Duration::ZERO, Some(release.name()))
    }
}

/// How often; an image is sick or not, however long a run lasts.
fn often(kind: Kind, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Often> {
    if kind == Kind::SickImage {
        return fields.required("runs", notes).map(|share| Often::InRuns(share.into_inner()));
    }
    let every = fields.required::<Pause>("every", notes)?;
    if every.get_ref().0 < LEAST_PAUSE {
        notes.impossible(every.span(), format!("{} is too often", every.get_ref()), "at least 1 ms between faults");
    }
    Some(Often::Every(every.into_inner().0))
}

/// `lasts = ["1 s", "5 s"]`: at least, and at most.
fn lasts(fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<RangeInclusive<Duration>> {
    let Some(bounds) = fields.list::<Pause>("lasts", notes) else {
        fields.missing("lasts", RANGE.to_owned(), notes);
        return None;
    };
    match bounds.as_slice() {
        [least, most] if least.get_ref() <= most.get_ref() => Some(least.get_ref().0..=most.get_ref().0),
        [first, ..] => {
            let found = "these are no least and greatest time".to_owned();
            notes.impossible(first.span(), found, RANGE);
            None
        }
        // A list that holds nothing, or nothing right.
        [] => {
            notes.impossible(fields.span(), "`lasts` holds no times".to_owned(), RANGE);
            None
        }
    }
}

const RANGE: &str = "the least and the greatest time, such as [\"1 s\", \"5 s\"]";
/// Less is no fault but the normal state of the world.
const LEAST_PAUSE: Duration = Duration::from_millis(1);
