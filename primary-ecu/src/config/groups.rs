//! Which Secondaries are brought one image together.

use std::collections::BTreeMap;

use host::provisioning::Vehicle;
use proto::can::Id;
use proto::isotp::Framing;
use uptane::EcuId;

use super::{Address, Config, Hears};
use crate::Error;
use crate::can::broadcast::{Group, MAX_MEMBERS};

impl Config {
    /// The groups of Secondaries that hear the same CAN id, in the order of the file. Refused are those that could not take
    /// one image in one kind of frames, and answers that could be anybody else's words.
    pub(crate) fn groups(&self, vehicle: &Vehicle) -> Result<Vec<Group>, Error> {
        let mut groups = Vec::<Group>::new();
        for secondary in &self.secondaries {
            let Address::Can { fd, hears: Some(Hears { broadcast, answer }), .. } = Address::parse(&secondary.address)?
            else {
                continue;
            };
            let bad = |why| Error::BadGroup { ecu: secondary.ecu.clone(), broadcast, why };
            self.check_ids(&secondary.ecu, broadcast, answer).map_err(bad)?;
            let framing = if fd { Framing::FD } else { Framing::CLASSICAL };
            let (id, answer, ecu) = (id(broadcast)?, id(answer)?, EcuId::parse(&secondary.ecu)?);
            let group = match groups.iter_mut().find(|group| group.id == id) {
                Some(group) => group,
                None => {
                    groups.push(Group { framing, id, answers: BTreeMap::new() });
                    let Some(group) = groups.last_mut() else { continue };
                    group
                }
            };
            let first = group.answers.keys().next().copied().unwrap_or(ecu);
            let why = match group.answers.len() {
                _ if group.framing != framing => Some("its frames have another format"),
                _ if hardware(vehicle, first) != hardware(vehicle, ecu) => Some("it is other hardware"),
                MAX_MEMBERS.. => Some("there are too many"),
                _ => None,
            };
            why.map_or(Ok(()), |why| Err(bad(why)))?;
            group.answers.insert(ecu, answer);
        }
        Ok(groups)
    }

    /// What the Primary hears on an id must be of one ECU, and on what all hear nobody else may speak.
    fn check_ids(&self, ecu: &str, broadcast: u32, answer: u32) -> Result<(), &'static str> {
        for other in &self.secondaries {
            let Ok(Address::Can { request, response, hears, .. }) = Address::parse(&other.address) else { continue };
            if [request, response].contains(&broadcast) || hears.is_some_and(|hears| hears.answer == broadcast) {
                return Err("a Secondary has that id for itself");
            }
            let is_other = other.ecu != ecu && hears.is_some_and(|hears| hears.answer == answer);
            if is_other || [request, response].contains(&answer) {
                return Err("its answers have the id of something else");
            }
        }
        Ok(())
    }
}

fn hardware(vehicle: &Vehicle, ecu: EcuId) -> Option<uptane::HardwareId> {
    vehicle.ecus.iter().find(|known| known.ecu == ecu).map(|known| known.hardware)
}

/// The id of a number: of 11 bits if it fits.
pub(crate) fn id(raw: u32) -> Result<Id, Error> {
    let standard = u16::try_from(raw).ok().and_then(|raw| Id::standard(raw).ok());
    let bad = |_| Error::BadSecondary { text: format!("CAN identifier {raw:#x}") };
    standard.map_or_else(|| Id::extended(raw).map_err(bad), Ok)
}

#[cfg(test)]
mod tests {
    use host::provisioning::{Banks, Primary, VehicleEcu};
    use proto::secondary::Verification;
    use uptane::sign::{MemorySigner, Signer as _};
    use uptane::{HardwareId, VehicleId};

    use super::*;
    use crate::config::Secondary;

    /// A vehicle with doors that are at these addresses; one called `seat` is other hardware.
    fn groups(addresses: &[(&str, &str)]) -> Result<Vec<Group>, Error> {
        let key = MemorySigner::from_seed(&[1; 32]).public_key();
        let ecu = |name: &str| VehicleEcu {
            ecu: EcuId::parse(name).unwrap(),
            hardware: HardwareId::parse(if name == "seat" { "seat" } else { "door" }).unwrap(),
            verification: Verification::PartialPlus,
            banks: Banks::Two,
            key: key.clone(),
        };
        let primary = Primary { ecu: EcuId::parse("gateway").unwrap(), key: key.clone() };
        let ecus = addresses.iter().map(|(name, _)| ecu(name)).collect();
        let vehicle = Vehicle { id: VehicleId([1; 16]), primary, ecus };
        let secondaries =
            addresses.iter().map(|(name, address)| Secondary::parse(&format!("{name}={address}")).unwrap());
        let mut config: Config = serde_json::from_str("{}").unwrap();
        config.secondaries = secondaries.collect();
        config.groups(&vehicle)
    }

    const LEFT: (&str, &str) = ("left", "can:classical:0x720:0x728:0x7a5:0x7b0");

    /// Why a second door is not in the group of the first.
    fn why(name: &str, address: &str) -> &'static str {
        let Err(Error::BadGroup { why, broadcast, .. }) = groups(&[LEFT, (name, address)]) else { panic!("no error") };
        assert!(broadcast == 0x7a5 || broadcast == 0x720);
        why
    }

    #[test]
    fn like_secondaries_that_hear_one_id_are_a_group_and_others_are_in_none() {
        let right = ("right", "can:classical:0x721:0x729:0x7a5:0x7b1");
        let [group] = groups(&[LEFT, right, ("seat", "can:fd:0x722:0x72a")]).unwrap().try_into().unwrap();
        let answers: Vec<_> = group.answers.iter().map(|(ecu, answer)| (ecu.as_str(), answer.raw())).collect();
        assert_eq!((group.id.raw(), group.framing), (0x7a5, Framing::CLASSICAL));
        assert_eq!(answers, [("left", 0x7b0), ("right", 0x7b1)]);
        assert_eq!(groups(&[("left", "can:classical:0x720:0x728")]).unwrap(), []);
    }

    #[test]
    fn what_could_not_be_heard_together_is_refused_by_name() {
        assert_eq!(why("right", "can:fd:0x721:0x729:0x7a5:0x7b1"), "its frames have another format");
        assert_eq!(why("seat", "can:classical:0x721:0x729:0x7a5:0x7b1"), "it is other hardware");
        assert_eq!(why("right", "can:classical:0x721:0x729:0x7a5:0x7b0"), "its answers have the id of something else");
        assert_eq!(why("right", "can:classical:0x721:0x729:0x7a5:0x728"), "its answers have the id of something else");
        assert_eq!(why("right", "can:classical:0x7a5:0x729"), "a Secondary has that id for itself");
        assert_eq!(why("right", "can:classical:0x721:0x729:0x720:0x7b1"), "a Secondary has that id for itself");
    }
}
