//! What crosses a wire: the words between Primary and Secondary, and the two codecs that carry them.
//!
//! [`secondary`] is the vocabulary; `grpc` (feature of that name) carries it over Ethernet, [`uds`] over
//! [`isotp`] and [`can`], where [`broadcast`] brings one image to many. [`delta`] is an image told as what differs from
//! another. Nothing here does I/O or reads a clock: `now` is the time since any moment the caller likes, as long as it is
//! always the same one and never goes back. Without the feature nothing here uses a heap.
#![cfg_attr(not(feature = "grpc"), no_std)]
#![forbid(unsafe_code)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

#[cfg(any(test, feature = "grpc"))]
extern crate alloc;
#[cfg(all(test, not(feature = "grpc")))]
extern crate std;

pub mod broadcast;
pub mod can;
mod crc;
pub mod delta;
mod error;
#[cfg(feature = "grpc")]
pub mod grpc;
pub mod isotp;
mod moment;
pub mod secondary;
pub mod uds;

pub use crc::crc32;
pub use error::Error;
