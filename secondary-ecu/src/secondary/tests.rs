#![expect(clippy::as_conversions, reason = "a test image fits every integer")]

mod bench;
mod power;
mod refusals;
#[cfg(feature = "linux")]
mod repositories;
#[cfg(feature = "linux")]
mod time;
mod update;
