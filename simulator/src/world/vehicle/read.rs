//! Reading a vehicle, part by part: first what ECUs speak of, then the ECUs, then whether all of it goes together.

use uptane::limits::MAX_ECUS;
use uptane::{EcuId, HardwareId};

use super::bus::Bus;
use super::ecu::{Parts, Role};
use super::hardware::Hardware;
use super::link::Link;
use super::power::Supply;
use super::topology::Topology;
use super::{MAX_BUSES, MAX_HARDWARE, MAX_SUPPLIES, Vehicle};
use crate::world::description::{Fields, Known, Mistakes, Name, Notes, Value};

pub(super) fn vehicle(file: &str, text: &str) -> Result<Vehicle, Mistakes> {
    Notes::read(file, text, read)
}

fn read(mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<Vehicle> {
    let name = fields.required::<Name>("name", notes);
    let about = fields.or("about", String::new(), notes);
    let cloud = match fields.table("cloud", notes) {
        Some(link) => Link::read(link, notes),
        None if fields.has("cloud") => None,
        None => {
            fields.missing(
                "cloud",
                "a table [cloud] with delay and rate of the link to the repositories".into(),
                notes,
            );
            None
        }
    };
    let has_ethernet = fields.has("ethernet");
    let ethernet = fields.table("ethernet", notes).and_then(|link| Link::read(link, notes));
    let parts = Parts {
        hardware: known(fields.tables("hardware", MAX_HARDWARE, notes), "id", "hardware", notes, hardware),
        buses: known(fields.tables("bus", MAX_BUSES, notes), "name", "bus", notes, Bus::read),
        supplies: known(fields.tables("supply", MAX_SUPPLIES, notes), "name", "supply", notes, Supply::read),
        has_ethernet,
    };
    let ecus = fields.tables("ecu", MAX_ECUS, notes);
    let topology = topology(&parts, ecus, notes);
    fields.finish(notes);
    let (primary, secondaries) = topology.finish(notes)?;
    Some(Vehicle {
        name: name?.into_inner(),
        about,
        cloud: cloud?,
        ethernet,
        buses: parts.buses.into_values(),
        supplies: parts.supplies.into_values(),
        primary,
        secondaries,
    })
}

/// Reads tables that have a name others speak of.
fn known<I: Value + ToString, T>(
    tables: Vec<Fields<'_>>,
    key: &'static str,
    what: &'static str,
    notes: &mut Notes<'_>,
    read: impl Fn(&I, &mut Fields<'_>, &mut Notes<'_>) -> Option<T>,
) -> Known<T> {
    let mut known = Known::new(what);
    for mut fields in tables {
        let Some(id) = fields.required::<I>(key, notes) else { continue };
        let name = id.get_ref().to_string();
        fields.call(format!("{what} `{name}`"));
        let value = read(id.get_ref(), &mut fields, notes);
        fields.finish(notes);
        known.add(&name, id.span(), value, notes);
    }
    known
}

fn hardware(id: &HardwareId, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Hardware> {
    Hardware::read(*id, fields, notes)
}

fn topology(parts: &Parts, tables: Vec<Fields<'_>>, notes: &mut Notes<'_>) -> Topology {
    let mut topology = Topology::new();
    for mut fields in tables {
        let role = fields.or("role", Role::Secondary, notes);
        let Some(id) = fields.required::<EcuId>("id", notes) else {
            topology.add_unnamed(fields.span(), role, notes);
            continue;
        };
        fields.call(format!("ECU `{}`", id.get_ref()));
        let ecu = parts.ecu(*id.get_ref(), role, &mut fields, notes);
        fields.finish(notes);
        topology.add(&id, role, ecu, notes);
    }
    topology
}
