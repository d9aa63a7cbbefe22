//! Where to begin anew after a power cut.

/// Where decoding can begin anew: at this offset of the patch begins what makes the new image from that offset on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Offset in the patch.
    pub patch: u32,
    /// Offset in the new image.
    pub new: u32,
}

impl Point {
    /// The beginning of both.
    pub const START: Self = Self { patch: 0, new: 0 };
}

/// The points that are remembered. Segments may follow one another faster than flash becomes durable, so one of them waits
/// until it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Points {
    /// The one that can be resumed from.
    safe: Point,
    /// The first one after it that was not durable when it was asked for.
    waiting: Point,
    /// The segment that is under way.
    newest: Point,
}

impl Points {
    pub(super) fn new(point: Point) -> Self {
        Self { safe: point, waiting: point, newest: point }
    }

    /// A segment begins.
    pub(super) fn begin(&mut self, point: Point) {
        if self.waiting == self.safe {
            self.waiting = point;
        }
        self.newest = point;
    }

    /// The latest one that is remembered and lies within so many bytes of the new image.
    pub(super) fn within(&mut self, durable: u32) -> Point {
        if self.newest.new <= durable {
            (self.safe, self.waiting) = (self.newest, self.newest);
        } else if self.waiting.new <= durable {
            (self.safe, self.waiting) = (self.waiting, self.newest);
        }
        self.safe
    }
}
