//! Receiving a blob. One part of it is in memory at a time, and nothing more is read before that part is kept: a client that
//! sends faster than objects are stored waits.

use bytes::{Bytes, BytesMut};
use proto::grpc::image_repo as wire;
use tonic::{Status, Streaming};
use uptane::Sha256;
use wire::upload_request::Message;

use super::{blob, status};
use crate::error::Error;
use crate::objects::{Objects, PART, Upload};

/// Receives what a writer sends, and tells how much of the blob is here then. A stream that breaks off loses at most the part
/// it was in.
pub(super) async fn receive(
    objects: &Objects,
    writer: &str,
    mut stream: Streaming<wire::UploadRequest>,
) -> Result<u64, Status> {
    let mut receiving = begin(objects, writer, stream.message().await?).await?;
    while let Some(message) = stream.message().await? {
        match message.message {
            Some(Message::Piece(piece)) => receiving.take(piece.into()).await?,
            Some(Message::Begin(_)) | None => return Err(Status::invalid_argument("a piece must follow")),
        }
    }
    receiving.end().await
}

/// An upload under way.
struct Receiving<'o> {
    objects: &'o Objects,
    upload: Upload,
    /// Which part is being filled.
    number: u64,
    part: BytesMut,
}

async fn begin<'o>(
    objects: &'o Objects,
    writer: &str,
    first: Option<wire::UploadRequest>,
) -> Result<Receiving<'o>, Status> {
    let Some(Message::Begin(wire::UploadBegin { blob: named, offset })) = first.and_then(|first| first.message) else {
        return Err(Status::invalid_argument("an upload begins with what it is"));
    };
    let upload = Upload::new(writer, blob(named.as_ref())?);
    let received = objects.received(&upload).await.map_err(|error| status(&error))?;
    // Parts may be sent again; what would leave a gap may not.
    if offset > received || (offset % PART != 0 && offset != upload.blob.length.get()) {
        return Err(Status::out_of_range(format!("go on at {received}")));
    }
    Ok(Receiving { objects, upload, number: offset / PART, part: BytesMut::new() })
}

impl Receiving<'_> {
    async fn take(&mut self, mut piece: Bytes) -> Result<(), Status> {
        while !piece.is_empty() {
            let room = usize::try_from(self.upload.part_length(self.number)).unwrap_or(usize::MAX) - self.part.len();
            if room == 0 {
                return Err(status(&Error::UploadTooLong { sha256: self.upload.blob.sha256 }));
            }
            self.part.extend_from_slice(&piece.split_to(room.min(piece.len())));
            if self.is_whole() {
                self.keep().await?;
            }
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        u64::try_from(self.part.len()).ok() == Some(self.upload.part_length(self.number)) && !self.part.is_empty()
    }

    /// Keeps the part that is whole. A blob of one part is judged while it is in memory.
    async fn keep(&mut self) -> Result<(), Status> {
        let part = self.part.split().freeze();
        let kept = match self.upload.blob.length.get() <= PART {
            true => take_whole(self.objects, &self.upload, &part).await,
            false => self.objects.put_part(&self.upload, self.number, part).await,
        };
        self.number += 1;
        kept.map_err(|error| status(&error))
    }

    /// All that was sent is taken: makes the blob, if all of it is here.
    async fn end(self) -> Result<u64, Status> {
        let all = self.upload.blob.length.get();
        let failed = |error: Error| status(&error);
        if all == 0 {
            take_whole(self.objects, &self.upload, &[]).await.map_err(failed)?;
        }
        let received = self.objects.received(&self.upload).await.map_err(failed)?;
        if received == all {
            self.objects.assemble(&self.upload).await.map_err(failed)?;
        }
        Ok(received)
    }
}

async fn take_whole(objects: &Objects, upload: &Upload, bytes: &[u8]) -> Result<(), Error> {
    let found = Sha256::of(bytes);
    match found == upload.blob.sha256 {
        true => objects.take(bytes).await.map(drop),
        false => Err(Error::WrongDigest { given: upload.blob.sha256, found }),
    }
}
