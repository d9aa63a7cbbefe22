//! What a receiver that adapts asks for after trouble.

use super::*;

fn adaptive() -> [Config; 2] {
    configs(Framing::CLASSICAL).map(|config| Config { adaptive: true, ..config })
}

/// Block size and separation in the flow control that answers a first frame.
fn asked(link: &mut Link<20, 0>, now: Duration) -> [u8; 2] {
    let first = Frame::classical(ids()[0], &[0x10, 20, 1, 2, 3, 4, 5, 6]).unwrap();
    link.handle(&first, now).unwrap();
    let flow = link.poll(now).unwrap().unwrap();
    [flow.data()[1], flow.data()[2]]
}

fn hear(link: &mut Link<20, 0>, sequence: u8) -> Result<bool, Error> {
    let frame = Frame::classical(ids()[0], &[0x20 | sequence, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    link.handle(&frame, Duration::ZERO).map(|message| message.is_some())
}

#[test]
fn a_sequence_error_a_timeout_and_an_overrun_each_tighten_by_one_step() {
    let [_, config] = adaptive();
    let trouble: [fn(&mut Link<20, 0>); 3] = [
        |link| assert!(hear(link, 2).is_err()),
        |link| assert_eq!(link.poll(CONSECUTIVE_TIMEOUT), Err(Error::ConsecutiveTimeout)),
        |link| {
            link.overrun();
            assert_eq!((hear(link, 1), hear(link, 2)), (Ok(false), Ok(true)));
        },
    ];
    for happens in trouble {
        let mut link = Link::new(config);
        assert_eq!(asked(&mut link, Duration::ZERO), [0, 0]);
        happens(&mut link);
        assert_eq!(asked(&mut link, Duration::ZERO), [32, 0xf1]);
        happens(&mut link);
        assert_eq!(asked(&mut link, Duration::ZERO), [8, 0xf5]);
        assert_eq!(link.flow(), (8, Separation::from_byte(0xf5)));
    }
}

#[test]
fn an_overrun_and_the_sequence_error_it_leads_to_are_one_trouble() {
    let mut link = Link::new(adaptive()[1]);
    asked(&mut link, Duration::ZERO);
    link.overrun();
    assert!(hear(&mut link, 2).is_err());
    assert_eq!(asked(&mut link, Duration::ZERO), [32, 0xf1]);
}

#[test]
fn frames_lost_while_no_message_is_under_way_tighten_nothing() {
    let mut link = Link::new(adaptive()[1]);
    link.overrun();
    assert_eq!(asked(&mut link, Duration::ZERO), [0, 0]);
}

#[test]
fn a_receiver_that_does_not_adapt_asks_for_the_same_as_before() {
    let mut link = Link::new(configs(Framing::CLASSICAL)[1]);
    asked(&mut link, Duration::ZERO);
    assert!(hear(&mut link, 2).is_err());
    assert_eq!(asked(&mut link, Duration::ZERO), [0, 0]);
}

#[test]
fn after_trouble_messages_arrive_in_small_blocks_and_after_64_as_before() {
    let mut flows = vec![];
    let mut bus = Bus::new(adaptive(), |number, frame| if number == 2 { vec![] } else { vec![frame] });
    bus.carry(&message(300));
    for _ in 0..65 {
        flows.push(bus.ends[1].flow().0);
        assert_eq!(bus.carry(&message(300)), arrived(&message(300)));
    }
    assert_eq!(flows[..64], [32; 64]);
    assert_eq!(flows[64], 0);
}
