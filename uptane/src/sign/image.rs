//! What Targets says of an image, and to whom.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

use super::SignError;
use super::canonical::Value;
use super::snapshot::hashes_object;
use crate::limits::{MAX_HARDWARE_IDS, MAX_STRING};
use crate::metadata::{Delta, NamedDelta, Target};
use crate::{EcuId, Error, HardwareId, Hashes, ImageLine, Length, ReleaseCounter, TargetName, TargetNameBuf};

/// What must be equal in both repositories (§5.2.3.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matching {
    hardware_ids: BTreeSet<HardwareId>,
    line: ImageLine,
    release_counter: ReleaseCounter,
}

impl Matching {
    /// At least one kind of hardware, the image line and the release within it.
    pub fn new(
        hardware_ids: impl IntoIterator<Item = HardwareId>,
        line: ImageLine,
        release_counter: ReleaseCounter,
    ) -> Result<Self, SignError> {
        let hardware_ids: BTreeSet<_> = hardware_ids.into_iter().collect();
        match hardware_ids.len() {
            // T24: an image that names no hardware is refused everywhere.
            0 => Err(Error::Schema { field: "hardware_ids" }.into()),
            1..=MAX_HARDWARE_IDS => Ok(Self { hardware_ids, line, release_counter }),
            _ => Err(Error::Limit { what: "hardware ids" }.into()),
        }
    }

    fn object(&self) -> Value {
        Value::object([
            ("hardware_ids", Value::texts(&self.hardware_ids)),
            ("line", Value::text(self.line)),
            ("release_counter", Value::Number(self.release_counter.get())),
        ])
    }
}

/// An image, as both repositories list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageEntry {
    name: TargetNameBuf,
    length: Length,
    hashes: Hashes,
    matching: Value,
    hardware_ids: BTreeSet<HardwareId>,
    info: BTreeMap<String, String>,
}

impl ImageEntry {
    /// An image that is to be listed for the first time.
    pub fn new(name: TargetName<'_>, length: Length, hashes: Hashes, matching: &Matching) -> Self {
        Self {
            name: name.to_buf(),
            length,
            hashes,
            matching: matching.object(),
            hardware_ids: matching.hardware_ids.clone(),
            info: BTreeMap::new(),
        }
    }

    /// The image as a repository already lists it, so that the Director says exactly what the Image repository says.
    pub fn listed(target: &Target<'_>) -> Self {
        Self {
            name: target.name().to_buf(),
            length: target.length(),
            hashes: target.hashes(),
            matching: Value::Canonical(target.matching().raw().to_vec()),
            hardware_ids: target.matching().hardware_ids().collect(),
            info: BTreeMap::new(),
        }
    }

    /// Says something about the image that no ECU looks at: a description, a build number.
    pub fn with_info(mut self, key: &str, text: &str) -> Result<Self, SignError> {
        if key.len().max(text.len()) > MAX_STRING {
            return Err(Error::Limit { what: "characters of a string" }.into());
        }
        self.info.insert(key.into(), text.into());
        Ok(self)
    }

    /// Its name.
    pub fn name(&self) -> TargetName<'_> {
        self.name.borrowed()
    }

    pub(crate) fn runs_on(&self, hardware: &HardwareId) -> bool {
        self.hardware_ids.contains(hardware)
    }

    /// The entry in Image Targets.
    pub(crate) fn image_object(&self) -> Value {
        let mut uptane = Value::object([("match", self.matching.clone())]);
        if !self.info.is_empty() {
            uptane.insert("info", Value::object(self.info.iter().map(|(key, text)| (key.as_str(), Value::text(text)))));
        }
        self.object(uptane)
    }

    /// The entry in Director Targets, for these ECUs.
    pub(crate) fn director_object(&self, ecus: Value) -> Value {
        self.object(Value::object([("ecus", ecus), ("match", self.matching.clone())]))
    }

    fn object(&self, uptane: Value) -> Value {
        Value::object([
            ("custom", Value::object([("uptane", uptane)])),
            ("hashes", hashes_object(&self.hashes)),
            ("length", Value::Number(self.length.get())),
        ])
    }
}

/// What the Director says to one ECU of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcuAssignment {
    /// The ECU that is to run it.
    pub ecu: EcuId,
    /// What that ECU is.
    pub hardware_id: HardwareId,
    /// When it is its turn to activate; lower ones come first.
    pub order: Option<u32>,
    /// The image to return to where there is no second bank (design D8).
    pub fallback: Option<TargetNameBuf>,
    /// The patch that makes the image of one that the ECU may hold.
    pub delta: Option<NamedDelta>,
}

impl EcuAssignment {
    pub(crate) fn object(&self) -> Value {
        let Self { ecu: _, hardware_id, order, fallback, delta } = self;
        let mut object = Value::object([("hardware_id", Value::text(hardware_id))]);
        object.insert_some("order", order.map(|order| Value::Number(order.into())));
        object.insert_some("fallback", fallback.as_ref().map(|name| Value::text(name.as_str())));
        object.insert_some("delta", delta.as_ref().map(delta_object));
        object
    }
}

fn delta_object(named: &NamedDelta) -> Value {
    let NamedDelta { name, delta: Delta { base, length, sha256 } } = named;
    Value::object([
        ("base", Value::text(base)),
        ("length", Value::Number(length.get())),
        ("name", Value::text(name.as_str())),
        ("sha256", Value::text(sha256)),
    ])
}
