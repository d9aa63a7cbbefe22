//! The CAN codec of [`crate::secondary`]: a subset of UDS (ISO 14229-1), byte for byte as `docs/can.md` says.
//!
//! [`Client`] is the Primary's side: it turns one request into the exchanges it takes, repeats what got lost, and yields
//! the reply. [`Server`] is the Secondary's: it turns what arrives into requests of the vocabulary for a [`Handler`], and
//! passes on what the Primary has the [`Ecu`] around it do. [`QuietBus`] prepares a bus for all of them at once. All deal in
//! whole messages; [`crate::isotp::Link`] carries those.
//!
//! A driver polls the client only while its link is not sending, tells it [`Client::moving`] with every frame either way,
//! and [`Client::lost`] with every error of the link. A server's driver drops an error of its link: the client asks
//! again. It polls the server only once the link is not sending, so that what is announced is heard before the work.

mod answer;
mod broadcast;
mod client;
mod codec;
mod ecu;
mod quiet;
mod server;
mod step;

use core::time::Duration;

use codec::{SUPPRESS, service};

pub use broadcast::Capacity;
pub use client::Client;
pub use ecu::{Control, DtcSetting, Ecu, Messages, Reset, Traffic};
pub use quiet::QuietBus;
pub use server::{Handler, Server};

/// How soon a server begins to answer (P2).
pub const P2: Duration = Duration::from_millis(50);
/// How soon a server answers after it said that the response is pending (P2*).
pub const P2_EXTENDED: Duration = Duration::from_millis(5_000);
/// How long a session lasts without a request (S3).
pub const S3: Duration = Duration::from_millis(5_000);
/// What a client allows on top of P2 and P2*, for the carrier and a busy server.
pub const CARRIER_MARGIN: Duration = Duration::from_millis(1_000);
/// How often a client sends tester present while a transfer is open and nothing else is sent.
pub const PRESENT_INTERVAL: Duration = Duration::from_millis(2_000);
/// How often a client sends one message before it gives up.
pub const MAX_TRIES: u8 = 4;
/// Wrong proofs a server verifies before it takes none for [`PROOF_DELAY`].
pub const MAX_PROOFS: u8 = 3;
/// How long a server gives out no challenge after too many wrong proofs.
pub const PROOF_DELAY: Duration = Duration::from_millis(10_000);
/// Tester present, without response.
const PRESENT: [u8; 2] = [service::PRESENT, SUPPRESS];

#[cfg(test)]
mod tests;
