//! Do the repositories that the mapping asks vouch for what the Director chose? (§5.2.6, §5.4.4.2)

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::delegation::Wanted;
use super::image::{ListedImage, Permits, sealed};
use super::kind::TargetsFile;
use super::{Mapping, Verified};
use crate::metadata::{EcuEntry, NamedDelta, Target};
use crate::{
    Director, EcuId, Error, HardwareId, Image, ImageLine, ReleaseCounter, RepositoryName, RoleName, TargetName,
};

/// What both repositories vouch for: an image for each ECU the Director named.
#[derive(Debug, PartialEq, Eq)]
pub struct Approved(Vec<ApprovedEntry>);

impl Approved {
    /// One entry for each ECU, sorted by the image's name, then by ECU.
    pub fn entries(&self) -> &[ApprovedEntry] {
        &self.0
    }

    /// What is for one ECU.
    pub fn entry(&self, ecu: EcuId) -> Option<&ApprovedEntry> {
        self.0.iter().find(|entry| entry.ecu == ecu)
    }
}

/// What one ECU is to run.
#[derive(Debug, PartialEq, Eq)]
pub struct ApprovedEntry {
    ecu: EcuId,
    hardware_id: HardwareId,
    order: Option<u32>,
    repository: RepositoryName,
    image: ApprovedImage,
    fallback: Option<ApprovedImage>,
    delta: Option<NamedDelta>,
}

impl ApprovedEntry {
    /// The ECU.
    pub fn ecu(&self) -> EcuId {
        self.ecu
    }

    /// What the Director says that ECU is; the image runs on it.
    pub fn hardware_id(&self) -> HardwareId {
        self.hardware_id
    }

    /// When it is its turn to activate; lower ones come first.
    pub fn order(&self) -> Option<u32> {
        self.order
    }

    /// An Image repository that vouches for the image: where to fetch it.
    pub fn repository(&self) -> RepositoryName {
        self.repository
    }

    /// The image.
    pub fn image(&self) -> &ApprovedImage {
        &self.image
    }

    /// The image to return to where there is no second bank (design D8).
    pub fn fallback(&self) -> Option<&ApprovedImage> {
        self.fallback.as_ref()
    }

    /// The patch that makes the image, if the Director describes one. Nobody else vouches for it: what it makes is held
    /// to [`ApprovedEntry::image`].
    pub fn delta(&self) -> Option<&NamedDelta> {
        self.delta.as_ref()
    }
}

/// An image both repositories vouch for: evidence that lets an image in ([`ImageCheck`](super::image::ImageCheck)).
#[derive(Debug, PartialEq, Eq)]
pub struct ApprovedImage(ListedImage);

impl ApprovedImage {
    fn of(target: &Target<'_>) -> Self {
        let matching = target.matching();
        Self(ListedImage {
            name: target.name().to_buf(),
            length: target.length(),
            hashes: target.hashes(),
            line: matching.line(),
            release_counter: matching.release_counter(),
        })
    }
}

impl sealed::Sealed for ApprovedImage {}

impl Permits for ApprovedImage {
    fn image(&self) -> &ListedImage {
        &self.0
    }
}

/// The verified Targets of an Image repository, by the name it has in the mapping.
pub type Vouching<'a> = (RepositoryName, Verified<'a, Image, TargetsFile>);

/// Approves what the Director says to the whole vehicle, if for every image of it those repositories say the same that
/// the mapping asks (§5.2.6; §5.4.4.2 step 10, as a Primary must). A repository that is not among `images` says nothing.
/// `accepted` is the highest release this vehicle ever accepted for an ECU in an image line, zero for none; it outlives
/// metadata (trap T5).
pub fn agree(
    mapping: &Mapping,
    director: &Verified<'_, Director, TargetsFile>,
    images: &[Vouching<'_>],
    accepted: impl Fn(EcuId, ImageLine) -> ReleaseCounter,
) -> Result<Approved, Error> {
    approve(mapping, director, images, |_| true, accepted)
}

/// As [`agree`], for what the Director says to one ECU, which is this hardware: all a Secondary needs.
/// [`Error::NothingForThisEcu`] if it says nothing.
pub fn agree_for(
    ecu: EcuId,
    hardware: HardwareId,
    mapping: &Mapping,
    director: &Verified<'_, Director, TargetsFile>,
    images: &[Vouching<'_>],
    accepted: impl Fn(ImageLine) -> ReleaseCounter,
) -> Result<ApprovedEntry, Error> {
    let own = |entry: &EcuEntry| entry.ecu == ecu;
    let Approved(mut entries) = approve(mapping, director, images, own, |_, line| accepted(line))?;
    let entry = entries.pop().ok_or(Error::NothingForThisEcu)?;
    // §5.4.3.4 step 2: the image runs on what the Director takes this ECU for, which must be what it is.
    match entry.hardware_id == hardware {
        true => Ok(entry),
        false => Err(Error::Hardware),
    }
}

fn approve(
    mapping: &Mapping,
    director: &Verified<'_, Director, TargetsFile>,
    images: &[Vouching<'_>],
    concerns: impl Fn(&EcuEntry) -> bool,
    accepted: impl Fn(EcuId, ImageLine) -> ReleaseCounter,
) -> Result<Approved, Error> {
    let chosen = chosen(director, concerns)?;
    let listed = images.iter().map(|(name, image)| Ok((*name, Listed::of(image, &chosen)?)));
    let panel = Panel { mapping, listed: listed.collect::<Result<_, Error>>()? };
    let mut approved = Vec::new();
    for (target, entries) in &chosen {
        for entry in entries {
            approved.push(approve_entry(entry, target, &panel, |line| accepted(entry.ecu, line))?);
        }
    }
    Ok(Approved(approved))
}

/// Those who are asked.
struct Panel<'a> {
    mapping: &'a Mapping,
    listed: Vec<(RepositoryName, Listed<'a>)>,
}

impl<'a> Panel<'a> {
    /// What is to be believed of an image for this hardware, and whose word it is.
    fn vouched(
        &self,
        name: TargetName<'_>,
        hardware: HardwareId,
        chosen: Option<&Target<'a>>,
    ) -> Result<(RepositoryName, Target<'a>), Error> {
        let says = |repository: RepositoryName| {
            let listed = self.listed.iter().find(|(known, _)| *known == repository);
            let (_, listed) = listed.ok_or(Error::NotInImageRepository)?;
            listed.find(name, hardware)
        };
        self.mapping.decide(name, chosen, says)
    }
}

/// The images the Director chose for the ECUs that concern us.
pub(super) fn chosen<'a>(
    director: &Verified<'a, Director, TargetsFile>,
    concerns: impl Fn(&EcuEntry) -> bool,
) -> Result<Vec<(Target<'a>, Vec<EcuEntry>)>, Error> {
    let mut chosen = Vec::new();
    for target in director.view().targets() {
        let target = target?;
        let entries: Vec<_> = target.ecus().filter(&concerns).collect();
        if !entries.is_empty() {
            chosen.push((target, entries));
        }
    }
    Ok(chosen)
}

/// What to ask the Image repository for: each image for the hardware it is to run on, and each it would return to.
pub(super) fn wanted(chosen: &[(Target<'_>, Vec<EcuEntry>)]) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    for (target, entries) in chosen {
        for entry in entries {
            wanted.push(Wanted::image(target.name(), entry.hardware_id));
            let fallback = entry.fallback.as_ref();
            wanted.extend(fallback.map(|name| Wanted::image(name.borrowed(), entry.hardware_id)));
        }
    }
    wanted
}

fn approve_entry<'a>(
    entry: &EcuEntry,
    chosen: &Target<'a>,
    panel: &Panel<'a>,
    accepted: impl Fn(ImageLine) -> ReleaseCounter,
) -> Result<ApprovedEntry, Error> {
    let (repository, vouched) = panel.vouched(chosen.name(), entry.hardware_id, Some(chosen))?;
    check_fits(&vouched, entry.hardware_id, &accepted)?;
    let fallback = match &entry.fallback {
        None => None,
        Some(name) => {
            let (_, fallback) = panel.vouched(name.borrowed(), entry.hardware_id, None)?;
            check_fits(&fallback, entry.hardware_id, &accepted)?;
            Some(ApprovedImage::of(&fallback))
        }
    };
    let EcuEntry { ecu, hardware_id, order, fallback: _, delta: _, encrypted: _ } = *entry;
    let (image, delta) = (ApprovedImage::of(&vouched), chosen.delta(ecu));
    Ok(ApprovedEntry { ecu, hardware_id, order, repository, image, fallback, delta })
}

/// Refuses an image for other hardware or of an older release.
fn check_fits(
    image: &Target<'_>,
    hardware: HardwareId,
    accepted: impl Fn(ImageLine) -> ReleaseCounter,
) -> Result<(), Error> {
    let matching = image.matching();
    if !matching.hardware_ids().any(|covered| covered == hardware) {
        return Err(Error::Hardware);
    }
    let (accepted, offered) = (accepted(matching.line()), matching.release_counter());
    // §5.4.4.2 step 10.2.3.
    if offered < accepted {
        return Err(Error::CounterRollback { accepted, offered });
    }
    Ok(())
}

/// What one Image repository says of what the Director names.
struct Listed<'a> {
    /// Whose file says it; none for top-level Targets.
    places: BTreeMap<Wanted, Result<Option<RoleName>, Error>>,
    targets: BTreeMap<(Option<RoleName>, TargetName<'a>), Target<'a>>,
}

/// The files that say something, each with the names that matter in it.
type Files<'a> = BTreeMap<Option<RoleName>, (Verified<'a, Image, TargetsFile>, BTreeSet<String>)>;

impl<'a> Listed<'a> {
    /// One walk through each file, which may be long, for all names together.
    fn of(image: &Verified<'a, Image, TargetsFile>, chosen: &[(Target<'_>, Vec<EcuEntry>)]) -> Result<Self, Error> {
        let mut files = Files::new();
        let mut places = BTreeMap::new();
        for wanted in wanted(chosen) {
            let place = image.find(&wanted).map(|(role, file)| {
                let (_, names) = files.entry(role).or_insert((file, BTreeSet::new()));
                names.insert(wanted.name().into());
                role
            });
            places.insert(wanted, place);
        }
        let mut targets = BTreeMap::new();
        for (role, (file, names)) in files {
            for target in file.view().targets_named(|name| names.contains(name)) {
                let target = target?;
                targets.insert((role, target.name()), target);
            }
        }
        Ok(Self { places, targets })
    }

    /// §5.4.4.2 step 10.1: exactly the same name, as the look-up for this hardware found it.
    fn find(&self, name: TargetName<'_>, hardware: HardwareId) -> Result<Target<'a>, Error> {
        let place = self.places.get(&Wanted::image(name, hardware)).copied();
        let role = place.unwrap_or(Err(Error::NotInImageRepository))?;
        self.targets.get(&(role, name)).copied().ok_or(Error::NotInImageRepository)
    }
}
