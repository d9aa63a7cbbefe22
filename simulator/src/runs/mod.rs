//! Runs of worlds: from a file and a seed, one or thousands at a time, repeated from a log and made smaller.
//!
//! A [`Recipe`] is all that a run follows from. Each world is single-threaded; [`many`] lets several threads run worlds of
//! their own.

mod many;
mod recipe;
mod smaller;
mod tally;

pub use many::many;
pub use recipe::{Made, Recipe, RecipeError};
pub use smaller::smaller;
pub use tally::Tally;
