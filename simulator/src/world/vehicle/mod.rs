//! Vehicles as TOML files: their ECUs, buses, links, and when what has power.
//!
//! A [`Vehicle`] is read once and is then right: there is one Primary, every bus an ECU speaks of is there, no CAN id is
//! used twice on a bus, images and metadata fit the flash. What a file must say, key by key, stands in
//! `docs/simulating.md`; [`ready`] holds vehicles that are ready to use.

mod bus;
mod ecu;
mod flash;
mod group;
mod hardware;
mod link;
mod power;
mod read;
pub mod ready;
mod topology;

pub use bus::Bus;
pub use ecu::{Connection, Ecu, Hears, Verification};
pub use flash::Flash;
pub use group::Group;
pub use hardware::{Controller, Hardware};
pub use link::Link;
pub use power::{PowerState, Supply};
pub use secondary_ecu::flash::Banks;

use uptane::EcuId;

use super::description::{Mistakes, Name};

/// A vehicle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vehicle {
    name: Name,
    about: String,
    cloud: Link,
    ethernet: Option<Link>,
    buses: Vec<Bus>,
    supplies: Vec<Supply>,
    primary: Ecu,
    secondaries: Vec<Ecu>,
}

impl Vehicle {
    /// Reads a vehicle; `file` is the name that mistakes are reported under.
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistakes> {
        read::vehicle(file, text)
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// What its author says of it.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The link between the Primary and the repositories.
    pub fn cloud(&self) -> &Link {
        &self.cloud
    }

    /// The links between the Primary and the ECUs on Ethernet; `None` only if there is no such ECU.
    pub fn ethernet(&self) -> Option<&Link> {
        self.ethernet.as_ref()
    }

    /// Its CAN buses. The Primary is on every one.
    pub fn buses(&self) -> &[Bus] {
        &self.buses
    }

    /// The bus of a name.
    pub fn bus(&self, name: &Name) -> Option<&Bus> {
        self.buses.iter().find(|bus| bus.name() == name)
    }

    /// What feeds the ECUs; empty if all have power in every state but off.
    pub fn supplies(&self) -> &[Supply] {
        &self.supplies
    }

    /// The Primary.
    pub fn primary(&self) -> &Ecu {
        &self.primary
    }

    /// All others, in the order of the file.
    pub fn secondaries(&self) -> &[Ecu] {
        &self.secondaries
    }

    /// The Primary and all others.
    pub fn ecus(&self) -> impl Iterator<Item = &Ecu> + Clone {
        std::iter::once(&self.primary).chain(&self.secondaries)
    }

    /// The ECU of an id.
    pub fn ecu(&self, id: &EcuId) -> Option<&Ecu> {
        self.ecus().find(|ecu| ecu.id() == *id)
    }

    /// The ECUs on a bus, the Primary left out.
    pub fn on_bus(&self, name: &Name) -> impl Iterator<Item = &Ecu> {
        self.secondaries.iter().filter(move |ecu| match ecu.connection() {
            Connection::Can { bus, .. } => bus == name,
            Connection::Ethernet | Connection::Primary => false,
        })
    }
}

/// Buses a vehicle may have.
pub const MAX_BUSES: usize = 32;
/// Kinds of hardware a vehicle may have.
pub const MAX_HARDWARE: usize = uptane::limits::MAX_ECUS;
/// Supplies a vehicle may have.
pub const MAX_SUPPLIES: usize = 16;

#[cfg(test)]
mod tests;
