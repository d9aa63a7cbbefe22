//! What happens next: events in the order of their time, and those of one moment in the order they were scheduled in.
//!
//! The engine knows nothing of the events; the world takes one after the other and schedules what follows from it. Time
//! never goes back: what is scheduled for the past happens now.

use std::collections::BTreeMap;
use std::time::Duration;

use super::time::Moment;

/// Events to come, and the moment that is now.
#[derive(Clone, Debug)]
pub struct Engine<E> {
    now: Moment,
    next: u64,
    happened: u64,
    events: BTreeMap<Ticket, E>,
}

/// Names one scheduled event. Tickets are ordered as their events happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    at: Moment,
    number: u64,
}

impl Ticket {
    /// When the event happens.
    pub fn at(self) -> Moment {
        self.at
    }
}

impl<E> Default for Engine<E> {
    fn default() -> Self {
        Self { now: Moment::START, next: 0, happened: 0, events: BTreeMap::new() }
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
        let ticket = Ticket { at: at.max(self.now), number: self.next };
        self.next = self.next.saturating_add(1);
        self.events.insert(ticket, event);
        ticket
    }

    /// Lets `event` happen after a pause.
    pub fn schedule_in(&mut self, pause: Duration, event: E) -> Ticket {
        self.schedule(self.now + pause, event)
    }

    /// Takes an event back; `None` if it has happened or was taken back before.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<E> {
        self.events.remove(&ticket)
    }

    /// Takes back every event that `unwanted` says so of.
    pub fn cancel_all(&mut self, mut unwanted: impl FnMut(&E) -> bool) {
        self.events.retain(|_, event| !unwanted(event));
    }

    /// Goes on to the next event that happens by `end`. If there is none, `end` is now.
    pub fn step(&mut self, end: Moment) -> Option<E> {
        let due = self.events.first_entry().filter(|first| first.key().at <= end && first.key().at < Moment::NEVER);
        let Some(first) = due else {
            self.now = self.now.max(end.min(LAST));
            return None;
        };
        self.now = first.key().at;
        self.happened = self.happened.saturating_add(1);
        Some(first.remove())
    }

    /// What is now.
    pub fn now(&self) -> Moment {
        self.now
    }

    /// When the next event happens; [`Moment::NEVER`] if none does.
    pub fn next_at(&self) -> Moment {
        self.events.first_key_value().map_or(Moment::NEVER, |(ticket, _)| ticket.at)
    }

    /// Events that have happened.
    pub fn happened(&self) -> u64 {
        self.happened
    }

    /// Events to come, in their order.
    pub fn pending(&self) -> impl Iterator<Item = (Ticket, &E)> {
        self.events.iter().map(|(ticket, event)| (*ticket, event))
    }
}

/// The last moment at which something happens.
const LAST: Moment = Moment::from_nanos(u64::MAX - 1);

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
}
