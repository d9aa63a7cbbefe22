//! Figures a process counts while it runs, as Prometheus text, beside its health on a port of their own.

use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{interval, timeout};

use crate::health::Health;

/// Reads out what was counted.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

/// Starts counting what the crate `metrics` is told in this process. The second call in one process counts nothing.
pub fn install() -> Metrics {
    let recorder = PrometheusBuilder::new().build_recorder();
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

    /// Answers `GET /metrics` and `GET /health` on `listener` for as long as it is polled.
    ///
    /// One connection at a time, each bounded in bytes and time: this port is for one scraper, not for the world.
    pub async fn serve(self, listener: TcpListener, health: Health) {
        let mut upkeep = interval(UPKEEP);
        loop {
            tokio::select! {
                _ = upkeep.tick() => self.handle.run_upkeep(),
                accepted = listener.accept() => match accepted {
                    // Who is too slow or hangs up gets no answer, and nobody is interested in why.
                    Ok((stream, _)) => drop(timeout(PATIENCE, self.answer(stream, &health)).await),
                    Err(_) => tokio::time::sleep(PAUSE).await,
                },
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
        let (status, body) = match head.strip_prefix(b"GET ").and_then(|rest| rest.split(|byte| *byte == b' ').next()) {
            Some(b"/metrics") => ("200 OK", self.render()),
            Some(b"/health") => match health.report() {
                (true, text) => ("200 OK", text),
                (false, text) => ("503 Service Unavailable", text),
            },
            _ => ("404 Not Found", String::new()),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }
}

/// How often histograms are drained.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long one scrape may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait when the system has no more sockets.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes of a request.
const MAX_HEAD: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve;

    #[test]
    fn figures_and_health_are_answered_on_their_port() {
        serve::runtime().unwrap().block_on(async {
            let metrics = install();
            metrics::counter!("check_ins").increment(3);
            let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
            let address = listener.local_addr().unwrap();
            let health = Health::default();
            health.ill("store", "full");
            let server = tokio::spawn(metrics.serve(listener, health));

            let mut answers = Vec::new();
            for path in ["/metrics", "/health", "/other"] {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                answers.push(answer);
            }
            server.abort();
            assert!(answers[0].contains("check_ins 3"), "{}", answers[0]);
            assert!(answers[1].starts_with("HTTP/1.1 503") && answers[1].ends_with("store: full\n"), "{}", answers[1]);
            assert!(answers[2].starts_with("HTTP/1.1 404"), "{}", answers[2]);
        });
    }
}
