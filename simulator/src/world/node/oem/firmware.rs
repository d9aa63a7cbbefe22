//! Images, with bytes that a seed draws, and patches between them.

use std::rc::Rc;

use primary_ecu::machine::transaction::MemberImage;
use uptane::{EcuId, HardwareId, ImageLine, Length, ReleaseCounter, Sha256, TargetNameBuf};

use super::super::Error;
use crate::world::chance::{Chance, PerBillion};
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
        bytes_of(release, ecu, chance).fill(&mut bytes);
        Self::of((ecu, hardware), (release, counter), bytes)
    }

    /// The same, but that it is the image `before` with this share of its bytes replaced, in pieces that also move what
    /// follows them. Its end is new where it is longer.
    pub(super) fn changed(
        before: &Self,
        share: PerBillion,
        (ecu, hardware): (EcuId, HardwareId),
        (release, counter): (&Name, u64),
        size: usize,
        chance: &Chance,
    ) -> Result<Self, Error> {
        let mut chance = bytes_of(release, ecu, chance);
        let mut bytes = before.bytes.to_vec();
        for _ in 0..pieces(bytes.len().min(size), share) {
            let mut piece = [0; PIECE];
            chance.fill(&mut piece);
            let at = usize::try_from(chance.below(u64::try_from(bytes.len()).unwrap_or(u64::MAX))).unwrap_or_default();
            bytes.splice(at..bytes.len().min(at + REPLACED), piece);
        }
        let told = bytes.len().min(size);
        bytes.resize(size, 0);
        chance.fill(bytes.get_mut(told..).unwrap_or_default());
        Self::of((ecu, hardware), (release, counter), bytes)
    }

    /// The patch that makes it of an image, if that is shorter than it is itself.
    pub(super) fn patch(&self, before: &Self) -> Option<Firmware> {
        // One that cannot be made is one that nobody publishes.
        let bytes = image_repo::delta::make(&before.bytes, &self.bytes).ok()?;
        let name = TargetNameBuf::parse(&format!("{}.patch", self.image.name)).ok()?;
        let length = Length::new(u64::try_from(bytes.len()).ok()?).ok()?;
        let image = MemberImage { name, length, sha256: Sha256::of(&bytes), ..self.image };
        (length < self.image.length).then(|| Self { image, hardware: self.hardware, bytes: bytes.into() })
    }

    fn of(
        (ecu, hardware): (EcuId, HardwareId),
        (release, counter): (&Name, u64),
        bytes: Vec<u8>,
    ) -> Result<Self, Error> {
        let image = MemberImage {
            name: TargetNameBuf::parse(&format!("{ecu}/{release}.bin"))?,
            length: Length::new(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?,
            sha256: Sha256::of(&bytes),
            line: ImageLine::parse(ecu.as_str())?,
            counter: ReleaseCounter::new(counter)?,
        };
        Ok(Self { image, hardware, bytes: bytes.into() })
    }
}

/// What the bytes of an image are drawn from.
fn bytes_of(release: &Name, ecu: EcuId, chance: &Chance) -> Chance {
    chance.split(&format!("image {release} {ecu}"))
}

/// In how many pieces this share of so many bytes is replaced.
fn pieces(length: usize, share: PerBillion) -> usize {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    let replaced = u128::from(length) * u128::from(share.billionths()) / 1_000_000_000;
    usize::try_from(replaced).unwrap_or(usize::MAX).div_ceil(PIECE)
}

/// Bytes that come into an image at one place, and those that they replace.
const PIECE: usize = 16;
const REPLACED: usize = 12;
