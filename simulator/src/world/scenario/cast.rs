//! Whom a scenario may speak of: the ECUs, buses and links of its vehicle, and its own releases.

use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;
use uptane::EcuId;

use super::FACTORY;
use super::plan::Release;
use crate::world::description::{Fields, Known, MistakeKind, Name, Notes, Pause, Value, unlike};
use crate::world::time::Moment;
use crate::world::vehicle::{Bus, Connection, Ecu, Vehicle};

/// The vehicle, if it was found, the releases, and the end of time.
pub(super) struct Cast<'v> {
    pub(super) vehicle: Option<&'v Vehicle>,
    pub(super) releases: Known<Release>,
    pub(super) limit: Duration,
    pub(super) faults_end: Moment,
}

impl<'v> Cast<'v> {
    /// The ECUs of a vehicle; none if there is no vehicle.
    pub(super) fn ecus(&self) -> impl Iterator<Item = &'v Ecu> + use<'v> {
        self.vehicle.into_iter().flat_map(Vehicle::ecus)
    }

    /// The buses of a vehicle; none if there is no vehicle.
    pub(super) fn buses(&self) -> impl Iterator<Item = &'v Bus> + use<'v> {
        self.vehicle.into_iter().flat_map(Vehicle::buses)
    }

    /// The ECU of an id; a note, if the vehicle has none.
    pub(super) fn ecu(&self, id: &Spanned<EcuId>, notes: &mut Notes<'_>) -> Option<&'v Ecu> {
        let vehicle = self.vehicle?;
        let found = vehicle.ecu(id.get_ref());
        if found.is_none() {
            let known = vehicle.ecus().map(|ecu| ecu.id().to_string()).collect();
            notes.note(id.span(), MistakeKind::Unknown { what: "ECU", found: id.get_ref().to_string(), known });
        }
        found
    }

    /// A list of ECUs, or one of `words`, each of which stands for some; `None` and a note if it is wrong.
    pub(super) fn set(
        &self,
        key: &'static str,
        words: &[(&str, &[EcuId])],
        fields: &mut Fields<'_>,
        notes: &mut Notes<'_>,
    ) -> Option<Vec<EcuId>> {
        let Some(value) = fields.raw(key) else {
            fields.missing(key, expected(words), notes);
            return None;
        };
        if let Some((_, ecus)) = words.iter().find(|(word, _)| value.get_ref().as_str() == Some(word)) {
            return Some(ecus.to_vec());
        }
        let Some(entries) = value.get_ref().as_array().filter(|array| !array.is_empty()) else {
            notes.note(value.span(), unlike(value.get_ref(), expected(words)));
            return None;
        };
        let mut ecus: Vec<EcuId> = Vec::new();
        for entry in entries.iter() {
            let Some(ecu) = id(entry, notes).and_then(|id| self.ecu(&id, notes)) else { continue };
            if ecus.contains(&ecu.id()) {
                let found = format!("ECU `{}` is in this list already", ecu.id());
                notes.impossible(entry.span(), found, "each ECU once");
            } else {
                ecus.push(ecu.id());
            }
        }
        (ecus.len() == entries.len()).then_some(ecus)
    }

    /// Every ECU's id.
    pub(super) fn all(&self) -> Vec<EcuId> {
        self.ecus().map(Ecu::id).collect()
    }

    /// The ECUs that keep something on a disk. The Primary always does.
    pub(super) fn with_disk(&self) -> impl Iterator<Item = &'v Ecu> + use<'v> {
        self.ecus().filter(|ecu| *ecu.connection() == Connection::Primary || ecu.hardware().disk().is_some())
    }

    /// The Secondaries.
    pub(super) fn secondaries(&self) -> impl Iterator<Item = &'v Ecu> + use<'v> {
        self.ecus().filter(|ecu| *ecu.connection() != Connection::Primary)
    }

    /// The Primary.
    pub(super) fn primary(&self) -> Option<&'v Ecu> {
        self.ecus().find(|ecu| *ecu.connection() == Connection::Primary)
    }

    /// The Secondaries that are on a CAN bus.
    pub(super) fn on_can(&self) -> impl Iterator<Item = &'v Ecu> + use<'v> {
        self.ecus().filter(|ecu| match ecu.connection() {
            Connection::Can { .. } => true,
            Connection::Ethernet | Connection::Primary => false,
        })
    }

    /// The ECUs that are on Ethernet.
    pub(super) fn on_ethernet(&self) -> impl Iterator<Item = &'v Ecu> + use<'v> {
        self.ecus().filter(|ecu| match ecu.connection() {
            Connection::Ethernet => true,
            Connection::Can { .. } | Connection::Primary => false,
        })
    }

    /// A release of this name, [`FACTORY`] among them; a note, if there is none.
    pub(super) fn has_release(&self, name: &Spanned<Name>, notes: &mut Notes<'_>) -> bool {
        let text = name.get_ref().as_str();
        if text == FACTORY || self.releases.names().any(|known| known == text) {
            return true;
        }
        let known = self.releases.names().chain([FACTORY]).map(str::to_owned).collect();
        notes.note(name.span(), MistakeKind::Unknown { what: "release", found: text.to_owned(), known });
        false
    }

    /// A time before the end; a note, if it is none.
    pub(super) fn moment(&self, key: &'static str, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Moment> {
        let pause = fields.required::<Pause>(key, notes)?;
        if pause.get_ref().0 > self.limit {
            let found = format!("{} is after the end of the scenario", pause.get_ref());
            notes.impossible(pause.span(), found, format!("at most its `limit`, {}", Pause(self.limit)));
        }
        Some(Moment::START + pause.get_ref().0)
    }
}

fn id(value: &Spanned<DeValue<'_>>, notes: &mut Notes<'_>) -> Option<Spanned<EcuId>> {
    EcuId::read(value.get_ref())
        .map(|id| Spanned::new(value.span(), id))
        .map_err(|kind| notes.note(value.span(), kind))
        .ok()
}

fn expected(words: &[(&str, &[EcuId])]) -> String {
    let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
    format!("{} or a list of ECU ids", words.join(", "))
}
