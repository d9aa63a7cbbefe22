//! Commands on descriptions: what people write is checked and shown before a world is made of it.

mod error;
pub mod scenario;
mod source;
pub mod vehicle;

pub use error::Error;

#[cfg(test)]
mod tests;
