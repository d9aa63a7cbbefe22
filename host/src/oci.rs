//! Container images as their files say them: OCI image-spec 1.1, as far as a release needs it.
//!
//! Bytes in, checked values out; who reads and writes the files is elsewhere. A [`Manifest`] names one configuration and
//! layers, an [`Index`] names manifests and other indexes, and each name is a [`Descriptor`]: media type, SHA-256 and
//! length. What is not known here is refused: other media types, other digests than SHA-256, layers that lie elsewhere.

mod descriptor;
mod error;
mod index;
mod layout;
mod manifest;

pub use descriptor::{Descriptor, MediaType};
pub use error::Error;
pub use index::{Entry, Index};
pub use layout::{INDEX_FILE, LAYOUT, LAYOUT_FILE, MAX_LAYOUT_FILE, blob_file, check_layout};
pub use manifest::Manifest;

/// Bytes of a manifest, an index or a configuration: what registries take of one, too.
pub const MAX_MANIFEST: u64 = 4 * 1024 * 1024;
/// Bytes of one layer.
pub const MAX_LAYER: u64 = 16 * 1024 * 1024 * 1024;
/// Layers of one image.
pub const MAX_LAYERS: usize = 256;
/// Entries of one index.
pub const MAX_ENTRIES: usize = 1_024;
/// Indexes between that of a layout and the manifest.
pub const MAX_INDEX_DEPTH: usize = 4;
