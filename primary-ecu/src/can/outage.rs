//! Whether the bus can be used, and when it may be tried again after it could not.
//!
//! A controller that has just come back, on a bus that threw it off, is given some time before it is made to send; each
//! outage that soon follows another is given more.

use std::time::Duration;

use host::can::{Backoff, Event};

/// The state of one bus.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outage {
    state: State,
    backoff: Backoff,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It works, since then.
    Clear(Duration),
    /// Nothing gets through.
    Out,
    /// It is back, and is left alone until then.
    Settling(Duration),
}

impl Default for State {
    fn default() -> Self {
        Self::Clear(Duration::ZERO)
    }
}

impl Outage {
    /// Takes in what the port tells; `chance` is random.
    pub(super) fn notice(&mut self, event: Event, now: Duration, chance: u32) {
        match event {
            Event::BusOff | Event::Down => self.begin(now),
            Event::Restarted | Event::Up => self.end(now, chance),
            Event::Active | Event::Overrun | Event::Overflow { .. } | Event::Passive | Event::Unsent => {}
        }
    }

    /// A frame came: the bus is back, even if nobody said so.
    pub(super) fn hear(&mut self, now: Duration, chance: u32) {
        self.end(now, chance);
    }

    /// Whether nothing may be sent.
    pub(super) fn is_on(&self, now: Duration) -> bool {
        match self.state {
            State::Clear(_) => false,
            State::Out => true,
            State::Settling(until) => now < until,
        }
    }

    /// When it ends by itself, if it does.
    pub(super) fn ends_at(&self) -> Option<Duration> {
        match self.state {
            State::Settling(until) => Some(until),
            State::Clear(_) | State::Out => None,
        }
    }

    fn begin(&mut self, now: Duration) {
        let clear_since = match self.state {
            State::Clear(since) => Some(since),
            State::Settling(until) if until <= now => Some(until),
            State::Settling(_) | State::Out => None,
        };
        if clear_since.is_some_and(|since| now.saturating_sub(since) >= CALM) {
            self.backoff.reset();
        }
        self.state = State::Out;
    }

    fn end(&mut self, now: Duration, chance: u32) {
        if self.state == State::Out {
            self.state = State::Settling(now + self.backoff.next(chance));
        }
    }
}

/// An outage so long after the one before has nothing to do with it.
const CALM: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_bus_off_pauses_until_the_controller_is_back_and_has_settled() {
        let mut outage = Outage::default();
        assert!(!outage.is_on(SECOND));
        outage.notice(Event::BusOff, SECOND, 0);
        assert!(outage.is_on(100 * SECOND));
        assert_eq!(outage.ends_at(), None);
        outage.notice(Event::Restarted, 2 * SECOND, 0);
        let back = 2 * SECOND + Duration::from_millis(100);
        assert_eq!(outage.ends_at(), Some(back));
        assert!(outage.is_on(2 * SECOND) && !outage.is_on(back));
    }

    #[test]
    fn an_interface_that_goes_down_pauses_until_it_is_up() {
        let mut outage = Outage::default();
        outage.notice(Event::Down, SECOND, 0);
        assert!(outage.is_on(SECOND));
        outage.notice(Event::Up, SECOND, 0);
        assert!(!outage.is_on(2 * SECOND));
    }

    #[test]
    fn a_frame_shows_that_the_bus_is_back() {
        let mut outage = Outage::default();
        outage.hear(SECOND, 0);
        assert!(!outage.is_on(SECOND));
        outage.notice(Event::BusOff, SECOND, 0);
        outage.hear(SECOND, 0);
        assert!(outage.ends_at().is_some());
    }

    #[test]
    fn outages_that_follow_each_other_take_longer_and_longer() {
        let mut outage = Outage::default();
        let mut now = SECOND;
        let mut pause = || {
            outage.notice(Event::BusOff, now, 0);
            outage.notice(Event::Restarted, now, u32::MAX);
            let pause = outage.ends_at().unwrap() - now;
            now += pause + SECOND;
            pause.as_millis()
        };
        assert_eq!([pause(), pause(), pause()], [200, 400, 800]);
    }

    #[test]
    fn after_a_calm_minute_an_outage_is_the_first_again() {
        let mut outage = Outage::default();
        let mut pause = |now: Duration| {
            outage.notice(Event::BusOff, now, 0);
            outage.notice(Event::Restarted, now, 0);
            (outage.ends_at().unwrap() - now).as_millis()
        };
        assert_eq!([pause(100 * SECOND), pause(101 * SECOND), pause(300 * SECOND)], [100, 200, 100]);
    }

    #[test]
    fn other_events_pause_nothing() {
        let mut outage = Outage::default();
        let others = [Event::Active, Event::Overrun, Event::Overflow { frames: 1 }, Event::Passive, Event::Unsent];
        others.into_iter().for_each(|event| outage.notice(event, SECOND, 0));
        assert!(!outage.is_on(SECOND));
    }
}
