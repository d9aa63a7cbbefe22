//! A CAN interface of Linux (SocketCAN, `CAN_RAW`), classical and FD.
//!
//! The kernel hands over frames with the identifiers asked for and no others, and error frames. Few frames of ours wait in
//! the kernel at a time, so that what others on this machine have to say does not wait behind them.

mod errors;
mod layout;
mod raw;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::time::Duration;

use proto::can::Frame;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Arrival, Backoff, Event, FramePort, Interest};
use crate::{Error, random};
use layout::Bytes;
use raw::{Heard, Raw};

/// A node on a CAN interface.
///
/// While the interface is down, or gone, what is sent is lost; the port looks after it with a [`Backoff`] and goes on when
/// it is up again.
#[derive(Debug)]
pub struct SocketCan {
    interface: String,
    interest: Interest,
    state: State,
    /// What happened and was not yet told.
    waiting: VecDeque<Arrival>,
}

#[derive(Debug)]
enum State {
    Up(Raw),
    Down { backoff: Backoff, next_try: Instant },
}

impl SocketCan {
    /// Joins the bus of `interface`, which must be there, but may be down. Must be called inside a runtime.
    pub fn join(interface: &str, interest: &Interest) -> Result<Self, Error> {
        let (interface, interest) = (interface.to_owned(), interest.clone());
        let state = State::Down { backoff: Backoff::default(), next_try: Instant::now() };
        let mut port = Self { interface, interest, state, waiting: VecDeque::new() };
        match port.open()? {
            Some(raw) => port.state = State::Up(raw),
            None => port.waiting.push_back(Arrival::Event(Event::Down)),
        }
        Ok(port)
    }

    /// A socket on the interface, or none if it is down.
    fn open(&self) -> Result<Option<Raw>, Error> {
        match Raw::open(&self.interface, &self.interest) {
            Ok(raw) => Ok(Some(raw)),
            Err(raw::Refused::Down) => Ok(None),
            Err(raw::Refused::NoFd) => Err(Error::NoCanFd { interface: self.interface.clone() }),
            Err(raw::Refused::NoInterface) => Err(Error::NoCanInterface { interface: self.interface.clone() }),
            Err(raw::Refused::System(source)) => Err(self.failed("open the CAN interface", source)),
        }
    }

    /// The interface went down.
    fn fall(&mut self) -> Result<(), Error> {
        let mut backoff = Backoff::default();
        let next_try = Instant::now() + backoff.next(chance()?);
        self.state = State::Down { backoff, next_try };
        self.waiting.push_back(Arrival::Event(Event::Down));
        Ok(())
    }

    /// Looks whether the interface is up again. One that is gone may come back as well, and not everything it may be then
    /// serves us.
    fn look(&mut self, mut backoff: Backoff) -> Result<(), Error> {
        self.state = match self.open() {
            Ok(Some(raw)) => {
                self.waiting.push_back(Arrival::Event(Event::Up));
                State::Up(raw)
            }
            Ok(None) | Err(_) => {
                let next_try = Instant::now() + backoff.next(chance()?);
                State::Down { backoff, next_try }
            }
        };
        Ok(())
    }

    fn failed(&self, action: &'static str, source: io::Error) -> Error {
        Error::Io { action, path: Path::new(&self.interface).to_owned(), source }
    }
}

impl FramePort for SocketCan {
    async fn send(&mut self, frame: &Frame) -> Result<(), Error> {
        let State::Up(raw) = &self.state else { return Ok(()) };
        match timeout(PATIENCE, raw.send(&Bytes::of(frame))).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if raw::is_down(&error) => self.fall()?,
            Ok(Err(source)) => return Err(self.failed("send on", source)),
            Err(_) => self.waiting.push_back(Arrival::Event(Event::Unsent)),
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Arrival, Error> {
        loop {
            if let Some(arrival) = self.waiting.pop_front() {
                return Ok(arrival);
            }
            match &mut self.state {
                State::Down { backoff, next_try } => {
                    let backoff = *backoff;
                    sleep_until(*next_try).await;
                    self.look(backoff)?;
                }
                State::Up(raw) => match raw.receive().await {
                    Ok(Heard { lost, bytes }) => {
                        let overflow = lost.map(|frames| Arrival::Event(Event::Overflow { frames }));
                        self.waiting.extend(overflow);
                        self.waiting.extend(bytes.arrivals());
                    }
                    Err(error) if raw::is_down(&error) => self.fall()?,
                    Err(source) => return Err(self.failed("receive on", source)),
                },
            }
        }
    }
}

/// How long the bus may take to take a frame (ISO 15765-2, N_As and N_Ar): whoever waits for it has then given up.
const PATIENCE: Duration = Duration::from_secs(1);

fn chance() -> Result<u32, Error> {
    Ok(u32::from_be_bytes(random::bytes()?))
}
