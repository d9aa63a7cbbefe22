//! What can go wrong at the Director, and which attack it points to.

use std::path::PathBuf;

use host::cli::{Exit, Report};
use uptane::{Attack, Counter, EcuId, HardwareId, KeyId, ReleaseCounter, Role, Time, VehicleId, Version};

use crate::patch::Fault;

/// Why a request was dropped or a command not carried out. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data folder holds a Director already.
    #[error("there is a Director here already")]
    AlreadyInitialised,
    /// The vehicle id, VIN or certificate is in the inventory already.
    #[error("a vehicle with this VIN or certificate is registered already")]
    AlreadyRegistered,
    /// Another process changed what this change was decided on.
    #[error("the facts changed meanwhile")]
    Conflict,
    /// A column does not parse.
    #[error("the store is corrupt: column {column}")]
    CorruptStore {
        /// Which.
        column: &'static str,
    },
    /// An image is older than what the ECU runs.
    #[error("{ecu} runs release {installed} and the image is release {offered}")]
    CounterLower {
        /// Which ECU.
        ecu: EcuId,
        /// The release counter it reported.
        installed: ReleaseCounter,
        /// That of the image.
        offered: ReleaseCounter,
    },
    /// A counter was used before with other content (§5.3.2.1 step 3, replay).
    #[error("{ecu} signed counter {offered} after {accepted}")]
    CounterReused {
        /// Which ECU.
        ecu: EcuId,
        /// The highest accepted.
        accepted: Counter,
        /// What came.
        offered: Counter,
    },
    /// The counter of a manifest or check-in was used before. A Primary that is told goes on above it
    /// ([decision 13](../../docs/adr/0013-an-older-journal.md)).
    #[error("the Primary signed counter {offered} after {accepted}")]
    CounterBehind {
        /// The highest accepted.
        accepted: Counter,
        /// What came.
        offered: Counter,
    },
    /// One ECU stands twice where it may stand once.
    #[error("{ecu} stands twice")]
    EcuTwice {
        /// Which ECU.
        ecu: EcuId,
    },
    /// A field of an enrolment file is not what it must be.
    #[error("{}: {field} is missing or malformed", path.display())]
    Enrolment {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
    },
    /// The Image repository could not be read.
    #[error("the Image repository cannot be read: {0}")]
    Fetch(#[from] host::fetch::FetchError),
    /// Metadata was written by a release whose format this one does not know.
    #[error("the epoch is of format {format}, which this release does not write")]
    Format {
        /// The epoch's format.
        format: u32,
    },
    /// A report names other hardware than the inventory, or an image is for other hardware (trap T24).
    #[error("{ecu} is {inventory} in the inventory, not {offered}")]
    Hardware {
        /// Which ECU.
        ecu: EcuId,
        /// What the inventory says.
        inventory: Box<HardwareId>,
        /// What was said.
        offered: String,
    },
    /// The machine refused something.
    #[error(transparent)]
    Host(#[from] host::Error),
    /// A vehicle reports versions further ahead than a restored database explains.
    #[error("the vehicle reports version {reported}, implausibly far ahead")]
    ImplausibleVersion {
        /// What it reported.
        reported: u64,
    },
    /// This instance does not hold a key the epoch names.
    #[error("the key {key} of {role} is not here")]
    KeyMissing {
        /// Which role.
        role: &'static str,
        /// The key's id.
        key: Box<KeyId>,
    },
    /// Metadata is asked for before a manifest was accepted.
    #[error("no manifest of this vehicle was accepted yet")]
    ManifestFirst,
    /// An inventoried ECU neither reports nor is declared unreachable (§5.3.2.1 step 3).
    #[error("{ecu} is missing from the manifest")]
    MissingReport {
        /// Which ECU.
        ecu: EcuId,
    },
    /// The Primary brings no request for the certificate it checks in with.
    #[error("the Primary's enrolment has no tls_csr")]
    NoTlsRequest,
    /// No such target stands in the verified Image Targets (attack A20).
    #[error("the Image repository lists no target {name}")]
    NotInImageRepository {
        /// The name.
        name: String,
    },
    /// The data folder holds no Director.
    #[error("there is no Director here")]
    NotInitialised,
    /// The file names another Primary than the inventory.
    #[error("{claimed} is not the Primary of this vehicle")]
    NotThePrimary {
        /// Who claims to be.
        claimed: EcuId,
    },
    /// A patch is not added, or not removed.
    #[error("the patch {name}: {fault}")]
    Patch {
        /// Its name.
        name: String,
        /// The check that failed.
        fault: Fault,
    },
    /// The first ECU must be the Primary, and no other may be.
    #[error("{ecu} stands in the wrong place: the Primary comes first, and there is one")]
    PrimaryFirst {
        /// Which ECU.
        ecu: EcuId,
    },
    /// A report is not signed by its ECU, or not well-formed.
    #[error("the report of {ecu} does not verify: {cause}")]
    Report {
        /// Which ECU.
        ecu: EcuId,
        /// The check that failed.
        cause: Box<uptane::Error>,
    },
    /// A report is of another time than can be (§5.3.2.1 step 3).
    #[error("{ecu} reports {reported}; it must lie between {earliest} and {latest}")]
    ReportTime {
        /// Which ECU.
        ecu: EcuId,
        /// The time it reported.
        reported: Time,
        /// No earlier than this.
        earliest: Time,
        /// No later than this.
        latest: Time,
    },
    /// The vehicle reports a newer Root than exists here.
    #[error("the vehicle trusts Root version {reported}; the newest here is {newest}")]
    RootAhead {
        /// What it reports.
        reported: u64,
        /// The newest known.
        newest: Version,
    },
    /// The server failed.
    #[error("the server failed: {reason}")]
    Serve {
        /// Its words.
        reason: String,
    },
    /// A file could not be signed.
    #[error(transparent)]
    Sign(#[from] uptane::sign::SignError),
    /// The database failed.
    #[error("the database failed: {reason}")]
    Storage {
        /// Its words.
        reason: String,
    },
    /// The writer has ended.
    #[error("the store is closed")]
    StoreClosed,
    /// The manifest or a report names an ECU that is not in the inventory.
    #[error("{ecu} is not an ECU of this vehicle")]
    UnknownEcu {
        /// Which.
        ecu: EcuId,
    },
    /// No vehicle of the inventory shows this certificate, or has this id.
    #[error("no such vehicle is registered")]
    UnknownVehicle,
    /// A signed file fails a check of the Standard.
    #[error(transparent)]
    Uptane(#[from] uptane::Error),
    /// No version is left for the next change.
    #[error("no version number is left")]
    VersionsExhausted,
    /// A file is of another vehicle than the certificate's.
    #[error("the file is of vehicle {claimed}, not of {own}")]
    WrongVehicle {
        /// Whom it names.
        claimed: VehicleId,
        /// Whose certificate was shown.
        own: VehicleId,
    },
}

impl Error {
    /// Whether a vehicle's request failed a check, as opposed to something of our own failing.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::CounterBehind { .. }
            | Self::CounterReused { .. }
            | Self::EcuTwice { .. }
            | Self::Hardware { .. }
            | Self::ImplausibleVersion { .. }
            | Self::ManifestFirst
            | Self::MissingReport { .. }
            | Self::NotThePrimary { .. }
            | Self::Report { .. }
            | Self::ReportTime { .. }
            | Self::RootAhead { .. }
            | Self::UnknownEcu { .. }
            | Self::UnknownVehicle
            | Self::Uptane(_)
            | Self::WrongVehicle { .. } => true,
            Self::AlreadyInitialised
            | Self::AlreadyRegistered
            | Self::Conflict
            | Self::CorruptStore { .. }
            | Self::CounterLower { .. }
            | Self::Enrolment { .. }
            | Self::Fetch(_)
            | Self::Format { .. }
            | Self::Host(_)
            | Self::KeyMissing { .. }
            | Self::NoTlsRequest
            | Self::NotInImageRepository { .. }
            | Self::NotInitialised
            | Self::Patch { .. }
            | Self::PrimaryFirst { .. }
            | Self::Serve { .. }
            | Self::Sign(_)
            | Self::Storage { .. }
            | Self::StoreClosed
            | Self::VersionsExhausted => false,
        }
    }

    /// The attack a refusal points to (§5.4.4.2, last paragraph); `None` where it points to our own side.
    pub fn attack(&self) -> Option<Attack> {
        match self {
            Self::CounterLower { .. } | Self::ImplausibleVersion { .. } | Self::RootAhead { .. } => {
                Some(Attack::Rollback)
            }
            Self::CounterBehind { .. }
            | Self::CounterReused { .. }
            | Self::EcuTwice { .. }
            | Self::WrongVehicle { .. } => Some(Attack::Replay),
            Self::Hardware { .. } => Some(Attack::IncompatibleImage),
            Self::MissingReport { .. } => Some(Attack::DropRequest),
            Self::NotInImageRepository { .. }
            | Self::NotThePrimary { .. }
            | Self::UnknownEcu { .. }
            | Self::UnknownVehicle => Some(Attack::ArbitrarySoftware),
            Self::ReportTime { .. } => Some(Attack::Freeze),
            Self::Fetch(error) => error.attack(),
            Self::Report { cause, .. } => cause.attack(),
            Self::Uptane(error) => error.attack(),
            Self::AlreadyInitialised
            | Self::AlreadyRegistered
            | Self::Conflict
            | Self::CorruptStore { .. }
            | Self::Enrolment { .. }
            | Self::Format { .. }
            | Self::Host(_)
            | Self::KeyMissing { .. }
            | Self::ManifestFirst
            | Self::NoTlsRequest
            | Self::NotInitialised
            | Self::Patch { .. }
            | Self::PrimaryFirst { .. }
            | Self::Serve { .. }
            | Self::Sign(_)
            | Self::Storage { .. }
            | Self::StoreClosed
            | Self::VersionsExhausted => None,
        }
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Host(error) => error.exit(),
            Self::Patch { fault, .. } => fault.exit(),
            Self::Conflict | Self::Fetch(_) | Self::Serve { .. } | Self::Storage { .. } | Self::StoreClosed => {
                Exit::Unavailable
            }
            Self::CorruptStore { .. }
            | Self::Enrolment { .. }
            | Self::Format { .. }
            | Self::KeyMissing { .. }
            | Self::NoTlsRequest
            | Self::NotInitialised
            | Self::PrimaryFirst { .. } => Exit::Configuration,
            Self::CounterBehind { .. }
            | Self::CounterLower { .. }
            | Self::CounterReused { .. }
            | Self::Hardware { .. }
            | Self::ImplausibleVersion { .. }
            | Self::ManifestFirst
            | Self::MissingReport { .. }
            | Self::NotInImageRepository { .. }
            | Self::NotThePrimary { .. }
            | Self::Report { .. }
            | Self::ReportTime { .. }
            | Self::RootAhead { .. }
            | Self::UnknownEcu { .. }
            | Self::Uptane(_)
            | Self::WrongVehicle { .. } => Exit::Refused,
            Self::AlreadyInitialised
            | Self::AlreadyRegistered
            | Self::EcuTwice { .. }
            | Self::Sign(_)
            | Self::UnknownVehicle
            | Self::VersionsExhausted => Exit::Failed,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::Host(error) => error.advice(),
            Self::AlreadyInitialised => "choose another folder; nothing was overwritten".into(),
            Self::AlreadyRegistered => "`director vehicle list` shows it".into(),
            Self::Conflict | Self::StoreClosed => "try again".into(),
            Self::CorruptStore { .. } => "restore director.db from a backup".into(),
            Self::CounterLower { .. } => "assign a release that is not older".into(),
            Self::EcuTwice { .. } => "name each ECU, and each ECU's key, once".into(),
            Self::Enrolment { path, .. } => format!("make {} again with the ECU's `init`", path.display()),
            Self::Fetch(_) => "check that `image-repo serve` runs at the image_url of config.toml".into(),
            Self::Format { .. } => "run the newer release".into(),
            Self::Hardware { .. } => "assign an image that is for this hardware".into(),
            Self::KeyMissing { .. } => "put the key file into the keys folder".into(),
            Self::NoTlsRequest => "make the enrolment again with `primary-ecu init`".into(),
            Self::NotInImageRepository { .. } => "publish it first: `image-repo targets add`, `sign`, `publish`".into(),
            Self::NotInitialised => "run `director init`, or name the right --data folder".into(),
            Self::Patch { fault, .. } => fault.advice().into(),
            Self::PrimaryFirst { .. } => "give the Primary's enrolment first".into(),
            Self::Storage { .. } => "check the disk's space and director.db's permissions".into(),
            Self::UnknownEcu { .. } => "`director vehicle show` lists the ECUs".into(),
            Self::UnknownVehicle => "`director vehicle list` shows the vehicles".into(),
            Self::Uptane(uptane::Error::Expired { role: Role::Root, .. }) => {
                "`director root renew`, or `image-repo root renew` for the Image repository's".into()
            }
            Self::Uptane(_) => "check the Image repository and the files named".into(),
            Self::Serve { .. } => "start it again; the log has more with -v".into(),
            Self::Sign(_) => "check the key files against the newest Root".into(),
            Self::VersionsExhausted => "register the vehicle anew".into(),
            Self::CounterBehind { .. }
            | Self::CounterReused { .. }
            | Self::ImplausibleVersion { .. }
            | Self::ManifestFirst
            | Self::MissingReport { .. }
            | Self::NotThePrimary { .. }
            | Self::Report { .. }
            | Self::ReportTime { .. }
            | Self::RootAhead { .. }
            | Self::WrongVehicle { .. } => "look at what the vehicle sends".into(),
        }
    }
}
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage { reason: error.to_string() }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Storage { reason: error.to_string() }
    }
}
