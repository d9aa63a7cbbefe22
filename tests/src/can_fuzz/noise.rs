//! Strangers on the bus, while the Primary asks this and that.

use std::time::Duration;

use proto::secondary::{File, Request};
use uptane::{Length, Nonce, TransactionId};

use super::line::Line;
use super::words;

impl Line<'_> {
    /// Gives frames of strangers to both ends. How many.
    pub(super) fn strange_frames(&mut self) -> u64 {
        let mut given = 0;
        for _ in 0..=self.chance.below(MOST_FRAMES) {
            let Some(frame) = words::frame(self.scene, &self.setup, &mut self.chance) else { continue };
            given += 1;
            self.unit.hear(&frame, self.now);
            if self.tester.hear(&frame, self.now).is_err() {
                self.tester.abandon();
            }
            match self.chance.below(200) {
                0 => self.unit.overrun(),
                1 => self.unit.set_ready(false),
                2..6 => self.unit.set_ready(true),
                _ => {}
            }
            self.go_on();
        }
        self.unit.set_ready(true);
        given
    }

    /// Gives messages of strangers to both ends. How many.
    pub(super) fn strange_messages(&mut self) -> u64 {
        let mut given = 0;
        for _ in 0..=self.chance.below(MOST_MESSAGES) {
            let message = words::message(self.scene, &mut self.chance);
            let to_all = self.chance.once_in(6);
            given += u64::from(self.unit.hear_message(&message, to_all, self.now));
            let response = words::response(self.scene, &mut self.chance);
            if self.tester.client.handle(&response, self.now).is_err() {
                self.tester.abandon();
            }
            given += 1;
            self.go_on();
        }
        given
    }

    /// Lets both ends do what is due, begins a request now and then, and lets time pass.
    fn go_on(&mut self) {
        if self.tester.client.is_idle() && self.chance.once_in(8) {
            self.begin_something();
        }
        if self.turn().is_err() {
            self.tester.abandon();
        }
        if self.chance.once_in(50) {
            self.now += self.chance.pause(LONGEST_PAUSE);
        }
    }

    fn begin_something(&mut self) {
        let length = Length::new(5_000).unwrap_or_default();
        let requests = [
            Request::Report(Nonce([1; 16])),
            Request::TimeNonce,
            Request::Begin(TransactionId([2; 16])),
            Request::Offer(File::Image, length),
            Request::Chunk(Length::ZERO, &[5; 100]),
            Request::Close,
        ];
        let request = self.chance.choose(Request::Identify, &requests);
        // It is idle.
        self.tester.client.start(request).ok();
    }
}

/// Frames of one case.
const MOST_FRAMES: usize = 3_000;
/// Messages of one case.
const MOST_MESSAGES: usize = 1_500;
/// The longest time in which nobody says anything.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
