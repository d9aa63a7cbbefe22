//! The simulated world: time, disks, links and buses that behave like real ones, under the very code that ships.
//!
//! Nothing here reads a clock, opens a socket or starts a thread. [`time`] is a number that only goes on when the world
//! says so, and [`chance`] is the one source of what is left to chance; from the same seed comes the same run, on any
//! machine.
//!
//! People describe a world in files: a [`vehicle`], and a [`scenario`] of what happens to it. What a run was like becomes
//! a [`report`].

pub mod can;
pub mod chance;
pub mod clock;
pub mod description;
pub mod disk;
pub mod engine;
pub mod faults;
pub mod flash;
pub mod link;
pub mod node;
pub mod report;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod time;
pub mod trace;
pub mod vehicle;

#[cfg(test)]
mod tests;
