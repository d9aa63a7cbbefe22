//! A bus that is kept quiet, and every ECU on it.

use super::brake::Brake;
use super::*;
use crate::uds::{Control, DtcSetting, Messages, QuietBus, Traffic};

const QUIET: Control = Control::Communication(Traffic::Neither, Messages::Normal);

/// A bus with several ECUs; functional messages reach all.
fn on_the_bus(quiet: &mut QuietBus, pairs: &mut [Pair<Brake>], until: Duration) -> Vec<Vec<u8>> {
    let mut said = vec![];
    while let Some(due) = quiet.deadline().filter(|due| *due <= until) {
        let now = pairs[0].now.max(due);
        pairs.iter_mut().for_each(|pair| pair.now = now);
        let message = quiet.poll(now).unwrap();
        said.push(message.to_vec());
        for pair in &mut *pairs {
            assert!(pair.serve_all(message).is_empty(), "{message:02x?}");
        }
    }
    pairs.iter_mut().for_each(|pair| pair.now = until);
    said
}

#[test]
fn a_bus_is_quiet_while_every_ecu_on_it_is_written_and_loud_again_after_that() {
    let mut quiet = QuietBus::new();
    let mut pairs = [Pair::proving(), Pair::proving(), Pair::proving()];
    assert_eq!(quiet.deadline(), None);
    quiet.open();
    assert_eq!(on_the_bus(&mut quiet, &mut pairs, Duration::from_secs(20))[..2], [&[0x10, 0x83][..], &[0x3e, 0x80]]);
    for pair in &mut pairs {
        pair.client.authenticate().unwrap();
        assert_eq!(pair.conclude("ecu primary"), Ok(Ok(())));
    }
    quiet.silence();
    let said = on_the_bus(&mut quiet, &mut pairs, Duration::from_secs(40));
    assert_eq!(said[..3], [&[0x85, 0x82][..], &[0x28, 0x83, 0x01], &[0x3e, 0x80]]);
    for pair in &mut pairs {
        assert_eq!(pair.handler.obeyed, [Control::DtcSetting(DtcSetting::Off), QUIET]);
        pair.ask(Request::Offer(File::Image, length(1)), |_| ()).unwrap();
        pair.ask(Request::Chunk(Length::ZERO, &[7]), |_| ()).unwrap();
        assert_eq!(pair.ask(Request::Close, |reply| reply == Reply::Done), Ok(true));
        assert_eq!(pair.handler.obeyed.len(), 2, "still quiet");
    }
    quiet.release();
    let said = on_the_bus(&mut quiet, &mut pairs, Duration::from_secs(60));
    assert_eq!(said, [&[0x28, 0x80, 0x01][..], &[0x85, 0x81], &[0x10, 0x81]]);
    let loud = Control::Communication(Traffic::Both, Messages::Normal);
    assert!(pairs.iter().all(|pair| pair.handler.obeyed[2] == loud));
    assert_eq!((quiet.deadline(), quiet.is_settled()), (None, true));
}

#[test]
fn ecus_have_time_for_each_message_to_all_of_them() {
    let mut quiet = QuietBus::new();
    quiet.silence();
    let mut times = vec![];
    while !quiet.is_settled() {
        let due = quiet.deadline().unwrap();
        assert_eq!(quiet.poll(due.saturating_sub(Duration::from_nanos(1))).is_some(), due == Duration::ZERO);
        if due > Duration::ZERO {
            quiet.poll(due).unwrap();
        }
        times.push(due);
    }
    assert_eq!(times, [Duration::ZERO, P2, 2 * P2]);
}

#[test]
fn a_bus_that_was_only_opened_is_only_closed() {
    let mut quiet = QuietBus::new();
    quiet.open();
    quiet.release();
    assert!(quiet.is_settled(), "nothing was said");
    quiet.open();
    assert_eq!(quiet.poll(Duration::ZERO), Some(&[0x10, 0x83][..]));
    quiet.release();
    assert_eq!(quiet.poll(P2), Some(&[0x10, 0x81][..]));
    assert_eq!(quiet.deadline(), None);
    quiet.open();
    assert_eq!(quiet.poll(2 * P2), Some(&[0x10, 0x83][..]), "and again");
}
