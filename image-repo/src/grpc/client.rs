//! The client of the write side: what `release publish --to` does.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream;
use host::tls::Identity;
use proto::grpc::image_repo as wire;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity as Shown};
use tonic::{Code, Request, Status};
use uptane::{Length, Sha256};
use wire::image_repository_client::ImageRepositoryClient;
use wire::upload_request::Message;

use crate::error::Error;
use crate::objects::Blob;
use crate::role::RoleId;

/// How a writer shows who it is, and whom it takes for the repository.
#[derive(Debug)]
pub struct Credentials {
    /// The authority's certificate, PEM.
    pub authority: String,
    /// A client certificate.
    pub identity: Option<Identity>,
    /// A bearer token.
    pub token: Option<String>,
}

/// A connection to a repository.
#[derive(Debug)]
pub struct Client {
    rpc: ImageRepositoryClient<Channel>,
    token: Option<MetadataValue<Ascii>>,
    url: String,
}

/// What a publication came to.
pub use wire::PublishReply;

impl Client {
    /// Connects.
    pub async fn connect(url: &str, credentials: &Credentials) -> Result<Self, Error> {
        let refused = |reason: String| Error::Remote { url: url.to_owned(), reason };
        let authority = Certificate::from_pem(&credentials.authority);
        let mut tls = ClientTlsConfig::new().ca_certificate(authority);
        if let Some(identity) = &credentials.identity {
            tls = tls.identity(Shown::from_pem(identity.certificate(), identity.key()));
        }
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|error| refused(error.to_string()))?;
        let endpoint = endpoint.connect_timeout(CONNECT).tcp_nodelay(true);
        let endpoint = endpoint.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let endpoint = endpoint.tls_config(tls).map_err(|error| refused(error.to_string()))?;
        let channel = endpoint.connect().await.map_err(|error| refused(chain(&error)))?;
        let token = credentials.token.as_ref().map(|token| format!("Bearer {token}").parse()).transpose();
        let token = token.map_err(|_| refused("the token has characters that no header may have".to_owned()))?;
        Ok(Self { rpc: ImageRepositoryClient::new(channel), token, url: url.to_owned() })
    }

    /// Brings a file, from where an earlier attempt stopped.
    pub async fn upload(&mut self, path: &Path, blob: Blob) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            match self.upload_once(path, blob).await {
                Err(Error::Remote { .. }) => {}
                ended => return ended,
            }
        }
        self.upload_once(path, blob).await
    }

    async fn upload_once(&mut self, path: &Path, blob: Blob) -> Result<(), Error> {
        let asked = self.request(wire::ReceivedRequest { blob: Some(named(blob)) });
        let received = self.rpc.received(asked).await.map_err(|status| self.told(&status))?.into_inner().received;
        if received == blob.length.get() {
            return Ok(());
        }
        let pieces = Pieces::open(path, blob, received)?;
        let request = self.request(stream::unfold(pieces, async |mut pieces| Some((pieces.next()?, pieces))));
        let uploaded = self.rpc.upload(request).await.map_err(|status| self.told(&status))?.into_inner();
        match uploaded.received == blob.length.get() {
            true => Ok(()),
            false => Err(host::Error::io("read", path, std::io::ErrorKind::UnexpectedEof.into()).into()),
        }
    }

    /// Brings bytes that are at hand.
    pub async fn upload_bytes(&mut self, bytes: Vec<u8>) -> Result<Blob, Error> {
        let blob =
            Blob { length: Length::new(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?, sha256: Sha256::of(&bytes) };
        let begin = Message::Begin(wire::UploadBegin { blob: Some(named(blob)), offset: 0 });
        let mut messages = vec![begin];
        messages.extend(bytes.chunks(PIECE).map(|piece| Message::Piece(piece.to_vec())));
        let messages = messages.into_iter().map(|message| wire::UploadRequest { message: Some(message) });
        let request = self.request(stream::iter(messages));
        self.rpc.upload(request).await.map_err(|status| self.told(&status))?;
        Ok(blob)
    }

    /// Publishes files that were brought.
    pub async fn publish(&mut self, files: &[(RoleId, Blob)]) -> Result<PublishReply, Error> {
        self.publish_as(files, false).await
    }

    /// The same; with `withdraw`, images may go that vehicles need.
    pub async fn publish_as(&mut self, files: &[(RoleId, Blob)], withdraw: bool) -> Result<PublishReply, Error> {
        let files =
            files.iter().map(|(role, blob)| wire::RoleFile { role: role.to_string(), file: Some(named(*blob)) });
        let request = self.request(wire::PublishRequest { files: files.collect(), withdraw });
        Ok(self.rpc.publish(request).await.map_err(|status| self.told(&status))?.into_inner())
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }

    /// What the repository refused, or that it could not be asked.
    fn told(&self, status: &Status) -> Error {
        let (url, reason) = (self.url.clone(), host::cli::one_line(status.message()));
        let refusals = [
            Code::FailedPrecondition,
            Code::InvalidArgument,
            Code::OutOfRange,
            Code::PermissionDenied,
            Code::Unauthenticated,
        ];
        match refusals.contains(&status.code()) {
            true => Error::RemoteRefused { url, reason },
            false => Error::Remote { url, reason },
        }
    }
}

/// The messages that bring a file, read as they are sent.
struct Pieces {
    file: File,
    path: PathBuf,
    begin: Option<wire::UploadBegin>,
}

impl Pieces {
    fn open(path: &Path, blob: Blob, offset: u64) -> Result<Self, Error> {
        let failed = |source| host::Error::io("read", path, source);
        let mut file = File::open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let begin = Some(wire::UploadBegin { blob: Some(named(blob)), offset });
        Ok(Self { file, path: path.to_owned(), begin })
    }

    /// The next message. A file that cannot be read any further ends early, which the server tells.
    fn next(&mut self) -> Option<wire::UploadRequest> {
        if let Some(begin) = self.begin.take() {
            return Some(wire::UploadRequest { message: Some(Message::Begin(begin)) });
        }
        let mut piece = vec![0; PIECE];
        let count = self.file.read(&mut piece).map_err(|error| tracing::error!("{}: {error}", self.path.display()));
        piece.truncate(count.ok()?);
        (!piece.is_empty()).then_some(wire::UploadRequest { message: Some(Message::Piece(piece)) })
    }
}

/// How often an upload is resumed before it is given up.
const ATTEMPTS: usize = 3;
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// Bytes under way on a stream.
const WINDOW: u32 = 4 * 1024 * 1024;
/// Bytes of a piece.
const PIECE: usize = 256 * 1024;

fn named(blob: Blob) -> wire::Blob {
    wire::Blob { sha256: blob.sha256.0.to_vec(), length: blob.length.get() }
}

/// An error with what it was caused by.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
