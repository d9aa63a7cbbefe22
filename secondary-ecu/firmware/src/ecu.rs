//! This ECU: the machine of `secondary-ecu`, its time, and what it measures.

use core::mem::MaybeUninit;
use core::time::Duration;

use proto::secondary::{Reply, Request};
use proto::uds::Handler;
use secondary_ecu::clock::Clock;
use secondary_ecu::verifier::PartialPlus;
use secondary_ecu::{BootError, Fault, Profile, Secondary};

use crate::application;
use crate::board::Counter;
use crate::identity::ReportKey;
use crate::meter::{Meter, Step};
use crate::nor::{LAYOUT, Nor};

/// A Secondary with PV+, this flash and this key.
pub(crate) type Machine = Secondary<PartialPlus, Nor, ReportKey>;

/// The ECU, from a reset to the next.
pub(crate) struct Ecu {
    machine: &'static mut Machine,
    clock: Clock,
    counter: Counter,
    meter: Meter,
}

impl Ecu {
    /// Finds out what is to run, and that it is what was signed.
    pub(crate) fn boot(
        place: &'static mut MaybeUninit<Machine>,
        profile: Profile,
        nor: Nor,
        key: ReportKey,
        mut counter: Counter,
        mut meter: Meter,
    ) -> Result<Self, BootError> {
        let machine = meter.measure(Step::Boot, &mut counter, || {
            Machine::boot_in(place, profile, LAYOUT, nor, PartialPlus::default(), key)
        })?;
        let clock = Clock::new(machine.state().time, counter.elapsed());
        Ok(Self { machine, clock, counter, meter })
    }

    /// What the program in the bank that runs says of itself.
    pub(crate) fn application_works(&self) -> bool {
        application::test(self.machine.running())
    }

    /// The new image works.
    pub(crate) fn vote_healthy(&mut self) -> Result<(), Fault> {
        self.machine.vote_healthy()
    }

    /// Whether another image must run.
    pub(crate) fn wants_reset(&self) -> bool {
        self.machine.wants_reset()
    }

    /// The time since the reset.
    pub(crate) fn elapsed(&mut self) -> Duration {
        self.counter.elapsed()
    }
}

impl Handler for Ecu {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        let Self { machine, clock, counter, meter } = self;
        let elapsed = counter.elapsed();
        clock.correct(machine.state().time, elapsed);
        let now = clock.now(elapsed);
        meter.measure(Step::of(&request), counter, || machine.handle(request, now))
    }
}
