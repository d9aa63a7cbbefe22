//! The bytes of an object, as a client takes them.
//!
//! What the system has in memory is read where it is wanted; what must come from a disk is read by a thread that may wait,
//! one piece ahead of the client. Either way one reader holds two pieces at most, however long the file is.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::try_unfold;
use object_store::{GetResult, GetResultPayload};
use tokio::task::{JoinHandle, spawn_blocking};

use super::pieces::{Piece, Pieces};

/// What was found, as a body.
pub(super) fn body(found: GetResult, pieces: &Arc<Pieces>) -> Body {
    let range = found.range.clone();
    match found.payload {
        GetResultPayload::File(file, _) => {
            let reading = Reading { file: Arc::new(file), left: range, ahead: None, pieces: pieces.clone() };
            Body::from_stream(try_unfold(reading, Reading::next))
        }
        GetResultPayload::Stream(stream) => Body::from_stream(stream),
    }
}

/// A file on its way.
struct Reading {
    file: Arc<File>,
    /// What is still to be sent.
    left: Range<u64>,
    /// The piece that is being read already.
    ahead: Option<JoinHandle<io::Result<Piece>>>,
    pieces: Arc<Pieces>,
}

impl Reading {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let (piece, waited) = match self.at_once() {
            Some(piece) => (piece, false),
            None => (self.wait().await?, true),
        };
        self.left.start = self.left.start.saturating_add(piece.len());
        if waited && !self.left.is_empty() {
            self.ahead = Some(self.read());
        }
        Ok(Some((piece.into_bytes(), self)))
    }

    /// The next piece, if none is being read and the system has it in memory.
    fn at_once(&self) -> Option<Piece> {
        if self.ahead.is_some() {
            return None;
        }
        let mut piece = self.pieces.take(self.length());
        piece.fill_at_once(&self.file, self.left.start).then_some(piece)
    }

    async fn wait(&mut self) -> io::Result<Piece> {
        let reading = self.ahead.take().unwrap_or_else(|| self.read());
        reading.await.map_err(io::Error::other)?
    }

    fn read(&self) -> JoinHandle<io::Result<Piece>> {
        let (mut piece, file, at) = (self.pieces.take(self.length()), self.file.clone(), self.left.start);
        spawn_blocking(move || piece.fill(&file, at).map(|()| piece))
    }

    fn length(&self) -> u64 {
        self.left.end.saturating_sub(self.left.start)
    }
}
