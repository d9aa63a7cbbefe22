//! What people write: TOML files, read once into values that cannot be wrong.
//!
//! A file is read to its end whatever is found, so that its author hears of all [`Mistakes`] at once, each with its line,
//! its column and what was expected there. Reading is a function of the text: it opens no file, and no text makes it
//! panic.

mod fields;
mod known;
mod mistake;
mod name;
mod nearest;
mod quantity;
mod value;

pub use mistake::{Mistake, MistakeKind, Mistakes};
pub use name::Name;
pub use quantity::{BitRate, Bytes, Frequency, Pause, percent};

pub(super) use fields::{Fields, Notes, read};
pub(super) use known::Known;
pub(super) use value::{Value, Word, unlike};

/// Bytes of the longest file.
pub const MAX_FILE: usize = 1024 * 1024;
/// Mistakes that are reported of one file.
pub const MAX_MISTAKES: usize = 100;
