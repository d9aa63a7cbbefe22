//! When ECUs have power: the states of a vehicle, and the supplies that are on in them.

use toml::Spanned;

use crate::world::description::{Fields, Name, Notes, Word};

/// A state of the vehicle, as far as power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PowerState {
    /// Parked, and its traction battery is being charged.
    Charging,
    /// Ready to drive, or driving.
    Driving,
    /// The battery is disconnected: nothing has power.
    Off,
    /// Parked and locked.
    Parked,
}

impl PowerState {
    /// Every state in which anything can have power.
    pub const LIVE: [Self; 3] = [Self::Charging, Self::Driving, Self::Parked];
}

impl Word for PowerState {
    const WHAT: &'static str = "power state";
    const WORDS: &'static [(Self, &'static str)] =
        &[(Self::Charging, "charging"), (Self::Driving, "driving"), (Self::Off, "off"), (Self::Parked, "parked")];
}

impl std::fmt::Display for PowerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What feeds ECUs: on in some states of the vehicle, but never when it is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    name: Option<Name>,
    on: Vec<PowerState>,
}

impl Supply {
    /// On in every state but off: what feeds ECUs of a file that names no supply.
    pub(super) fn permanent() -> Self {
        Self { name: None, on: PowerState::LIVE.to_vec() }
    }

    /// Reads a `[[supply]]`.
    pub(super) fn read(name: &Name, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let listed: Option<Vec<Spanned<PowerState>>> = fields.list("on", notes);
        let Some(listed) = listed.filter(|listed| !listed.is_empty()) else {
            fields.missing("on", "the states it is on in, such as [\"driving\", \"charging\"]".to_owned(), notes);
            return None;
        };
        for state in listed.iter().filter(|state| *state.get_ref() == PowerState::Off) {
            let found = format!("supply `{name}` cannot be on while the vehicle is off");
            notes.impossible(state.span(), found, "a state with the battery connected: charging, driving, parked");
        }
        let on = PowerState::LIVE.into_iter().filter(|live| listed.iter().any(|state| state.get_ref() == live));
        Some(Self { name: Some(name.clone()), on: on.collect() })
    }

    /// Its name; `None` for the permanent one of a file that names none.
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// Whether it is on in `state`.
    pub fn is_on(&self, state: PowerState) -> bool {
        self.on.contains(&state)
    }

    /// The states it is on in.
    pub fn states(&self) -> &[PowerState] {
        &self.on
    }
}
