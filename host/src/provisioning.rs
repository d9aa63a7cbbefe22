//! The files that make an ECU part of a vehicle (§5.4.1), and what every ECU's `init` does for the first of them.
//!
//! An ECU's `init` writes an [`Enrolment`], `director vehicle add` reads those of all ECUs of a vehicle and writes one
//! [`Vehicle`], and each ECU's `provision` reads that. Both are TOML; every value is parsed where it is read, and a member
//! that is not listed here is refused. Left to the caller: whether what a file says is true, and whose it is.
//!
//! # `enrolment.toml`
//! | member | what |
//! |---|---|
//! | `ecu` | the ECU's id |
//! | `hardware_id` | what hardware it is |
//! | `role` | `primary` or `secondary` |
//! | `verification` | `full`, `partial` or `partial-plus`; `full` if absent |
//! | `banks` | `single` or `two`; `two` if absent |
//! | `public_key` | public half of its signing key: Ed25519, 64 lower-case hex digits |
//! | `tls_csr` | its request for a TLS certificate, PEM; an ECU that speaks no TLS has none |
//! | `[image]` | the image it leaves the factory with; absent if that is not told |
//! | `image.name` | that image's name in the Image repository |
//! | `image.length` | bytes |
//! | `image.sha256` | digest, 64 lower-case hex digits |
//! | `image.release_counter` | its release counter |
//! | `image.line` | the line of images that counter counts in; absent if that is not known |
//!
//! # `vehicle.toml`
//! | member | what |
//! |---|---|
//! | `vehicle` | the vehicle's id, 32 lower-case hex digits |
//! | `[primary]` | the Primary |
//! | `primary.ecu` | its id |
//! | `primary.public_key` | public half of its signing key, as above |
//! | `[[ecu]]` | one for each ECU, the Primary among them |
//! | `ecu.ecu` | its id |
//! | `ecu.hardware_id` | what hardware it is |
//! | `ecu.verification` | `full`, `partial` or `partial-plus` |
//! | `ecu.banks` | `single` or `two`; `two` if absent |
//! | `ecu.public_key` | public half of its signing key, as above |
//!
//! # `mapping.toml`
//! In a bundle only where it is not the basic case.
//!
//! | member | what |
//! |---|---|
//! | `[[repository]]` | one for each repository, `director` and `image` among them |
//! | `repository.name` | its name |
//! | `repository.address` | where it is; a Primary needs it |
//! | `[[mapping]]` | one for each entry; the first that covers an image's name decides |
//! | `mapping.paths` | patterns of names; `*` and `?` never stand for a `/`, and a lone `*` covers everything |
//! | `mapping.repositories` | names of the repositories that are asked, `director` among them |
//! | `mapping.threshold` | how many of them must say the same, at least 2; all if absent |
//! | `mapping.terminating` | whether no later entry is asked; true if absent |

mod banks;
mod enrolment;
mod first_image;
mod form;
mod mapping;
mod vehicle;

pub use banks::Banks;
pub use enrolment::{ENROLMENT, EcuRole, Enrolment, Image, NewEcu};
pub use first_image::FirstImage;
pub use mapping::{MAPPING, Repositories};
pub use vehicle::{Primary, VEHICLE, Vehicle, VehicleEcu};
