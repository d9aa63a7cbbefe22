//! Error counters of a node (ISO 11898-1, fault confinement), and what they let it do.

use proto::can::Confinement;

/// The two counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Transmit error counter.
    pub transmit: u16,
    /// Receive error counter.
    pub receive: u16,
}

/// Which part a node had in the frame an error fell into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a node sends or it does not")]
pub enum Role {
    /// It did not send.
    Receiver,
    /// It sent.
    Transmitter,
}

impl Counters {
    /// Error passive above 127, by either counter.
    pub fn confinement(self) -> Confinement {
        match self.transmit > PASSIVE_ABOVE || self.receive > PASSIVE_ABOVE {
            true => Confinement::Passive,
            false => Confinement::Active,
        }
    }

    /// Whether the node must leave the bus.
    pub fn is_bus_off(self) -> bool {
        self.transmit > BUS_OFF_ABOVE
    }

    /// An error that costs a receiver one and a transmitter eight.
    pub(super) fn error(&mut self, role: Role) {
        match role {
            Role::Receiver => self.receive = self.receive.saturating_add(1).min(MOST_RECEIVE),
            Role::Transmitter => self.grave_error(role),
        }
    }

    /// An error that costs eight whoever finds it.
    pub(super) fn grave_error(&mut self, role: Role) {
        match role {
            Role::Receiver => self.receive = self.receive.saturating_add(8).min(MOST_RECEIVE),
            Role::Transmitter => self.transmit = self.transmit.saturating_add(8),
        }
    }

    /// A frame went through. A receiver that was error passive starts again just below the limit.
    pub(super) fn success(&mut self, role: Role) {
        match role {
            Role::Receiver if self.receive > PASSIVE_ABOVE => self.receive = PASSIVE_ABOVE,
            Role::Receiver => self.receive = self.receive.saturating_sub(1),
            Role::Transmitter => self.transmit = self.transmit.saturating_sub(1),
        }
    }
}

/// A counter above this makes a node error passive.
const PASSIVE_ABOVE: u16 = 127;
/// A transmit counter above this takes a node off the bus.
const BUS_OFF_ABOVE: u16 = 255;
/// Where the receive counter stops: it need not tell more errors apart than eight bits can.
const MOST_RECEIVE: u16 = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_transmit_errors_make_a_node_passive_and_thirty_two_take_it_off() {
        let mut counters = Counters::default();
        let states: Vec<_> = (1..=32)
            .map(|_| {
                counters.error(Role::Transmitter);
                (counters.confinement(), counters.is_bus_off())
            })
            .collect();
        assert_eq!(states[14], (Confinement::Active, false));
        assert_eq!(states[15], (Confinement::Passive, false));
        assert_eq!(states[30], (Confinement::Passive, false));
        assert_eq!(states[31], (Confinement::Passive, true));
    }

    #[test]
    fn a_passive_receiver_is_active_again_after_one_good_frame() {
        let mut counters = Counters { transmit: 0, receive: 200 };
        counters.success(Role::Receiver);
        assert_eq!((counters.receive, counters.confinement()), (127, Confinement::Active));
        counters.success(Role::Receiver);
        assert_eq!(counters.receive, 126);
    }

    #[test]
    fn counters_do_not_fall_below_zero_and_receivers_never_go_off() {
        let mut counters = Counters::default();
        counters.success(Role::Receiver);
        counters.success(Role::Transmitter);
        assert_eq!(counters, Counters::default());
        (0..1_000).for_each(|_| counters.grave_error(Role::Receiver));
        assert!(!counters.is_bus_off());
    }
}
