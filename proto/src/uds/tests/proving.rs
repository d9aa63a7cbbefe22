//! A client that has an ECU do something, and shows first that it is the Primary's.

use super::brake::{Brake, ED25519, proof_by};
use super::*;
use crate::uds::{Control, DtcSetting, Messages, Reset, Traffic};

impl Pair<Brake> {
    /// Goes on with what the client does until it ends. The driver signs as `label`.
    pub(super) fn conclude(&mut self, label: &str) -> Result<Result<(), Refusal>, Error> {
        loop {
            if let Some(challenge) = self.client.challenge() {
                self.client.prove(Some(&proof_by(label, challenge)))?;
            }
            while let Some(message) = self.client.poll(self.now)?.map(<[u8]>::to_vec) {
                for response in self.serve(&message) {
                    match self.client.handle(&response, self.now)? {
                        Some(Reply::Done) => return Ok(Ok(())),
                        Some(Reply::Refused(refusal)) => return Ok(Err(refusal)),
                        Some(reply) => panic!("{reply:?}"),
                        None => {}
                    }
                }
            }
            if self.client.challenge().is_none() {
                self.now = self.client.deadline().unwrap().max(self.now);
            }
        }
    }

    pub(super) fn proving() -> Self {
        Self { client: Client::proving(), ..Self::brake() }
    }
}

const QUIET: Control = Control::Communication(Traffic::Neither, Messages::Normal);

#[test]
fn a_client_proves_itself_where_it_is_asked_to_and_opens_the_session_that_is_needed() {
    let mut pair = Pair::proving();
    pair.client.control(QUIET).unwrap();
    assert_eq!(pair.conclude("ecu primary"), Ok(Ok(())));
    pair.client.control(Control::DtcSetting(DtcSetting::Off)).unwrap();
    assert_eq!(pair.conclude("ecu primary"), Ok(Ok(())));
    pair.client.control(Control::Reset(Reset::Soft)).unwrap();
    assert_eq!(pair.conclude("ecu primary"), Ok(Ok(())));
    assert_eq!(pair.handler.obeyed.first(), Some(&QUIET));
    assert_eq!(pair.handler.obeyed.last(), Some(&Control::Reset(Reset::Soft)));
}

#[test]
fn a_client_that_proves_nothing_is_told_what_is_missing() {
    let mut pair = Pair::brake();
    pair.client.control(Control::Reset(Reset::Hard)).unwrap();
    assert_eq!(pair.conclude("ecu primary"), Err(Error::Negative { service: 0x11, code: 0x34 }));
    assert!(pair.client.is_idle());
}

#[test]
fn a_client_with_the_wrong_key_is_refused() {
    let mut pair = Pair::proving();
    pair.client.control(Control::Reset(Reset::Hard)).unwrap();
    assert_eq!(pair.conclude("ecu stranger"), Err(Error::Negative { service: 0x29, code: 0x58 }));
    assert!(pair.handler.obeyed.is_empty());
}

#[test]
fn a_driver_that_cannot_sign_gives_the_request_up() {
    let mut pair = Pair::brake();
    pair.client.authenticate().unwrap();
    while pair.client.challenge().is_none() {
        let message = pair.client.poll(pair.now).unwrap().unwrap().to_vec();
        let response = pair.serve(&message).concat();
        assert_eq!(pair.client.handle(&response, pair.now), Ok(None));
    }
    assert_eq!(pair.client.deadline(), None);
    assert_eq!(pair.client.prove(None), Err(Error::Unproven));
    assert!(pair.client.is_idle());
}

#[test]
fn an_ecu_that_will_not_now_says_so_and_keeps_the_open_transfer() {
    let mut pair = Pair::proving();
    pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
    pair.handler.is_moving = true;
    pair.client.control(QUIET).unwrap();
    assert_eq!(pair.conclude("ecu primary"), Ok(Err(Refusal::Phase)));
    let carried = pair.carried;
    let taken = pair.ask(Request::Chunk(Length::ZERO, &[7]), |reply| reply == Reply::Taken(length(1)));
    assert_eq!((taken, pair.carried - carried), (Ok(true), 2));
}

#[test]
fn a_secondary_that_asks_again_and_again_is_given_up() {
    let mut client = Client::<ROOM>::proving();
    client.control(Control::Reset(Reset::Hard)).unwrap();
    let mut said = vec![];
    let verdict = loop {
        if client.challenge().is_some() {
            client.prove(Some(&[7; 64])).unwrap();
        }
        let Some(message) = client.poll(Duration::ZERO).unwrap().map(<[u8]>::to_vec) else { panic!("it waits") };
        said.push(message[..2].to_vec());
        let response = match message[..2] {
            [0x11, 0x01] => vec![0x7f, 0x11, 0x34],
            [0x29, 0x05] => [&[0x69, 0x05, 0x00][..], &ED25519, &[0, 16], &[9; 16], &[0, 0]].concat(),
            _ => [&[0x69, 0x06, 0x12][..], &ED25519, &[0, 0]].concat(),
        };
        if let Err(error) = client.handle(&response, Duration::ZERO) {
            break error;
        }
    };
    assert_eq!(verdict, Error::Negative { service: 0x11, code: 0x34 });
    let round = [[0x11, 0x01], [0x29, 0x05], [0x29, 0x06]];
    assert_eq!(said, [&round.repeat(MAX_TRIES.into())[..], &[[0x11, 0x01]]].concat());
}

proptest! {
    #[test]
    fn a_lost_message_changes_neither_what_an_ecu_does_nor_what_is_said_of_it(
        lost in proptest::collection::btree_set(0_usize..20, 0..=2)
    ) {
        for control in [QUIET, Control::Reset(Reset::Hard)] {
            let mut pair = Pair::proving();
            pair.lost.extend(&lost);
            pair.client.control(control).unwrap();
            prop_assert_eq!(pair.conclude("ecu primary"), Ok(Ok(())));
            prop_assert!(pair.handler.obeyed.contains(&control));
        }
    }
}

#[test]
fn a_proof_whose_response_never_comes_is_given_up() {
    let mut pair = Pair::brake();
    pair.client.authenticate().unwrap();
    // Every response but challenges is lost.
    let verdict = loop {
        if let Some(challenge) = pair.client.challenge() {
            pair.client.prove(Some(&proof_by("ecu primary", challenge))).unwrap();
        }
        match pair.client.poll(pair.now).map(|message| message.map(<[u8]>::to_vec)) {
            Err(error) => break error,
            Ok(Some(message)) => {
                let responses = pair.serve(&message);
                if message[1] == 0x05 {
                    pair.client.handle(&responses[0], pair.now).unwrap();
                }
            }
            Ok(None) => pair.now = pair.client.deadline().unwrap(),
        }
    };
    assert_eq!(verdict, Error::NoResponse);
    // Two messages and three answers each time, one of them that the verdict is pending.
    assert_eq!(pair.carried, 5 * usize::from(MAX_TRIES));
}
