use super::*;

fn link(conditions: Conditions) -> Link {
    Link::new(conditions, Chance::seeded(1))
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn due(deliveries: &[Delivery<u32>]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery.at().nanos() / 1_000_000).collect()
}

#[test]
fn bytes_leave_one_message_after_the_other_and_arrive_a_delay_later() {
    let mut link = link(Conditions { delay: millis(20), rate: Some(1_000), ..Conditions::default() });
    assert_eq!(due(&link.send(Moment::START, 1, 50).unwrap()), [70]);
    assert_eq!(due(&link.send(Moment::START, 2, 50).unwrap()), [120]);
    assert_eq!(due(&link.send(Moment::START + millis(500), 3, 10).unwrap()), [530]);
    assert_eq!(link.counters().bytes, 110);
}

#[test]
fn jitter_delays_but_nothing_overtakes() {
    let mut link = link(Conditions { delay: millis(5), jitter: millis(50), ..Conditions::default() });
    let sent: Vec<_> = (0..200).flat_map(|n| link.send(Moment::START + millis(n), 0, 1).unwrap()).collect();
    let due = due(&sent);
    assert!(due.is_sorted());
    assert!((0..).zip(&due).all(|(sent, due)| (sent + 5..=sent + 55).contains(due)));
    assert!((0..).zip(&due).any(|(sent, due)| *due > sent + 40));
}

#[test]
fn messages_are_lost_duplicated_and_overtaken_as_often_as_the_conditions_say() {
    let share = PerBillion::new(100_000_000);
    let conditions =
        Conditions { reorder: share, overtaken: millis(9), loss: share, duplication: share, ..Conditions::default() };
    let mut link = link(conditions);
    let sent: Vec<_> = (0..5_000).flat_map(|n| link.send(Moment::START + millis(n), 0, 1).unwrap()).collect();
    let Counters { sent: all, lost, duplicated, reordered, .. } = link.counters();
    assert_eq!((all, u64::try_from(sent.len()).unwrap()), (5_000, 5_000 - lost + duplicated));
    for count in [lost, duplicated, reordered] {
        assert!((400..600).contains(&count), "{count}");
    }
    assert!(!due(&sent).is_sorted());
}

#[test]
fn what_is_under_way_when_the_link_is_cut_is_lost_even_if_it_is_joined_again() {
    let mut link = link(Conditions { delay: millis(20), ..Conditions::default() });
    let [before] = link.send(Moment::START, 1, 1).unwrap().try_into().unwrap();
    link.cut();
    assert_eq!(link.send(Moment::START, 2, 1), Err(LinkError::Cut));
    link.join();
    let [after] = link.send(Moment::START, 3, 1).unwrap().try_into().unwrap();
    assert_eq!((link.receive(before), link.receive(after)), (None, Some(3)));
}

#[test]
fn limits_hold_for_a_message_for_the_queue_and_for_all_of_them() {
    let mut link = link(Conditions { rate: Some(1_000), longest: 100, queue: 150, ..Conditions::default() });
    assert_eq!(link.send(Moment::START, 0, 101), Err(LinkError::TooLong { size: 101, longest: 100 }));
    assert_eq!(link.send(Moment::START, 0, 100).unwrap().len(), 1);
    assert_eq!(link.send(Moment::START, 0, 100).unwrap().len(), 0);
    assert_eq!(link.send(Moment::START + millis(50), 0, 100).unwrap().len(), 1);
    link.set_allowance(Some(120));
    assert_eq!(link.send(Moment::START + millis(999), 0, 90).unwrap().len(), 1);
    assert_eq!(link.send(Moment::START + millis(999), 0, 31), Err(LinkError::Allowance { size: 31, left: 30 }));
}

#[test]
fn an_attacker_reads_alters_and_injects_only_once_tls_is_broken() {
    let mut link = link(Conditions::default());
    let [mut delivery] = link.send(Moment::START, 1, 1).unwrap().try_into().unwrap();
    assert!(link.tap().is_none());
    link.set_tls(Tls::Broken);
    let mut tap = link.tap().unwrap();
    assert_eq!(*tap.read(&delivery), 1);
    *tap.alter(&mut delivery) = 2;
    let [injected] = tap.inject(Moment::START, 3, 1).unwrap().try_into().unwrap();
    assert_eq!((link.receive(delivery), link.receive(injected)), (Some(2), Some(3)));
}

#[test]
fn anybody_may_delay_a_message() {
    let mut link = link(Conditions::default());
    let [delivery] = link.send(Moment::START, 1, 1).unwrap().try_into().unwrap();
    assert_eq!(delivery.delayed(millis(7)).at(), Moment::START + millis(7));
}
