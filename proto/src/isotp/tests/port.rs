//! Several sessions and a group on one port.

use super::*;

/// A tester with three sessions of different formats, two of them with the same identifiers, and a group.
fn addressings() -> [Addressing; 3] {
    let [send, receive] = ids();
    let priority = Priority::DEFAULT;
    [
        Addressing::Extended { send, receive, own: 0xf1, peer: 0x10 },
        Addressing::Extended { send, receive, own: 0xf2, peer: 0x11 },
        Addressing::NormalFixed { priority, own: 0xf1, peer: 0x12 },
    ]
}

fn group() -> Functional {
    Functional::new(Framing::CLASSICAL, Address::normal(Id::standard(0x7df).unwrap()))
}

/// A tester's port, and the ECUs it talks to, each with the group.
struct Bus {
    tester: Port<3, ROOM, ROOM>,
    ecus: [Port<1, ROOM, ROOM>; 3],
    now: Duration,
    /// Who has sent a frame, in order: an ECU's number; the tester is not noted.
    heard: Vec<(usize, Party, Vec<u8>)>,
    lost: Vec<Lost>,
}

/// The number of the tester in what is heard.
const TESTER: usize = 3;

impl Bus {
    fn new(change: impl Fn(usize, &mut Config)) -> Self {
        let config = |addressing| Config::with(Framing::CLASSICAL, addressing);
        let mut number = 0;
        let ecus = addressings().map(|addressing| {
            let mut config = config(turned(addressing));
            change(number, &mut config);
            number += 1;
            Port::new([config], Some(group())).unwrap()
        });
        let tester = Port::new(addressings().map(config), Some(group())).unwrap();
        Self { tester, ecus, now: Duration::ZERO, heard: vec![], lost: vec![] }
    }

    fn send(&mut self, number: usize, message: &[u8]) {
        self.tester.link_mut(number).unwrap().send(message, self.now).unwrap();
    }

    /// One frame of everybody; `false` if there was none.
    fn step(&mut self) -> bool {
        let from_tester = self.tester.poll(self.now).unwrap();
        if let Some(frame) = from_tester {
            for (number, ecu) in self.ecus.iter_mut().enumerate() {
                match ecu.handle(&frame, self.now) {
                    Ok(heard) => self.heard.extend(heard.map(|heard| (number, heard.party, heard.message.to_vec()))),
                    Err(lost) => self.lost.push(lost),
                }
            }
        }
        let mut moved = from_tester.is_some();
        for ecu in &mut self.ecus {
            if let Some(frame) = ecu.poll(self.now).unwrap() {
                moved = true;
                let heard = self.tester.handle(&frame, self.now).unwrap();
                self.heard.extend(heard.map(|heard| (TESTER, heard.party, heard.message.to_vec())));
            }
        }
        moved
    }

    /// Until the bus is still.
    fn run(&mut self) {
        loop {
            while self.step() {}
            let deadlines = self.ecus.iter().filter_map(Port::deadline).chain(self.tester.deadline());
            let Some(deadline) = deadlines.min() else { return };
            self.now = deadline.max(self.now);
        }
    }
}

#[test]
fn sessions_carry_messages_at_the_same_time_and_each_to_its_own() {
    let mut bus = Bus::new(|_, config| config.block_size = 5);
    for number in 0..3 {
        bus.send(number, &message(100 + number));
        bus.ecus[number].link_mut(0).unwrap().send(&message(200 + number), bus.now).unwrap();
    }
    bus.run();
    for number in 0..3 {
        assert!(bus.heard.contains(&(number, Party::Session(0), message(100 + number))));
        assert!(bus.heard.contains(&(TESTER, Party::Session(number), message(200 + number))));
    }
    assert_eq!(bus.heard.len(), 6);
}

#[test]
fn whoever_has_frames_sends_them_in_turn() {
    let mut bus = Bus::new(|_, _| ());
    (0..3).for_each(|number| bus.send(number, &message(700)));
    // Each sends its first frame, and is allowed all others.
    (0..3).for_each(|_| assert!(bus.step()));
    let mut owners = vec![];
    for _ in 0..30 {
        let frame = bus.tester.poll(bus.now).unwrap().unwrap();
        owners.push(addressings().iter().position(|addressing| addressing.send().pdu(&frame).is_some()).unwrap());
    }
    let turns: Vec<usize> = [0, 1, 2].into_iter().cycle().take(30).collect();
    assert_eq!(owners, turns);
}

#[test]
fn a_message_to_many_arrives_everywhere_while_transfers_are_under_way() {
    let mut bus = Bus::new(|_, _| ());
    bus.send(0, &message(300));
    bus.send(2, &message(300));
    (0..10).for_each(|_| assert!(bus.step()));
    bus.tester.functional_mut().unwrap().send(&[0x3e, 0x80], bus.now).unwrap();
    bus.run();
    for number in 0..3 {
        assert!(bus.heard.contains(&(number, Party::Functional, vec![0x3e, 0x80])));
    }
    assert!(bus.heard.contains(&(0, Party::Session(0), message(300))));
    assert!(bus.heard.contains(&(2, Party::Session(0), message(300))));
    assert_eq!(bus.heard.len(), 5);
    let to_many = bus.heard.iter().position(|(_, party, _)| *party == Party::Functional);
    let transferred = bus.heard.iter().position(|(_, party, _)| *party != Party::Functional);
    assert!(to_many < transferred, "it waited for a transfer");
}

#[test]
fn what_is_lost_names_its_session_and_the_others_go_on() {
    let mut bus = Bus::new(|_, _| ());
    (0..3).for_each(|number| bus.send(number, &message(100)));
    (0..3).for_each(|_| assert!(bus.step()));
    // The second has a frame of another message between its own.
    let strange = Frame::classical(ids()[0], &[0x11, 0x25, 1, 2, 3, 4, 5, 6]).unwrap();
    let error = Error::WrongSequence { expected: 1, got: 5 };
    assert_eq!(bus.ecus[0].handle(&strange, bus.now), Ok(None));
    assert_eq!(bus.ecus[1].handle(&strange, bus.now), Err(Lost { party: Party::Session(0), error }));
    bus.run();
    let arrived = |number| bus.heard.contains(&(number, Party::Session(0), message(100)));
    assert_eq!([0, 1, 2].map(arrived), [true, false, true]);
    assert_eq!(bus.lost, []);
}

#[test]
fn the_deadline_of_a_port_is_the_first_of_its_sessions() {
    let config = |addressing| Config::with(Framing::CLASSICAL, addressing);
    let mut port = Port::<3, 20, 20>::new(addressings().map(config), Some(group())).unwrap();
    assert_eq!(port.deadline(), None);
    for (number, milliseconds) in [(0, 20), (1, 10)] {
        let now = Duration::from_millis(milliseconds);
        port.link_mut(number).unwrap().send(&message(20), now).unwrap();
        port.poll(now).unwrap().unwrap();
    }
    assert_eq!(port.deadline(), Some(FLOW_TIMEOUT + Duration::from_millis(10)));
    let lost = |number| Err(Lost { party: Party::Session(number), error: Error::FlowTimeout });
    assert_eq!(port.poll(FLOW_TIMEOUT + Duration::from_millis(10)), lost(1));
    assert_eq!(port.deadline(), Some(FLOW_TIMEOUT + Duration::from_millis(20)));
    port.functional_mut().unwrap().send(&[1], Duration::ZERO).unwrap();
    assert_eq!(port.deadline(), Some(Duration::ZERO));
    let late = Lost { party: Party::Functional, error: Error::SendTimeout };
    assert_eq!(port.poll(BUS_TIMEOUT), Err(late));
}

#[test]
fn a_port_on_which_a_frame_could_be_of_two_sessions_is_refused() {
    let [send, receive] = ids();
    let other = Id::standard(0x123).unwrap();
    let priority = Priority::DEFAULT;
    let normal = Addressing::Normal { send, receive };
    let fixed = Addressing::NormalFixed { priority, own: 1, peer: 2 };
    let urgent = Addressing::NormalFixed { priority: Priority::new(0).unwrap(), own: 1, peer: 2 };
    for (one, two) in [
        (normal, normal),
        (normal, Addressing::Normal { send: other, receive }),
        (normal, Addressing::Normal { send, receive: other }),
        (normal, Addressing::Extended { send: other, receive, own: 1, peer: 2 }),
        (fixed, urgent),
    ] {
        let configs = [one, two].map(|addressing| Config::with(Framing::CLASSICAL, addressing));
        let port = Port::<2, 8, 8>::new(configs, None);
        assert_eq!(port.err(), Some(Error::SameAddress { session: 0 }), "{one:?} {two:?}");
    }
    let configs = [Config::with(Framing::CLASSICAL, normal)];
    let group = Functional::new(Framing::CLASSICAL, Address::normal(receive));
    assert_eq!(Port::<1, 8, 8>::new(configs, Some(group)).err(), Some(Error::SameAddress { session: 0 }));
}
