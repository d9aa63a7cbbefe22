//! The one client program for both servers.

use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use reqwest::header::ACCEPT_ENCODING;
use sha2::Digest as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::repository::Trust;
use super::servers::Server;

/// The version of HTTP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    pub(super) const ALL: [Self; 2] = [Self::Http1, Self::Http2];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }

    fn offered(self) -> Vec<u8> {
        match self {
            Self::Http1 => b"http/1.1".to_vec(),
            Self::Http2 => b"h2".to_vec(),
        }
    }
}

fn tls(trust: &Trust, protocol: Protocol) -> Result<tokio_rustls::rustls::ClientConfig> {
    let config = host::tls::client_config(&trust.client, trust.authority.certificate())?;
    let mut config = Arc::unwrap_or_clone(config);
    config.alpn_protocols = vec![protocol.offered()];
    Ok(config)
}

/// What a client and a server agreed on.
#[derive(PartialEq, Eq)]
pub(super) struct Negotiated {
    version: String,
    cipher: String,
    protocol: String,
}

impl fmt::Display for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}, {}", self.version, self.cipher, self.protocol)
    }
}

/// What the client that downloads agrees on with this server.
pub(super) async fn negotiate(server: &dyn Server, trust: &Trust, protocol: Protocol) -> Result<Negotiated> {
    let address = server.url().trim_start_matches("https://");
    let connector = TlsConnector::from(Arc::new(tls(trust, protocol)?));
    let stream = connector.connect("127.0.0.1".try_into()?, TcpStream::connect(address).await?).await?;
    let session = stream.get_ref().1;
    Ok(Negotiated {
        version: format!("{:?}", session.protocol_version().context("a version")?),
        cipher: format!("{:?}", session.negotiated_cipher_suite().context("a cipher suite")?.suite()),
        protocol: String::from_utf8_lossy(session.alpn_protocol().unwrap_or_default()).into_owned(),
    })
}

/// Clients with a connection each.
pub(super) struct Clients {
    url: String,
    clients: Vec<reqwest::Client>,
}

impl Clients {
    pub(super) fn connect(server: &dyn Server, trust: &Trust, protocol: Protocol, number: u32) -> Result<Self> {
        let one = || -> Result<reqwest::Client> {
            let builder = reqwest::Client::builder().tls_backend_preconfigured(tls(trust, protocol)?).no_proxy();
            Ok(match protocol {
                Protocol::Http1 => builder.http1_only(),
                Protocol::Http2 => builder.http2_prior_knowledge(),
            }
            .build()?)
        };
        let clients = (0..number).map(|_| one()).collect::<Result<_>>()?;
        Ok(Self { url: server.url().to_owned(), clients })
    }

    /// The digest of what stands at `path`.
    pub(super) async fn digest(&self, path: &str) -> Result<uptane::Sha256> {
        let client = self.clients.first().context("a client")?;
        let mut response = client.get(format!("{}/{path}", self.url)).send().await?.error_for_status()?;
        let mut digest = sha2::Sha256::new();
        while let Some(piece) = response.chunk().await? {
            digest.update(&piece);
        }
        Ok(uptane::Sha256(digest.finalize().into()))
    }

    /// Every client downloads `path` so many times, and drops what it gets.
    pub(super) async fn download(&self, path: &str, times: u32) -> Result<()> {
        self.all(path, move |client, url| async move {
            for _ in 0..times {
                discard(client.get(&url)).await?;
            }
            Ok(())
        })
        .await?;
        Ok(())
    }

    /// Every client asks for `path`; the heads of the answers, whose bodies nobody has taken yet.
    pub(super) async fn begin(&self, path: &str) -> Result<Vec<reqwest::Response>> {
        self.all(path, |client, url| async move { Ok(client.get(&url).send().await?.error_for_status()?) }).await
    }

    /// Every client asks for `path` so many times; how long each answer took, in seconds.
    pub(super) async fn ask(&self, path: &str, times: u32) -> Result<Vec<f64>> {
        let took = self.all(path, move |client, url| async move {
            let mut took = Vec::new();
            for _ in 0..times {
                let watch = host::clock::stopwatch();
                discard(client.get(&url).header(ACCEPT_ENCODING, "gzip")).await?;
                took.push(watch.elapsed().as_secs_f64());
            }
            Ok(took)
        });
        Ok(took.await?.concat())
    }

    /// All at once.
    async fn all<T, F>(&self, path: &str, work: impl Fn(reqwest::Client, String) -> F) -> Result<Vec<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let mut running = JoinSet::new();
        for client in &self.clients {
            running.spawn(work(client.clone(), format!("{}/{path}", self.url)));
        }
        running.join_all().await.into_iter().collect()
    }
}

/// Takes a whole answer piece by piece.
async fn discard(request: reqwest::RequestBuilder) -> Result<()> {
    let mut response = request.send().await?.error_for_status()?;
    let expected = response.content_length();
    let mut got = 0_u64;
    while let Some(piece) = response.chunk().await? {
        got += u64::try_from(piece.len())?;
    }
    ensure!(got > 0 && expected.is_none_or(|expected| expected == got), "an answer was cut off");
    Ok(())
}
