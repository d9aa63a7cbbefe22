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
use futures_util::TryStreamExt as _;
use futures_util::stream::try_unfold;
use object_store::{GetResult, GetResultPayload};
use tokio::task::{JoinHandle, spawn_blocking};

use super::pieces::{Piece, Pieces};

/// What was found, as a body.
pub(super) fn body(found: GetResult, pieces: &Arc<Pieces>) -> Body {
    let name = found.meta.location;
    // Half of it may be sent: all that can be done is to hang up, and to say why.
    let failed = move |error: &io::Error| tracing::error!(%name, %error, "a published file cannot be read on");
    match found.payload {
        GetResultPayload::File(file, _) => {
            let reading = Reading::new(file, found.range, pieces);
            Body::from_stream(try_unfold(reading, Reading::next).inspect_err(failed))
        }
        GetResultPayload::Stream(stream) => Body::from_stream(stream.map_err(io::Error::from).inspect_err(failed)),
    }
}

/// All of what was found, which must be short.
pub(super) async fn whole(found: GetResult, pieces: &Arc<Pieces>) -> io::Result<Bytes> {
    match found.payload {
        GetResultPayload::File(file, _) => {
            let pieces = try_unfold(Reading::new(file, found.range, pieces), Reading::next);
            pieces.try_fold(Bytes::new(), async |all, piece| Ok(joined(all, piece))).await
        }
        GetResultPayload::Stream(stream) => {
            let pieces = stream.map_err(io::Error::from);
            pieces.try_fold(Bytes::new(), async |all, piece| Ok(joined(all, piece))).await
        }
    }
}

/// The usual file comes in one piece, and is not copied.
fn joined(all: Bytes, piece: Bytes) -> Bytes {
    if all.is_empty() { piece } else { [all, piece].concat().into() }
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
    fn new(file: File, range: Range<u64>, pieces: &Arc<Pieces>) -> Self {
        Self { file: Arc::new(file), left: range, ahead: None, pieces: pieces.clone() }
    }

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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use futures_util::StreamExt as _;
    use object_store::{ObjectMeta, path::Path};

    use super::*;

    /// What a store would find for a request of this range.
    fn found(payload: GetResultPayload, range: Range<u64>) -> GetResult {
        let meta = ObjectMeta {
            location: Path::from("image"),
            last_modified: std::time::SystemTime::UNIX_EPOCH.into(),
            size: range.end,
            e_tag: None,
            version: None,
        };
        GetResult { payload, meta, range, attributes: object_store::Attributes::new(), extensions: Default::default() }
    }

    fn file(bytes: &[u8]) -> GetResultPayload {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        GetResultPayload::File(file, std::path::PathBuf::new())
    }

    fn bytes() -> Vec<u8> {
        (0..700_000_u32).flat_map(u32::to_le_bytes).collect()
    }

    #[test]
    fn a_part_of_a_file_comes_in_several_pieces_and_in_order() {
        host::serve::runtime().unwrap().block_on(async {
            let bytes = bytes();
            let mut pieces = body(found(file(&bytes), 5..2_000_005), &Pieces::new()).into_data_stream();
            let (mut got, mut count) = (Vec::new(), 0);
            while let Some(piece) = pieces.next().await {
                got.extend_from_slice(&piece.unwrap());
                count += 1;
            }
            assert_eq!(got, bytes[5..2_000_005]);
            assert!(count > 1, "{count}");
        });
    }

    #[test]
    fn a_file_that_is_shorter_than_it_was_is_an_error_and_no_end() {
        host::serve::runtime().unwrap().block_on(async {
            let pieces = body(found(file(&bytes()), 0..2_800_001), &Pieces::new()).into_data_stream();
            let got: Vec<_> = pieces.collect().await;
            assert!(got.last().unwrap().is_err());
        });
    }

    #[test]
    fn what_a_store_streams_is_passed_on() {
        host::serve::runtime().unwrap().block_on(async {
            let halves = || {
                let halves = [Ok(Bytes::from_static(b"first ")), Ok(Bytes::from_static(b"second"))];
                found(GetResultPayload::Stream(futures_util::stream::iter(halves).boxed()), 0..12)
            };
            assert_eq!(whole(halves(), &Pieces::new()).await.unwrap(), "first second");
            let pieces: Vec<_> = body(halves(), &Pieces::new()).into_data_stream().collect().await;
            assert_eq!(pieces.len(), 2);
        });
    }
}
