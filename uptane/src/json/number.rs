//! Integers, the only numbers signed files know.

use crate::limits::MAX_INTEGER;
use crate::{Error, told};

/// An integer being read.
#[derive(Clone, Copy, Default)]
pub(super) struct Number {
    negative: bool,
    digits: u8,
    value: u64,
}

impl Number {
    /// Starts with the first byte, which is `-` or a digit.
    pub(super) fn start(byte: u8) -> Self {
        match byte {
            b'-' => Self { negative: true, digits: 0, value: 0 },
            _ => Self { negative: false, digits: 1, value: u64::from(byte.wrapping_sub(b'0')) },
        }
    }

    /// Takes the next byte; `false` if it belongs to what follows.
    pub(super) fn push(&mut self, byte: u8, at: usize) -> Result<bool, Error> {
        match byte {
            // No number but zero starts with a zero.
            b'0'..=b'9' if self.digits > 0 && self.value == 0 => Err(Error::NotJson { at: told(at) }),
            b'0'..=b'9' => {
                // At most 2^53 before, so this cannot overflow.
                self.value = self.value * 10 + u64::from(byte - b'0');
                self.digits = self.digits.saturating_add(1);
                if self.value > MAX_INTEGER { Err(OUT_OF_RANGE) } else { Ok(true) }
            }
            b'.' | b'e' | b'E' => Err(OUT_OF_RANGE),
            _ => Ok(false),
        }
    }

    /// The number, once a byte did not belong to it.
    pub(super) fn finish(self, at: usize) -> Result<i64, Error> {
        if self.digits == 0 {
            return Err(Error::NotJson { at: told(at) });
        }
        let value = i64::try_from(self.value).map_err(|_| OUT_OF_RANGE)?;
        match self.negative {
            // `-0` is a second way to write zero.
            true if value == 0 => Err(OUT_OF_RANGE),
            true => Ok(-value),
            false => Ok(value),
        }
    }
}

const OUT_OF_RANGE: Error = Error::BadNumber { kind: told("integer") };
