//! Groups that hear an image together: the errands that wait for each other, and what the Primary says to all.

use primary_ecu::can::broadcast::{Broadcast, Group};
use primary_ecu::node::Call;
use proto::broadcast::SEND_TIMEOUT;
use proto::can::{Format, Frame, Id};
use proto::isotp::Framing;
use uptane::EcuId;

use super::World;
use super::buses::{CanBus, Carried};
use super::event::Event;
use crate::world::can::NodeId;
use crate::world::disk::VirtualDisk;
use crate::world::engine::Ticket;
use crate::world::time::Moment;
use crate::world::vehicle::{self, Vehicle};

/// A group, and the Primary's broadcasts to it.
pub(super) struct Hall {
    /// The number of its bus.
    bus: usize,
    pub(super) broadcast: Broadcast<VirtualDisk>,
    /// Since when the Primary's controller has had a frame that is not sent yet.
    pub(super) sending: Option<Moment>,
    timer: Option<Ticket>,
    pub(super) carried: Carried,
}

impl Hall {
    /// One for every group of the vehicle.
    pub(super) fn all(vehicle: &Vehicle, disk: &VirtualDisk) -> Vec<Self> {
        let of_group = |group: vehicle::Group| {
            let bus = vehicle.buses().iter().position(|bus| *bus.name() == group.bus)?;
            let framing = match group.format {
                Format::Classical => Framing::CLASSICAL,
                Format::Fd => Framing::FD,
            };
            let group = Group { framing, id: group.broadcast, answers: group.members.into_iter().collect() };
            let (broadcast, carried) = (Broadcast::new(group, disk.clone()), Carried::default());
            Some(Self { bus, broadcast, sending: None, timer: None, carried })
        };
        vehicle.groups().into_iter().filter_map(of_group).collect()
    }

    /// The number of its bus.
    pub(super) fn bus(&self) -> usize {
        self.bus
    }

    /// What reports call it.
    pub(super) fn name(&self) -> String {
        format!("{} ECUs at {:#x}", self.broadcast.group().answers.len(), self.broadcast.group().id.raw())
    }

    /// Whether this is what the Primary says to it.
    fn is_said(&self, bus: &CanBus, number: usize, node: NodeId, id: Id) -> bool {
        self.bus == number && bus.primary == node && self.broadcast.group().id == id
    }
}

impl World {
    /// The group that an ECU hears images with.
    fn hall_of(&self, ecu: EcuId) -> Option<usize> {
        self.halls.iter().position(|hall| hall.broadcast.group().answers.contains_key(&ecu))
    }

    /// An errand is about to begin; others may wait for it.
    pub(super) fn expect(&mut self, errand: &primary_ecu::node::Errand<VirtualDisk>) {
        if let Some(shared) = errand.shared()
            && let Some(hall) = self.halls.get_mut(shared.group)
        {
            hall.broadcast.expect(errand.ecu(), shared);
        }
    }

    /// An errand waits for the others. Meanwhile the Primary talks to somebody else.
    pub(super) fn arrive(&mut self, ecu: EcuId) {
        let next = self.leave_line(ecu);
        self.primary.aside.insert(ecu);
        if let Some(next) = next {
            self.turn(next);
        }
        if let Some(group) = self.hall_of(ecu)
            && let Some(hall) = self.halls.get_mut(group)
        {
            hall.broadcast.arrive(ecu);
            self.speak_to_all(group);
        }
    }

    /// An errand is over: nobody waits for it any more.
    pub(super) fn leave(&mut self, ecu: EcuId) {
        if let Some(group) = self.hall_of(ecu)
            && let Some(hall) = self.halls.get_mut(group)
        {
            hall.broadcast.leave(ecu);
            self.speak_to_all(group);
        }
    }

    /// A Secondary is asked to join the others.
    pub(super) fn invite(&mut self, ecu: EcuId, (number, place): (usize, usize)) {
        let invitation =
            self.hall_of(ecu).and_then(|group| self.halls.get(group)).and_then(|hall| hall.broadcast.invitation(ecu));
        let port = self.buses.get_mut(number).and_then(|bus| bus.ports.get_mut(place));
        let Some(((session, answer), port)) = invitation.zip(port) else { return };
        match port.conversation.join(session, answer) {
            Ok(()) => self.await_answer(number, place),
            Err(silent) => self.answered(ecu, Err(silent)),
        }
    }

    /// A Secondary that was asked has said whether it joins.
    pub(super) fn joined(&mut self, ecu: EcuId, is_answered: bool) {
        let now = self.engine.now().since_start();
        let port = self.places.get(&ecu).and_then(|(number, place)| self.buses.get(*number)?.ports.get(*place));
        let member = port.and_then(|port| port.conversation.member()).filter(|_| is_answered);
        if let Some(group) = self.hall_of(ecu)
            && let Some(hall) = self.halls.get_mut(group)
        {
            hall.broadcast.joined(ecu, member, now);
            self.speak_to_all(group);
        }
    }

    /// The Primary takes a frame that may be an answer to all that it says to a group.
    pub(super) fn primary_overhears(&mut self, number: usize, frame: &Frame) {
        let now = self.engine.now().since_start();
        let is_of = |hall: &Hall| {
            hall.bus == number && hall.broadcast.group().answers.values().any(|answer| *answer == frame.id())
        };
        if let Some(group) = self.halls.iter().position(is_of)
            && let Some(hall) = self.halls.get_mut(group)
        {
            hall.broadcast.handle(frame, now);
            self.speak_to_all(group);
        }
    }

    /// A frame to a group is on the bus whole: the next may follow.
    pub(super) fn sent_to_all(&mut self, number: usize, node: NodeId, frame: &Frame) {
        let Some(bus) = self.buses.get(number) else { return };
        let group = self.halls.iter().position(|hall| hall.is_said(bus, number, node, frame.id()));
        if let Some(group) = group
            && let Some(hall) = self.halls.get_mut(group)
        {
            hall.sending = None;
            hall.carried.add(frame);
            self.speak_to_all(group);
        }
    }

    /// The Primary's controller has lost what it was to send on a bus.
    pub(super) fn forget_said(&mut self, number: usize) {
        self.halls.iter_mut().filter(|hall| hall.bus == number).for_each(|hall| hall.sending = None);
    }

    /// Nobody waits for anybody any more.
    pub(super) fn empty_halls(&mut self) {
        self.primary.aside.clear();
        for hall in &mut self.halls {
            hall.broadcast.reset();
            if let Some(timer) = hall.timer.take() {
                self.engine.cancel(timer);
            }
        }
    }

    /// The Primary says to a group what is due, and goes on with those whom it calls.
    pub(super) fn speak_to_all(&mut self, group: usize) {
        let now = self.engine.now();
        let Some(hall) = self.halls.get_mut(group) else { return };
        let number = hall.bus;
        let Some(bus) = self.buses.get_mut(number) else { return };
        if hall.sending.is_some_and(|since| now >= since + SEND_TIMEOUT) {
            // Whether there was anything to take back, nobody needs to know.
            let _count = bus.bus.withdraw(bus.primary, now);
            bus.ports.iter_mut().for_each(|port| port.sending[super::buses::ASKING] = None);
            hall.sending = None;
            hall.broadcast.give_up();
        }
        while hall.sending.is_none()
            && let Some(frame) = hall.broadcast.poll(now.since_start())
        {
            // A controller that takes nothing has lost the frame; it is said again when nobody answers.
            hall.sending = bus.bus.send(bus.primary, frame, now).ok().map(|()| now);
        }
        let due = match hall.sending {
            Some(since) => since + SEND_TIMEOUT,
            None => hall.broadcast.deadline().map_or(Moment::NEVER, |due| Moment::START + due),
        };
        if let Some(timer) = hall.timer.take() {
            self.engine.cancel(timer);
        }
        if due < Moment::NEVER {
            hall.timer = Some(self.engine.schedule(due.max(now + super::LEAST), Event::SpeakToAll(group)));
        }
        self.plan_bus(number);
        self.call_all(group);
    }

    fn call_all(&mut self, group: usize) {
        while let Some((ecu, call)) = self.halls.get_mut(group).and_then(|hall| hall.broadcast.call()) {
            let queue = self.primary.errands.get_mut(&ecu);
            let Some(errand) = queue.and_then(|queue| queue.front_mut()) else { continue };
            errand.go_on(call);
            match call {
                // The bus is free for the whole image again: these few frames need no turn.
                Call::Together | Call::Complete => self.turn(ecu),
                Call::Alone | Call::Dropped => {
                    self.primary.aside.remove(&ecu);
                    self.stand_in_line(ecu);
                }
            }
        }
    }
}
