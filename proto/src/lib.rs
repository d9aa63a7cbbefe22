//! What crosses a wire: the words between Primary and Secondary, and the two codecs that carry them.
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::alloc_instead_of_core, clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

pub mod secondary;
