//! What ECUs sign: reports, manifests, check-ins, commands (§5.4.2.1; designs D8, D9).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::canonical::Value;
use super::envelope::{sign_as_ecu, sign_digest};
use super::{SignError, Signer};
use crate::limits::{MAX_COMMAND, MAX_ECUS, MAX_MANIFEST, MAX_REPORT};
use crate::verify::proof::Challenge;
use crate::{
    Action, Attack, CampaignId, Counter, EcuId, Error, HardwareId, Length, Nonce, ReleaseCounter, ResultCode, Role,
    Sha256, TargetNameBuf, Time, TransactionId, VehicleId, Version,
};

/// The image an ECU boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledImage {
    /// Its name in both repositories.
    pub name: TargetNameBuf,
    /// Its length.
    pub length: Length,
    /// Its digest.
    pub sha256: Sha256,
    /// Its release.
    pub release_counter: ReleaseCounter,
}

/// Builds an ECU version report (§5.4.2.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportBuilder {
    /// Who reports.
    pub ecu: EcuId,
    /// What it is.
    pub hardware_id: HardwareId,
    /// The vehicle it stands in.
    pub vehicle: VehicleId,
    /// Never used before by this ECU.
    pub counter: Counter,
    /// The latest time it can vouch for.
    pub time: Time,
    /// The image it boots.
    pub image: InstalledImage,
    /// How the last update ended.
    pub result: ResultCode,
    /// The attack it saw.
    pub attack: Option<Attack>,
    /// The Director Targets it accepted last.
    pub targets_version: Option<Version>,
    /// The nonce its Primary sent.
    pub nonce: Option<Nonce>,
    /// The transaction the result is of.
    pub transaction: Option<TransactionId>,
    /// The campaign the result is of.
    pub campaign: Option<CampaignId>,
}

impl ReportBuilder {
    /// The signed report.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        within(MAX_REPORT, Role::Report, sign_as_ecu(&self.signed(), signer)?)
    }

    pub(crate) fn signed(&self) -> Value {
        let Self { ecu, hardware_id, vehicle, counter, time, image, result, .. } = self;
        let Self { attack, targets_version, nonce, transaction, campaign, .. } = self;
        let mut signed = Value::object([
            ("_type", Value::text(Role::Report.type_name())),
            ("attack", attack_word(*attack)),
            ("counter", Value::Number(counter.get())),
            ("ecu", Value::text(ecu)),
            ("hardware_id", Value::text(hardware_id)),
            ("image", image.object()),
            ("result", Value::text(result)),
            ("targets_version", version_or_zero(*targets_version)),
            ("time", Value::text(time)),
            ("vehicle", Value::text(vehicle)),
        ]);
        signed.insert_some("campaign", campaign.map(Value::text));
        signed.insert_some("nonce", nonce.map(Value::text));
        signed.insert_some("transaction", transaction.map(Value::text));
        signed
    }
}

impl InstalledImage {
    fn object(&self) -> Value {
        let Self { name, length, sha256, release_counter } = self;
        Value::object([
            ("hashes", Value::object([("sha256", Value::text(sha256))])),
            ("length", Value::Number(length.get())),
            ("name", Value::text(name)),
            ("release_counter", Value::Number(release_counter.get())),
        ])
    }
}

/// The highest Director versions a vehicle has accepted (design D10).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportedVersions {
    /// Of Root.
    pub root: Option<Version>,
    /// Of Timestamp.
    pub timestamp: Option<Version>,
    /// Of Snapshot.
    pub snapshot: Option<Version>,
    /// Of Targets.
    pub targets: Option<Version>,
}

/// Builds a vehicle version manifest (§5.4.2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestBuilder {
    vehicle: VehicleId,
    primary: EcuId,
    counter: Counter,
    director: ReportedVersions,
    attack: Option<Attack>,
    own: Vec<u8>,
    others: BTreeMap<EcuId, Vec<u8>>,
    unreachable: BTreeMap<EcuId, Time>,
}

impl ManifestBuilder {
    /// A manifest with the Primary's own report, a signed file.
    pub fn new(vehicle: VehicleId, counter: Counter, director: ReportedVersions, primary: EcuId, own: Vec<u8>) -> Self {
        let (others, unreachable) = (BTreeMap::new(), BTreeMap::new());
        Self { vehicle, primary, counter, director, attack: None, own, others, unreachable }
    }

    /// Names the attack the Primary saw.
    pub fn attack(mut self, attack: Attack) -> Self {
        self.attack = Some(attack);
        self
    }

    /// Adds a Secondary's report, a signed file.
    pub fn report(mut self, ecu: EcuId, report: Vec<u8>) -> Result<Self, SignError> {
        let twice = ecu == self.primary || self.others.insert(ecu, report).is_some();
        self.checked(twice)
    }

    /// Says that a Secondary has not answered since then (trap T30); its last report may be there as well.
    pub fn unreachable(mut self, ecu: EcuId, since: Time) -> Result<Self, SignError> {
        let twice = self.unreachable.insert(ecu, since).is_some();
        self.checked(twice)
    }

    /// The signed manifest.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        within(MAX_MANIFEST, Role::Manifest, sign_as_ecu(&self.signed(), signer)?)
    }

    fn checked(self, twice: bool) -> Result<Self, SignError> {
        match () {
            () if twice => Err(Error::EcuTwice.into()),
            () if self.others.len().max(self.unreachable.len()) >= MAX_ECUS => {
                Err(Error::Limit { what: "ECUs" }.into())
            }
            () => Ok(self),
        }
    }

    pub(crate) fn signed(&self) -> Value {
        let Self { vehicle, primary, counter, director, attack, own, others, unreachable } = self;
        let reports = core::iter::once(own).chain(others.values()).cloned().map(Value::Canonical).collect();
        let mut signed = Value::object([
            ("_type", Value::text(Role::Manifest.type_name())),
            ("attack", attack_word(*attack)),
            ("counter", Value::Number(counter.get())),
            ("director", director.object()),
            ("primary", Value::text(primary)),
            ("reports", Value::List(reports)),
            ("vehicle", Value::text(vehicle)),
        ]);
        if !unreachable.is_empty() {
            let since = unreachable.iter().map(|(ecu, since)| (ecu.as_str(), Value::text(since)));
            signed.insert("unreachable", Value::object(since));
        }
        signed
    }
}

impl ReportedVersions {
    fn object(&self) -> Value {
        let Self { root, timestamp, snapshot, targets } = *self;
        Value::object([
            ("root", version_or_zero(root)),
            ("snapshot", version_or_zero(snapshot)),
            ("targets", version_or_zero(targets)),
            ("timestamp", version_or_zero(timestamp)),
        ])
    }
}

/// Builds the statement of an idle check-in: nothing changed since that manifest (design D9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckInBuilder {
    /// The vehicle.
    pub vehicle: VehicleId,
    /// Its Primary, which signs.
    pub primary: EcuId,
    /// Never used before by this Primary, in manifests or check-ins.
    pub counter: Counter,
    /// Digest of the last manifest file the Director accepted.
    pub manifest: Sha256,
}

impl CheckInBuilder {
    /// The signed statement.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        let Self { vehicle, primary, counter, manifest } = self;
        let signed = Value::object([
            ("_type", Value::text(Role::CheckIn.type_name())),
            ("counter", Value::Number(counter.get())),
            ("manifest", Value::text(manifest)),
            ("primary", Value::text(primary)),
            ("vehicle", Value::text(vehicle)),
        ]);
        sign_as_ecu(&signed, signer)
    }
}

/// Builds a command from the Primary to one Secondary (design D8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandBuilder {
    /// The vehicle.
    pub vehicle: VehicleId,
    /// Who is to act.
    pub ecu: EcuId,
    /// What it is to do.
    pub action: Action,
    /// In which transaction.
    pub transaction: TransactionId,
    /// Digest of the Director Targets file the transaction carries out.
    pub targets: Sha256,
}

impl CommandBuilder {
    /// The signed command.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        let Self { vehicle, ecu, action, transaction, targets } = self;
        let signed = Value::object([
            ("_type", Value::text(Role::Command.type_name())),
            ("action", Value::text(action)),
            ("ecu", Value::text(ecu)),
            ("targets", Value::text(targets)),
            ("transaction", Value::text(transaction)),
            ("vehicle", Value::text(vehicle)),
        ]);
        within(MAX_COMMAND, Role::Command, sign_as_ecu(&signed, signer)?)
    }
}

/// The Primary's proof that it is there: its answer to an ECU's challenge.
pub fn prove(challenge: &Challenge, signer: &dyn Signer) -> Result<[u8; 64], SignError> {
    let signature = sign_digest(challenge.digest(), signer)?;
    // One of Ed25519 that verifies has 64 bytes.
    signature.try_into().map_err(|_| Error::BadKey.into())
}

/// Refuses a file no reader would take.
fn within(limit: usize, role: Role, file: Vec<u8>) -> Result<Vec<u8>, SignError> {
    match u64::try_from(limit).map_err(|_| Error::BadNumber { kind: "Length" }).and_then(Length::new) {
        Ok(limit_length) if file.len() > limit => Err(Error::TooLong { role, limit: limit_length }.into()),
        Ok(_) => Ok(file),
        Err(error) => Err(error.into()),
    }
}

fn attack_word(attack: Option<Attack>) -> Value {
    Value::text(attack.map_or("none", Attack::word))
}

fn version_or_zero(version: Option<Version>) -> Value {
    Value::Number(version.map_or(0, Version::get))
}
