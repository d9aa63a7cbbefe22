//! Fetching metadata and images over HTTP, against servers that send too much, too slowly, or something else.
//!
//! What arrives is not verified here. Over plain HTTP anybody on the way may have written it; that is as it should be for
//! the Image repository, whose files carry their own proof.

mod error;
mod pace;
mod range;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, IF_RANGE, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use uptane::Length;

use crate::{Error, tls};
use pace::Pace;

pub use error::FetchError;
pub use range::{Resume, Sink};

/// Fetches files below one base address.
#[derive(Clone, Debug)]
pub struct Fetcher {
    base: Url,
    client: Client,
    pace: Pace,
}

impl Fetcher {
    /// Fetches over plain HTTP; follows a few redirects, as content networks send them.
    pub fn plain(base: &str) -> Result<Self, FetchError> {
        let base = parse(base, "http")?;
        Self::new(base, tls::trusting_nobody()?, Policy::limited(MAX_REDIRECTS))
    }

    /// Fetches over TLS with [`tls::client_config`]; follows no redirect, so that our certificate is shown to nobody else.
    pub fn tls(base: &str, config: &Arc<rustls::ClientConfig>) -> Result<Self, FetchError> {
        let base = parse(base, "https")?;
        Self::new(base, rustls::ClientConfig::clone(config), Policy::none())
    }

    /// The slowest a server may be: at least `bytes` in every `window` of waiting for it.
    #[must_use]
    pub fn at_least(mut self, bytes: u64, window: Duration) -> Self {
        self.pace = Pace::new(bytes, window);
        self
    }

    /// A whole small file. `None` if the server says that there is none (404), and only then.
    pub async fn get(&self, path: &str, limit: Length) -> Result<Option<Vec<u8>>, FetchError> {
        self.get_at(self.at(path.split('/'))?, limit).await
    }

    /// The same for a file directly below the base, whatever its name is: a slash in it is escaped, too.
    pub async fn get_named(&self, name: &str, limit: Length) -> Result<Option<Vec<u8>>, FetchError> {
        self.get_at(self.at([name])?, limit).await
    }

    async fn get_at(&self, address: Url, limit: Length) -> Result<Option<Vec<u8>>, FetchError> {
        let mut pace = self.pace.clone();
        let mut response = pace.wait(self.client.get(address).send()).await??;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => return Err(FetchError::Status { status: status.as_u16() }),
        }
        if response.content_length().is_some_and(|length| length > limit.get()) {
            return Err(FetchError::TooLong { limit });
        }
        let mut bytes = Vec::new();
        while let Some(piece) = pace.wait(response.chunk()).await?? {
            let so_far = bytes.len().saturating_add(piece.len());
            if u64::try_from(so_far).map_or(true, |so_far| so_far > limit.get()) {
                return Err(FetchError::TooLong { limit });
            }
            pace.arrived(piece.len());
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(bytes))
    }

    /// A file of known length, piece by piece into `sink`, going on from `resume` if the server still has the same file.
    ///
    /// `sink` never gets more than `length` bytes in all. On an error it holds what arrived until then, and a later call may
    /// resume there. Time the sink takes is not held against the server.
    pub async fn download(
        &self,
        path: &str,
        length: Length,
        resume: Option<&Resume>,
        sink: &mut impl Sink,
    ) -> Result<(), FetchError> {
        if let Some(Resume { entity_tag, .. }) = resume.filter(|resume| resume.offset == length) {
            return sink.start(length, Some(entity_tag)).map_err(FetchError::Sink);
        }
        let resume = resume.filter(|resume| resume.offset < length);
        let mut pace = self.pace.clone();
        let (mut response, mut offset) = self.begin(path, length, resume, &mut pace).await?;
        let from = Length::new(offset).map_err(|_| FetchError::BadRange)?;
        sink.start(from, entity_tag(response.headers())).map_err(FetchError::Sink)?;
        while let Some(piece) = pace.wait(response.chunk()).await?? {
            let more = u64::try_from(piece.len()).ok().and_then(|more| offset.checked_add(more));
            offset = more.filter(|offset| *offset <= length.get()).ok_or(FetchError::TooLong { limit: length })?;
            pace.arrived(piece.len());
            sink.write(&piece).map_err(FetchError::Sink)?;
        }
        let complete = offset == length.get();
        complete.then_some(()).ok_or(FetchError::Incomplete { got: offset, expected: length })
    }

    /// Asks for the file, and says at which offset the answer begins.
    async fn begin(
        &self,
        path: &str,
        length: Length,
        resume: Option<&Resume>,
        pace: &mut Pace,
    ) -> Result<(Response, u64), FetchError> {
        let response = pace.wait(self.request(path, resume)?.send()).await??;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE && resume.is_some() {
            // The server's file is shorter than what is held, so it is another one.
            return Box::pin(self.begin(path, length, None, pace)).await;
        }
        let offset = match response.status() {
            // The whole file, also where a part was asked for and it has changed.
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT => range::offset(response.headers(), length, resume)?,
            StatusCode::NOT_FOUND => return Err(FetchError::NotFound),
            status => return Err(FetchError::Status { status: status.as_u16() }),
        };
        if response.content_length().is_some_and(|more| offset.saturating_add(more) > length.get()) {
            return Err(FetchError::TooLong { limit: length });
        }
        Ok((response, offset))
    }

    fn request(&self, path: &str, resume: Option<&Resume>) -> Result<RequestBuilder, FetchError> {
        let request = self.client.get(self.at(path.split('/'))?);
        Ok(match resume {
            None => request,
            Some(Resume { offset, entity_tag }) => {
                request.header(RANGE, format!("bytes={offset}-")).header(IF_RANGE, entity_tag)
            }
        })
    }

    fn new(base: Url, config: rustls::ClientConfig, redirects: Policy) -> Result<Self, FetchError> {
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .redirect(redirects)
            // A proxy of the environment would see and change what the base address names.
            .no_proxy()
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("convoy/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { base, client, pace: Pace::new(SLOWEST, WINDOW) })
    }

    /// The address of these parts of a path below the base; each is escaped as it must be.
    fn at<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> Result<Url, FetchError> {
        let mut url = self.base.clone();
        let bad = || FetchError::BadAddress { address: crate::cli::one_line(self.base.as_str()) };
        url.path_segments_mut().map_err(|()| bad())?.pop_if_empty().extend(path);
        Ok(url)
    }
}

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);
/// Redirects followed for one file.
const MAX_REDIRECTS: usize = 3;
/// Bytes that must arrive in each [`WINDOW`].
const SLOWEST: u64 = 2 * 1024;
/// Over which time speed is measured. A server has this long for its first byte, too.
const WINDOW: Duration = Duration::from_secs(15);

fn parse(base: &str, scheme: &'static str) -> Result<Url, FetchError> {
    let bad = || FetchError::BadAddress { address: crate::cli::one_line(base) };
    let url = Url::parse(base).map_err(|_| bad())?;
    match url.scheme() {
        given if given == scheme && url.has_host() => Ok(url),
        _ => Err(FetchError::Scheme { address: crate::cli::one_line(base), expected: scheme }),
    }
}

/// A validator strong enough to resume with.
fn entity_tag(headers: &HeaderMap) -> Option<&str> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    (tag.starts_with('"') && tag.len() <= range::MAX_ENTITY_TAG).then_some(tag)
}

impl From<Error> for FetchError {
    fn from(error: Error) -> Self {
        Self::Setup(error.to_string())
    }
}

#[cfg(test)]
mod tests;
