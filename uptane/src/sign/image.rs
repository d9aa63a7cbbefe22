//! What Targets says of an image, and to whom.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

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
    info: Info,
}

/// What is said of an image that no ECU looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Info {
    /// Strings under their keys.
    Said(BTreeMap<String, String>),
    /// As a file says it, in canonical JSON.
    Listed(Vec<u8>),
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
            info: Info::Said(BTreeMap::new()),
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
            info: Info::Said(BTreeMap::new()),
        }
    }

    /// The image exactly as the Image repository lists it, with what no ECU looks at.
    pub fn again(target: &Target<'_>) -> Self {
        let listed = Self::listed(target);
        match target.info() {
            Some(info) => Self { info: Info::Listed(info.to_vec()), ..listed },
            None => listed,
        }
    }

    /// Says something about the image that no ECU looks at: a description, a build number. Of an image taken over from
    /// a file everything is said already.
    pub fn with_info(mut self, key: &str, text: &str) -> Result<Self, SignError> {
        if key.len().max(text.len()) > MAX_STRING {
            return Err(Error::Limit { what: "characters of a string" }.into());
        }
        match &mut self.info {
            Info::Said(said) => said.insert(key.into(), text.into()),
            Info::Listed(_) => return Err(Error::Duplicate { what: "info of an image" }.into()),
        };
        Ok(self)
    }

    /// Whether both say the same of the same image.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.name == other.name && self.image_object().to_wire() == other.image_object().to_wire()
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
        uptane.insert_some("info", self.info.value());
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

impl Info {
    fn value(&self) -> Option<Value> {
        match self {
            Self::Said(said) if said.is_empty() => None,
            Self::Said(said) => Some(Value::object(said.iter().map(|(key, text)| (key.as_str(), Value::text(text))))),
            Self::Listed(info) => Some(Value::Canonical(info.clone())),
        }
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
