//! The write side over gRPC (`proto/image_repo.proto`): who calls is authenticated and what is asked is inspected here;
//! whether it may be is decided by the [`Publisher`].

pub mod client;
mod upload;

use std::sync::Arc;

use proto::grpc::image_repo as wire;
use tonic::{Request, Response, Status, Streaming};
use uptane::{Length, Sha256, limits};
use wire::image_repository_server::{ImageRepository as Rpc, ImageRepositoryServer};

use crate::error::Error;
use crate::objects::{Blob, Upload};
use crate::publisher::{Manner, Published, Publisher};
use crate::release::Arriving;
use crate::role::RoleId;
use crate::store::Store;
use crate::writers::{Authenticated, Shown, Writers};

/// The service over one repository.
pub fn service<S: Store>(publisher: Arc<Publisher<S>>, writers: Arc<Writers>) -> ImageRepositoryServer<impl Rpc> {
    ImageRepositoryServer::new(Service { publisher, writers }).max_decoding_message_size(MAX_MESSAGE)
}

struct Service<S> {
    publisher: Arc<Publisher<S>>,
    writers: Arc<Writers>,
}

#[tonic::async_trait]
impl<S: Store> Rpc for Service<S> {
    async fn upload(
        &self,
        request: Request<Streaming<wire::UploadRequest>>,
    ) -> Result<Response<wire::UploadReply>, Status> {
        let name = self.writer(&request)?.name();
        let received = upload::receive(self.publisher.objects(), name, request.into_inner()).await;
        received.map(|received| Response::new(wire::UploadReply { received }))
    }

    async fn received(&self, request: Request<wire::ReceivedRequest>) -> Result<Response<wire::ReceivedReply>, Status> {
        let upload = Upload::new(self.writer(&request)?.name(), blob(request.get_ref().blob.as_ref())?);
        let received = self.publisher.objects().received(&upload).await.map_err(|error| status(&error))?;
        Ok(Response::new(wire::ReceivedReply { received }))
    }

    async fn publish(&self, request: Request<wire::PublishRequest>) -> Result<Response<wire::PublishReply>, Status> {
        let writer = self.writer(&request)?;
        let name = writer.name();
        match self.release(writer, request.get_ref()).await {
            Ok(Published { snapshot, timestamp, expires, changed }) => {
                tracing::info!(writer = name, %snapshot, %timestamp, changed, "published");
                let (snapshot, timestamp) = (snapshot.get(), timestamp.get());
                Ok(Response::new(wire::PublishReply { snapshot, timestamp, expires: expires.to_string(), changed }))
            }
            Err(error) => {
                tracing::warn!(writer = name, "not published: {error}");
                Err(status(&error))
            }
        }
    }
}

impl<S: Store> Service<S> {
    fn writer<T>(&self, request: &Request<T>) -> Result<Authenticated<'_>, Status> {
        let certificates = request.peer_certs();
        let certificate = certificates.as_deref().and_then(|chain| chain.first()).map(AsRef::as_ref);
        let bearer = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let shown = Shown { certificate, token: bearer.and_then(|value| value.strip_prefix("Bearer ")) };
        self.writers.authenticate(shown).map_err(|error| status(&error))
    }

    async fn release(&self, writer: Authenticated<'_>, asked: &wire::PublishRequest) -> Result<Published, Error> {
        let mut release = Vec::new();
        for file in &asked.files {
            release.push(self.arriving(writer, file).await?);
        }
        let manner = Manner::of_writer(asked.withdraw);
        self.publisher.publish_as(writer.name(), release, manner, host::clock::now()).await
    }

    /// A file of a release, which was uploaded before.
    async fn arriving(&self, writer: Authenticated<'_>, file: &wire::RoleFile) -> Result<Arriving, Error> {
        let role: RoleId = file.role.parse().map_err(Error::given("the role", &file.role))?;
        writer.check(role)?;
        let Blob { sha256, .. } = blob(file.file.as_ref()).map_err(|_| Error::BadBlob)?;
        let bytes = self.publisher.objects().incoming(sha256, limits::MAX_TARGETS).await?;
        Ok(Arriving { role, bytes: bytes.ok_or(Error::UploadLost { sha256 })?.into() })
    }
}

/// The blob a message names, inspected.
fn blob(named: Option<&wire::Blob>) -> Result<Blob, Status> {
    let named = named.ok_or_else(|| Status::invalid_argument("no blob is named"))?;
    let sha256 = <[u8; 32]>::try_from(named.sha256.as_slice());
    let sha256 = Sha256(sha256.map_err(|_| Status::invalid_argument("a digest is not of 32 bytes"))?);
    let length = Length::new(named.length).ok().filter(|length| length.get() <= MAX_BLOB);
    Ok(Blob { length: length.ok_or_else(|| Status::invalid_argument("a blob is longer than 64 GiB"))?, sha256 })
}

/// What a writer is told: which check failed and what to do, or nothing about our own side.
fn status(error: &Error) -> Status {
    use host::cli::{Exit, Report as _};
    let told = || format!("{error}; do: {}", error.advice());
    match error.exit() {
        _ if matches!(error, Error::UnknownWriter) => Status::unauthenticated(told()),
        _ if matches!(error, Error::NotAllowed { .. }) => Status::permission_denied(told()),
        _ if matches!(error, Error::Conflict) => Status::aborted(told()),
        Exit::Refused | Exit::Usage => Status::failed_precondition(told()),
        _ if matches!(error, Error::CounterTaken { .. } | Error::Sign(_)) => Status::failed_precondition(told()),
        Exit::Failed | Exit::Configuration | Exit::Unavailable => {
            tracing::error!(%error, "a writer could not be served");
            Status::unavailable("the repository cannot do this now; its log says why")
        }
    }
}

/// A piece of an upload, or a release of as many files as a repository has roles, and what stands around it.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;
/// Bytes of a blob.
const MAX_BLOB: u64 = 64 * 1024 * 1024 * 1024;
