//! What a vehicle shall install, decided against the verified Image Targets (attack A20).
//!
//! The Director assigns only what the Image repository vouches for, and stops listing an image that left it. An ECU of a
//! single bank is told what it can return to: the image it runs (design D8); one with two banks, of a patch that makes its
//! image of the one it runs. All of this changes the content sequence, so that a version never has two contents.

use std::collections::BTreeMap;

use host::provisioning::Banks;
use uptane::metadata::{NamedDelta, Targets};
use uptane::{EcuId, Sha256, TargetNameBuf};

use crate::Error;
use crate::facts::{Change, Desired, Ecu, Facts, ImageTarget, Installed, Patch, Relisted};

/// The images of the current verified Image Targets, and the patches between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    images: BTreeMap<TargetNameBuf, ImageTarget>,
    /// By the digests of the image each is for and of the one it makes.
    patches: BTreeMap<(Sha256, Sha256), NamedDelta>,
}

impl Catalogue {
    /// The images of Targets, which the caller has verified; no patches.
    pub fn of(targets: &Targets<'_>) -> Result<Self, uptane::Error> {
        let image = |target: uptane::metadata::Target<'_>| {
            let matching = target.matching();
            let image = ImageTarget {
                name: target.name().to_buf(),
                length: target.length(),
                hashes: target.hashes(),
                hardware: matching.hardware_ids().collect(),
                line: matching.line(),
                counter: matching.release_counter(),
            };
            (image.name, image)
        };
        let images = targets.targets().map(|target| target.map(image)).collect::<Result<_, _>>()?;
        Ok(Self { images, patches: BTreeMap::new() })
    }

    /// The same images, with these patches in place of those there were.
    #[must_use]
    pub fn with_patches(self, patches: impl IntoIterator<Item = Patch>) -> Self {
        let by_images = |patch: Patch| ((patch.named.delta.base, patch.makes), patch.named);
        Self { patches: patches.into_iter().map(by_images).collect(), ..self }
    }

    /// The image of this name.
    pub fn find(&self, name: TargetNameBuf) -> Option<&ImageTarget> {
        self.images.get(&name)
    }

    /// The images with this digest.
    pub fn with_digest(&self, sha256: Sha256) -> impl Iterator<Item = &ImageTarget> {
        self.images.values().filter(move |image| image.hashes.sha256() == Some(sha256))
    }

    /// The patch that makes the second image of the first.
    fn patch(&self, base: Sha256, makes: Sha256) -> Option<NamedDelta> {
        self.patches.get(&(base, makes)).copied()
    }

    /// Whether exactly this image is vouched for.
    fn lists(&self, image: &ImageTarget) -> bool {
        self.find(image.name) == Some(image)
    }
}

impl FromIterator<ImageTarget> for Catalogue {
    fn from_iter<I: IntoIterator<Item = ImageTarget>>(images: I) -> Self {
        let images = images.into_iter().map(|image| (image.name, image)).collect();
        Self { images, patches: BTreeMap::new() }
    }
}

/// Assigns images to ECUs: each must be vouched for, run on the ECU's hardware (trap T24) and be no older than what the
/// ECU runs (§5.2.3.1.1).
pub fn assign(facts: &Facts, catalogue: &Catalogue, wanted: &[(EcuId, TargetNameBuf)]) -> Result<Change, Error> {
    let mut desired = BTreeMap::new();
    for (ecu, name) in wanted {
        let ecu = facts.ecu(*ecu).ok_or(Error::UnknownEcu { ecu: *ecu })?;
        let image = catalogue.find(*name).ok_or_else(|| Error::NotInImageRepository { name: name.to_string() })?;
        check_hardware(ecu, image)?;
        check_counter(ecu, image)?;
        let (fallback, delta) = (fallback(ecu, image, catalogue), delta(ecu, image, catalogue));
        let assigned = Desired { image: image.clone(), listed: true, fallback, delta };
        if desired.insert(ecu.id, assigned).is_some() {
            return Err(Error::EcuTwice { ecu: ecu.id });
        }
    }
    let (vehicle, expected) = (facts.vehicle.id, facts.vehicle.content_seq);
    Ok(Change::Assign { vehicle, expected, next: expected.next()?, desired: desired.into_iter().collect() })
}

/// The change that takes images off the list which left the Image repository, and puts those back that returned; and that
/// names to an ECU of a single bank the image it can return to now. One that it no longer takes, as it runs a newer one,
/// must not stay there: the vehicle would refuse the whole file for it (§5.4.4.2 step 10.2.3). An ECU of two banks is told
/// of the patch for what it runs now.
pub fn relist(facts: &Facts, catalogue: &Catalogue) -> Result<Option<Change>, Error> {
    let moved = |ecu: &Ecu| {
        let desired = ecu.desired.as_ref()?;
        let image = &desired.image;
        let (listed, fallback) = (catalogue.lists(image), fallback(ecu, image, catalogue));
        let delta = delta(ecu, image, catalogue);
        let same = (listed, fallback, delta) == (desired.listed, desired.fallback, desired.delta);
        (!same).then_some(Relisted { ecu: ecu.id, listed, fallback, delta })
    };
    let relisted: Vec<_> = facts.ecus.iter().filter_map(moved).collect();
    if relisted.is_empty() {
        return Ok(None);
    }
    let (vehicle, expected) = (facts.vehicle.id, facts.vehicle.content_seq);
    Ok(Some(Change::Relist { vehicle, expected, next: expected.next()?, relisted }))
}

/// What an ECU of a single bank can return to from `image`: what it runs, if it may still run that.
fn fallback(ecu: &Ecu, image: &ImageTarget, catalogue: &Catalogue) -> Option<TargetNameBuf> {
    let installed = match ecu.banks {
        Banks::Single => ecu.installed.as_ref()?,
        Banks::Two => return None,
    };
    let known = catalogue.find(installed.name).filter(|known| known.name != image.name && is_same(known, installed))?;
    (check_hardware(ecu, known).is_ok() && check_counter(ecu, known).is_ok()).then_some(known.name)
}

/// The patch that makes `image` of what an ECU of two banks runs.
///
/// One that it was told of stays while it runs the image already: nothing is fetched for that, and to take it away would be
/// a new version, which every vehicle verifies, after every update.
fn delta(ecu: &Ecu, image: &ImageTarget, catalogue: &Catalogue) -> Option<NamedDelta> {
    let (Banks::Two, Some(installed), Some(makes)) = (ecu.banks, &ecu.installed, image.hashes.sha256()) else {
        return None;
    };
    if installed.sha256 != makes {
        return catalogue.patch(installed.sha256, makes);
    }
    let told = ecu.desired.as_ref().filter(|desired| desired.image == *image)?.delta?;
    catalogue.patch(told.delta.base, makes).filter(|patch| *patch == told)
}

/// Whether a reported image is this one, as far as its digests tell, and not other bytes of its name.
fn is_same(known: &ImageTarget, installed: &Installed) -> bool {
    known.length == installed.length && known.hashes.sha256().is_none_or(|sha256| sha256 == installed.sha256)
}

fn check_hardware(ecu: &Ecu, image: &ImageTarget) -> Result<(), Error> {
    if image.hardware.contains(&ecu.hardware) {
        return Ok(());
    }
    let offered: Vec<_> = image.hardware.iter().map(|id| id.as_str()).collect();
    Err(Error::Hardware { ecu: ecu.id, inventory: Box::new(ecu.hardware), offered: offered.join(", ") })
}

fn check_counter(ecu: &Ecu, image: &ImageTarget) -> Result<(), Error> {
    let Some(installed) = &ecu.installed else { return Ok(()) };
    // Counters of different lines say nothing about one another; an unknown line is taken for the same.
    let same_line = installed.line.is_none_or(|line| line == image.line);
    if same_line && image.counter < installed.counter {
        return Err(Error::CounterLower { ecu: ecu.id, installed: installed.counter, offered: image.counter });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
