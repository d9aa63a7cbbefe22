//! Images that all ECUs of a group take.

use std::collections::BTreeMap;

use uptane::EcuId;

use super::Firmware;
use crate::world::vehicle::{Group, Vehicle};

/// For every ECU of a group, the first one of it.
pub(super) fn leads(vehicle: &Vehicle) -> BTreeMap<EcuId, EcuId> {
    let groups = vehicle.groups();
    let of_group = |group: &Group| {
        let lead = group.members.first().map(|(ecu, _)| *ecu);
        group.members.iter().filter_map(|(ecu, _)| Some((*ecu, lead?))).collect::<Vec<_>>()
    };
    groups.iter().flat_map(of_group).collect()
}

/// The images, one that several ECUs take once.
pub(super) fn each_once<'f>(all: impl Iterator<Item = &'f Firmware>) -> Vec<&'f Firmware> {
    let mut once = Vec::<&Firmware>::new();
    for firmware in all {
        if !once.iter().any(|known| known.image.sha256 == firmware.image.sha256) {
            once.push(firmware);
        }
    }
    once
}
