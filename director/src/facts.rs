//! What the Director knows: the inventory of §5.3.2.2 and what each vehicle shall install.
//!
//! These are values. [`crate::check_in`] and [`crate::assign`] turn them into [`Change`]s, [`crate::metadata`] into signed
//! files; neither reads or writes anything.

use host::provisioning::Banks;
use proto::secondary::Verification;
use uptane::metadata::NamedDelta;
use uptane::{
    Attack, Counter, EcuId, HardwareId, Hashes, ImageLine, Length, PublicKey, ReleaseCounter, ResultCode, Sha256,
    TargetName, TargetNameBuf, Time, VehicleId, Version,
};

use crate::epoch::{ContentSeq, Epoch};

/// All that a check-in of one vehicle needs, read in one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The vehicle.
    pub vehicle: Vehicle,
    /// Its ECUs, by id.
    pub ecus: Vec<Ecu>,
    /// What fixes the metadata of the whole fleet.
    pub epoch: Epoch,
    /// Which state of the Image repository the store holds.
    pub image_generation: u64,
    /// Which patches it holds: grows with each that is added or removed.
    pub patch_generation: u64,
}

impl Facts {
    /// The inventoried ECU of this id.
    pub fn ecu(&self, id: EcuId) -> Option<&Ecu> {
        self.ecus.iter().find(|ecu| ecu.id == id)
    }
}

/// One vehicle of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vehicle {
    /// Its random id, which every file of its metadata carries.
    pub id: VehicleId,
    /// The manufacturer's number; never leaves the inventory.
    pub vin: Option<String>,
    /// SHA-256 of the TLS certificate its Primary shows.
    pub certificate: Sha256,
    /// Which ECU is the Primary.
    pub primary: EcuId,
    /// When it was registered. No ECU of it was told an earlier time.
    pub registered: Time,
    /// Counts changes of the desired set.
    pub content_seq: ContentSeq,
    /// The last manifest that was accepted.
    pub manifest: Option<LastManifest>,
    /// The last check-in that was written down; later ones may be known in memory only.
    pub seen: Option<Seen>,
}

/// The last accepted manifest of a vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastManifest {
    /// Digest of the file.
    pub digest: Sha256,
    /// Its counter.
    pub counter: Counter,
}

/// A check-in without news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Time,
    /// The counter of the signed statement.
    pub counter: Counter,
}

/// One ECU of the inventory (§5.3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ecu {
    /// Its id.
    pub id: EcuId,
    /// What it is.
    pub hardware: HardwareId,
    /// How it verifies, for the integrator's information: the Director signs the same for all.
    pub verification: Verification,
    /// How many images it has room for.
    pub banks: Banks,
    /// The public half of its key.
    pub key: PublicKey,
    /// What it last reported to run, or was enrolled with.
    pub installed: Option<Installed>,
    /// The last report that was accepted.
    pub last_report: Option<LastReport>,
    /// Since when the Primary cannot reach it, by the Primary's signed word (trap T30).
    pub unreachable: Option<Time>,
    /// What it shall run.
    pub desired: Option<Desired>,
}

/// The image an ECU says it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its name in the repositories.
    pub name: TargetNameBuf,
    /// Bytes.
    pub length: Length,
    /// Digest.
    pub sha256: Sha256,
    /// The line its counter counts in, where it is known: reports do not say.
    pub line: Option<ImageLine>,
    /// Release counter.
    pub counter: ReleaseCounter,
}

/// The last accepted report of an ECU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastReport {
    /// Digest of the file: the same report again is no news.
    pub digest: Sha256,
    /// Its counter; a report with other bytes must have a higher one.
    pub counter: Counter,
    /// The ECU's time.
    pub time: Time,
    /// How the last update ended there.
    pub result: ResultCode,
    /// The attack it noticed.
    pub attack: Option<Attack>,
}

/// An image as both repositories describe it: the Image repository's own words, kept when it was assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageTarget {
    /// Name.
    pub name: TargetNameBuf,
    /// Bytes.
    pub length: Length,
    /// Digests, all that are listed.
    pub hashes: Hashes,
    /// The hardware it is for, sorted.
    pub hardware: Vec<HardwareId>,
    /// The line its counter counts in.
    pub line: ImageLine,
    /// Release counter.
    pub counter: ReleaseCounter,
}

impl ImageTarget {
    /// The name, borrowed.
    pub fn name(&self) -> TargetName<'_> {
        self.name.borrowed()
    }
}

/// What one ECU shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// The image.
    pub image: ImageTarget,
    /// Whether Director Targets lists it now: not while the verified Image Targets lack it (attack A20).
    pub listed: bool,
    /// The image to return to, for an ECU of a single bank (design D8): none if it may return to nothing.
    pub fallback: Option<TargetNameBuf>,
    /// The patch that makes the image of what the ECU runs, if it has two banks and one was added.
    pub delta: Option<NamedDelta>,
}

/// A patch that ECUs may be told of. The Image repository does not speak of it: it is no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// What is said of it to an ECU that runs its base.
    pub named: NamedDelta,
    /// Digest of the image it makes.
    pub makes: Sha256,
}

impl Patch {
    /// Whether only one of the two can be there: by its name, or by what it makes of what.
    pub fn is_instead_of(&self, other: &Self) -> bool {
        let pair = |patch: &Self| (patch.named.delta.base, patch.makes);
        self.named.name == other.named.name || pair(self) == pair(other)
    }
}

/// Everything that is ever written, each applied whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A vehicle enters the inventory.
    Register(Box<NewVehicle>),
    /// What ECUs shall run from now on; those not named keep theirs.
    Assign {
        /// Whose.
        vehicle: VehicleId,
        /// The sequence this was decided on; another one is a conflict.
        expected: ContentSeq,
        /// The sequence that follows.
        next: ContentSeq,
        /// The new assignments, each ECU once.
        desired: Vec<(EcuId, Desired)>,
    },
    /// Images left the verified Image Targets, or came back; an ECU of a single bank has another image to return to, or
    /// another patch makes an ECU's image.
    Relist {
        /// Whose.
        vehicle: VehicleId,
        /// The sequence this was decided on.
        expected: ContentSeq,
        /// The sequence that follows.
        next: ContentSeq,
        /// What changes.
        relisted: Vec<Relisted>,
    },
    /// A manifest was accepted.
    Accept(Box<Accepted>),
    /// A request was dropped (§5.3.2.1 step 3).
    Refuse {
        /// Whose certificate it was.
        vehicle: VehicleId,
        /// When.
        at: Time,
        /// The check that failed, in words.
        reason: String,
        /// What it points to.
        attack: Option<Attack>,
    },
    /// Check-ins without news.
    Seen(Vec<(VehicleId, Seen)>),
    /// The epoch that follows `next.daily - 1`.
    Epoch(Epoch),
    /// A new Root, and the epoch that names it. The first one makes the store.
    Root {
        /// Its version.
        version: Version,
        /// The file.
        file: Vec<u8>,
        /// The epoch from now on.
        epoch: Epoch,
    },
    /// What is trusted of the Image repository.
    Image {
        /// The generation this was decided on; another one is a conflict.
        expected: u64,
        /// The files.
        files: ImageFiles,
    },
    /// A patch that ECUs may be told of from now on.
    AddPatch {
        /// The generation of the patches this was decided on; another one is a conflict.
        expected: u64,
        /// The patch: no other has its name, and none makes the same of the same.
        patch: Box<Patch>,
    },
    /// A patch that no ECU is told of any more.
    RemovePatch {
        /// The generation of the patches this was decided on.
        expected: u64,
        /// Its name.
        name: TargetNameBuf,
    },
}

/// What a desired image comes to with what the Image repository vouches for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relisted {
    /// Whose it is.
    pub ecu: EcuId,
    /// See [`Desired::listed`].
    pub listed: bool,
    /// See [`Desired::fallback`].
    pub fallback: Option<TargetNameBuf>,
    /// See [`Desired::delta`].
    pub delta: Option<NamedDelta>,
}

/// A vehicle to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewVehicle {
    /// Its row.
    pub vehicle: Vehicle,
    /// Its ECUs, the Primary among them.
    pub ecus: Vec<Ecu>,
}

/// The effect of one accepted manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Whose.
    pub vehicle: VehicleId,
    /// When.
    pub at: Time,
    /// The manifest this was decided on; another one is a conflict.
    pub previous: Option<LastManifest>,
    /// The manifest.
    pub manifest: LastManifest,
    /// Its bytes, for the change history.
    pub file: Vec<u8>,
    /// Where the content sequence goes if the vehicle has seen higher versions than the store can have made.
    pub content_seq: Option<(ContentSeq, ContentSeq)>,
    /// Each ECU with a new report.
    pub reports: Vec<(EcuId, Installed, LastReport)>,
    /// ECUs whose time went back since their last report.
    pub went_back: Vec<EcuId>,
    /// ECUs whose time stands still while that of their vehicle goes on.
    pub frozen: Vec<EcuId>,
    /// Every ECU the Primary cannot reach, and since when; all others are reachable.
    pub unreachable: Vec<(EcuId, Time)>,
}

/// The files of the Image repository that are trusted, as they were received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFiles {
    /// Root.
    pub root: Vec<u8>,
    /// Timestamp.
    pub timestamp: Option<Vec<u8>>,
    /// Snapshot.
    pub snapshot: Option<Vec<u8>>,
    /// Targets.
    pub targets: Option<Vec<u8>>,
}
