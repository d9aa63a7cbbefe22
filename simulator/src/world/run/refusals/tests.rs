//! A refusal that is told is fine; one that is kept back is found.

use primary_ecu::node::Answer;
use proto::can::Frame;
use proto::secondary::{Phase, Request};
use uptane::{EcuId, Sha256};

use super::*;
use crate::world::run::tests::recipe;
use crate::world::run::{Ended, Secondary};

/// A Secondary that ships, on a bus where one bit of its new image is flipped on the way, and no CRC notices.
struct Flipped {
    inside: Box<dyn Secondary>,
    /// Frames until the one that is altered.
    left: u32,
    /// Whether it keeps to itself what it refuses.
    is_silent: bool,
    /// What it has refused that its reports say nothing of.
    kept_back: Vec<Refused>,
}

impl Secondary for Flipped {
    fn power_off(&mut self, now: Moment) {
        self.inside.power_off(now);
    }

    fn power_on(&mut self, now: Moment) {
        self.inside.power_on(now);
    }

    fn ask(&mut self, request: Request<'_>, now: Moment) -> Option<(Answer, Moment)> {
        self.inside.ask(request, now)
    }

    fn frame(&mut self, frame: &Frame, now: Moment) {
        self.left = self.left.wrapping_sub(1);
        if self.left != 0 {
            return self.inside.frame(frame, now);
        }
        if self.is_silent {
            let before = Counter::new(1).unwrap();
            self.kept_back.push(Refused { check: 1, attack: Some(Attack::Rollback), before, out: now });
            return self.inside.frame(frame, now);
        }
        let mut data = frame.data().to_vec();
        *data.last_mut().unwrap() ^= 1;
        let altered = Frame::new(frame.id(), frame.format(), &data).unwrap();
        self.inside.frame(&altered, now);
    }

    fn poll(&mut self, now: Moment) -> Option<Frame> {
        self.inside.poll(now)
    }

    fn deadline(&self) -> Moment {
        self.inside.deadline()
    }

    fn running(&self) -> Option<Sha256> {
        self.inside.running()
    }

    fn phase(&self) -> Option<Phase> {
        self.inside.phase()
    }

    fn take_refusals(&mut self) -> Vec<Refused> {
        let mut refused = self.inside.take_refusals();
        refused.append(&mut self.kept_back);
        refused
    }
}

/// The update of a vehicle whose brakes hear an altered frame, or keep back that they refused something.
fn ended(is_silent: bool) -> Ended {
    let recipe = recipe("", 1);
    let scenario = recipe.scenario().unwrap();
    let mut world = recipe.world(&scenario).unwrap();
    let brakes = EcuId::parse("brakes").unwrap();
    let flipped = |inside| Flipped { inside, left: FRAME, is_silent, kept_back: Vec::new() };
    world.secondaries.wrap(brakes, |inside| Box::new(flipped(inside)));
    world.run().unwrap()
}

#[test]
fn a_refused_image_is_reported_and_nothing_is_violated() {
    let ended = ended(false);
    assert!(ended.refusals > 0, "{:?}", ended.run);
    assert_eq!(ended.run.violations, []);
    assert!(ended.run.holds(), "{:?}", ended.run.verdicts);
}

#[test]
fn a_refusal_that_an_ecu_keeps_to_itself_is_found() {
    let found: Vec<_> = ended(true).run.violations.into_iter().map(|one| (one.invariant, one.how)).collect();
    let how = "brakes refused something (bad-digest), and its next report names no attack";
    assert_eq!(found, [("every refusal has its report".to_owned(), how.to_owned())]);
}

/// A frame in the middle of the image.
const FRAME: u32 = 500;
