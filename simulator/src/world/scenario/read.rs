//! Reading a scenario: the vehicle first, then what others speak of, then the others.

use std::time::Duration;

use uptane::EcuId;

use super::cast::Cast;
use super::plan::{Campaign, Release, Rotation};
use super::{MAX_ENTRIES, Mix, Must, Scenario, kind};
use crate::world::description::{Fields, Known, MistakeKind, Mistakes, Name, Notes, Pause};
use crate::world::time::Moment;
use crate::world::vehicle::{PowerState, Vehicle};

pub(super) fn scenario(
    file: &str,
    text: &str,
    vehicles: impl FnOnce(&str) -> Result<Vehicle, String>,
) -> Result<Scenario, Mistakes> {
    Notes::read(file, text, |fields, notes| read(fields, notes, vehicles))
}

fn read(
    mut fields: Fields<'_>,
    notes: &mut Notes<'_>,
    vehicles: impl FnOnce(&str) -> Result<Vehicle, String>,
) -> Option<Scenario> {
    let name = fields.required::<Name>("name", notes);
    let about = fields.or("about", String::new(), notes);
    let vehicle = vehicle(&mut fields, notes, vehicles);
    let limit = fields.required::<Pause>("limit", notes).map(|limit| limit.into_inner().0);
    let cast = cast(vehicle.as_ref(), limit, &mut fields, notes);
    let campaigns = campaigns(&cast, &mut fields, notes);
    let power = power(&cast, &mut fields, notes);
    are_powered(&cast, &campaigns, &power, notes);
    let rotations = every(&cast, "rotation", &mut fields, notes, Rotation::read);
    let faults = every(&cast, "fault", &mut fields, notes, kind::read);
    let mix = every(&cast, "mix", &mut fields, notes, Mix::read);
    let musts = musts(&cast, &mut fields, notes);
    fields.finish(notes);
    let faults_end = cast.faults_end;
    let (releases, campaigns) = (cast.releases.into_values(), campaigns.into_values());
    let (name, limit, vehicle) = (name?.into_inner(), limit?, vehicle?);
    Some(Scenario {
        name,
        about,
        vehicle,
        limit,
        power,
        releases,
        campaigns,
        rotations,
        faults,
        mix,
        faults_end,
        musts,
    })
}

/// Whom the rest of the file may speak of, and until when.
fn cast<'v>(
    vehicle: Option<&'v Vehicle>,
    limit: Option<Duration>,
    fields: &mut Fields<'_>,
    notes: &mut Notes<'_>,
) -> Cast<'v> {
    let limit = limit.unwrap_or(Duration::MAX);
    let mut cast = Cast { vehicle, releases: Known::new("release"), limit, faults_end: Moment::START };
    cast.faults_end = faults_end(&cast, fields, notes);
    cast.releases = releases(&cast, fields, notes);
    cast
}

/// What must hold; something must, or the scenario would show nothing.
fn musts(cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Vec<Must> {
    if !fields.has("must") {
        fields.missing("must", "at least one [[must]]: else the scenario shows nothing".to_owned(), notes);
    }
    every(cast, "must", fields, notes, Must::read)
}

/// Reads every `[[key]]` that has no name of its own.
fn every<T>(
    cast: &Cast<'_>,
    key: &'static str,
    fields: &mut Fields<'_>,
    notes: &mut Notes<'_>,
    read: impl Fn(&Cast<'_>, Fields<'_>, &mut Notes<'_>) -> Option<T>,
) -> Vec<T> {
    let tables = fields.tables(key, MAX_ENTRIES, notes);
    tables.into_iter().filter_map(|table| read(cast, table, notes)).collect()
}

/// The vehicle it names, if there is one and it is right.
fn vehicle(
    fields: &mut Fields<'_>,
    notes: &mut Notes<'_>,
    vehicles: impl FnOnce(&str) -> Result<Vehicle, String>,
) -> Option<Vehicle> {
    let given = fields.required::<String>("vehicle", notes)?;
    match vehicles(given.get_ref()) {
        Ok(vehicle) => Some(vehicle),
        Err(found) => {
            let expected = "the name of a ready vehicle, or the path of a right file as seen from this one".to_owned();
            notes.note(given.span(), MistakeKind::Impossible { found, expected });
            None
        }
    }
}

fn releases(cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Known<Release> {
    let mut known = Known::new("release");
    for mut table in fields.tables("release", MAX_ENTRIES, notes) {
        let Some(name) = table.required::<Name>("name", notes) else { continue };
        table.call(format!("release `{}`", name.get_ref()));
        let release = Release::read(&name, cast, &mut table, notes);
        table.finish(notes);
        known.add(name.get_ref().as_str(), name.span(), release, notes);
    }
    known
}

fn campaigns(cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Known<Campaign> {
    let mut known = Known::new("campaign");
    for mut table in fields.tables("campaign", MAX_ENTRIES, notes) {
        let Some(name) = table.required::<Name>("name", notes) else { continue };
        table.call(format!("campaign `{}`", name.get_ref()));
        let campaign = Campaign::read(name.get_ref(), &known, cast, &mut table, notes);
        table.finish(notes);
        known.add(name.get_ref().as_str(), name.span(), campaign, notes);
    }
    known
}

/// The power states, in the order of time; parked where the file does not say.
fn power(cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Vec<(Moment, PowerState)> {
    let mut power = vec![(Moment::START, PowerState::Parked)];
    for mut table in fields.tables("power", MAX_ENTRIES, notes) {
        let at = cast.moment("at", &mut table, notes);
        let state = table.required::<PowerState>("state", notes);
        let span = table.span();
        table.finish(notes);
        let Some((at, state)) = at.zip(state) else { continue };
        match power.last_mut() {
            Some(last) if at == last.0 => last.1 = state.into_inner(),
            Some((last, _)) if at < *last => {
                notes.impossible(span, "power states must stand in the order of time".to_owned(), "a later `at`");
            }
            Some(_) | None => power.push((at, state.into_inner())),
        }
    }
    power
}

/// Every ECU that is updated has power at some time together with the Primary.
fn are_powered(cast: &Cast<'_>, campaigns: &Known<Campaign>, power: &[(Moment, PowerState)], notes: &mut Notes<'_>) {
    let Some(vehicle) = cast.vehicle else { return };
    let is_powered = |id: &EcuId| {
        let ecus = [Some(vehicle.primary()), vehicle.ecu(id)];
        power.iter().any(|(_, state)| ecus.iter().flatten().all(|ecu| ecu.is_powered(*state)))
    };
    for (campaign, span) in campaigns.placed() {
        if let Some(id) = campaign.ecus().iter().find(|id| !is_powered(id)) {
            let found = format!("campaign `{}` updates ECU `{id}`, which never has power", campaign.name());
            notes.impossible(span, found, "a [[power]] with a state in which it has");
        }
    }
}

/// When faults of the mix end; a scenario needs some time after that to come to rest.
fn faults_end(cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Moment {
    if fields.has("mix") || fields.has("faults_end") {
        cast.moment("faults_end", fields, notes).unwrap_or(Moment::START)
    } else {
        Moment::START
    }
}
