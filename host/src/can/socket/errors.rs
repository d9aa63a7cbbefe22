//! What error frames of the kernel mean to a node (`linux/can/error.h`).

use socketcan::errors::ControllerProblems;
use socketcan::{CanError, ErrorCause};

use crate::can::Event;

/// The classes that [`events`] reads: controller, bus-off, restarted. Every disturbed bit would be a frame of its own, and
/// the controller repeats what was disturbed by itself.
pub(super) const CLASSES: u32 = 0x004 | 0x040 | 0x100;

/// What an error frame says, in the order of its classes.
pub(super) fn events(error: &CanError) -> Vec<Event> {
    error.causes().flat_map(of_cause).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the crate leaves the list open, and we subscribe to three classes")]
fn of_cause(cause: &ErrorCause) -> Vec<Event> {
    match cause {
        ErrorCause::BusOff => vec![Event::BusOff],
        ErrorCause::Controller(problems) => of_controller(*problems),
        ErrorCause::Restarted => vec![Event::Restarted],
        _ => Vec::new(),
    }
}

/// The warning level, halfway to error passive, changes nothing for a node.
fn of_controller(problems: ControllerProblems) -> Vec<Event> {
    let passive = ControllerProblems::RX_PASSIVE | ControllerProblems::TX_PASSIVE;
    let told = [
        (ControllerProblems::RX_OVERFLOW, Event::Overrun),
        (passive, Event::Passive),
        (ControllerProblems::ACTIVE, Event::Active),
    ];
    told.into_iter().filter(|(flags, _)| problems.intersects(*flags)).map(|(_, event)| event).collect()
}

#[cfg(test)]
mod tests {
    use socketcan::CanErrorFrame;

    use super::*;

    fn told(class: u32, controller: u8) -> Vec<Event> {
        let frame = CanErrorFrame::new_error(class, &[0, controller, 0, 0, 0, 0, 0, 0]).unwrap();
        events(&frame.into_error())
    }

    #[test]
    fn each_class_of_error_is_told_as_what_it_means() {
        assert_eq!(told(0x040, 0), [Event::BusOff]);
        assert_eq!(told(0x100, 0), [Event::Restarted]);
        assert_eq!(told(0x004, 0x01), [Event::Overrun]);
        assert_eq!(told(0x004, 0x40), [Event::Active]);
    }

    #[test]
    fn passive_by_either_counter_or_both_is_told_once() {
        for flags in [0x10, 0x20, 0x30] {
            assert_eq!(told(0x004, flags), [Event::Passive]);
        }
    }

    #[test]
    fn what_comes_together_is_told_together_and_warnings_are_not_told() {
        assert_eq!(told(0x144, 0x21), [Event::Overrun, Event::Passive, Event::BusOff, Event::Restarted]);
        assert_eq!(told(0x004, 0x0c), []);
        assert_eq!(told(0x088, 0x00), []);
    }
}
