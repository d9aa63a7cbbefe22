#![expect(clippy::as_conversions, reason = "a test image fits every integer")]

mod bench;
mod broadcast;
mod diagnostics;
mod group;
mod patch;
mod power;
mod refusals;
#[cfg(feature = "linux")]
mod repositories;
mod single;
#[cfg(feature = "linux")]
mod time;
mod update;
