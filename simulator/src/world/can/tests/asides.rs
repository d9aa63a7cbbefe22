//! Nodes that nobody attends to: their frames are as exact as all others, but nobody waits for them.

use proptest::prelude::*;

use super::*;

/// Something that is done to a bus.
#[derive(Clone, Debug)]
enum Deed {
    Cut,
    Disturb(usize, u32),
    Hold(usize),
    Mend,
    PowerOff(usize),
    PowerOn(usize),
    Send(usize, u8),
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let (node, others) = (0..3_usize, 0..4_usize);
    prop_oneof![
        12 => (node.clone(), any::<u8>()).prop_map(|(node, byte)| Deed::Send(node, byte)),
        2 => (others.clone(), 0..120_u32).prop_map(|(node, bit)| Deed::Disturb(node, bit)),
        2 => others.clone().prop_map(Deed::PowerOff),
        3 => others.prop_map(Deed::PowerOn),
        1 => node.prop_map(Deed::Hold),
        1 => Just(Deed::Cut),
        2 => Just(Deed::Mend),
    ]
}

/// Three nodes that talk, and one that fills the bus.
fn busy() -> (Rig, Vec<NodeId>) {
    let listening = |raw| Config {
        filters: vec![Filter::exactly(id(raw))],
        latency: Duration::from_micros(30),
        restart: Some(Duration::from_millis(2)),
        ..Config::default()
    };
    let background = Config { attended: false, mailboxes: 4, ..listening(0) };
    let (mut rig, nodes) = Rig::with(vec![listening(0x701), listening(0x702), listening(0x700), background]);
    let ids: Vec<Id> = (0x100..0x110).map(id).collect();
    let traffic = Traffic::by_load(70, BitRates::COMMON, &ids, Chance::seeded(3)).unwrap();
    rig.bus.add_traffic(nodes[3], traffic).unwrap();
    rig.bus.keep_asides();
    (rig, nodes)
}

/// Goes on to `until`, looking at the bus only when it says so; how often that was.
fn go_on(rig: &mut Rig, asides: &mut Vec<Event>, until: Moment) -> u32 {
    let mut looks = 0;
    while rig.bus.next() < until {
        let next = rig.bus.next().max(rig.now);
        rig.run_until(next);
        looks += 1;
    }
    rig.now = until;
    rig.bus.catch_up(until);
    asides.extend(std::iter::from_fn(|| rig.bus.overhear()));
    looks
}

fn act(rig: &mut Rig, nodes: &[NodeId], deed: &Deed) {
    let now = rig.now;
    // What is refused, a node without power for example, is refused in both runs.
    let _accepted = match *deed {
        Deed::Send(node, byte) => {
            rig.bus.send(nodes[node], frame(0x700 + u16::try_from(node).unwrap(), &[byte; 8]), now)
        }
        Deed::Disturb(node, bit) => rig.bus.disturb(nodes[node], 0, bit),
        Deed::Hold(node) => rig.bus.hold(nodes[node], now + Duration::from_millis(1), now),
        Deed::PowerOff(node) => rig.bus.power_off(nodes[node], now),
        Deed::PowerOn(node) => rig.bus.power_on(nodes[node], now),
        Deed::Cut => {
            rig.bus.cut(now);
            Ok(())
        }
        Deed::Mend => {
            rig.bus.mend(now);
            Ok(())
        }
    };
}

/// What happened to the three, what to the fourth, and how busy the bus was. `all`: it is looked at for every frame.
fn run(deeds: &[(u64, Deed)], all: bool) -> (Vec<Event>, Vec<Event>, Load) {
    let ((mut rig, nodes), mut asides) = (busy(), Vec::new());
    rig.bus.attend_all(all, Moment::START);
    for (pause, deed) in deeds {
        let until = rig.now + Duration::from_nanos(*pause);
        go_on(&mut rig, &mut asides, until);
        act(&mut rig, &nodes, deed);
    }
    let until = rig.now + Duration::from_millis(20);
    go_on(&mut rig, &mut asides, until);
    let is_frame = |event: &Event| matches!(event.what, What::Overrun(_) | What::Received(_) | What::Transmitted(_));
    let (of_others, told): (Vec<Event>, Vec<Event>) =
        rig.events.iter().partition(|event| event.node == nodes[3] && is_frame(event));
    asides.extend(of_others);
    (told, asides, rig.bus.load())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_bus_that_is_looked_at_seldom_does_what_one_does_that_is_looked_at_for_every_frame(
        deeds in proptest::collection::vec((0_u64..900_000, any_deed()), 1..40)
    ) {
        let (seldom, always) = (run(&deeds, false), run(&deeds, true));
        prop_assert_eq!(seldom.0, always.0);
        prop_assert_eq!(seldom.1, always.1);
        prop_assert_eq!(seldom.2, always.2);
    }
}

#[test]
fn nobody_has_to_look_while_only_others_send() {
    let ((mut rig, nodes), mut asides) = (busy(), Vec::new());
    let looks = go_on(&mut rig, &mut asides, Moment::from_nanos(1_000_000_000));
    assert_eq!(looks, 0);
    assert!(asides.len() > 2_000 && rig.events.is_empty(), "{} frames", asides.len());
    rig.send(nodes[0], frame(0x700, &[1; 8]));
    let looks = go_on(&mut rig, &mut asides, Moment::from_nanos(2_000_000_000));
    assert_eq!(rig.received(nodes[2]), [frame(0x700, &[1; 8])]);
    assert!(looks < 10, "{looks}");
}

#[test]
fn a_frame_that_somebody_attended_to_accepts_is_told_at_once() {
    let background = Config { attended: false, ..Config::default() };
    let (mut rig, nodes) = Rig::with(vec![Config::default(), background]);
    let message = Message { id: id(0x123), period: Duration::from_millis(10) };
    rig.bus.add_traffic(nodes[1], Traffic::periodic(vec![message], Chance::seeded(1))).unwrap();
    go_on(&mut rig, &mut Vec::new(), Moment::from_nanos(100_000_000));
    let at: Vec<Moment> = rig.of_node(nodes[0]).map(|(at, _)| at).collect();
    assert_eq!(at.len(), 10);
    assert!(at.windows(2).all(|pair| pair[1] - pair[0] > Duration::from_micros(9_900)));
}
