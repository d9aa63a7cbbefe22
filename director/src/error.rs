//! What can go wrong at the Director, and which attack it points to.

use uptane::{Attack, Counter, EcuId, HardwareId, KeyId, ReleaseCounter, Time, VehicleId, Version};

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
    /// One ECU stands twice where it may stand once.
    #[error("{ecu} stands twice")]
    EcuTwice {
        /// Which ECU.
        ecu: EcuId,
    },
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
        inventory: HardwareId,
        /// What was said.
        offered: String,
    },
    /// A vehicle reports versions further ahead than a restored database explains.
    #[error("the vehicle reports {role} version {reported}, implausibly far ahead")]
    ImplausibleVersion {
        /// Which role.
        role: &'static str,
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
    /// An inventoried ECU neither reports nor is declared unreachable (§5.3.2.1 step 3).
    #[error("{ecu} is missing from the manifest")]
    MissingReport {
        /// Which ECU.
        ecu: EcuId,
    },
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
    /// A report is not signed by its ECU, or not well-formed.
    #[error("the report of {ecu} does not verify: {cause}")]
    Report {
        /// Which ECU.
        ecu: EcuId,
        /// The check that failed.
        cause: uptane::Error,
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
    /// The vehicle reports a newer Root than exists here.
    #[error("the vehicle trusts Root version {reported}; the newest here is {newest}")]
    RootAhead {
        /// What it reports.
        reported: u64,
        /// The newest known.
        newest: Version,
    },
}

impl Error {
    /// The attack a refused request points to; `None` where it points to our own side.
    pub fn attack(&self) -> Option<Attack> {
        match self {
            Self::CounterLower { .. } | Self::ImplausibleVersion { .. } | Self::RootAhead { .. } => {
                Some(Attack::Rollback)
            }
            Self::CounterReused { .. } | Self::EcuTwice { .. } | Self::WrongVehicle { .. } => Some(Attack::Replay),
            Self::Hardware { .. } => Some(Attack::IncompatibleImage),
            Self::MissingReport { .. } => Some(Attack::DropRequest),
            Self::NotInImageRepository { .. } | Self::NotThePrimary { .. } | Self::UnknownEcu { .. } => {
                Some(Attack::ArbitrarySoftware)
            }
            Self::UnknownVehicle => Some(Attack::ArbitrarySoftware),
            Self::ReportTime { .. } => Some(Attack::Freeze),
            Self::Report { cause, .. } => cause.attack(),
            Self::Uptane(error) => error.attack(),
            Self::AlreadyInitialised
            | Self::AlreadyRegistered
            | Self::Conflict
            | Self::CorruptStore { .. }
            | Self::Format { .. }
            | Self::KeyMissing { .. }
            | Self::NotInitialised
            | Self::Sign(_)
            | Self::Storage { .. }
            | Self::StoreClosed
            | Self::VersionsExhausted => None,
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
