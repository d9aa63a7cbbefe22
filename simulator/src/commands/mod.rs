//! Commands on descriptions and on the worlds that are made of them.

mod error;
pub mod outputs;
pub mod run;
pub mod scenario;
mod source;
pub mod vehicle;

pub use error::Error;

#[cfg(test)]
mod tests;
