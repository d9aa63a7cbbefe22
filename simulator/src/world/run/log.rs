//! What a run leaves behind: its log, and that of every bus.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use super::buses::CanBus;
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
        self.buses.iter_mut().for_each(|bus| bus.bus.keep_asides());
        Ok(())
    }

    /// Keeps what happens on every bus.
    pub fn log_buses(&mut self) {
        self.log.buses = Some(self.buses.iter().map(|bus| (bus.name.clone(), Vec::new())).collect());
        self.buses.iter_mut().for_each(|bus| bus.bus.keep_asides());
    }

    /// A line of the log, if there is one.
    pub(super) fn record(&mut self, record: impl FnOnce() -> Record) {
        if self.log.trace.is_some() {
            self.log_asides();
            self.log.write(self.engine.now(), &record());
        }
    }

    /// Something happened on a bus.
    pub(super) fn note_on_bus(&mut self, number: usize, event: &can::Event) {
        if let What::Transmitted(frame) = &event.what
            && let Some(bus) = self.buses.get_mut(number)
            && let Some((port, _)) = bus.sender(event.node, frame.id())
            && let Some(port) = bus.ports.get_mut(port)
        {
            port.carried.add(frame);
        }
        if self.log.wants_buses() {
            self.log_asides();
            self.log_on_bus(number, event);
        }
    }

    /// Logs the frames of nodes that nobody attends to, which have been on the buses until now.
    pub(super) fn log_asides(&mut self) {
        let now = self.engine.now();
        let mut asides = Vec::new();
        for (number, bus) in self.buses.iter_mut().enumerate() {
            bus.bus.catch_up(now);
            asides.extend(std::iter::from_fn(|| bus.bus.overhear()).map(|event| (number, event)));
        }
        asides.sort_by_key(|(_, event)| event.at);
        asides.iter().for_each(|(number, event)| self.log_on_bus(*number, event));
    }

    fn log_on_bus(&mut self, number: usize, event: &can::Event) {
        if let Some(entry) = Entry::of(event)
            && let Some((_, log)) = self.log.buses.as_mut().and_then(|buses| buses.get_mut(number))
        {
            log.push((event.at, entry));
        }
        if let Some(bus) = self.buses.get(number).filter(|_| self.log.trace.is_some())
            && let Some(record) = on_bus(bus, event)
        {
            self.log.write(event.at, &record);
        }
    }

    /// Notes how busy every bus has been at the end of every bucket that has gone by.
    pub(super) fn sample(&mut self) {
        let now = self.engine.now();
        while self.sampled + BUCKET <= now {
            self.sampled += BUCKET;
            for (bus, samples) in self.buses.iter_mut().zip(&mut self.bus_samples) {
                bus.bus.catch_up(self.sampled);
                samples.push(bus.bus.load().busy);
            }
        }
    }
}

/// What the log says of an event on a bus; nothing of frames received, which their sender's event stands for.
fn on_bus(bus: &CanBus, event: &can::Event) -> Option<Record> {
    let what = match &event.what {
        What::Received(_) => return None,
        What::Transmitted(frame) => {
            let (bus, id, data) = (bus.name.clone(), frame.id().raw(), hexadecimal(frame.data()));
            return Some(Record::Frame { bus, id, data });
        }
        What::Error(error) => format!("{:?} error while {:?}", error.kind, error.role),
        What::Overrun(_) => "overrun".to_owned(),
        What::Active => "error active".to_owned(),
        What::BusOff => "bus-off".to_owned(),
        What::Passive => "error passive".to_owned(),
        What::Synchronized => "takes part".to_owned(),
    };
    Some(Record::OnBus { bus: bus.name.clone(), node: bus.name_of(event.node), what })
}

impl Log {
    fn wants_buses(&self) -> bool {
        self.trace.is_some() || self.buses.is_some()
    }

    fn write(&mut self, at: Moment, record: &Record) {
        if let Some(trace) = &mut self.trace
            && self.failed.is_none()
        {
            self.failed = trace.record(at, record).err();
        }
    }

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
