//! What `init` and `provision` leave for `run`: TOML files, each refused when it holds something unknown.
//!
//! The whole data folder is listed in `docs/pouf.md` §20.

mod groups;

use std::num::{NonZeroU8, NonZeroU32};

use host::can::Place;
use host::provisioning::{Vehicle, VehicleEcu};
use proto::can::{BitRates, Rate};
use serde::{Deserialize, Serialize};
use uptane::EcuId;

use crate::Error;

pub(crate) use groups::id;

/// `ecu.toml`: what this ECU is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ecu {
    /// Its id.
    pub ecu: String,
    /// What it is.
    pub hardware_id: String,
}

/// `config.toml`: how the ECUs of the vehicle are reached. Where the repositories are stands in `mapping.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The CAN bus, if any Secondary is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<Place>,
    /// How much of it updates may take; all of it if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_budget: Option<CanBudget>,
    /// Bytes per second below which a download is given up, with the seconds it may last.
    #[serde(default)]
    pub low_speed: LowSpeed,
    /// How each Secondary is reached.
    #[serde(default, rename = "secondary")]
    pub secondaries: Vec<Secondary>,
}

impl Config {
    /// Refuses a way to an ECU the vehicle does not have, a Secondary there is no way to (§5.4.2), and one that could not hear
    /// with the others of its group.
    pub fn check(&self, vehicle: &Vehicle) -> Result<(), Error> {
        let is_secondary =
            |name: &str| vehicle.ecus.iter().any(|ecu| ecu.ecu.as_str() == name && ecu.ecu != vehicle.primary.ecu);
        if let Some(stranger) = self.secondaries.iter().find(|secondary| !is_secondary(&secondary.ecu)) {
            return Err(Error::UnknownSecondary { ecu: stranger.ecu.clone() });
        }
        let has_way = |ecu: &VehicleEcu| self.secondaries.iter().any(|secondary| secondary.ecu == ecu.ecu.as_str());
        let orphan = vehicle.ecus.iter().find(|ecu| ecu.ecu != vehicle.primary.ecu && !has_way(ecu));
        orphan.map_or(Ok(()), |ecu| Err(Error::UnknownSecondary { ecu: ecu.ecu.to_string() }))?;
        self.groups(vehicle).map(drop)
    }
}

/// How much of the CAN bus updates may take, and how fast that is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CanBudget {
    /// Share of the time of the bus, stuff bits and the pauses between frames included.
    pub percent: Percent,
    /// Bits per second, of arbitration and of classical frames.
    #[serde(default = "nominal")]
    pub bit_rate: NonZeroU32,
    /// Bits per second in the data phase of FD frames.
    #[serde(default = "data")]
    pub data_bit_rate: NonZeroU32,
}

fn nominal() -> NonZeroU32 {
    BitRates::COMMON.of(Rate::Nominal)
}

fn data() -> NonZeroU32 {
    BitRates::COMMON.of(Rate::Data)
}

/// 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(NonZeroU8);

impl Percent {
    /// The number.
    pub fn get(self) -> u8 {
        self.0.get()
    }
}

impl TryFrom<u8> for Percent {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        let percent = NonZeroU8::new(number).filter(|percent| percent.get() <= 100);
        percent.map(Self).ok_or(Error::BadPercent { number })
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.get()
    }
}

/// The slow-retrieval limit (§5.4.2.4, attack A3).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowSpeed {
    /// Bytes per second.
    pub bytes_per_second: u64,
    /// For how long.
    pub seconds: u64,
}

impl Default for LowSpeed {
    fn default() -> Self {
        Self { bytes_per_second: 1_024, seconds: 30 }
    }
}

/// One `[[secondary]]` of `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secondary {
    /// Its id.
    pub ecu: String,
    /// `https://host:port`, or `can:classical:REQUEST:RESPONSE`, or `can:fd:REQUEST:RESPONSE`; on CAN also with
    /// `:BROADCAST:ANSWER`.
    pub address: String,
}

/// How a Secondary is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// gRPC at this URL.
    Ethernet(String),
    /// UDS over ISO-TP on the bus.
    Can {
        /// Whether frames are CAN FD.
        fd: bool,
        /// The id it listens to.
        request: u32,
        /// The id it answers with.
        response: u32,
        /// How it hears images together with others, if it does.
        hears: Option<Hears>,
    },
}

/// How a Secondary hears images together with the others that have the same broadcast id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hears {
    /// The id of what the Primary says to all of them.
    pub broadcast: u32,
    /// The id it answers to that with.
    pub answer: u32,
}

impl Address {
    /// Parses the text of [`Secondary::address`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::BadSecondary { text: text.to_owned() };
        let Some(can) = text.strip_prefix("can:") else {
            return text.starts_with("https://").then(|| Self::Ethernet(text.to_owned())).ok_or_else(wrong);
        };
        let (format, ids) = can.split_once(':').ok_or_else(wrong)?;
        let ids = ids.split(':').map(number).collect::<Option<Vec<_>>>().ok_or_else(wrong)?;
        let fd = match format {
            "classical" => false,
            "fd" => true,
            _ => return Err(wrong()),
        };
        match ids[..] {
            [request, response] => Ok(Self::Can { fd, request, response, hears: None }),
            [request, response, broadcast, answer] => {
                Ok(Self::Can { fd, request, response, hears: Some(Hears { broadcast, answer }) })
            }
            _ => Err(wrong()),
        }
    }

    /// The word for it in `status`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ethernet(_) => "grpc",
            Self::Can { fd: false, .. } => "can-classical",
            Self::Can { fd: true, .. } => "can-fd",
        }
    }
}

impl Secondary {
    /// Parses `ECU=ADDRESS` from the command line.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::BadSecondary { text: text.to_owned() };
        let (ecu, address) = text.split_once('=').ok_or_else(wrong)?;
        EcuId::parse(ecu).map_err(|_| wrong())?;
        Address::parse(address)?;
        Ok(Self { ecu: ecu.to_owned(), address: address.to_owned() })
    }
}

/// A CAN id, in hex with `0x` or in decimal.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_address_is_read() {
        let ethernet = Address::parse("https://127.0.0.1:9000").unwrap();
        assert_eq!(ethernet, Address::Ethernet("https://127.0.0.1:9000".into()));
        let can = Address::parse("can:fd:0x7e0:2024").unwrap();
        assert_eq!(can, Address::Can { fd: true, request: 0x7e0, response: 0x7e8, hears: None });
        let can = Address::parse("can:fd:1:2:0x7a5:4").unwrap();
        let hears = Some(Hears { broadcast: 0x7a5, answer: 4 });
        assert_eq!(can, Address::Can { fd: true, request: 1, response: 2, hears });
        assert_eq!(Address::parse("can:classical:1:2").unwrap().word(), "can-classical");
    }

    #[test]
    fn a_bus_is_an_interface_or_a_folder_and_may_have_a_budget() {
        let config: Config = serde_json::from_str(r#"{"can":"can0","can_budget":{"percent":30}}"#).unwrap();
        assert_eq!(config.can, Some(Place::Interface("can0".into())));
        let budget = config.can_budget.unwrap();
        assert_eq!((budget.percent.get(), budget.bit_rate.get(), budget.data_bit_rate.get()), (30, 500_000, 2_000_000));
        let config: Config = serde_json::from_str(r#"{"can":"/run/can"}"#).unwrap();
        assert_eq!(config.can, Some(Place::Folder("/run/can".into())));
        assert!(config.can_budget.is_none());
    }

    #[test]
    fn a_share_of_nothing_or_of_more_than_all_is_refused() {
        for percent in [0, 101] {
            assert!(Percent::try_from(percent).is_err());
        }
        assert!(serde_json::from_str::<CanBudget>(r#"{"percent":0}"#).is_err());
    }

    #[test]
    fn what_is_no_address_is_named() {
        for text in ["", "http://insecure", "can:", "can:fast:1:2", "can:fd:1", "can:fd:x:2", "can:fd:1:2:3"] {
            assert!(matches!(Address::parse(text), Err(Error::BadSecondary { .. })), "{text}");
        }
        assert!(matches!(Secondary::parse("no-address"), Err(Error::BadSecondary { .. })));
        assert!(Secondary::parse("brake=https://[::1]:1").is_ok());
    }
}
