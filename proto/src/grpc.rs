//! The Ethernet codec: generated messages and services, and the way between them and [`crate::secondary`].
//!
//! Converting towards the wire cannot fail. Converting from it inspects everything: what comes out is a request or reply
//! of the vocabulary, or an [`Error`](crate::Error) naming the field.

mod convert;

/// Between a vehicle's Primary and the Director.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::std_instead_of_core,
    clippy::too_many_lines,
    reason = "generated; proto/director.proto is the documentation"
)]
pub mod director {
    tonic::include_proto!("convoy.director.v1");
}

/// Between the Image repository and whoever publishes.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::std_instead_of_core,
    clippy::too_many_lines,
    reason = "generated; proto/image_repo.proto is the documentation"
)]
pub mod image_repo {
    tonic::include_proto!("convoy.image_repo.v1");
}

/// Between Primary and Ethernet Secondaries.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::std_instead_of_core,
    clippy::too_many_lines,
    reason = "generated; proto/secondary.proto is the documentation"
)]
pub mod secondary {
    tonic::include_proto!("convoy.secondary.v1");
}
