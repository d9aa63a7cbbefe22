//! What a Primary decides, without I/O and without a clock: the update cycle ([`Primary`]), and within it the vehicle
//! transaction ([`transaction`]) with its [`journal`]. The only time known here is the attested one, and it is an input.

pub mod journal;
mod primary;
mod stored;
pub mod transaction;

pub(crate) use stored::delegated_for;

pub use primary::{Answer, CheckIn, Failures, ImageRole, Input, Met, Output, Primary, Start};
