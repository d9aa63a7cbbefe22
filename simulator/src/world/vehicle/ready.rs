//! Vehicles that are ready to use, from a desk to a truck.

use super::Vehicle;

/// A vehicle that is part of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its name.
    pub name: &'static str,
    /// Its file, to read or to begin one's own with.
    pub text: &'static str,
}

impl Ready {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [
        Self { name: "2-ecus-workbench", text: include_str!("../../../vehicles/2-ecus-workbench.toml") },
        Self { name: "8-ecus-compact", text: include_str!("../../../vehicles/8-ecus-compact.toml") },
        Self { name: "40-ecus-sedan", text: include_str!("../../../vehicles/40-ecus-sedan.toml") },
        Self { name: "100-ecus-truck", text: include_str!("../../../vehicles/100-ecus-truck.toml") },
    ];

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ready| ready.name == name)
    }

    /// The vehicle; `None` only if its file were wrong, which a test rules out.
    pub fn vehicle(self) -> Option<Vehicle> {
        Vehicle::parse(self.name, self.text).ok()
    }
}
