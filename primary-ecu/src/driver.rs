//! The I/O of a Primary.
mod errand;
pub(crate) mod transport;
