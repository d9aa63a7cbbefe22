//! A Secondary: it takes what a Primary hands over, verifies it, keeps it, and runs what is authorised.
//!
//! [`Secondary`] is a machine without I/O of its own but flash: `handle(request, now) -> reply`. It needs no heap, no
//! clock and no random numbers. A driver carries requests and replies, resets it when it asks for that, and lets the
//! new image vote. The feature `linux` adds such a driver: a process with gRPC or CAN, and files instead of flash.
#![cfg_attr(not(feature = "linux"), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "linux"),
    warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core, clippy::std_instead_of_alloc)
)]

#[cfg(any(test, feature = "testing"))]
extern crate alloc;
#[cfg(all(test, not(feature = "linux")))]
extern crate std;

pub mod bank;
#[cfg(any(test, feature = "bench"))]
pub mod bench;
pub mod channel;
pub mod clock;
mod error;
pub mod flash;
#[cfg(feature = "linux")]
pub mod linux;
pub mod memory;
mod patching;
mod profile;
pub mod provisioning;
mod report;
mod scratch;
mod secondary;
pub mod state;
pub mod transaction;
mod transfer;
pub mod verifier;

pub use error::{Check, Fault};
pub use profile::{EcuKey, Profile};
pub use scratch::{BUFFER_SIZE, MAX_REPORT};
pub use secondary::{BootError, Running, Secondary, provision};
