//! CAN, classical and FD, bit-exact.
//!
//! A [`Bus`] joins nodes. A node's controller has transmit mailboxes and a receive FIFO; what it does follows ISO 11898-1:
//! arbitration, error flags, error counters, automatic retransmission, bus-off and the way back. Every frame has its real
//! bits ([`proto::can`]), so the time it takes is exact to the bit, stuff bits included. Bits may be disturbed one by one
//! ([`Bus::disturb`]) or by a bit error rate ([`Config::noise`], [`Bus::set_noise`]); nodes may lose power at any nanosecond.
//!
//! Not modelled: propagation delay, clock tolerance, disturbances of a free bus, and FD frames without bit rate switch. A
//! frame that is handed over while another node's start bit is under way waits for the next chance.
//!
//! Nodes that nobody attends to ([`Config::attended`]) fill a bus with traffic at little cost: their frames are as exact as
//! all others, and are worked out when somebody next looks.
//!
//! A [`Channel`] carries messages of any length over it, by the ISO-TP that ships; [`broadcast`] brings one image to many
//! nodes. [`log`] writes what happened as candump and as pcapng.

mod bits;
pub mod broadcast;
mod bus;
mod channel;
mod controller;
mod counters;
mod error;
mod event;
mod frames;
mod grid;
pub mod log;
mod node;
mod noise;
mod outlook;
mod routes;
mod routine;
mod says;
mod traffic;

pub use bus::{Bus, Load};
pub use channel::{Broken, Channel};
pub use counters::{Counters, Role};
pub use error::Error;
pub use event::{BusError, ErrorKind, Event, NodeId, What};
pub use node::{Config, Filter, Order};
pub use says::Says;
pub use traffic::{BadLoad, Message, Traffic};

#[cfg(test)]
mod tests;
