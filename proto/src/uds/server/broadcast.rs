//! Whether the Secondary takes part in a broadcast, and in which.

use core::time::Duration;

use uptane::Length;

use super::Server;
use super::transfer::{Open, Transfer};
use crate::broadcast::Join;
use crate::uds::answer::{Outcome, exactly, put_routine};
use crate::uds::broadcast::{Capacity, INVITATION, Invitation, put_joined};
use crate::uds::codec::{Nrc, Writer, routine};

impl Server<true> {
    /// In the default session, of an ECU that takes part in broadcasts when it is asked to, if it has the capacity.
    pub fn in_group(max_request: usize, capacity: Option<Capacity>) -> Self {
        Self::begin(max_request, capacity)
    }

    /// The broadcast to take part in from now on: said once, after the message that asked for it.
    pub fn joins(&mut self) -> Option<Join> {
        self.hearing.joins(self.next())
    }

    /// Whether the ECU still takes part in the broadcast it joined. Blocks of its own, another offer and the end of the
    /// session end it.
    pub fn has_joined(&self) -> bool {
        self.hearing.has_joined() && self.next().is_some()
    }

    /// The sender of the broadcast was heard, and what it sent is handed over up to here: the session goes on. One that is
    /// over already, the broadcast with it, does not come back.
    pub fn heard(&mut self, held: Length, now: Duration) {
        let now = now.into();
        if now >= self.session_end() {
            return self.hearing.end();
        }
        self.heard = self.heard.max(now);
        if let (true, Transfer::Open(Open { next, .. })) = (self.hearing.has_joined(), &mut self.transfer) {
            *next = held;
        }
    }
}

impl<const GROUP: bool> Server<GROUP> {
    /// Where the open transfer goes on.
    pub(super) fn next(&self) -> Option<Length> {
        match self.transfer {
            Transfer::Open(open) => Some(open.next),
            Transfer::None | Transfer::Refused { .. } | Transfer::Exited | Transfer::Closed(_) => None,
        }
    }
}

/// The Secondary's part: whether it takes part, and in what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hearing {
    capacity: Option<Capacity>,
    /// Length and longest chunk of the file that was offered last.
    offered: (Length, u32),
    invited: Invited,
}

#[derive(Clone, Copy, Debug)]
enum Invited {
    /// It was not, or it is over.
    No,
    /// It is to join.
    Now(Invitation),
    /// It has.
    Before,
}

impl Hearing {
    /// It has been asked nothing.
    pub(super) fn new(capacity: Option<Capacity>) -> Self {
        Self { capacity, offered: (Length::ZERO, 0), invited: Invited::No }
    }

    /// A file is offered: a broadcast that brought another one is over.
    pub(super) fn offer(&mut self, length: Length, chunk: u32) {
        (self.offered, self.invited) = ((length, chunk), Invited::No);
    }

    /// The bytes come from elsewhere.
    pub(super) fn end(&mut self) {
        self.invited = Invited::No;
    }

    /// The routine, while a transfer is open that goes on at `next`.
    pub(super) fn routine(&mut self, sub: u8, record: &[u8], next: Option<Length>, writer: &mut Writer<'_>) -> Outcome {
        let capacity = self.capacity.ok_or(Nrc::RequestOutOfRange)?;
        match sub {
            routine::START => {
                let record: [u8; INVITATION] = exactly(record)?;
                let invitation = Invitation::read(&record).ok_or(Nrc::RequestOutOfRange)?;
                let from = next.ok_or(Nrc::RequestSequenceError)?;
                self.invited = Invited::Now(invitation);
                put_routine(writer, sub, routine::BROADCAST, Ok(()));
                put_joined(writer, from, capacity);
            }
            routine::STOP => {
                let [] = exactly(record)?;
                self.end();
                put_routine(writer, sub, routine::BROADCAST, Ok(()));
            }
            _ => return Err(Nrc::SubFunctionNotSupported.into()),
        }
        Ok(())
    }

    /// What to take part in from now on, said once for each time it was asked to.
    pub(super) fn joins(&mut self, next: Option<Length>) -> Option<Join> {
        let Invited::Now(Invitation { session, answer }) = self.invited else { return None };
        self.invited = Invited::Before;
        let (length, chunk) = self.offered;
        next.map(|from| Join { session, answer, from, length, chunk })
    }

    /// Whether it takes part.
    pub(super) fn has_joined(&self) -> bool {
        matches!(self.invited, Invited::Before)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::can::Id;
    use crate::isotp::{Framing, Separation};
    use crate::secondary::{Reply, Request};
    use crate::uds::S3;

    const CAPACITY: Capacity = Capacity { window: 0x690, separation: Separation::NONE };
    const JOIN: [u8; 15] = [0x31, 1, 0xf0, 3, 7, 0, 8, 0, 0, 6, 0xa5, 0, 0, 6, 0xb0];
    const OFFER: [u8; 19] = [0x34, 0, 0x88, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0];

    /// The last response to a message, from a Secondary that takes an image from its byte 16 on.
    fn say<const GROUP: bool>(server: &mut Server<GROUP>, message: &[u8], now: Duration) -> Vec<u8> {
        let from = Length::new(16).unwrap();
        let mut handler = |request: Request<'_>| match request {
            Request::Offer(..) => Reply::Ready(from, 100),
            Request::Chunk(..) => Reply::Taken(Length::new(0x1000).unwrap()),
            Request::Identify | Request::TimeNonce | Request::Begin(_) | Request::Close | Request::Report(_) => {
                Reply::Done
            }
        };
        let mut out = [0; 64];
        let len = server.handle(message, now, &mut handler, &mut out);
        let len = server.poll(now, &mut handler, &mut out).unwrap_or(len);
        out[..len].to_vec()
    }

    fn offered<const GROUP: bool>(server: Server<GROUP>) -> Server<GROUP> {
        let mut server = server;
        say(&mut server, &[0x10, 2], Duration::ZERO);
        assert_eq!(say(&mut server, &OFFER, Duration::ZERO), [0x74, 0x40, 0, 0, 0, 102]);
        server
    }

    fn joined() -> Server<true> {
        let mut server = offered(Server::in_group(4_095, Some(CAPACITY)));
        let response = [0x71, 1, 0xf0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 6, 0x90, 0];
        assert_eq!(say(&mut server, &JOIN, Duration::ZERO), response);
        server
    }

    #[test]
    fn an_ecu_that_is_asked_to_join_is_told_what_to_take_part_in_once() {
        let mut server = joined();
        assert!(!server.has_joined());
        let join = server.joins().unwrap();
        assert_eq!((join.from.get(), join.length.get(), join.chunk), (16, 0x1000, 100));
        assert_eq!((join.session.number, join.session.framing), (7, Framing::CLASSICAL));
        assert_eq!((join.session.id, join.answer), (Id::standard(0x6a5).unwrap(), Id::standard(0x6b0).unwrap()));
        assert_eq!((server.joins(), server.has_joined()), (None, true));
        // The response was lost.
        say(&mut server, &JOIN, Duration::ZERO);
        assert_eq!(server.joins(), Some(join));
    }

    #[test]
    fn without_a_transfer_or_a_capacity_nobody_joins() {
        let mut server = Server::in_group(4_095, Some(CAPACITY));
        say(&mut server, &[0x10, 2], Duration::ZERO);
        assert_eq!(say(&mut server, &JOIN, Duration::ZERO), [0x7f, 0x31, 0x24]);
        let mut server = offered(Server::in_group(4_095, None));
        assert_eq!(say(&mut server, &JOIN, Duration::ZERO), [0x7f, 0x31, 0x31]);
        assert_eq!(server.joins(), None);
        assert_eq!(say(&mut offered(Server::new(4_095)), &JOIN, Duration::ZERO), [0x7f, 0x31, 0x31]);
    }

    #[test]
    fn invitations_that_are_none_are_refused_by_their_form() {
        let mut server = offered(Server::in_group(4_095, Some(CAPACITY)));
        let with = |at: usize, byte: u8| {
            let mut message = JOIN;
            message[at] = byte;
            message
        };
        for (message, code) in [
            (&JOIN[..14], 0x13),
            (&with(1, 3)[..], 0x12),
            (&with(5, 2)[..], 0x31),
            (&with(6, 9)[..], 0x31),
            (&with(9, 8)[..], 0x31),
            // Its own answers would be what it hears.
            (&with(14, 0xa5)[..], 0x31),
        ] {
            assert_eq!(say(&mut server, message, Duration::ZERO), [0x7f, 0x31, code], "{message:02x?}");
        }
        assert_eq!(server.joins(), None);
    }

    #[test]
    fn what_a_broadcast_brought_is_where_the_transfer_goes_on() {
        let mut server = joined();
        server.joins();
        server.heard(Length::new(0x123).unwrap(), Duration::ZERO);
        assert_eq!(say(&mut server, &[0x22, 0xfd, 4], Duration::ZERO), [0x62, 0xfd, 4, 0, 0, 0, 0, 0, 0, 1, 0x23]);
        assert_eq!(say(&mut server, &[0x36, 1, 9], Duration::ZERO), [0x76, 1, 0, 0, 0, 0, 0, 0, 0x10, 0]);
        assert!(!server.has_joined(), "a block of its own ends it");
        server.heard(Length::ZERO, Duration::ZERO);
        assert_eq!(say(&mut server, &[0x22, 0xfd, 4], Duration::ZERO), [0x62, 0xfd, 4, 0, 0, 0, 0, 0, 0, 0x10, 0]);
    }

    #[test]
    fn stop_exit_and_another_offer_end_it() {
        for message in [&[0x31, 2, 0xf0, 3][..], &[0x37], &OFFER, &[0x10, 2]] {
            let mut server = joined();
            server.joins();
            server.heard(Length::new(0x1000).unwrap(), Duration::ZERO);
            assert!(server.has_joined());
            let response = say(&mut server, message, Duration::ZERO);
            assert_eq!((response[0], server.has_joined()), (message[0] + 0x40, false), "{response:02x?}");
        }
    }

    #[test]
    fn a_sender_that_is_heard_keeps_the_session() {
        for hears in [true, false] {
            let mut server = joined();
            server.joins();
            if hears {
                server.heard(Length::new(32).unwrap(), S3);
            }
            let present = say(&mut server, &[0x3e, 0], S3 + Duration::from_secs(1));
            assert_eq!((present, server.has_joined()), ([0x7e, 0].to_vec(), hears));
        }
    }
}
