//! What a run leaves behind: its log, and that of every bus.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use serde::Serialize;

use super::event::Record;
use super::{BUCKET, Error, World};
use crate::world::can::log::Entry;
use crate::world::can::{self, What};
use crate::world::time::Moment;
use crate::world::trace::{Summary, Trace, TraceError};

/// What happened on each bus: its name, and what its logs say.
pub(super) type BusLogs = Vec<(String, Vec<(Moment, Entry)>)>;

/// The log of a run, if one was asked for.
#[derive(Default)]
pub(super) struct Log {
    trace: Option<Trace<Box<dyn io::Write>>>,
    failed: Option<TraceError>,
    buses: Option<BusLogs>,
}

impl World {
    /// Writes a log whose first line says `recipe`, which is to repeat the run.
    pub fn log_to(&mut self, writer: Box<dyn io::Write>, recipe: &impl Serialize) -> Result<(), Error> {
        self.log.trace = Some(Trace::begin(writer, recipe)?);
        Ok(())
    }

    /// Keeps what happens on every bus.
    pub fn log_buses(&mut self) {
        self.log.buses = Some(self.buses.iter().map(|bus| (bus.name.clone(), Vec::new())).collect());
    }

    /// A line of the log, if there is one.
    pub(super) fn record(&mut self, record: impl FnOnce() -> Record) {
        if let Some(trace) = &mut self.log.trace
            && self.log.failed.is_none()
        {
            self.log.failed = trace.record(self.engine.now(), &record()).err();
        }
    }

    /// Something happened on a bus.
    pub(super) fn note_on_bus(&mut self, number: usize, event: &can::Event) {
        self.sample(number);
        if let Some(entry) = Entry::of(event)
            && let Some((_, log)) = self.log.buses.as_mut().and_then(|buses| buses.get_mut(number))
        {
            log.push((event.at, entry));
        }
        let Some(bus) = self.buses.get_mut(number) else { return };
        if let What::Transmitted(frame) = &event.what
            && let Some((port, _)) = bus.sender(frame.id())
            && let Some(port) = bus.ports.get_mut(port)
        {
            port.carried.add(frame);
        }
        if self.log.trace.is_none() {
            return;
        }
        let (name, node) = (bus.name.clone(), bus.name_of(event.node));
        match &event.what {
            What::Received(_) => {}
            What::Transmitted(frame) => {
                self.record(|| Record::Frame { bus: name, id: frame.id().raw(), data: hexadecimal(frame.data()) });
            }
            What::Active | What::BusOff | What::Error(_) | What::Overrun(_) | What::Passive | What::Synchronized => {
                let what = match &event.what {
                    What::Error(error) => format!("{:?} error while {:?}", error.kind, error.role),
                    What::Overrun(_) => "overrun".to_owned(),
                    What::Active => "error active".to_owned(),
                    What::BusOff => "bus-off".to_owned(),
                    What::Passive => "error passive".to_owned(),
                    What::Received(_) | What::Synchronized | What::Transmitted(_) => "takes part".to_owned(),
                };
                self.record(|| Record::OnBus { bus: name, node, what });
            }
        }
    }

    /// Notes how busy a bus has been at the end of every bucket that has gone by.
    fn sample(&mut self, number: usize) {
        let now = self.engine.now();
        let Some((bus, samples)) = self.buses.get(number).zip(self.bus_samples.get_mut(number)) else { return };
        let buckets = (now - Moment::START).as_nanos() / BUCKET.as_nanos();
        let busy: Duration = bus.bus.load().busy;
        while u128::try_from(samples.len()).is_ok_and(|length| length < buckets) {
            samples.push(busy);
        }
    }
}

impl Log {
    /// Ends the log.
    pub(super) fn end(self) -> Result<(Option<Summary>, BusLogs), Error> {
        if let Some(failed) = self.failed {
            return Err(failed.into());
        }
        let summary = self.trace.map(|trace| trace.end().map(|(summary, _)| summary)).transpose()?;
        Ok((summary, self.buses.unwrap_or_default()))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}
