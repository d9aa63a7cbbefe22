//! Memory for what is on its way to clients: few large pieces that go round, and small ones once those are out.
//!
//! Large pieces make sending cheap; but a slow reader holds what it is being sent, and may be one of thousands. So there
//! are [`MAX_LARGE`] of them ([`LARGE`] bytes each) for all readers together; whoever comes when all are out is served in
//! pieces of [`SMALL`] bytes, at more cost and with little memory, until some come back.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::io::{ReadWriteFlags, preadv2};

/// The large pieces that nobody uses just now.
#[derive(Debug)]
pub(super) struct Pieces {
    stock: Mutex<Stock>,
}

#[derive(Debug)]
struct Stock {
    idle: Vec<Box<[u8]>>,
    unmade: usize,
}

/// A piece, and how much of it is filled.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Box<[u8]>,
    filled: usize,
    /// Where it goes back to; a small one goes nowhere.
    home: Option<Arc<Pieces>>,
}

impl Pieces {
    /// A full stock, of which nothing is made yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { stock: Mutex::new(Stock { idle: Vec::new(), unmade: MAX_LARGE }) })
    }

    /// A piece for at most so many bytes.
    pub(super) fn take(self: &Arc<Self>, most: u64) -> Piece {
        let wanted = usize::try_from(most).unwrap_or(usize::MAX);
        let large = if wanted > SMALL { self.take_large() } else { None };
        match large {
            Some(bytes) => Piece { filled: wanted.min(bytes.len()), bytes, home: Some(self.clone()) },
            None => {
                let filled = wanted.min(SMALL);
                Piece { bytes: vec![0; filled].into(), filled, home: None }
            }
        }
    }

    fn take_large(&self) -> Option<Box<[u8]>> {
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = stock.idle.pop() {
            return Some(bytes);
        }
        stock.unmade = stock.unmade.checked_sub(1)?;
        drop(stock);
        Some(vec![0; LARGE].into())
    }
}

impl Piece {
    /// Fills it from `at` with what the system has in memory. False if that is nothing, or it cannot tell.
    pub(super) fn fill_at_once(&mut self, file: &File, at: u64) -> bool {
        let bytes = self.bytes.get_mut(..self.filled).unwrap_or_default();
        match preadv2(file, &mut [IoSliceMut::new(bytes)], at, ReadWriteFlags::NOWAIT) {
            Ok(count) if count > 0 => {
                self.filled = count;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Fills it from `at`, and waits for the disk if need be.
    pub(super) fn fill(&mut self, file: &File, at: u64) -> io::Result<()> {
        file.read_exact_at(self.bytes.get_mut(..self.filled).unwrap_or_default(), at)
    }

    /// How many bytes it holds.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.filled).unwrap_or(u64::MAX)
    }

    /// Its bytes, to be sent; it goes back when they are.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            let bytes = std::mem::take(&mut self.bytes);
            home.stock.lock().unwrap_or_else(PoisonError::into_inner).idle.push(bytes);
        }
    }
}

/// Bytes of a large piece: as many as a core's own cache holds, with room for what they become.
const LARGE: usize = 256 * 1024;
/// Large pieces of all readers together: 64 MiB.
const MAX_LARGE: usize = 256;
/// Bytes of a small piece: one TLS record.
const SMALL: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn pieces_become_small_when_the_large_ones_are_out_and_large_again() {
        let pieces = Pieces::new();
        let mut out: Vec<_> = (0..MAX_LARGE).map(|_| pieces.take(u64::MAX)).collect();
        assert!(out.iter().all(|piece| piece.as_ref().len() == LARGE));
        assert_eq!(pieces.take(u64::MAX).as_ref().len(), SMALL);
        drop(out.pop().map(Piece::into_bytes));
        assert_eq!(pieces.take(u64::MAX).as_ref().len(), LARGE);
    }

    #[test]
    fn a_piece_that_was_used_before_shows_nothing_of_it() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; SMALL + 2]).unwrap();
        let pieces = Pieces::new();
        let mut first = pieces.take(u64::try_from(SMALL + 2).unwrap());
        first.fill(&file, 0).unwrap();
        drop(first.into_bytes());
        let mut second = pieces.take(u64::try_from(SMALL + 1).unwrap());
        second.fill(&file, 1).unwrap();
        assert_eq!(second.into_bytes(), vec![7; SMALL + 1]);
    }

    #[test]
    fn a_file_that_ends_early_is_an_error() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"short").unwrap();
        let pieces = Pieces::new();
        assert_eq!(pieces.take(6).fill(&file, 0).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(!pieces.take(1).fill_at_once(&file, 5));
    }
}
