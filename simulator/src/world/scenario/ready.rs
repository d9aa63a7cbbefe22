//! Scenarios that are ready to use.

use super::Scenario;
use crate::world::vehicle;

/// A scenario that is part of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its name.
    pub name: &'static str,
    /// Its file, to read or to begin one's own with.
    pub text: &'static str,
}

impl Ready {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self { name: "happy-path", text: include_str!("../../../scenarios/happy-path.toml") },
        Self { name: "default-mix", text: include_str!("../../../scenarios/default-mix.toml") },
        Self { name: "lossy-links", text: include_str!("../../../scenarios/lossy-links.toml") },
        Self { name: "power-cuts", text: include_str!("../../../scenarios/power-cuts.toml") },
        Self { name: "bus-errors", text: include_str!("../../../scenarios/bus-errors.toml") },
        Self { name: "key-rotation", text: include_str!("../../../scenarios/key-rotation.toml") },
        Self { name: "two-campaigns", text: include_str!("../../../scenarios/two-campaigns.toml") },
        Self { name: "delta", text: include_str!("../../../scenarios/delta.toml") },
        Self { name: "hundred-ecus", text: include_str!("../../../scenarios/hundred-ecus.toml") },
    ];

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ready| ready.name == name)
    }

    /// The scenario, with its ready vehicle; `None` only if its file were wrong, which a test rules out.
    pub fn scenario(self) -> Option<Scenario> {
        let vehicle = |name: &str| {
            vehicle::ready::Ready::named(name).and_then(vehicle::ready::Ready::vehicle).ok_or_else(String::new)
        };
        Scenario::parse(self.name, self.text, vehicle).ok()
    }
}
