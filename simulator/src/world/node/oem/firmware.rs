//! Images, with bytes that a seed draws.

use std::rc::Rc;

use primary_ecu::machine::transaction::MemberImage;
use uptane::{EcuId, HardwareId, ImageLine, Length, ReleaseCounter, Sha256, TargetNameBuf};

use super::super::Error;
use crate::world::chance::Chance;
use crate::world::description::Name;

/// An image and its bytes.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// What it is called, and which release of which line it is.
    pub image: MemberImage,
    /// The hardware it is for.
    pub hardware: HardwareId,
    /// The bytes.
    pub bytes: Rc<[u8]>,
}

impl Firmware {
    /// The image of a release for one ECU, or for all of a group by the first of them. Each has a line of its own.
    pub(super) fn drawn(
        (ecu, hardware): (EcuId, HardwareId),
        (release, counter): (&Name, u64),
        size: usize,
        chance: &Chance,
    ) -> Result<Self, Error> {
        let mut bytes = vec![0; size];
        chance.split(&format!("image {release} {ecu}")).fill(&mut bytes);
        let image = MemberImage {
            name: TargetNameBuf::parse(&format!("{ecu}/{release}.bin"))?,
            length: Length::new(u64::try_from(size).unwrap_or(u64::MAX))?,
            sha256: Sha256::of(&bytes),
            line: ImageLine::parse(ecu.as_str())?,
            counter: ReleaseCounter::new(counter)?,
        };
        Ok(Self { image, hardware, bytes: bytes.into() })
    }
}
