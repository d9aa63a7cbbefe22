//! Targets, top-level and delegated (§5.2.3). The Director's type has no word for a delegation (§5.1.2.1).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::marker::PhantomData;

use super::canonical::Value;
use super::delegations::Delegated;
use super::snapshot::uptane;
use super::{EcuAssignment, ImageEntry, KeySet, PartlySigned, SPEC_VERSION, SignError, Signer};
use crate::limits::MAX_ECUS;
use crate::{CampaignId, Director, EcuId, Error, Image, Repository, Role, TargetName, Time, VehicleId, Version};

/// Builds Targets of one of the two repositories. A delegated file of the Image repository is built like its top-level
/// one, and signed by the keys of the delegation.
#[derive(Clone, Debug)]
pub struct TargetsBuilder<R> {
    pub(super) version: Version,
    pub(super) expires: Time,
    vehicle: Option<VehicleId>,
    campaign: Option<CampaignId>,
    targets: BTreeMap<String, (ImageEntry, BTreeMap<EcuId, EcuAssignment>)>,
    pub(super) delegated: Option<Delegated>,
    repository: PhantomData<R>,
}

impl TargetsBuilder<Director> {
    /// Targets of one vehicle, without images so far: "nothing to install" is a file too, and names its vehicle.
    pub fn director(vehicle: VehicleId, version: Version, expires: Time) -> Self {
        Self::new(version, expires, Some(vehicle))
    }

    /// Names the campaign these assignments belong to.
    pub fn campaign(mut self, campaign: CampaignId) -> Self {
        self.campaign = Some(campaign);
        self
    }

    /// Assigns an image to an ECU that has no image yet and is hardware the image runs on.
    pub fn assign(mut self, image: ImageEntry, assignment: EcuAssignment) -> Result<Self, SignError> {
        if self.assigned().any(|ecu| *ecu == assignment.ecu) {
            return Err(Error::EcuTwice.into());
        }
        if self.assigned().count() >= MAX_ECUS {
            return Err(Error::Limit { what: "ECUs" }.into());
        }
        if !image.runs_on(&assignment.hardware_id) {
            return Err(Error::Hardware.into());
        }
        self.entry(image)?.insert(assignment.ecu, assignment);
        Ok(self)
    }

    fn assigned(&self) -> impl Iterator<Item = &EcuId> {
        self.targets.values().flat_map(|(_, ecus)| ecus.keys())
    }
}

impl TargetsBuilder<Image> {
    /// Targets of the Image repository, without images so far.
    pub fn image(version: Version, expires: Time) -> Self {
        Self::new(version, expires, None)
    }

    /// Lists an image.
    pub fn list(mut self, image: ImageEntry) -> Result<Self, SignError> {
        self.entry(image)?;
        Ok(self)
    }

    /// The image it lists under this name.
    pub fn listed(&self, name: TargetName<'_>) -> Option<&ImageEntry> {
        self.targets.get(name.as_str()).map(|(image, _)| image)
    }

    /// Lists an image no more, and gives back what was said of it.
    pub fn unlist(&mut self, name: TargetName<'_>) -> Option<ImageEntry> {
        self.targets.remove(name.as_str()).map(|(image, _)| image)
    }
}

impl<R: Repository> TargetsBuilder<R> {
    fn new(version: Version, expires: Time, vehicle: Option<VehicleId>) -> Self {
        let targets = BTreeMap::new();
        Self { version, expires, vehicle, campaign: None, targets, delegated: None, repository: PhantomData }
    }

    /// The place of an image; one name never stands for two images.
    fn entry(&mut self, image: ImageEntry) -> Result<&mut BTreeMap<EcuId, EcuAssignment>, SignError> {
        let name = image.name().as_str().into();
        let (listed, ecus) = self.targets.entry(name).or_insert_with(|| (image.clone(), BTreeMap::new()));
        match *listed == image {
            true => Ok(ecus),
            false => Err(Error::Duplicate { what: "target name" }.into()),
        }
    }

    /// The signed file.
    pub fn sign(self, keys: &KeySet, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
        self.unsigned().sign(&[keys], signers)
    }

    /// The file without signatures, for keys that never meet in one place.
    pub fn unsigned(self) -> PartlySigned {
        PartlySigned::new(Role::Targets, &self.signed())
    }

    pub(crate) fn signed(&self) -> Value {
        let mut uptane = uptane::<R>(self.vehicle);
        uptane.insert_some("campaign", self.campaign.map(Value::text));
        let targets = self.targets.iter().map(|(name, (image, ecus))| (name.as_str(), self.object(image, ecus)));
        let mut signed = Value::object([
            ("_type", Value::text(Role::Targets.type_name())),
            ("expires", Value::text(self.expires)),
            ("spec_version", Value::text(SPEC_VERSION)),
            ("targets", Value::object(targets)),
            ("uptane", uptane),
            ("version", Value::Number(self.version.get())),
        ]);
        signed.insert_some("delegations", self.delegated.as_ref().map(Delegated::object));
        signed
    }

    fn object(&self, image: &ImageEntry, ecus: &BTreeMap<EcuId, EcuAssignment>) -> Value {
        match self.vehicle {
            Some(_) => {
                image.director_object(Value::object(ecus.values().map(|said| (said.ecu.as_str(), said.object()))))
            }
            None => image.image_object(),
        }
    }
}
