//! How long an update takes on a real bus, and when a Secondary says that it needs longer.

use std::time::Duration;

use primary_ecu::can::Conversation;
use primary_ecu::node::{Answer, Silent};
use proto::can::BitRates;
use proto::isotp::Framing;
use proto::secondary::{File, Request};

use super::rig::{CLASSICAL, Rig, id, vehicle};
use super::{SMALL, USUAL};
use crate::world::can::{Bus, Config, NodeId, What};
use crate::world::chance::Chance;
use crate::world::node::SecondaryNode;
use crate::world::time::Moment;

/// A classical bus at 500 kbit/s with the Primary and the Secondary on it.
pub(super) struct Wire {
    bus: Bus,
    primary: NodeId,
    secondary: NodeId,
    conversation: Conversation,
    /// When the image was offered, and when its last block was answered.
    image: (Moment, Moment),
    offered: Option<File>,
}

impl Wire {
    fn new() -> Self {
        let rate = 500_000.try_into().unwrap();
        let mut bus = Bus::new(BitRates::new(rate, rate), Chance::seeded(1));
        // 0.25 ms at each end make a turn-around of 0.5 ms for each flow control and each response.
        let config = Config { latency: Duration::from_micros(250), ..Config::default() };
        let [primary, secondary] = [config.clone(), config].map(|config| bus.attach(config));
        let conversation = Conversation::new(Framing::CLASSICAL, id(0x710), id(0x718));
        Self { bus, primary, secondary, conversation, image: (Moment::START, Moment::START), offered: None }
    }

    /// Asks, and goes on until the answer is there.
    pub(super) fn ask(
        &mut self,
        request: Request<'_>,
        node: &mut SecondaryNode,
        now: &mut Moment,
    ) -> Result<Answer, Silent> {
        self.note(&request, *now);
        self.conversation.ask(request)?;
        loop {
            self.feed(node, *now)?;
            let free = |node: NodeId| self.bus.pending(node).unwrap() < MAILBOXES;
            let spoken = self.conversation.deadline().map(|due| Moment::START + due).filter(|_| free(self.primary));
            let heard = free(self.secondary).then(|| node.deadline());
            let next = [spoken, heard, Some(self.bus.next())].into_iter().flatten().min().unwrap();
            assert!(next < Moment::NEVER, "nothing happens any more");
            *now = next.max(*now);
            self.bus.advance(*now);
            while let Some(event) = self.bus.poll() {
                let What::Received(frame) = event.what else { continue };
                if event.node == self.secondary {
                    node.frame(&frame, *now);
                } else if let Some(answer) = self.conversation.handle(&frame, now.since_start())? {
                    return Ok(answer);
                }
            }
        }
    }

    fn feed(&mut self, node: &mut SecondaryNode, now: Moment) -> Result<(), Silent> {
        while self.bus.pending(self.primary).unwrap() < MAILBOXES
            && let Some(frame) = self.conversation.poll(now.since_start())?
        {
            self.bus.send(self.primary, frame, now).unwrap();
        }
        while self.bus.pending(self.secondary).unwrap() < MAILBOXES
            && let Some(frame) = node.poll(now)
        {
            self.bus.send(self.secondary, frame, now).unwrap();
        }
        Ok(())
    }

    fn note(&mut self, request: &Request<'_>, now: Moment) {
        if let Request::Offer(file, _) = request {
            self.offered = Some(*file);
        }
        if self.offered == Some(File::Image) {
            match request {
                Request::Offer(..) => self.image.0 = now,
                Request::Close => self.image.1 = now,
                Request::Identify
                | Request::TimeNonce
                | Request::Begin(_)
                | Request::Chunk(..)
                | Request::Report(_) => {}
            }
        }
    }
}

/// Seconds that the blocks of an image of this size take.
fn transfer(size: &str) -> f64 {
    let mut rig = Rig::new(&vehicle("partial-plus", CLASSICAL, USUAL), size, 1);
    rig.wire = Some(Box::new(Wire::new()));
    rig.converge();
    let (from, to) = rig.wire.as_ref().unwrap().image;
    (to - from).as_secs_f64()
}

/// What arithmetic says: 29.7 kB/s on the wire with blocks of 4,093 bytes, and flash and processor after each block, for
/// this Secondary does not receive while it writes.
fn predicted(bytes: f64) -> f64 {
    let wire = bytes / 29_700.0;
    let erases = (bytes / 4_096.0).ceil() * 0.020;
    let writes = bytes / 8.0 * 40e-6;
    // The header of the bank: its erase unit, 352 bytes, and a record of state before it.
    let header = 0.020 + (352.0 + 480.0) / 8.0 * 40e-6;
    // 30 cycles a byte and 20,000 a request, at 80 MHz; two signatures to begin with.
    let processor = bytes * 30.0 / 80e6 + bytes / 4_093.0 * 20e3 / 80e6 + 2.0 * 2.5e6 / 80e6;
    wire + header + erases + writes + processor
}

#[test]
fn an_image_takes_the_time_that_wire_flash_and_processor_need() {
    for (size, bytes) in [("16 KiB", 16_384.0), ("256 KiB", 262_144.0)] {
        let (took, needed) = (transfer(size), predicted(bytes));
        // 4 %: the wire's figure is for identifiers with more stuff bits; marks of progress and turn-arounds come on top.
        assert!((took / needed - 1.0).abs() < 0.04, "{size}: {took:.3} s, predicted {needed:.3} s");
    }
}

#[test]
fn what_takes_longer_than_a_client_waits_is_announced() {
    let mut rig = Rig::new(&vehicle("partial-plus", CLASSICAL, SMALL), "256 KiB", 1);
    rig.converge();
    let pending = |service: u8| {
        let head = [0x03, 0x7f, service, 0x78];
        rig.said.iter().filter(|frame| frame.data().starts_with(&head)).count()
    };
    // The image is offered; the time, Targets, the image and the commands to activate and to commit are closed.
    assert_eq!((pending(0x34), pending(0x31)), (1, 5));
}

#[test]
fn a_busy_secondary_says_nothing() {
    let mut rig = Rig::updated("partial-plus", CLASSICAL, USUAL, 1);
    rig.converge();
    assert!(rig.node.busy_until() <= rig.now);
    rig.node.reset(rig.now);
    let up = rig.node.busy_until();
    assert!(up > rig.now);
    assert_eq!(rig.node.poll(rig.now), None);
    assert!(rig.ask(Request::Identify).is_ok());
    assert!(rig.now > up);
}

/// Frames that a controller holds.
const MAILBOXES: usize = 3;
