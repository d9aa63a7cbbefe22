//! What is counted, under names that Prometheus takes.
//!
//! | figure | labels | counts |
//! |---|---|---|
//! | `image_repo_http_requests_total` | `kind`, `status` (`2xx` …) | requests answered |
//! | `image_repo_http_response_bytes_total` | `kind` | bytes of bodies handed to connections |
//! | `image_repo_http_request_seconds` | `kind` | histogram: from the request's head to the end of the body, or until the client left |
//! | `image_repo_http_open_connections` | | connections just now |
//!
//! `kind` is `metadata`, `targets` or `other`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use metrics::{counter, gauge, histogram};

/// Upper bounds of the histogram's buckets, in seconds: a metadata file from memory up to an image over a slow link.
pub(super) const SECONDS: [f64; 12] = [0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0, 600.0, 3_600.0];

/// Counts a request and what is sent for it.
pub(super) async fn count(request: Request, next: Next) -> Response {
    let (began, kind) = (host::clock::stopwatch(), kind(request.uri().path()));
    let response = next.run(request).await;
    counter!("image_repo_http_requests_total", "kind" => kind, "status" => class(response.status())).increment(1);
    response.map(|body| Body::new(Counted { body, sent: Sent { kind, began, bytes: 0 } }))
}

fn kind(path: &str) -> &'static str {
    match path.strip_prefix('/').and_then(|path| path.split_once('/')) {
        Some(("metadata", _)) => "metadata",
        Some(("targets", _)) => "targets",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

/// A body that counts itself.
struct Counted {
    body: Body,
    sent: Sent,
}

/// What was sent for one request; says so when it goes.
struct Sent {
    kind: &'static str,
    began: Instant,
    bytes: u64,
}

impl Drop for Sent {
    fn drop(&mut self) {
        counter!("image_repo_http_response_bytes_total", "kind" => self.kind).increment(self.bytes);
        histogram!("image_repo_http_request_seconds", "kind" => self.kind).record(self.began.elapsed());
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(|frame| frame.data_ref()) {
            self.sent.bytes = self.sent.bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// An open connection, counted until it goes.
pub(super) struct Open;

impl Open {
    pub(super) fn new() -> Self {
        gauge!("image_repo_http_open_connections").increment(1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        gauge!("image_repo_http_open_connections").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_by_their_path() {
        assert_eq!(kind("/metadata/1.root.json"), "metadata");
        assert_eq!(kind("/targets/a/b"), "targets");
        assert_eq!((kind("/"), kind("/metadata"), kind("/targetsx/a")), ("other", "other", "other"));
    }
}
