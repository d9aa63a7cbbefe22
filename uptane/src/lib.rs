//! The Uptane Standard 2.1.0 as code: what signed files say, who must have signed them, and what follows.
//!
//! Nothing here does I/O, reads a clock or, without the feature `alloc`, uses a heap.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod digest;
mod error;
pub mod hex;
mod id;
pub mod json;
mod key;
pub mod limits;
pub mod metadata;
mod report_key;
mod role;
#[cfg(feature = "sign")]
pub mod sign;
#[cfg(feature = "testing")]
pub mod testing;
mod time;
pub mod verify;
mod version;
mod words;

pub use digest::{Hashes, Sha256, Sha256Hash, Sha512};
pub use error::{Error, Told, told};
pub use id::{
    CampaignId, EcuId, HardwareId, ImageLine, KeyId, Nonce, RepositoryName, RoleName, TargetName, TargetNameBuf, Text,
    TransactionId, VehicleId,
};
#[cfg(feature = "rsa")]
pub use key::RsaKey;
pub use key::{Algorithm, PublicKey};
pub use report_key::ReportKey;
pub use role::{Director, Image, Repository, Role};
pub use time::Time;
pub use version::{Counter, Length, ReleaseCounter, Version};
pub use words::{Action, Attack, ResultCode};
