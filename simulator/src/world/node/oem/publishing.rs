//! How a release is published: its images, and the patches that make them of those before.

use director::desired::Catalogue;
use director::images::catalogue;
use director::store::Store as _;
use uptane::{EcuId, Time};

use super::shared::each_once;
use super::{Error, Firmware, Oem, settled};
use crate::world::scenario::{Image as Planned, Release};

/// An image that is new, and how an ECU gets there from the one before.
struct Made {
    ecu: EcuId,
    firmware: Firmware,
    patch: Option<Firmware>,
}

impl Oem {
    /// Adds the images of a release, and publishes them.
    pub fn publish(&mut self, release: &Release, now: Time) -> Result<(), Error> {
        self.releases = self.releases.saturating_add(1);
        let made: Vec<_> = release.images().iter().map(|image| self.made(image, release)).collect::<Result<_, _>>()?;
        let list = each_once(made.iter().map(|Made { firmware, .. }| firmware));
        self.images.add(&list, &self.keys, now)?;
        self.refresh(now)?;
        for Made { ecu, firmware, patch } in made {
            if let Some(patch) = &patch {
                self.images.put(patch);
                self.tell(patch, &firmware)?;
            }
            self.firmware.insert((ecu, release.name().clone()), firmware);
        }
        Ok(())
    }

    /// An image of a release, and the patch that makes it.
    fn made(&self, image: &Planned, release: &Release) -> Result<Made, Error> {
        let (ecu, hardware) = (image.ecu, self.hardware(image.ecu, release.name())?);
        let lead = self.leads.get(&ecu).copied().unwrap_or(ecu);
        let (of, counted, chance) = ((lead, hardware), (release.name(), self.releases), &self.chance);
        let size = usize::try_from(image.size.0).unwrap_or(usize::MAX);
        let Some((share, before)) = image.changed.zip(self.newest(ecu)) else {
            return Ok(Made { ecu, firmware: Firmware::drawn(of, counted, size, chance)?, patch: None });
        };
        let firmware = Firmware::changed(before, share, of, counted, size, chance)?;
        let patch = firmware.patch(before);
        Ok(Made { ecu, firmware, patch })
    }

    /// The image for an ECU that was published last.
    fn newest(&self, ecu: EcuId) -> Option<&Firmware> {
        let of_ecu = self.firmware.iter().filter(|((of, _), _)| *of == ecu);
        of_ecu.map(|(_, firmware)| firmware).max_by_key(|firmware| firmware.image.counter)
    }

    /// Tells the Director of a patch that makes this image.
    fn tell(&self, patch: &Firmware, makes: &Firmware) -> Result<(), Error> {
        let store = self.director.store();
        let known = settled(store.patches())?;
        if known.1.iter().any(|told| told.named.name == patch.image.name) {
            return Ok(()); // ECUs that share an image share its patch.
        }
        let catalogue = self.catalogue()?;
        let change = director::patch::add(&known, &catalogue, patch.image.name, &patch.bytes, makes.image.name)?;
        settled(store.apply(change))
    }

    /// What the Director may assign, and describe.
    pub(super) fn catalogue(&self) -> Result<Catalogue, Error> {
        let store = self.director.store();
        let ((_, files), (_, patches)) = (settled(store.image())?, settled(store.patches())?);
        Ok(catalogue(&files)?.with_patches(patches))
    }
}
