//! What the world asks of a Secondary: a node with power, a link or a bus, and an image that it runs.

use primary_ecu::node::Answer;
use proto::can::Frame;
use proto::secondary::{Phase, Request};
use uptane::{ImageLine, ReleaseCounter, Sha256};

use crate::world::disk::{Cut, Device, Unsynced, Word};
use crate::world::flash::Torn;
use crate::world::node::{Refused, SecondaryNode};
use crate::world::scenario::{Counted, Sickness};
use crate::world::time::Moment;

/// A Secondary in the world.
///
/// The world's own is [`SecondaryNode`], the code that ships; a test may put
/// its own node in the place of one. A node on Ethernet is asked with [`ask`](Self::ask), a node on CAN gets frames and
/// hands out its own. Nothing is asked of a node without power.
pub trait Secondary {
    /// It loses power.
    fn power_off(&mut self, now: Moment);

    /// It has power again, and starts.
    fn power_on(&mut self, now: Moment);

    /// Answers a request that came over Ethernet, and says when the answer leaves; `None` if it does not answer.
    fn ask(&mut self, request: Request<'_>, now: Moment) -> Option<(Answer, Moment)>;

    /// Takes a frame from its bus.
    fn frame(&mut self, frame: &Frame, now: Moment);

    /// Does what is due by now, and gives the next frame it sends; on Ethernet, none ever.
    fn poll(&mut self, now: Moment) -> Option<Frame>;

    /// When it has something to do by itself; [`Moment::NEVER`] if not at all.
    fn deadline(&self) -> Moment;

    /// The image it runs; `None` while it does not run.
    fn running(&self) -> Option<Sha256>;

    /// The release it would never go below, of this line of images; `None` if it does not say.
    fn floor(&self, _line: ImageLine) -> Option<ReleaseCounter> {
        None
    }

    /// When it lost power by itself, in the middle of an operation that was planned to fail; that may be a moment to come.
    fn dark_since(&self) -> Option<Moment> {
        None
    }

    /// How many of these there have been.
    fn counted(&self, _counted: Counted) -> u64 {
        0
    }

    /// Power fails at one of these, after so many more. Whether that means anything to it.
    fn fail_power(&mut self, _counted: Counted, _after: u64, _torn: Torn) -> bool {
        false
    }

    /// Power fails within its next write or erase. Whether that means anything to it.
    fn tear_next(&mut self, _torn: Torn) -> bool {
        false
    }

    /// From now on, or no longer, its disk says that writes are durable when they are not. Whether it has one.
    fn lie(&mut self, _is_lying: bool) -> bool {
        false
    }

    /// The image of this digest does not work in it.
    fn sicken(&mut self, _image: Sha256, _sickness: Sickness) {}

    /// What it has refused since this was last asked.
    fn take_refusals(&mut self) -> Vec<Refused> {
        Vec::new()
    }

    /// Where it stands in a transaction; `None` while it does not run.
    fn phase(&self) -> Option<Phase>;

    /// Why it does not come back from a reset, if it does not.
    fn broken(&self) -> Option<String> {
        None
    }
}

impl Secondary for SecondaryNode {
    fn power_off(&mut self, now: Moment) {
        Self::power_off(self, now);
    }

    fn power_on(&mut self, now: Moment) {
        Self::power_on(self, now);
    }

    fn ask(&mut self, request: Request<'_>, now: Moment) -> Option<(Answer, Moment)> {
        Self::ask(self, request, now)
    }

    fn frame(&mut self, frame: &Frame, now: Moment) {
        Self::frame(self, frame, now);
    }

    fn poll(&mut self, now: Moment) -> Option<Frame> {
        Self::poll(self, now)
    }

    fn deadline(&self) -> Moment {
        Self::deadline(self)
    }

    fn running(&self) -> Option<Sha256> {
        Self::running(self).filter(|running| running.authorised).map(|running| running.sha256)
    }

    fn floor(&self, line: ImageLine) -> Option<ReleaseCounter> {
        Self::floor(self, line)
    }

    fn dark_since(&self) -> Option<Moment> {
        self.lost_power()
    }

    fn counted(&self, counted: Counted) -> u64 {
        match counted {
            Counted::Disk => self.disk().operations(),
            Counted::Flash => self.flash_operations(),
            Counted::Message => self.messages(),
        }
    }

    fn fail_power(&mut self, counted: Counted, after: u64, torn: Torn) -> bool {
        match counted {
            Counted::Disk => self.disk().cut_power_at(after, Cut { point: torn.into(), unsynced: Unsynced::Mixed }),
            Counted::Flash => self.cut_flash_at(after, torn),
            Counted::Message => self.cut_message_at(after),
        }
        true
    }

    fn tear_next(&mut self, torn: Torn) -> bool {
        self.cut_flash_at(0, torn);
        true
    }

    fn lie(&mut self, is_lying: bool) -> bool {
        let word = if is_lying { Word::Broken } else { Word::Kept };
        self.disk().replace_device(Device { files: word, folders: word });
        true
    }

    fn sicken(&mut self, image: Sha256, sickness: Sickness) {
        Self::sicken(self, image, sickness);
    }

    fn take_refusals(&mut self) -> Vec<Refused> {
        Self::take_refusals(self)
    }

    fn phase(&self) -> Option<Phase> {
        Self::phase(self)
    }

    fn broken(&self) -> Option<String> {
        Self::broken(self).map(|error| format!("{error:?}"))
    }
}
