//! What a Primary does beside deciding: errands to Secondaries, downloads, and which files a Secondary is given.

pub(crate) mod download;
pub(crate) mod errand;
pub(crate) mod stage;
