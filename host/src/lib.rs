//! What a process needs from its machine: keys in files and on tokens, TLS set-up, fetching, atomic files, a CAN bus, an
//! audit log, logs, metrics, the files that provision a vehicle, those of container images, and the conventions of the command line.
//! No rule of the Standard stands here.
#![forbid(unsafe_code)]

pub mod audit;
pub mod can;
pub mod cli;
pub mod clock;
pub mod config;
pub mod disk;
mod error;
pub mod fetch;
pub mod health;
pub mod keys;
pub mod logs;
pub mod metrics;
pub mod oci;
pub mod provisioning;
pub mod random;
pub mod serve;
pub mod tls;

pub use error::Error;
