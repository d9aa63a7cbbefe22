//! What a request is answered with, once it is known which bytes it is about (RFC 9110 §13.2.2).

use std::ops::Range;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::range::{self, Asked};
use super::tags;
use crate::error::Error;

/// Method and headers: all of a request that decides which part of a file is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'r> {
    pub method: &'r Method,
    pub headers: &'r HeaderMap,
}

/// What is sent, of a file whose length and tag are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All of it.
    Whole,
    /// These bytes of it, which exist.
    Part(Range<u64>),
    /// Nothing: the client has it.
    Unchanged,
    /// Nothing: the client wants it only if it is another.
    Other,
    /// Nothing: it has no such bytes.
    OutOfRange,
}

impl Request<'_> {
    /// Whether it asks for a part, or sets a condition: then length and tag decide before the file is touched.
    pub(super) fn is_conditional(self) -> bool {
        let [head, rest @ ..] = CONDITIONS;
        self.headers.contains_key(head) || rest.iter().any(|name| self.headers.contains_key(name))
    }

    /// Whether it asks for a part. Only `GET` can (§14.2).
    pub(super) fn wants_part(self) -> bool {
        *self.method == Method::GET && self.headers.contains_key(RANGE)
    }

    /// What it gets of a file with this tag and length.
    pub(super) fn judge(self, tag: &str, length: u64) -> Verdict {
        if tags::match_fails(self.headers, tag) {
            return Verdict::Other;
        }
        if tags::none_match_fails(self.headers, tag) {
            return Verdict::Unchanged;
        }
        let range = self.headers.get(RANGE).and_then(|range| range.to_str().ok());
        let range = range.filter(|_| self.wants_part() && tags::range_applies(self.headers, tag));
        match range.map_or(Asked::All, |range| range::asked(range, length)) {
            Asked::All => Verdict::Whole,
            Asked::Part { first, last } => Verdict::Part(first..last.saturating_add(1)),
            Asked::Nothing => Verdict::OutOfRange,
        }
    }
}

/// How long what stands under a name stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// A version or a digest stands in the name.
    ForEver,
    /// It is replaced now and then.
    Brief,
}

/// What stands in the head of an answer about a file.
#[derive(Clone, Debug)]
pub(super) struct Head<'f> {
    pub tag: &'f str,
    pub length: u64,
    pub life: Life,
    /// Its media type.
    pub kind: &'static str,
}

impl Head<'_> {
    /// The answer; `body` is asked for the bytes that are sent, if any are. It has none if the file has gone.
    pub(super) async fn answer<B>(&self, request: Request<'_>, body: B) -> Result<Response, Error>
    where
        B: AsyncFnOnce(Range<u64>) -> Result<Option<Body>, Error>,
    {
        let (status, range) = match request.judge(self.tag, self.length) {
            Verdict::Whole => (StatusCode::OK, 0..self.length),
            Verdict::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
            Verdict::Unchanged => return Ok((StatusCode::NOT_MODIFIED, self.lasting()).into_response()),
            Verdict::Other => return Ok(StatusCode::PRECONDITION_FAILED.into_response()),
            Verdict::OutOfRange => return Ok(out_of_range(self.length)),
        };
        // Its body is not sent, so it is not fetched either.
        let body = if *request.method == Method::HEAD { Some(Body::empty()) } else { body(range.clone()).await? };
        let Some(body) = body else { return Ok(absent()) };
        let mut response = (status, self.lasting(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(CONTENT_LENGTH, range.end.saturating_sub(range.start).into());
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if status == StatusCode::PARTIAL_CONTENT {
            let said = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), self.length);
            headers.extend(HeaderValue::try_from(said).ok().map(|said| (CONTENT_RANGE, said)));
        }
        Ok(response)
    }

    /// Tag and life, which a cache learns again with every 304.
    fn lasting(&self) -> HeaderMap {
        let life = HeaderValue::from_static(match self.life {
            Life::ForEver => FOR_EVER,
            Life::Brief => BRIEFLY,
        });
        // Digests in quotes are valid in a header.
        let tag = HeaderValue::try_from(self.tag).ok().map(|tag| (ETAG, tag));
        tag.into_iter().chain([(CACHE_CONTROL, life)]).collect()
    }
}

/// There is no such file. It may be there soon (the next Root), so caches must not remember that for long.
pub(super) fn absent() -> Response {
    (StatusCode::NOT_FOUND, [(CACHE_CONTROL, BRIEFLY)]).into_response()
}

/// The store failed.
pub(super) fn failed(error: &Error) -> Response {
    tracing::error!(%error, "a published file cannot be read");
    (StatusCode::INTERNAL_SERVER_ERROR, [(CACHE_CONTROL, "no-store")]).into_response()
}

fn out_of_range(length: u64) -> Response {
    (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, format!("bytes */{length}"))]).into_response()
}

const CONDITIONS: [HeaderName; 3] = [RANGE, axum::http::header::IF_NONE_MATCH, axum::http::header::IF_MATCH];
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const BRIEFLY: &str = "public, max-age=10, must-revalidate";

#[cfg(test)]
mod tests {
    use axum::http::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE};

    use super::*;

    const TAG: &str = "\"a\"";

    fn judged(method: &Method, headers: &[(HeaderName, &'static str)]) -> Verdict {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        Request { method, headers: &headers }.judge(TAG, 10)
    }

    #[test]
    fn conditions_are_judged_in_the_order_of_the_standard() {
        let (part, has, other) = ((RANGE, "bytes=2-3"), (IF_NONE_MATCH, TAG), (IF_MATCH, "\"x\""));
        assert_eq!(judged(&Method::GET, &[]), Verdict::Whole);
        assert_eq!(judged(&Method::GET, std::slice::from_ref(&part)), Verdict::Part(2..4));
        assert_eq!(judged(&Method::GET, &[part.clone(), has.clone()]), Verdict::Unchanged);
        assert_eq!(judged(&Method::GET, &[part, has, other]), Verdict::Other);
    }

    #[test]
    fn only_a_get_has_parts() {
        assert_eq!(judged(&Method::HEAD, &[(RANGE, "bytes=2-3")]), Verdict::Whole);
    }

    #[test]
    fn a_part_of_another_file_is_answered_with_the_whole_of_this_one() {
        assert_eq!(judged(&Method::GET, &[(RANGE, "bytes=2-3"), (IF_RANGE, TAG)]), Verdict::Part(2..4));
        assert_eq!(judged(&Method::GET, &[(RANGE, "bytes=2-3"), (IF_RANGE, "\"x\"")]), Verdict::Whole);
        assert_eq!(judged(&Method::GET, &[(RANGE, "bytes=20-"), (IF_RANGE, "\"x\"")]), Verdict::Whole);
        assert_eq!(judged(&Method::GET, &[(RANGE, "bytes=20-")]), Verdict::OutOfRange);
    }
}
