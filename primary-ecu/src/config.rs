//! What `init` and `provision` leave for `run`: TOML files, each refused when it holds something unknown.
//!
//! The whole data folder is listed in `docs/pouf.md` §20.

use std::path::PathBuf;

use host::provisioning::{Vehicle, VehicleEcu};
use serde::{Deserialize, Serialize};
use uptane::EcuId;

use crate::Error;

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
    /// The folder of the CAN bus, if any Secondary is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<PathBuf>,
    /// Bytes per second below which a download is given up, with the seconds it may last.
    #[serde(default)]
    pub low_speed: LowSpeed,
    /// How each Secondary is reached.
    #[serde(default, rename = "secondary")]
    pub secondaries: Vec<Secondary>,
}

impl Config {
    /// Refuses a way to an ECU the vehicle does not have, and a Secondary there is no way to (§5.4.2).
    pub fn check(&self, vehicle: &Vehicle) -> Result<(), Error> {
        let is_secondary =
            |name: &str| vehicle.ecus.iter().any(|ecu| ecu.ecu.as_str() == name && ecu.ecu != vehicle.primary.ecu);
        if let Some(stranger) = self.secondaries.iter().find(|secondary| !is_secondary(&secondary.ecu)) {
            return Err(Error::UnknownSecondary { ecu: stranger.ecu.clone() });
        }
        let has_way = |ecu: &VehicleEcu| self.secondaries.iter().any(|secondary| secondary.ecu == ecu.ecu.as_str());
        let orphan = vehicle.ecus.iter().find(|ecu| ecu.ecu != vehicle.primary.ecu && !has_way(ecu));
        orphan.map_or(Ok(()), |ecu| Err(Error::UnknownSecondary { ecu: ecu.ecu.to_string() }))
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
    /// `https://host:port`, or `can:classical:REQUEST:RESPONSE`, or `can:fd:REQUEST:RESPONSE`.
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
    },
}

impl Address {
    /// Parses the text of [`Secondary::address`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::BadSecondary { text: text.to_owned() };
        let Some(can) = text.strip_prefix("can:") else {
            return text.starts_with("https://").then(|| Self::Ethernet(text.to_owned())).ok_or_else(wrong);
        };
        let [format, request, response] = can.split(':').collect::<Vec<_>>()[..] else { return Err(wrong()) };
        let fd = match format {
            "classical" => false,
            "fd" => true,
            _ => return Err(wrong()),
        };
        let (request, response) = (number(request).ok_or_else(wrong)?, number(response).ok_or_else(wrong)?);
        Ok(Self::Can { fd, request, response })
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
        assert_eq!(can, Address::Can { fd: true, request: 0x7e0, response: 0x7e8 });
        assert_eq!(Address::parse("can:classical:1:2").unwrap().word(), "can-classical");
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
