//! The Standard's verification procedures against whole repositories: one fault per test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]
#![expect(clippy::indexing_slicing, reason = "a test that cannot go on shall panic")]

mod refresh;
mod vectors;
