//! One session: both halves on one pair of addresses.

use core::time::Duration;

use uptane::told;

use super::control::{Control, Said};
use super::receiver::Receiver;
use super::sender::Sender;
use super::{Config, Separation, Setup};
use crate::Error;
use crate::can::Frame;
use crate::moment::Moment;

/// A message, and the place of an answer to it: empty while that is taken.
pub type Answerable<'l> = (&'l [u8], &'l mut [u8]);

/// A channel for messages of up to `RX` bytes in and up to `TX` bytes out, which may be under way at the same time.
///
/// After every other call, poll until there is no frame; poll again at [`Link::deadline`].
#[derive(Clone, Debug)]
pub struct Link<const RX: usize, const TX: usize> {
    setup: Setup,
    receiver: Receiver,
    sender: Sender,
    incoming: [u8; RX],
    outgoing: [u8; TX],
    outgoing_len: usize,
}

impl<const RX: usize, const TX: usize> Link<RX, TX> {
    /// An idle link.
    pub fn new(config: Config) -> Self {
        Self {
            setup: Setup::of(config),
            receiver: Receiver::new(),
            sender: Sender::new(),
            incoming: [0; RX],
            outgoing: [0; TX],
            outgoing_len: 0,
        }
    }

    /// Begins to send a message. [`Error::Busy`] while one before it is under way.
    pub fn send(&mut self, message: &[u8], now: Duration) -> Result<(), Error> {
        let too_long = Error::TooLong { len: told(message.len()), most: told(TX) };
        let place = self.outgoing.get_mut(..message.len()).ok_or(too_long)?;
        self.sender.start(message.len(), now.into())?;
        place.copy_from_slice(message);
        self.outgoing_len = message.len();
        Ok(())
    }

    /// Where a message may be written that [`send_written`](Self::send_written) sends. Empty while one before it is needed.
    pub fn place(&mut self) -> &mut [u8] {
        place(&self.sender, &mut self.outgoing)
    }

    /// Begins to send what was written where [`place`](Self::place) says, up to this length.
    pub fn send_written(&mut self, len: usize, now: Duration) -> Result<(), Error> {
        if len > TX {
            return Err(Error::TooLong { len: told(len), most: told(TX) });
        }
        self.sender.start(len, now.into())?;
        self.outgoing_len = len;
        Ok(())
    }

    /// Takes a frame from the bus; those with another address are ignored. Gives the message it completes.
    ///
    /// [`Error::Interrupted`] says that an unfinished message is lost; the one that interrupted it is under way.
    pub fn handle(&mut self, frame: &Frame, now: Duration) -> Result<Option<&[u8]>, Error> {
        Ok(self.handle_and_place(frame, now)?.map(|(message, _)| message))
    }

    /// The same, with the [`place`](Self::place) of an answer to the message.
    pub fn handle_and_place(&mut self, frame: &Frame, now: Duration) -> Result<Option<Answerable<'_>>, Error> {
        let len = self.take(frame, now.into())?;
        let message = len.and_then(|len| self.incoming.get(..len));
        Ok(message.map(|message| (message, place(&self.sender, &mut self.outgoing))))
    }

    /// Takes a frame; gives the length of the message it completes.
    fn take(&mut self, frame: &Frame, now: Moment) -> Result<Option<usize>, Error> {
        let address = self.setup.receive;
        let control = address.pdu(frame).and_then(|pdu| Control::decode(pdu, address.width()));
        match control {
            None => Ok(None),
            Some(Control::Flow(flow)) => self.sender.handle(&self.setup.config, flow, now).map(|()| None),
            Some(Control::Single(data)) => self.receiver.single(data, &mut self.incoming).map(Some),
            Some(Control::First(first)) => self.receiver.first(first, now, &mut self.incoming).map(|()| None),
            Some(Control::Consecutive(next)) => self.receiver.consecutive(next, now, &mut self.incoming),
        }
    }

    /// Says whether there is room for more of a message, as there is at the beginning. While there is none, the peer is asked
    /// to wait before the rest of a message or of a block; [`Error::NotReady`] if that takes too long.
    pub fn set_ready(&mut self, ready: bool) {
        self.receiver.set_ready(ready);
    }

    /// Takes note that the controller or the driver has lost frames: a reason to be more careful, if a message is under way.
    pub fn overrun(&mut self) {
        self.receiver.overrun();
    }

    /// The block size and separation that the peer is asked to keep.
    pub fn flow(&self) -> (u8, Separation) {
        self.receiver.flow(&self.setup.config)
    }

    /// Takes note that a frame that was polled has left now, if the settings say that the driver confirms; any other frame is
    /// ignored. A frame whose message has ended meanwhile is the driver's to withdraw.
    pub fn confirm(&mut self, frame: &Frame, now: Duration) {
        let now = now.into();
        self.receiver.confirm(&self.setup, frame, now);
        self.sender.confirm(&self.setup, frame, now);
    }

    /// The next frame for the bus, if one is due; or why a message under way, in or out, is lost.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Frame>, Error> {
        let now = now.into();
        let Setup { config, send, .. } = &self.setup;
        // `send` bounded the length.
        let message = self.outgoing.get(..self.outgoing_len).unwrap_or_default();
        let (said, flight) = match self.receiver.poll(config, now)? {
            Some(flow) => (Said::flow(flow), &mut self.receiver.flight),
            None => match self.sender.poll(&self.setup, now, message)? {
                Some(said) => (said, &mut self.sender.flight),
                None => return Ok(None),
            },
        };
        if config.confirms {
            flight.begin(Some(said.kind()), now);
        }
        said.frame(config.framing, *send).map(Some)
    }

    /// When [`Link::poll`] has something to do, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        [self.receiver.deadline(), self.sender.deadline()].into_iter().flatten().min().map(Moment::into)
    }

    /// Whether a frame is for this session.
    pub(super) fn takes(&self, frame: &Frame) -> bool {
        self.setup.receive.pdu(frame).is_some()
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.setup.config
    }

    /// Whether a message is on its way out.
    pub fn is_sending(&self) -> bool {
        !self.sender.is_idle()
    }

    /// Whether a message is on its way in.
    pub fn is_receiving(&self) -> bool {
        !self.receiver.is_idle()
    }
}

/// The place of the next message, which the one before it does not need any more.
fn place<'b>(sender: &Sender, outgoing: &'b mut [u8]) -> &'b mut [u8] {
    if sender.has_passed_on() { outgoing } else { &mut [] }
}
