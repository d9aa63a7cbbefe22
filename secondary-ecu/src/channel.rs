//! One Secondary's side of a CAN bus, as a machine: frames become requests of the vocabulary, and replies frames.
//!
//! After [`Channel::hear`], send what [`Channel::poll`] gives until it gives nothing; then let [`Channel::work`] do what was
//! announced as pending, and poll again; and both at the [`Channel::deadline`]. Once [`Channel::is_quiet`], the answer has left,
//! and an ECU that wants to reset may. Times count from any one moment.

mod hearing;

use core::time::Duration;

use proto::can::Frame;
use proto::isotp::{Config, Link};
use proto::uds::{Capacity, Handler, Server};

pub use hearing::Hearing;

/// Bytes of the longest message: one service byte, one counter, one chunk.
pub const MAX_MESSAGE: usize = 4_095;
/// Bytes of one chunk of a file; within what ISO-TP's short length field can say.
pub const MAX_CHUNK: u32 = 4_093;
/// Bytes of the longest response, a report.
pub const MAX_RESPONSE: usize = 2_560;

/// UDS over ISO-TP, for messages of up to `RX` bytes in and `TX` bytes out, and no broadcasts unless it is in a
/// [`Hearing`].
#[derive(Clone, Debug)]
pub struct Channel<const RX: usize, const TX: usize, const GROUP: bool = false> {
    link: Link<RX, TX>,
    server: Server<GROUP>,
    /// Bytes of the answer that stands in its place in the link and is yet to be sent.
    answer: usize,
}

impl<const RX: usize, const TX: usize> Channel<RX, TX> {
    /// A channel on which nothing has been said.
    pub fn new(config: Config) -> Self {
        Self { link: Link::new(config), server: Server::new(RX), answer: 0 }
    }
}

impl<const RX: usize, const TX: usize> Channel<RX, TX, true> {
    /// The same, of an ECU that takes part in broadcasts when it is asked to, if it has the capacity.
    fn in_group(config: Config, capacity: Option<Capacity>) -> Self {
        Self { link: Link::new(config), server: Server::in_group(RX, capacity), answer: 0 }
    }
}

impl<const RX: usize, const TX: usize, const GROUP: bool> Channel<RX, TX, GROUP> {
    /// Takes a frame; `handler` answers the request it completes. Whether it completed one.
    #[inline(never)]
    pub fn hear(&mut self, frame: &Frame, now: Duration, handler: &mut impl Handler) -> bool {
        // An error of the link ends one message; the Primary repeats it.
        let Ok(Some((message, place))) = self.link.handle_and_place(frame, now) else {
            if self.link.is_receiving() {
                self.server.receiving(now);
            }
            return false;
        };
        let has_place = !place.is_empty();
        let answer = self.server.handle(message, now, handler, place);
        self.keep(answer, has_place);
        true
    }

    /// Takes a message that was sent to all ECUs at once, which one frame holds.
    pub fn hear_functional(&mut self, message: &[u8], now: Duration, handler: &mut impl Handler) {
        // An answer that still waits would be written over.
        self.hand_over(now);
        let place = self.link.place();
        let has_place = !place.is_empty();
        let answer = self.server.handle_functional(message, now, handler, place);
        self.keep(answer, has_place);
    }

    /// Does what was announced as pending, and ends a session that is over.
    #[inline(never)]
    pub fn work(&mut self, now: Duration, handler: &mut impl Handler) {
        let place = self.link.place();
        let has_place = !place.is_empty();
        if let Some(answer) = self.server.poll(now, handler, place) {
            self.keep(answer, has_place);
        }
    }

    /// The next frame that is due, or why a message was lost: the Primary repeats it.
    #[inline(never)]
    pub fn poll(&mut self, now: Duration) -> Result<Option<Frame>, proto::Error> {
        self.hand_over(now);
        self.link.poll(now)
    }

    /// An answer waits, unless the link was busy with that to an older message; the Primary asks again.
    fn keep(&mut self, answer: usize, has_place: bool) {
        self.answer = if has_place { answer } else { 0 };
    }

    /// Has the link send the answer that waits.
    fn hand_over(&mut self, now: Duration) {
        let answer = core::mem::take(&mut self.answer);
        // Without one, or while the last frame of another is in flight, nothing is sent.
        let _ = self.link.send_written(answer, now);
    }

    /// Whether there is work that was announced as pending.
    pub fn is_pending(&self) -> bool {
        self.server.is_pending()
    }

    /// Whether nothing is to be sent or done.
    pub fn is_quiet(&self) -> bool {
        self.answer == 0 && !self.link.is_sending() && !self.server.is_pending()
    }

    /// Whether an answer waits for [`poll`](Self::poll).
    pub fn has_answer(&self) -> bool {
        self.answer > 0
    }

    /// When to work and poll again, if nothing comes.
    pub fn deadline(&self) -> Option<Duration> {
        [self.link.deadline(), self.server.deadline()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use proto::can::{Format, Id};
    use proto::isotp::Framing;
    use proto::secondary::{Reply, Request};

    use super::*;

    fn silent(_: Request<'_>) -> Reply<'static> {
        Reply::Done
    }

    #[test]
    fn a_message_to_all_does_not_write_over_an_answer_that_waits() {
        let (request, response) = (Id::standard(0x7e0).unwrap(), Id::standard(0x7e8).unwrap());
        let mut channel = Channel::<64, 64>::new(Config::new(Framing::CLASSICAL, response, request));
        let frame = Frame::new(request, Format::Classical, &[3, 0x22, 0xfd, 0x05, 0xcc, 0xcc, 0xcc, 0xcc]).unwrap();
        assert!(channel.hear(&frame, Duration::ZERO, &mut silent));
        channel.hear_functional(&[0x3e, 0x00], Duration::ZERO, &mut silent);
        let answer = channel.poll(Duration::ZERO).unwrap().unwrap();
        assert_eq!(answer.data()[..5], [4, 0x62, 0xfd, 0x05, 0x00]);
    }

    /// 64 bytes in frames that are 900 ms apart: nine of them take longer than a session lasts.
    #[test]
    fn a_session_does_not_end_amid_a_request_that_arrives_slowly() {
        let (request, response) = (Id::standard(0x7e0).unwrap(), Id::standard(0x7e8).unwrap());
        let mut channel = Channel::<64, 64>::new(Config::new(Framing::CLASSICAL, response, request));
        let mut tester = Link::<64, 64>::new(Config::new(Framing::CLASSICAL, request, response));
        let mut now = Duration::ZERO;
        for message in [&[0x10, 0x02][..], &[&[0x36, 1][..], &[7; 62]].concat()] {
            tester.send(message, now).unwrap();
            let mut answer = None;
            while answer.is_none() {
                if let Some(frame) = tester.poll(now).unwrap() {
                    channel.hear(&frame, now, &mut silent);
                    channel.work(now, &mut silent);
                }
                if let Some(frame) = channel.poll(now).unwrap() {
                    answer = tester.handle(&frame, now).unwrap().map(<[u8]>::to_vec);
                }
                now += Duration::from_millis(900);
            }
            // The second is refused because no transfer is open, not because the session is over.
            assert!(matches!(answer.as_deref(), Some([0x50, ..] | [0x7f, 0x36, 0x24])), "{answer:?}");
        }
    }
}
