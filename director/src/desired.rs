//! What a vehicle shall install, decided against the verified Image Targets (attack A20).
//!
//! The Director assigns only what the Image repository vouches for, and stops listing an image that left it. Both change
//! the content sequence, so that a version never has two contents.

use std::collections::BTreeMap;

use uptane::metadata::Targets;
use uptane::{EcuId, TargetNameBuf};

use crate::Error;
use crate::facts::{Change, Ecu, Facts, ImageTarget};

/// The images of the current verified Image Targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue(BTreeMap<TargetNameBuf, ImageTarget>);

impl Catalogue {
    /// The images of Targets, which the caller has verified.
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
        targets.targets().map(|target| target.map(image)).collect::<Result<_, _>>().map(Self)
    }

    /// The image of this name.
    pub fn find(&self, name: TargetNameBuf) -> Option<&ImageTarget> {
        self.0.get(&name)
    }

    /// Whether exactly this image is vouched for.
    fn lists(&self, image: &ImageTarget) -> bool {
        self.find(image.name) == Some(image)
    }
}

impl FromIterator<ImageTarget> for Catalogue {
    fn from_iter<I: IntoIterator<Item = ImageTarget>>(images: I) -> Self {
        Self(images.into_iter().map(|image| (image.name, image)).collect())
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
        if desired.insert(ecu.id, image.clone()).is_some() {
            return Err(Error::EcuTwice { ecu: ecu.id });
        }
    }
    let (vehicle, expected) = (facts.vehicle.id, facts.vehicle.content_seq);
    Ok(Change::Assign { vehicle, expected, next: expected.next()?, desired: desired.into_iter().collect() })
}

/// The change that takes images off the list which left the Image repository, and puts those back that returned.
pub fn relist(facts: &Facts, catalogue: &Catalogue) -> Result<Option<Change>, Error> {
    let moved = |ecu: &Ecu| {
        let desired = ecu.desired.as_ref()?;
        let listed = catalogue.lists(&desired.image);
        (listed != desired.listed).then_some((ecu.id, listed))
    };
    let listed: Vec<_> = facts.ecus.iter().filter_map(moved).collect();
    if listed.is_empty() {
        return Ok(None);
    }
    let (vehicle, expected) = (facts.vehicle.id, facts.vehicle.content_seq);
    Ok(Some(Change::Relist { vehicle, expected, next: expected.next()?, listed }))
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
mod tests {
    use super::*;
    use crate::testing::{self, ecu_id, image};
    use uptane::ImageLine;

    fn catalogue() -> Catalogue {
        [image(0), image(1), image(2), image(3)].into_iter().collect()
    }

    fn wanted(ecu: &str, release: u64) -> [(EcuId, TargetNameBuf); 1] {
        [(ecu_id(ecu), image(release).name)]
    }

    #[test]
    fn an_assignment_is_the_image_repositorys_own_words() {
        let facts = testing::facts();
        let Ok(Change::Assign { expected, next, desired, .. }) = assign(&facts, &catalogue(), &wanted("brake", 3))
        else {
            panic!("refused");
        };
        assert_eq!(desired, [(ecu_id("brake"), image(3))]);
        assert_eq!((expected.get(), next.get()), (5, 6));
    }

    #[test]
    fn what_the_image_repository_lacks_is_not_assigned() {
        let refused = assign(&testing::facts(), &catalogue(), &wanted("brake", 9));
        assert!(matches!(refused, Err(Error::NotInImageRepository { .. })), "{refused:?}");
    }

    #[test]
    fn an_image_for_other_hardware_is_not_assigned() {
        let refused = assign(&testing::facts(), &catalogue(), &wanted("primary", 3));
        assert!(matches!(refused, Err(Error::Hardware { .. })), "{refused:?}");
    }

    #[test]
    fn an_older_release_is_not_assigned_and_the_same_may_be() {
        let refused = assign(&testing::facts(), &catalogue(), &wanted("brake", 0));
        assert!(matches!(refused, Err(Error::CounterLower { .. })), "{refused:?}");
        assign(&testing::facts(), &catalogue(), &wanted("brake", 1)).unwrap();
    }

    #[test]
    fn counters_of_another_line_say_nothing() {
        let other = ImageTarget { line: ImageLine::parse("other").unwrap(), ..image(0) };
        assign(&testing::facts(), &[other].into_iter().collect(), &wanted("brake", 0)).unwrap();
    }

    #[test]
    fn one_ecu_gets_one_image() {
        let twice = [(ecu_id("brake"), image(2).name), (ecu_id("brake"), image(3).name)];
        let refused = assign(&testing::facts(), &catalogue(), &twice);
        assert!(matches!(refused, Err(Error::EcuTwice { .. })), "{refused:?}");
        let refused = assign(&testing::facts(), &catalogue(), &wanted("stranger", 3));
        assert!(matches!(refused, Err(Error::UnknownEcu { .. })), "{refused:?}");
    }

    #[test]
    fn an_image_that_leaves_is_taken_off_the_list_and_returns_with_it() {
        let mut facts = testing::facts();
        assert_eq!(relist(&facts, &catalogue()).unwrap(), None);

        let Some(Change::Relist { listed, .. }) = relist(&facts, &Catalogue::default()).unwrap() else {
            panic!("still listed");
        };
        assert_eq!(listed, [(ecu_id("brake"), false)]);

        facts.ecus[0].desired.as_mut().unwrap().listed = false;
        let Some(Change::Relist { listed, .. }) = relist(&facts, &catalogue()).unwrap() else {
            panic!("not back");
        };
        assert_eq!(listed, [(ecu_id("brake"), true)]);
    }

    #[test]
    fn other_bytes_under_the_same_name_are_another_image() {
        let other = ImageTarget { hashes: uptane::Hashes::of(b"other"), ..image(2) };
        let change = relist(&testing::facts(), &[other].into_iter().collect()).unwrap();
        assert!(matches!(change, Some(Change::Relist { .. })));
    }
}
