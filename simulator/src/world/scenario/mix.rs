//! Faults that are left to chance: so often, at these places, for so long. From a seed comes a list of them.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::cast::Cast;
use super::fault::Fault;
use super::kind::{Effect, Kind, Place, place};
use super::plan::Release;
use super::{MAX_DRAWN, Node, What};
use crate::world::chance::{Chance, PerBillion};
use crate::world::description::{Fields, Name, Notes, Pause, Word, read, unlike};
use crate::world::time::Moment;

/// One kind of fault and how often it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    kind: Kind,
    often: Often,
    places: Vec<Place>,
    lasts: RangeInclusive<Duration>,
    effect: Effect,
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
        let often = often(kind, cast, &mut fields, notes);
        let places = places(kind, cast, &mut fields, notes);
        let lasts = if kind.lasts() { lasts(&mut fields, notes) } else { Some(Duration::ZERO..=Duration::ZERO) };
        let effect = kind.effect(&mut fields, notes);
        fields.finish(notes);
        Some(Self { kind, often: often?, places, lasts: lasts?, effect: effect? })
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
                    let what = place.and_then(|place| self.effect.at(place, lasts, None));
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
        self.effect.at(place, Duration::ZERO, Some(release.name()))
    }
}

/// The places it names, or else every one it can happen at; at least one.
fn places(kind: Kind, cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Vec<Place> {
    let all = kind.places(cast);
    if all.is_empty() && cast.vehicle.is_some() {
        let found = format!("there is nothing in this vehicle that {} can happen to", kind.word());
        notes.impossible(fields.span(), found, "no such entry, or another vehicle");
    }
    let key = kind.keys().1;
    let Some(value) = fields.raw(key) else { return kind.usual_places(cast) };
    if value.get_ref().as_array().is_some_and(|names| names.is_empty()) {
        let found = format!("`{key}` names no place, so that this never happens");
        notes.impossible(value.span(), found, "at least one name, or no such key");
    }
    let names = fields.list::<Name>(key, notes).unwrap_or_default();
    names.iter().filter_map(|name| place(kind, name, cast, notes)).collect()
}

/// How often; an image is sick or not, however long a run lasts.
fn often(kind: Kind, cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Often> {
    if kind == Kind::SickImage {
        return fields.required("runs", notes).map(|share| Often::InRuns(share.into_inner()));
    }
    let every = fields.required::<Pause>("every", notes)?;
    let least = (cast.faults_end - Moment::START) / MOST_EXPECTED;
    if every.get_ref().0 < least.max(LEAST_PAUSE) {
        let found = format!("{} is too often: a run would have more than {MOST_EXPECTED} of these", every.get_ref());
        notes.impossible(every.span(), found, "a longer pause, or an earlier `faults_end`");
    }
    Some(Often::Every(every.into_inner().0))
}

/// `lasts = ["1 s", "5 s"]`: at least, and at most.
fn lasts(fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<RangeInclusive<Duration>> {
    let Some(value) = fields.raw("lasts") else {
        fields.missing("lasts", RANGE.to_owned(), notes);
        return None;
    };
    let bounds: Vec<_> = value.get_ref().as_array().into_iter().flat_map(|bounds| bounds.iter()).collect();
    let [least, most] = bounds.as_slice() else {
        notes.note(value.span(), unlike(value.get_ref(), RANGE));
        return None;
    };
    let (least, most) = (read::<Pause>(least, notes), read::<Pause>(most, notes));
    let (least, most) = (least?.into_inner(), most?.into_inner());
    if least > most {
        notes.impossible(value.span(), format!("{least} is more than {most}"), RANGE);
    }
    Some(least.0..=most.0)
}

const RANGE: &str = "the least and the greatest time, such as [\"1 s\", \"5 s\"]";
/// Faults of an entry that a run may have on average: by chance it has more, but hardly [`MAX_DRAWN`].
const MOST_EXPECTED: u32 = 5_000;
/// Without any pause there would be no end of faults.
const LEAST_PAUSE: Duration = Duration::from_nanos(1);
