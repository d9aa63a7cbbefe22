//! What happens on the buses, and what those on them do then.

use uptane::EcuId;

use super::World;
use super::buses::{ANSWERING, ASKING, CanBus, Port};
use super::event::Event;
use crate::world::can::{self, What};
use crate::world::time::Moment;

impl World {
    /// Something is due on a bus.
    pub(super) fn run_bus(&mut self, number: usize) {
        let now = self.engine.now();
        let Some(bus) = self.buses.get_mut(number) else { return };
        bus.next = None;
        bus.bus.advance(now);
        while let Some(event) = self.buses.get_mut(number).and_then(|bus| bus.bus.poll()) {
            self.note_on_bus(number, &event);
            self.on_bus(number, &event);
        }
        self.plan_bus(number);
    }

    /// Looks at a bus again when something is due there.
    pub(super) fn plan_bus(&mut self, number: usize) {
        let Some(bus) = self.buses.get_mut(number) else { return };
        // What is told next must not depend on who has looked at the bus meanwhile.
        bus.bus.catch_up(self.engine.now());
        let next = bus.bus.next();
        if bus.next.is_some_and(|planned| planned.at() == next.max(self.engine.now())) {
            return;
        }
        if let Some(planned) = bus.next.take() {
            self.engine.cancel(planned);
        }
        if next < Moment::NEVER {
            bus.next = Some(self.engine.schedule(next, Event::Bus(number)));
        }
    }

    fn on_bus(&mut self, number: usize, event: &can::Event) {
        let Some(bus) = self.buses.get_mut(number) else { return };
        match &event.what {
            What::Received(frame) if event.node == bus.primary => {
                let asked = bus.ports.iter().position(|port| port.response == frame.id() && port.is_asked);
                match asked {
                    Some(port) => self.primary_receives(number, port, frame),
                    None => self.primary_overhears(number, frame),
                }
            }
            What::Received(frame) => {
                let here = |(_, port): &(usize, &Port)| port.node == event.node && port.is_on;
                let Some((place, port)) = bus.ports.iter().enumerate().find(here) else { return };
                if let Some(node) = self.secondaries.at_mut(port.secondary) {
                    node.frame(frame, self.engine.now());
                    self.act(number, place);
                }
            }
            What::Transmitted(frame) => {
                let sender = bus.sender(event.node, frame.id());
                bus.disturb_next(event.at);
                match sender {
                    Some((port, side)) => self.sent(number, port, side),
                    None => self.sent_to_all(number, event.node, frame),
                }
            }
            What::BusOff => {
                let is_primary = event.node == bus.primary;
                bus.is_primary_driven_off &= !is_primary;
                for port in &mut bus.ports {
                    if is_primary {
                        port.sending[ASKING] = None;
                    } else if port.node == event.node {
                        port.sending[ANSWERING] = None;
                        port.is_driven_off = false;
                    }
                }
                if is_primary {
                    self.forget_said(number);
                }
            }
            What::Error(_) => bus.disturb_next(event.at),
            What::Active | What::Overrun(_) | What::Passive | What::Synchronized => {}
        }
    }

    fn primary_receives(&mut self, number: usize, place: usize, frame: &proto::can::Frame) {
        let now = self.engine.now().since_start();
        let Some(port) = self.buses.get_mut(number).and_then(|bus| bus.ports.get_mut(place)) else { return };
        let ecu = port.ecu;
        match port.conversation.handle(frame, now) {
            Ok(None) => self.speak(number, place),
            Ok(Some(answer)) => {
                port.is_asked = false;
                if !self.primary_message_fails() {
                    self.answered(ecu, Ok(answer));
                }
            }
            Err(silent) => {
                port.is_asked = false;
                self.answered(ecu, Err(silent));
            }
        }
    }

    /// A frame of a port is on the bus whole: the next may follow.
    fn sent(&mut self, number: usize, place: usize, side: usize) {
        let Some(port) = self.buses.get_mut(number).and_then(|bus| bus.ports.get_mut(place)) else { return };
        if let Some(sending) = port.sending.get_mut(side) {
            *sending = None;
        }
        match side {
            ASKING => self.speak(number, place),
            _ => self.act(number, place),
        }
    }

    /// The Primary says to a Secondary on a bus what is due.
    pub(super) fn speak(&mut self, number: usize, place: usize) {
        let now = self.engine.now();
        let Some(bus) = self.buses.get_mut(number) else { return };
        loop {
            let stuck = bus.ports.get(place).is_some_and(|port| port.is_stuck(ASKING, now));
            if stuck {
                // Whether there was anything to take back, nobody needs to know.
                let _count = bus.bus.withdraw(bus.primary, now);
                bus.ports.iter_mut().for_each(|port| port.sending[ASKING] = None);
                self.halls.iter_mut().filter(|hall| hall.bus() == number).for_each(|hall| hall.sending = None);
            }
            let CanBus { bus, primary, ports, .. } = &mut *bus;
            let Some(port) = ports.get_mut(place).filter(|port| port.is_asked && port.sending[ASKING].is_none()) else {
                break;
            };
            match port.conversation.poll(now.since_start()) {
                Ok(None) => break,
                // A controller that takes nothing has lost the frame; the conversation asks again.
                Ok(Some(frame)) => port.sending[ASKING] = bus.send(*primary, frame, now).ok().map(|()| now),
                Err(silent) => {
                    port.is_asked = false;
                    let ecu = port.ecu;
                    self.plan_bus(number);
                    return self.answered(ecu, Err(silent));
                }
            }
        }
        if let Some(port) = bus.ports.get_mut(place) {
            let due = if port.is_asked { port.speaks() } else { Moment::NEVER };
            arm(&mut self.engine, port, ASKING, due, Event::Speak(number, place));
        }
        self.plan_bus(number);
    }

    /// A Secondary does what is due, and says what it has to say.
    pub(super) fn touch(&mut self, ecu: EcuId) {
        if let Some((number, place)) = self.places.get(&ecu).copied() {
            return self.act(number, place);
        }
        let (now, is_on) = (self.engine.now(), self.is_on(ecu));
        let Some(node) = self.secondaries.get_mut(&ecu).filter(|_| is_on) else { return };
        while node.poll(now).is_some() {}
        let deadline = node.deadline();
        self.wake_at(ecu, deadline);
        self.after(ecu);
    }

    /// The Secondary at a port does what is due, and says what it has to say.
    pub(super) fn act(&mut self, number: usize, place: usize) {
        let now = self.engine.now();
        let Some(CanBus { bus, ports, .. }) = self.buses.get_mut(number) else { return };
        let Some(port) = ports.get_mut(place).filter(|port| port.is_on) else { return };
        let secondary = port.secondary;
        let Some(node) = self.secondaries.at_mut(secondary) else { return };
        if port.is_stuck(ANSWERING, now) {
            // Whether there was anything to take back, nobody needs to know.
            let _count = bus.withdraw(port.node, now);
            port.sending[ANSWERING] = None;
        }
        while port.sending[ANSWERING].is_none()
            && let Some(frame) = node.poll(now)
        {
            port.sending[ANSWERING] = bus.send(port.node, frame, now).ok().map(|()| now);
        }
        let due = port.wakes(node.deadline());
        arm(&mut self.engine, port, ANSWERING, due, Event::Act(number, place));
        self.plan_bus(number);
        self.after_number(secondary);
    }
}

/// Sets a timer of a port anew. What is due already waits a little, so that the world goes on. A timer that goes off too
/// early is set again then: most of them move on with every frame.
fn arm(engine: &mut crate::world::engine::Engine<Event>, port: &mut Port, side: usize, due: Moment, event: Event) {
    let Some(timer) = port.timers.get_mut(side) else { return };
    let due = due.max(engine.now() + super::LEAST);
    if timer.is_some_and(|timer| timer.at() <= due && timer.at() > engine.now()) {
        return;
    }
    if let Some(timer) = timer.take() {
        engine.cancel(timer);
    }
    if due < Moment::NEVER {
        *timer = Some(engine.schedule(due, event));
    }
}
