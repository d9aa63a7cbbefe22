//! What happens next: events in the order of their time, and those of one moment in the order they were scheduled in.
//!
//! The engine knows nothing of the events; the world takes one after the other and schedules what follows from it. Time
//! never goes back: what is scheduled for the past happens now.
//!
//! Tickets alone are sorted; the events stand still meanwhile. A ticket whose event was taken back stays in the queue until
//! its turn comes, or until there are more of them than of the others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::time::Moment;

/// Events to come, and the moment that is now.
#[derive(Clone, Debug)]
pub struct Engine<E> {
    now: Moment,
    next: u64,
    happened: u64,
    /// The first is never one whose event was taken back.
    queue: BinaryHeap<Reverse<Ticket>>,
    places: Vec<Place<E>>,
    /// Places without an event.
    free: Vec<usize>,
}

/// Where an event stands until it happens.
#[derive(Clone, Debug)]
struct Place<E> {
    /// The number of the ticket it was scheduled with.
    number: u64,
    event: Option<E>,
}

/// Names one scheduled event. Tickets are ordered as their events happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    at: Moment,
    number: u64,
    place: usize,
}

impl Ticket {
    /// When the event happens.
    pub fn at(self) -> Moment {
        self.at
    }
}

impl<E> Default for Engine<E> {
    fn default() -> Self {
        let (queue, places, free) = (BinaryHeap::new(), Vec::new(), Vec::new());
        Self { now: Moment::START, next: 0, happened: 0, queue, places, free }
    }
}

impl<E> Engine<E> {
    /// An engine at [`Moment::START`] with nothing to do.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets `event` happen at `at`, after those already scheduled for then; at once if that is past. What is scheduled for
    /// [`Moment::NEVER`] waits until it is cancelled.
    pub fn schedule(&mut self, at: Moment, event: E) -> Ticket {
        let number = self.next;
        self.next = number.saturating_add(1);
        let ticket = Ticket { at: at.max(self.now), number, place: self.put(Place { number, event: Some(event) }) };
        self.queue.push(Reverse(ticket));
        ticket
    }

    /// Lets `event` happen after a pause.
    pub fn schedule_in(&mut self, pause: Duration, event: E) -> Ticket {
        self.schedule(self.now + pause, event)
    }

    /// Takes an event back; `None` if it has happened or was taken back before.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<E> {
        let event = self.take(ticket)?;
        self.tidy();
        Some(event)
    }

    /// Takes back every event that `unwanted` says so of.
    pub fn cancel_all(&mut self, mut unwanted: impl FnMut(&E) -> bool) {
        let unwanted: Vec<Ticket> = self.pending().filter(|(_, event)| unwanted(event)).map(|(of, _)| of).collect();
        for ticket in unwanted {
            self.take(ticket);
        }
        self.tidy();
    }

    /// Goes on to the next event that happens by `end`. If there is none, `end` is now.
    pub fn step(&mut self, end: Moment) -> Option<E> {
        let first = self.queue.peek().map(|Reverse(first)| *first);
        let Some(first) = first.filter(|first| first.at <= end && first.at < Moment::NEVER) else {
            self.now = self.now.max(end.min(LAST));
            return None;
        };
        self.queue.pop();
        let event = self.take(first);
        self.drop_void();
        self.now = first.at;
        self.happened = self.happened.saturating_add(1);
        event
    }

    /// What is now.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// When the next event happens; [`Moment::NEVER`] if none does.
    pub fn next_at(&self) -> Moment {
        self.queue.peek().map_or(Moment::NEVER, |Reverse(first)| first.at)
    }

    /// Events that have happened.
    pub fn happened(&self) -> u64 {
        self.happened
    }

    /// Events to come, in their order.
    pub fn pending(&self) -> impl Iterator<Item = (Ticket, &E)> {
        let mut tickets: Vec<Ticket> = self.queue.iter().map(|Reverse(ticket)| *ticket).collect();
        tickets.sort_unstable();
        tickets.into_iter().filter_map(|ticket| Some((ticket, self.event(ticket)?)))
    }

    fn event(&self, ticket: Ticket) -> Option<&E> {
        self.places.get(ticket.place).filter(|place| place.number == ticket.number)?.event.as_ref()
    }

    fn put(&mut self, place: Place<E>) -> usize {
        if let Some(free) = self.free.pop()
            && let Some(old) = self.places.get_mut(free)
        {
            *old = place;
            return free;
        }
        self.places.push(place);
        self.places.len().saturating_sub(1)
    }

    fn take(&mut self, ticket: Ticket) -> Option<E> {
        let place = self.places.get_mut(ticket.place).filter(|place| place.number == ticket.number)?;
        let event = place.event.take()?;
        self.free.push(ticket.place);
        Some(event)
    }

    /// Drops void tickets: those in front, and all others once they are more than those that count.
    fn tidy(&mut self) {
        let count = self.places.len().saturating_sub(self.free.len());
        if self.queue.len().saturating_sub(count) > count.saturating_add(FEW) {
            let places = &self.places;
            self.queue.retain(|Reverse(ticket)| stands(places, *ticket));
        }
        self.drop_void();
    }

    fn drop_void(&mut self) {
        while self.queue.peek().is_some_and(|Reverse(first)| !stands(&self.places, *first)) {
            self.queue.pop();
        }
    }
}

/// Whether the event of a ticket is still to happen.
fn stands<E>(places: &[Place<E>], ticket: Ticket) -> bool {
    places.get(ticket.place).is_some_and(|place| place.number == ticket.number && place.event.is_some())
}

/// The last moment at which something happens.
const LAST: Moment = Moment::from_nanos(u64::MAX - 1);
/// So many void tickets are not worth looking for.
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const END: Moment = Moment::NEVER;

    #[derive(Clone, Debug)]
    enum Step {
        Cancel(usize),
        Next,
        Schedule(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            1 => (0_usize..40).prop_map(Step::Cancel),
            2 => Just(Step::Next),
            4 => (0_u64..20).prop_map(Step::Schedule),
        ]
    }

    proptest! {
        #[test]
        fn events_happen_in_the_order_of_a_stably_sorted_list(steps in vec(step(), 0..120)) {
            let mut engine = Engine::new();
            let (mut list, mut tickets): (Vec<(u64, usize)>, Vec<Ticket>) = Default::default();
            for step in steps {
                match step {
                    Step::Schedule(pause) => {
                        let at = (engine.now() + Duration::from_nanos(pause)).nanos();
                        list.push((at, tickets.len()));
                        tickets.push(engine.schedule(Moment::from_nanos(at), tickets.len()));
                    }
                    Step::Cancel(number) => {
                        let there = list.iter().position(|(_, event)| *event == number).map(|at| list.remove(at).1);
                        prop_assert_eq!(tickets.get(number).and_then(|ticket| engine.cancel(*ticket)), there);
                    }
                    Step::Next => {
                        list.sort_by_key(|(at, _)| *at);
                        let expected = (!list.is_empty()).then(|| list.remove(0));
                        let got = engine.step(Moment::from_nanos(list.first().map_or(u64::MAX, |_| u64::MAX - 1)));
                        prop_assert_eq!(got, expected.map(|(_, event)| event));
                        if let Some((at, _)) = expected {
                            prop_assert_eq!(engine.now().nanos(), at);
                        } else {
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_scheduled_for_the_past_happens_now_and_after_what_was_scheduled_before() {
        let mut engine = Engine::new();
        engine.schedule_in(Duration::from_nanos(5), 'a');
        engine.schedule_in(Duration::from_nanos(5), 'b');
        assert_eq!(engine.step(END), Some('a'));
        let ticket = engine.schedule(Moment::START, 'c');
        assert_eq!(ticket.at().nanos(), 5);
        assert_eq!([engine.step(END), engine.step(END)], [Some('b'), Some('c')]);
        assert_eq!(engine.happened(), 3);
    }

    #[test]
    fn time_goes_on_to_the_end_when_nothing_happens_by_then() {
        let mut engine = Engine::new();
        engine.schedule(Moment::from_nanos(10), ());
        assert_eq!(engine.step(Moment::from_nanos(9)), None);
        assert_eq!((engine.now().nanos(), engine.next_at().nanos()), (9, 10));
        assert_eq!(engine.step(Moment::from_nanos(10)), Some(()));
    }

    #[test]
    fn what_never_happens_can_be_taken_back() {
        let mut engine = Engine::new();
        engine.schedule(Moment::NEVER, 1);
        let two = engine.schedule(Moment::NEVER, 2);
        assert_eq!(engine.step(Moment::NEVER), None);
        assert_eq!((engine.cancel(two), engine.cancel(two)), (Some(2), None));
        engine.cancel_all(|event| *event == 1);
        assert_eq!(engine.pending().count(), 0);
    }

    #[test]
    fn what_is_taken_back_again_and_again_leaves_nothing_behind() {
        let mut engine = Engine::new();
        let last = engine.schedule(Moment::from_nanos(1_000), 0);
        for number in 1..=1_000 {
            let ticket = engine.schedule(Moment::from_nanos(2_000), number);
            assert_eq!((engine.cancel(ticket), engine.cancel(ticket)), (Some(number), None));
        }
        assert!(engine.queue.len() < 100 && engine.places.len() == 2, "{} tickets", engine.queue.len());
        assert_eq!(engine.pending().map(|(ticket, _)| ticket).collect::<Vec<_>>(), [last]);
        assert_eq!((engine.step(END), engine.step(END)), (Some(0), None));
    }
}
