//! Figures a process counts while it runs, as Prometheus text, beside its health on a port of their own.
//!
//! | path | answer |
//! |---|---|
//! | `/metrics` | everything counted so far |
//! | `/healthz` | 200 while the process lives: a supervisor restarts it if this fails |
//! | `/readyz`, `/health` | 200 if every part is well, else 503; a line about each part: a balancer sends it no clients if this fails |

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{interval, timeout};

use crate::Error;
use crate::health::Health;

/// Reads out what was counted.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// Starts counting what the crate `metrics` is told in this process. The second call in one process counts nothing.
pub fn install() -> Metrics {
    record(PrometheusBuilder::new())
}

/// The same, with every histogram whose name ends in `suffix` counted in buckets up to each of `bounds`, so that those of
/// several instances can be added up. Without bounds it is an error.
pub fn install_with_buckets(suffix: &str, bounds: &[f64]) -> Result<Metrics, Error> {
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix(suffix.to_owned()), bounds);
    let refused = |error| Error::io("count", suffix.as_ref(), std::io::Error::other(error));
    builder.map(record).map_err(refused)
}

fn record(builder: PrometheusBuilder) -> Metrics {
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // The first recorder stays; a simulator with several nodes in one process has one.
    drop(metrics::set_global_recorder(recorder));
    Metrics { handle }
}

impl Metrics {
    /// Everything counted so far, as Prometheus text.
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Answers on `listener` for as long as it is polled.
    ///
    /// [`MAX_ANSWERS`] connections at a time, each bounded in bytes and time: this port is for a scraper, a supervisor and
    /// a balancer, not for the world.
    pub async fn serve(self, listener: TcpListener, health: Health) {
        let mut upkeep = interval(UPKEEP);
        let (operations, answers) = (Arc::new((self, health)), Arc::new(Semaphore::new(MAX_ANSWERS)));
        loop {
            tokio::select! {
                _ = upkeep.tick() => operations.0.handle.run_upkeep(),
                accepted = accept(&listener, &answers) => {
                    let (Some((stream, permit)), operations) = (accepted, operations.clone()) else { continue };
                    tokio::spawn(async move {
                        // Who is too slow or hangs up gets no answer, and nobody is interested in why.
                        drop(timeout(PATIENCE, operations.0.answer(stream, &operations.1)).await);
                        drop(permit);
                    });
                }
            }
        }
    }

    async fn answer(&self, mut stream: TcpStream, health: &Health) -> std::io::Result<()> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD {
            let mut piece = [0; 512];
            let count = stream.read(&mut piece).await?;
            match piece.get(..count) {
                None | Some([]) => return Ok(()),
                Some(bytes) => head.extend_from_slice(bytes),
            }
        }
        let path = head.strip_prefix(b"GET ").and_then(|rest| rest.split(|byte| *byte == b' ').next());
        let (status, body) = self.said(path.unwrap_or_default(), health);
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    /// Status and body of the answer for a path.
    fn said(&self, path: &[u8], health: &Health) -> (&'static str, String) {
        match path {
            b"/metrics" => ("200 OK", self.render()),
            b"/healthz" => ("200 OK", "alive\n".to_owned()),
            b"/readyz" | b"/health" => match health.report() {
                (true, text) => ("200 OK", text),
                (false, text) => ("503 Service Unavailable", text),
            },
            _ => ("404 Not Found", String::new()),
        }
    }
}

/// The next connection, once one may be answered. `None` if the system has no more sockets just now.
async fn accept(
    listener: &TcpListener,
    answers: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let permit = answers.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(_) => {
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

/// How often histograms are drained.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long one scrape may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections answered at a time.
const MAX_ANSWERS: usize = 16;
/// How long to wait when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a request.
const MAX_HEAD: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve;

    /// The answers to these paths, of a process whose store is ill.
    async fn ask(metrics: Metrics, paths: &[&str]) -> Vec<String> {
        let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::default();
        health.ill("store", "full");
        let server = tokio::spawn(metrics.serve(listener, health));
        // Who says nothing keeps nobody waiting.
        let _silent = TcpStream::connect(address).await.unwrap();

        let mut answers = Vec::new();
        for path in paths {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answers.push(answer);
        }
        server.abort();
        answers
    }

    #[test]
    fn figures_and_health_are_answered_on_their_port() {
        serve::runtime().unwrap().block_on(async {
            let metrics = install();
            metrics::counter!("check_ins").increment(3);
            let answers = ask(metrics, &["/metrics", "/readyz", "/health", "/healthz", "/other"]).await;
            assert!(answers[0].contains("check_ins 3"), "{}", answers[0]);
            for answer in &answers[1..3] {
                assert!(answer.starts_with("HTTP/1.1 503") && answer.ends_with("store: full\n"), "{answer}");
            }
            assert!(answers[3].starts_with("HTTP/1.1 200"), "{}", answers[3]);
            assert!(answers[4].starts_with("HTTP/1.1 404"), "{}", answers[4]);
        });
    }

    #[test]
    fn a_histogram_without_bounds_is_refused() {
        assert!(install_with_buckets("_seconds", &[]).is_err());
    }
}
