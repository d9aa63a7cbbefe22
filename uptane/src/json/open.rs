//! The objects and arrays that are open, and the keys on the way to the present value.

use core::cell::OnceCell;
use core::cmp::Ordering;
use core::fmt;

use crate::limits::{MAX_DEPTH, MAX_OPEN_KEYS};
use crate::{Error, told};

/// One step from an object or array to a value in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into the member with this key.
    Key(&'a str),
    /// Into an element of an array.
    Item,
}

/// The steps from the outermost value to the present one.
#[derive(Clone)]
pub struct Path<'a> {
    open: &'a Open,
    /// Written down when somebody asks: many listeners need the last step alone, or none.
    steps: OnceCell<[Step<'a>; MAX_DEPTH]>,
}

impl<'a> Path<'a> {
    /// The steps; none for the outermost value itself.
    pub fn steps(&self) -> &[Step<'a>] {
        self.steps.get_or_init(|| self.open.steps()).get(..self.open.depth).unwrap_or_default()
    }

    /// The last step; none for the outermost value itself.
    pub fn last(&self) -> Option<Step<'a>> {
        self.open.top().map(|frame| self.open.step(frame))
    }
}

impl fmt::Debug for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Path").field(&self.steps()).finish()
    }
}

/// An open object or array.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) is_object: bool,
    has_key: bool,
    /// Where its present key lies in `Open::keys`; nowhere until there is one.
    key: (u16, u16),
    /// Offset of its first byte in the file.
    pub(super) start: usize,
}

const CLOSED: Frame = Frame { is_object: false, has_key: false, key: (0, 0), start: 0 };

/// Every open object and array. The present keys lie one after another in `keys`. One that is being read is written over
/// the one before it in its object: as far as both are the same nothing is lost by that, and behind it nothing is needed.
pub(super) struct Open {
    frames: [Frame; MAX_DEPTH],
    depth: usize,
    keys: [u8; MAX_OPEN_KEYS],
    /// Where the innermost present key ends.
    used: u16,
    /// Bytes of the key being read, and how they compare with as many of the key before it.
    read: u16,
    order: Ordering,
    signed: bool,
}

impl Open {
    pub(super) const NONE: Self = Self {
        frames: [CLOSED; MAX_DEPTH],
        depth: 0,
        keys: [0; MAX_OPEN_KEYS],
        used: 0,
        read: 0,
        order: Ordering::Equal,
        signed: false,
    };

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn top(&self) -> Option<&Frame> {
        self.frames.get(self.depth.checked_sub(1)?)
    }

    pub(super) fn push(&mut self, is_object: bool, start: usize) -> Result<(), Error> {
        let frame = self.frames.get_mut(self.depth).ok_or(Error::Limit { what: told("nesting") })?;
        *frame = Frame { is_object, has_key: false, key: (self.used, self.used), start };
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

    /// Adds bytes to the key being read.
    pub(super) fn key_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (begin, end) = self.top().ok_or(TOO_MANY_KEYS)?.key;
        let from = usize::from(begin) + usize::from(self.read);
        let to = from.checked_add(bytes.len()).ok_or(TOO_MANY_KEYS)?;
        let place = self.keys.get_mut(from..to).ok_or(TOO_MANY_KEYS)?;
        if self.order.is_eq() {
            let left = usize::from(end).saturating_sub(from).min(bytes.len());
            self.order = bytes.cmp(place.get(..left).unwrap_or_default());
        }
        place.copy_from_slice(bytes);
        self.read += u16::try_from(bytes.len()).map_err(|_| TOO_MANY_KEYS)?;
        Ok(())
    }

    /// Takes the key that was read in the place of the one before it, and says how it compares with that.
    #[inline(never)]
    pub(super) fn key_done(&mut self) -> Option<Ordering> {
        let (read, order) = (core::mem::take(&mut self.read), core::mem::replace(&mut self.order, Ordering::Equal));
        let frame = self.frames.get_mut(self.depth.checked_sub(1)?)?;
        let (begin, before) = frame.key;
        let order = match frame.has_key {
            true => order.then((begin + read).cmp(&before)),
            false => Ordering::Greater,
        };
        self.used = begin + read;
        (frame.key, frame.has_key) = ((begin, self.used), true);
        Some(order)
    }

    /// As [`key_bytes`](Self::key_bytes) and [`key_done`](Self::key_done), for a key that has arrived whole.
    pub(super) fn whole_key(&mut self, key: &[u8]) -> Result<Ordering, Error> {
        self.key_bytes(key)?;
        self.key_done().ok_or(TOO_MANY_KEYS)
    }

    /// Whether the next byte lies in what was signed: the outermost object's member `signed`.
    pub(super) fn is_signed(&self) -> bool {
        self.signed
    }

    fn begins_signed(&self) -> bool {
        self.frames.first().is_some_and(|outermost| outermost.is_object && self.key_of(outermost) == b"signed")
    }

    pub(super) fn path(&self) -> Path<'_> {
        Path { open: self, steps: OnceCell::new() }
    }

    fn steps(&self) -> [Step<'_>; MAX_DEPTH] {
        let mut steps = [Step::Item; MAX_DEPTH];
        for (step, frame) in steps.iter_mut().zip(&self.frames).take(self.depth) {
            *step = self.step(frame);
        }
        steps
    }

    /// The step from this object or array to its present value. Only whole strings that were found to be UTF-8 are among
    /// the present keys.
    fn step(&self, frame: &Frame) -> Step<'_> {
        match frame.is_object {
            true => Step::Key(core::str::from_utf8(self.key_of(frame)).unwrap_or_default()),
            false => Step::Item,
        }
    }

    fn key_of(&self, frame: &Frame) -> &[u8] {
        self.keys.get(usize::from(frame.key.0)..usize::from(frame.key.1)).unwrap_or_default()
    }
}

const TOO_MANY_KEYS: Error = Error::Limit { what: told("open keys") };
