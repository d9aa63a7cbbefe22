#![expect(clippy::as_conversions, reason = "a test image fits every integer")]
#![expect(clippy::wildcard_enum_match_arm, reason = "what was not hoped for ends the test, whichever it is")]

mod bench;
mod power;
mod refusals;
#[cfg(feature = "linux")]
mod repositories;
#[cfg(feature = "linux")]
mod time;
mod update;
