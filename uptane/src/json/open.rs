//! The objects and arrays that are open, and the keys on the way to the present value.

use core::cmp::Ordering;

use crate::Error;
use crate::limits::{MAX_DEPTH, MAX_OPEN_KEYS};

/// One step from an object or array to a value in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into the member with this key.
    Key(&'a str),
    /// Into an element of an array.
    Item,
}

/// The steps from the outermost value to the present one.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    steps: [Step<'a>; MAX_DEPTH],
    depth: usize,
}

impl<'a> Path<'a> {
    /// The steps; none for the outermost value itself.
    pub fn steps(&self) -> &[Step<'a>] {
        self.steps.get(..self.depth).unwrap_or_default()
    }
}

/// An open object or array.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) is_object: bool,
    /// Offset of its first byte in the file.
    pub(super) start: usize,
    /// Its present key, as a range of `Open::keys`; its end is before its start until there is one.
    key: (usize, usize),
    has_key: bool,
}

const CLOSED: Frame = Frame { is_object: false, start: 0, key: (0, 0), has_key: false };

/// Every open object and array. The present keys lie one after another in `keys`, the one being read after them.
pub(super) struct Open {
    frames: [Frame; MAX_DEPTH],
    depth: usize,
    keys: [u8; MAX_OPEN_KEYS],
    used: usize,
    signed: bool,
}

impl Open {
    pub(super) const NONE: Self =
        Self { frames: [CLOSED; MAX_DEPTH], depth: 0, keys: [0; MAX_OPEN_KEYS], used: 0, signed: false };

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn top(&self) -> Option<&Frame> {
        self.frames.get(self.depth.checked_sub(1)?)
    }

    pub(super) fn push(&mut self, is_object: bool, start: usize) -> Result<(), Error> {
        let frame = self.frames.get_mut(self.depth).ok_or(Error::Limit { what: "nesting" })?;
        *frame = Frame { is_object, start, key: (self.used, self.used), has_key: false };
        self.depth += 1;
        self.signed |= self.depth == 2 && self.begins_signed();
        Ok(())
    }

    /// Closes the innermost and returns what it was.
    pub(super) fn pop(&mut self) -> Option<Frame> {
        let frame = *self.top()?;
        self.depth -= 1;
        self.used = frame.key.0;
        self.signed &= self.depth > 1;
        Some(frame)
    }

    /// Adds a byte to the key being read.
    pub(super) fn key_byte(&mut self, byte: u8) -> Result<(), Error> {
        let place = self.keys.get_mut(self.used).ok_or(Error::Limit { what: "open keys" })?;
        *place = byte;
        self.used += 1;
        Ok(())
    }

    /// Puts the key that was read in the place of the one before it, and says how it compares with that.
    pub(super) fn key_done(&mut self) -> Option<Ordering> {
        let (used, depth) = (self.used, self.depth.checked_sub(1)?);
        let frame = self.frames.get_mut(depth)?;
        let (from, to) = frame.key;
        let order = match frame.has_key {
            true => self.keys.get(to..used)?.cmp(self.keys.get(from..to)?),
            false => Ordering::Greater,
        };
        self.keys.copy_within(to..used, from);
        frame.key = (from, from + (used - to));
        frame.has_key = true;
        self.used = frame.key.1;
        Some(order)
    }

    /// Whether the next byte lies in what was signed: the outermost object's member `signed`.
    pub(super) fn is_signed(&self) -> bool {
        self.signed
    }

    fn begins_signed(&self) -> bool {
        self.frames.first().is_some_and(|outermost| outermost.is_object && self.key_of(outermost) == "signed")
    }

    pub(super) fn path(&self) -> Path<'_> {
        let mut steps = [Step::Item; MAX_DEPTH];
        for (step, frame) in steps.iter_mut().zip(&self.frames).take(self.depth) {
            if frame.is_object {
                *step = Step::Key(self.key_of(frame));
            }
        }
        Path { steps, depth: self.depth }
    }

    fn key_of(&self, frame: &Frame) -> &str {
        // Only whole strings that were found to be UTF-8 are in here.
        self.keys.get(frame.key.0..frame.key.1).and_then(|key| core::str::from_utf8(key).ok()).unwrap_or_default()
    }
}
