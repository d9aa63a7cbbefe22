#![expect(clippy::wildcard_enum_match_arm, reason = "a scripted Secondary answers the rest alike")]

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;
use uptane::{Length, Nonce};

use self::any::{Asked, Exchange, any_exchange, length, owned};
use super::*;
use crate::Error;
use crate::secondary::{File, Refusal, Reply, Request};

mod any;
mod brake;
mod control;
mod malformed;
mod over_can;
mod proving;
mod quiet;
mod sessions;

const ROOM: usize = 4_095;

/// A Secondary that notes what it is asked. It says `reply` to what is under test, and yes to what leads there.
struct Scripted<'r> {
    under_test: Request<'r>,
    reply: Reply<'r>,
    start: Length,
    asked: Vec<Asked>,
}

impl Handler for Scripted<'_> {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self.asked.push(owned(request));
        match request {
            _ if core::mem::discriminant(&request) == core::mem::discriminant(&self.under_test) => self.reply,
            Request::Offer(..) => Reply::Ready(self.start, 4_093),
            _ => Reply::Refused(Refusal::Malformed),
        }
    }
}

/// A client and a server; the numbered messages of `lost` do not arrive, counted over both directions.
struct Pair<H> {
    client: Client<ROOM>,
    server: Server,
    handler: H,
    now: Duration,
    carried: usize,
    lost: Vec<usize>,
}

/// One of the two ways into a server.
type Handle<H> = fn(&mut Server, &[u8], Duration, &mut H, &mut [u8]) -> usize;

impl<H: Handler> Pair<H> {
    fn new(handler: H) -> Self {
        let (client, server) = (Client::new(), Server::new(ROOM));
        Self { client, server, handler, now: Duration::ZERO, carried: 0, lost: vec![] }
    }

    fn arrives(&mut self) -> bool {
        self.carried += 1;
        !self.lost.contains(&(self.carried - 1))
    }

    /// What the server says to a message, all that arrives of it.
    fn serve(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        self.serve_by(Server::handle, message)
    }

    /// The same for a message to all ECUs.
    fn serve_all(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        self.serve_by(Server::handle_functional, message)
    }

    fn serve_by(&mut self, handle: Handle<H>, message: &[u8]) -> Vec<Vec<u8>> {
        if !self.arrives() {
            return vec![];
        }
        let mut out = [0; ROOM];
        let len = handle(&mut self.server, message, self.now, &mut self.handler, &mut out);
        let mut responses = vec![out[..len].to_vec()];
        if let Some(len) = self.server.poll(self.now, &mut self.handler, &mut out) {
            responses.push(out[..len].to_vec());
        }
        responses.retain(|response| !response.is_empty());
        responses.into_iter().filter(|_| self.arrives()).collect()
    }

    /// Asks, and gives the reply to `judge`.
    fn ask<T>(&mut self, request: Request<'_>, judge: impl Fn(Reply<'_>) -> T) -> Result<T, Error> {
        self.client.start(request).unwrap();
        loop {
            while let Some(message) = self.client.poll(self.now)?.map(<[u8]>::to_vec) {
                for response in self.serve(&message) {
                    if let Some(reply) = self.client.handle(&response, self.now)? {
                        return Ok(judge(reply));
                    }
                }
            }
            self.now = self.client.deadline().unwrap().max(self.now);
        }
    }
}

/// A pair in which everything that comes before the request has happened.
fn prepared(exchange: &Exchange) -> Pair<Scripted<'_>> {
    let request = exchange.request();
    let start = match request {
        Request::Chunk(offset, _) => offset,
        Request::Close => length(1 << 20),
        _ => Length::ZERO,
    };
    let mut pair = Pair::new(Scripted { under_test: request, reply: exchange.reply(), start, asked: vec![] });
    if matches!(request, Request::Chunk(..) | Request::Close) {
        pair.ask(Request::Offer(File::Image, length(1 << 20)), |_| ()).unwrap();
    }
    pair.carried = 0;
    pair
}

fn same(exchange: &Exchange) -> impl Fn(Reply<'_>) -> bool {
    move |reply| reply == exchange.reply()
}

#[cfg(feature = "grpc")]
fn grpc_carries(exchange: &Exchange) {
    use prost::Message as _;

    use crate::grpc::secondary as wire;
    let bytes = wire::Request::from(exchange.request()).encode_to_vec();
    assert_eq!(Request::try_from(&wire::Request::decode(&bytes[..]).unwrap()), Ok(exchange.request()));
    let bytes = wire::Reply::from(exchange.reply()).encode_to_vec();
    assert_eq!(Reply::try_from(&wire::Reply::decode(&bytes[..]).unwrap()), Ok(exchange.reply()));
}

proptest! {
    #[test]
    fn every_request_and_reply_arrives_as_it_was_said_by_every_codec(exchange in any_exchange()) {
        let mut pair = prepared(&exchange);
        prop_assert_eq!(pair.ask(exchange.request(), same(&exchange)), Ok(true));
        prop_assert_eq!(pair.handler.asked.last(), Some(&owned(exchange.request())));
        #[cfg(feature = "grpc")]
        grpc_carries(&exchange);
    }

    #[test]
    fn a_lost_message_changes_neither_what_is_done_nor_what_is_said(
        exchange in any_exchange(), lost in proptest::collection::btree_set(0_usize..12, 0..=3)
    ) {
        let mut pair = prepared(&exchange);
        pair.lost.extend(lost);
        prop_assert_eq!(pair.ask(exchange.request(), same(&exchange)), Ok(true));
        let asked = pair.handler.asked.iter().filter(|asked| **asked == owned(exchange.request())).count();
        let refused = matches!(exchange.reply(), Reply::Refused(_));
        if matches!(exchange.request(), Request::Close) || matches!(exchange.request(), Request::Chunk(..)) && !refused {
            prop_assert_eq!(asked, 1, "done once, however often it was asked");
        }
    }

    #[test]
    fn no_message_makes_a_server_panic_or_silent(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..30), 1..20), known in any::<bool>()
    ) {
        let mut pair = Pair::new(|_: Request<'_>| Reply::Done);
        for mut message in messages {
            if known {
                let services = [0x10, 0x22, 0x2e, 0x31, 0x34, 0x36, 0x37, 0x3e];
                message[0] = services[usize::from(message[0]) % services.len()];
                pair.serve(&[0x10, 0x02]);
            }
            let suppressed = matches!(message[..], [0x10 | 0x31 | 0x3e, 0x80..=0xff, ..]);
            let always = matches!(message[..], [0x10, 0x81..=0x83] | [0x3e, 0x80]);
            let is_silent = pair.serve(&message).is_empty();
            prop_assert!(if is_silent { suppressed } else { !always }, "{:02x?}", message);
        }
    }

    #[test]
    fn no_response_makes_a_client_panic(
        exchange in any_exchange(), service in any::<bool>(), response in proptest::collection::vec(any::<u8>(), 0..80)
    ) {
        let mut client = Client::<ROOM>::new();
        client.start(exchange.request()).unwrap();
        let asked = client.poll(Duration::ZERO).unwrap().unwrap()[0];
        let mut response = response;
        if let (true, Some(first)) = (service, response.first_mut()) {
            *first = asked + 0x40;
        }
        let _whatever = client.handle(&response, Duration::ZERO);
    }
}

fn silent() -> Pair<impl Handler> {
    Pair::new(|_: Request<'_>| Reply::Done)
}

/// A pair with a file open from its beginning, whose Secondary counts what it takes.
fn open() -> Pair<impl Handler> {
    let mut taken = 0;
    let mut pair = Pair::new(move |request: Request<'_>| match request {
        Request::Offer(..) => Reply::Ready(length(taken), 4_093),
        Request::Chunk(_, data) => {
            taken += u64::try_from(data.len()).unwrap();
            Reply::Taken(length(taken))
        }
        _ => Reply::Done,
    });
    pair.serve(&[0x10, 0x02]);
    pair.serve(&[&[0x34, 0x00, 0x88, 0x50][..], &[0; 7], &100_u64.to_be_bytes()].concat());
    pair
}

#[test]
fn a_repeated_block_is_answered_again_and_not_written_again() {
    let mut pair = open();
    let first = pair.serve(&[0x36, 0x01, 7, 7, 7]);
    assert_eq!(first, [[0x76, 0x01, 0, 0, 0, 0, 0, 0, 0, 3]]);
    assert_eq!(pair.serve(&[0x36, 0x01, 7, 7, 7]), first);
    assert_eq!(pair.serve(&[0x36, 0x02, 7]), [[0x76, 0x02, 0, 0, 0, 0, 0, 0, 0, 4]]);
}

#[test]
fn a_block_with_a_wrong_counter_is_refused_and_the_right_one_still_taken() {
    let mut pair = open();
    assert_eq!(pair.serve(&[0x36, 0x00, 7]), [[0x7f, 0x36, 0x73]]);
    assert_eq!(pair.serve(&[0x36, 0x02, 7]), [[0x7f, 0x36, 0x73]]);
    assert_eq!(pair.serve(&[0x36, 0x01, 7]), [[0x76, 0x01, 0, 0, 0, 0, 0, 0, 0, 1]]);
}

#[test]
fn the_block_counter_goes_from_ff_to_00() {
    let mut pair = open();
    for block in (0_u16..600).map(|block| (block + 1).to_be_bytes()[1]) {
        let response = &pair.serve(&[0x36, block, 7])[0];
        assert_eq!(response[..2], [0x76, block]);
    }
}

#[test]
fn a_session_without_requests_ends_and_tester_present_keeps_it() {
    let mut pair = open();
    pair.now += S3;
    assert!(pair.serve(&[0x3e, 0x80]).is_empty());
    pair.now += S3;
    assert_eq!(pair.serve(&[0x36, 0x01, 7]).concat()[0], 0x76);
    pair.now += S3 + Duration::from_nanos(1);
    assert_eq!(pair.serve(&[0x36, 0x02, 7]), [[0x7f, 0x36, 0x7f]]);
}

#[test]
fn a_request_that_arrives_for_longer_than_a_session_lasts_keeps_it_and_brings_none_back() {
    let mut pair = open();
    pair.server.receiving(S3);
    pair.now += 2 * S3;
    assert_eq!(pair.serve(&[0x36, 0x01, 7]).concat()[0], 0x76);
    pair.now += S3 + Duration::from_nanos(1);
    pair.server.receiving(pair.now);
    assert_eq!(pair.serve(&[0x36, 0x02, 7]), [[0x7f, 0x36, 0x7f]]);
}

#[test]
fn a_client_keeps_an_open_transfer_alive_and_nothing_else() {
    let mut pair = open();
    assert_eq!(pair.client.deadline(), None);
    pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
    assert_eq!(pair.client.poll(PRESENT_INTERVAL), Ok(Some(&[0x3e, 0x80][..])));
    assert_eq!(pair.client.poll(PRESENT_INTERVAL), Ok(None));
    pair.ask(Request::Chunk(length(0), &[7; 9]), |_| ()).unwrap();
    assert_eq!(pair.ask(Request::Close, |reply| reply == Reply::Done), Ok(true));
    assert_eq!(pair.client.deadline(), None);
}

#[test]
fn a_transfer_the_secondary_forgot_is_taken_up_again() {
    let mut pair = open();
    pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
    pair.ask(Request::Chunk(length(0), &[7, 7]), |_| ()).unwrap();
    pair.server = Server::new(ROOM);
    assert_eq!(pair.ask(Request::Chunk(length(2), &[7]), |reply| reply == Reply::Taken(length(3))), Ok(true));
}

#[test]
fn a_chunk_that_is_not_the_next_one_is_told_where_to_go_on() {
    let mut pair = open();
    pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
    pair.ask(Request::Chunk(length(0), &[7, 7]), |_| ()).unwrap();
    let refused = Reply::Refused(Refusal::Offset(length(2)));
    assert_eq!(pair.ask(Request::Chunk(length(5), &[7]), |reply| reply == refused), Ok(true));
    assert_eq!(pair.ask(Request::Chunk(length(2), &[7]), |reply| reply == Reply::Taken(length(3))), Ok(true));
}

#[test]
fn a_chunk_of_nothing_offered_is_never_sent() {
    let mut pair = open();
    let refused = Reply::Refused(Refusal::Offset(Length::ZERO));
    assert_eq!(pair.ask(Request::Chunk(length(0), &[7]), |reply| reply == refused), Ok(true));
}

#[test]
fn slow_work_is_announced_before_it_is_done() {
    let mut pair = open();
    pair.serve(&[&[0x36, 0x01][..], &[7; 100]].concat());
    pair.serve(&[0x37]);
    let responses = pair.serve(&[0x31, 0x01, 0xf0, 0x02]);
    assert_eq!(responses, [&[0x7f, 0x31, 0x78][..], &[0x71, 0x01, 0xf0, 0x02, 0x00]]);
    assert_eq!(pair.serve(&[0x31, 0x03, 0xf0, 0x02]), [[0x71, 0x03, 0xf0, 0x02, 0x00]]);
}

#[test]
fn a_block_of_a_patch_is_short_and_is_announced_and_taken_once() {
    let mut pair = open();
    let offer = [&[0x34, 0x00, 0x88, 0x61][..], &[0; 7], &300_u64.to_be_bytes()].concat();
    let ready = pair.serve(&offer);
    assert_eq!(ready, [&[0x7f, 0x34, 0x78][..], &[0x74, 0x40, 0, 0, 0, 251]]);
    assert_eq!(pair.serve(&[&[0x36, 0x01][..], &[7; 250]].concat()), [[0x7f, 0x36, 0x13]]);
    let block = [&[0x36, 0x01][..], &[7; 249]].concat();
    let taken = [0x76, 0x01, 0, 0, 0, 0, 0, 0, 0, 249];
    assert_eq!(pair.serve(&block), [&[0x7f, 0x36, 0x78][..], &taken]);
    assert_eq!(pair.serve(&block), [taken]);
}

#[test]
fn a_message_while_work_is_pending_is_to_be_repeated() {
    let mut pair = open();
    pair.serve(&[&[0x36, 0x01][..], &[7; 100]].concat());
    pair.serve(&[0x37]);
    let mut out = [0; 20];
    pair.server.handle(&[0x31, 0x01, 0xf0, 0x02], pair.now, &mut pair.handler, &mut out);
    let len = pair.server.handle(&[0x22, 0xfd, 0x00], pair.now, &mut pair.handler, &mut out);
    assert_eq!(out[..len], [0x7f, 0x22, 0x21]);
    assert!(pair.server.is_pending());
}

#[test]
fn a_response_that_does_not_fit_is_said_to_be_too_long() {
    let mut server = Server::new(ROOM);
    let mut handler = |_: Request<'_>| Reply::TimeNonce(Nonce([0; 16]));
    let mut out = [0; 18];
    let len = server.handle(&[0x22, 0xfd, 0x01], Duration::ZERO, &mut handler, &mut out);
    assert_eq!(out[..len], [0x7f, 0x22, 0x14]);
}

#[test]
fn a_client_gives_up_after_as_many_tries_as_it_has() {
    let mut pair = silent();
    pair.lost.extend(0..100);
    assert_eq!(pair.ask(Request::Identify, |_| ()), Err(Error::NoResponse));
    assert_eq!(pair.carried, usize::from(MAX_TRIES));
    assert!(pair.client.is_idle());
}

#[test]
fn a_pending_response_is_waited_for_longer() {
    let mut client = Client::<ROOM>::new();
    client.start(Request::Identify).unwrap();
    client.poll(Duration::ZERO).unwrap();
    client.handle(&[0x7f, 0x22, 0x78], Duration::ZERO).unwrap();
    assert_eq!(client.deadline(), Some(P2_EXTENDED + CARRIER_MARGIN));
}

#[test]
fn an_answer_without_a_reason_is_an_error() {
    let mut client = Client::<ROOM>::new();
    client.start(Request::Identify).unwrap();
    client.poll(Duration::ZERO).unwrap();
    assert_eq!(client.handle(&[0x7f, 0x22, 0x33], Duration::ZERO), Ok(None));
    assert_eq!(client.poll(Duration::ZERO), Ok(Some(&[0x22, 0xfd, 0x05][..])));
    assert_eq!(client.handle(&[0x7f, 0x22, 0x31], Duration::ZERO), Err(Error::Negative { service: 0x22, code: 0x33 }));
}

#[test]
fn a_late_answer_to_another_message_is_ignored() {
    let mut pair = open();
    pair.ask(Request::Offer(File::Image, length(9)), |_| ()).unwrap();
    pair.client.start(Request::Chunk(length(0), &[7])).unwrap();
    pair.client.poll(pair.now).unwrap();
    assert_eq!(pair.client.handle(&[0x76, 0x00, 0, 0, 0, 0, 0, 0, 0, 9], pair.now), Ok(None));
    assert_eq!(pair.client.handle(&[0x62, 0xfd, 0x01], pair.now), Ok(None));
    assert!(!pair.client.is_idle());
}

#[test]
fn a_chunk_longer_than_the_client_has_room_for_is_refused_before_anything_is_sent() {
    let mut client = Client::<10>::new();
    let chunk = Request::Chunk(Length::ZERO, &[0; 9]);
    assert_eq!(client.start(chunk), Err(Error::TooLong { len: 9, most: 8 }));
    assert!(client.is_idle());
}

#[test]
fn the_machines_need_few_bytes_besides_their_buffers() {
    // The block of a patch that waits for its turn included.
    assert!(size_of::<Server>() <= 576, "{}", size_of::<Server>());
    assert!(size_of::<Client<0>>() <= 480, "{}", size_of::<Client<0>>());
    assert!(size_of::<crate::isotp::Link<0, 0>>() <= 320, "{}", size_of::<crate::isotp::Link<0, 0>>());
}
