//! Client and server over ISO-TP, over frames.

use alloc::vec;
use alloc::vec::Vec;

use super::any::length;
use super::*;
use crate::can::{BitRates, Frame, Id, bus_time};
use crate::isotp::{Config, Framing, Link};

type End = Link<ROOM, ROOM>;

/// A Primary's and a Secondary's driver on one bus; the clock stands while frames travel and jumps to deadlines.
struct Bus {
    client: Client<ROOM>,
    server: Server,
    ends: [End; 2],
    file: Vec<u8>,
    now: Duration,
    busy: Duration,
    frames: usize,
    lost: Vec<usize>,
}

impl Bus {
    fn new(framing: Framing, lost: &[usize]) -> Self {
        let (request, response) = (Id::standard(0x7e0).unwrap(), Id::standard(0x7e8).unwrap());
        let end = |send, receive| End::new(Config::new(framing, send, receive));
        Self {
            client: Client::new(),
            server: Server::new(ROOM),
            ends: [end(request, response), end(response, request)],
            file: vec![],
            now: Duration::ZERO,
            busy: Duration::ZERO,
            frames: 0,
            lost: lost.to_vec(),
        }
    }

    /// Asks, and says whether this was the reply.
    fn replies(&mut self, request: Request<'_>, expected: Reply<'_>) -> bool {
        self.client.start(request).unwrap();
        loop {
            if let Some(message) = self.client.poll(self.now).unwrap() {
                self.ends[0].send(message, self.now).unwrap();
            }
            while let Some(replied) = self.exchange_frames(expected) {
                if replied {
                    return true;
                }
            }
            let deadlines = [self.ends[0].deadline(), self.ends[1].deadline(), self.client.deadline()];
            self.now = deadlines.into_iter().flatten().min().unwrap().max(self.now);
        }
    }

    /// Moves one frame of each end; none if there is none to move.
    fn exchange_frames(&mut self, expected: Reply<'_>) -> Option<bool> {
        let mut moved = None;
        if let Some(frame) = self.next_frame(0) {
            moved = Some(false);
            self.deliver(&frame);
        }
        if let Some(frame) = self.next_frame(1) {
            self.client.moving(self.now);
            let Ok(message) = self.ends[0].handle(&frame, self.now) else {
                self.client.lost();
                return Some(false);
            };
            let reply = message.and_then(|message| self.client.handle(message, self.now).unwrap());
            moved = Some(reply == Some(expected));
            assert!(reply.is_none() || reply == Some(expected), "{reply:?}");
        }
        moved
    }

    /// The next frame of an end that arrives.
    fn next_frame(&mut self, end: usize) -> Option<Frame> {
        let frame = match self.ends[end].poll(self.now) {
            Ok(frame) => frame?,
            Err(_) if end == 0 => {
                self.client.lost();
                return None;
            }
            Err(_) => return None,
        };
        self.busy += bus_time(&frame, BitRates::COMMON);
        self.frames += 1;
        (!self.lost.contains(&(self.frames - 1))).then_some(frame)
    }

    fn deliver(&mut self, frame: &Frame) {
        let file = &mut self.file;
        let mut handler = |request: Request<'_>| match request {
            Request::Offer(..) => Reply::Ready(length(file.len().try_into().unwrap()), 4_000),
            Request::Chunk(offset, data) => {
                assert_eq!(usize::try_from(offset.get()), Ok(file.len()));
                file.extend(data);
                Reply::Taken(length(file.len().try_into().unwrap()))
            }
            _ => Reply::Done,
        };
        let mut out = [0; ROOM];
        let Ok(Some(message)) = self.ends[1].handle(frame, self.now) else {
            return;
        };
        let len = self.server.handle(message, self.now, &mut handler, &mut out);
        if len > 0 {
            // A response to a message before this one may still be under way; the client asks again.
            let _sent = self.ends[1].send(&out[..len], self.now);
        }
        if let Some(len) = self.server.poll(self.now, &mut handler, &mut out) {
            while let Ok(Some(announced)) = self.ends[1].poll(self.now) {
                let message = self.ends[0].handle(&announced, self.now).unwrap();
                self.client.handle(message.unwrap(), self.now).unwrap();
            }
            self.ends[1].send(&out[..len], self.now).unwrap();
        }
    }

    /// Hands over a file in chunks of 4000 bytes.
    fn hand_over(&mut self, file: &[u8]) {
        let size = length(file.len().try_into().unwrap());
        assert!(self.replies(Request::Offer(File::Image, size), Reply::Ready(Length::ZERO, 4_000)));
        let mut offset = 0;
        for chunk in file.chunks(4_000) {
            let taken = length(offset + u64::try_from(chunk.len()).unwrap());
            assert!(self.replies(Request::Chunk(length(offset), chunk), Reply::Taken(taken)));
            offset = taken.get();
        }
        assert!(self.replies(Request::Close, Reply::Done));
    }
}

fn firmware() -> Vec<u8> {
    (0..40_000_u32).map(|at| at.wrapping_mul(0x9e37_79b9).to_be_bytes()[0]).collect()
}

#[test]
fn a_file_travels_at_the_speed_the_formulas_give() {
    for (framing, least, most) in [(Framing::CLASSICAL, 29_000, 30_500), (Framing::FD, 170_000, 185_000)] {
        let mut bus = Bus::new(framing, &[]);
        bus.hand_over(&firmware());
        assert!(bus.file == firmware());
        let speed = 40_000 * 1_000_000 / bus.busy.as_micros();
        assert!((least..most).contains(&speed), "{speed} bytes per second of bus time");
    }
}

#[test]
fn lost_frames_cost_time_and_nothing_else() {
    for framing in [Framing::CLASSICAL, Framing::FD] {
        let mut bus = Bus::new(framing, &[30, 31, 90, 200, 350, 600]);
        bus.hand_over(&firmware());
        assert!(bus.file == firmware());
    }
}
