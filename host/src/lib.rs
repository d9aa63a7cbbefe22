//! What a process needs from its machine: key files, TLS set-up, fetching, atomic files, a CAN bus, logs, metrics, the
//! files that provision a vehicle and the conventions of the command line. No rule of the Standard stands here.
#![forbid(unsafe_code)]

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
pub mod provisioning;
pub mod random;
pub mod serve;
pub mod tls;

pub use error::Error;
