//! `serve`: what is published, over HTTP, as a content network or object store would serve it.
//!
//! `GET` and `HEAD` of `/metadata/…` and `/targets/…`, with ranges and entity tags, and `/health`. Files are streamed; the
//! server holds no key, opens no database and changes nothing.

mod range;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use host::cli::announce;
use object_store::{GetOptions, GetResult};
use uptane::metadata::{Envelope, Timestamp};
use uptane::{Length, TargetName, Time, limits};

use crate::args::Serve;
use crate::error::Error;
use crate::objects::Objects;
use range::Asked;

/// Serves until the process is asked to end.
pub(crate) async fn serve(args: &Serve) -> Result<(), Error> {
    if !args.repo.join("published").is_dir() {
        return Err(Error::NotARepository { path: args.repo.clone() });
    }
    let objects = Objects::in_folder(&args.repo)?;
    let listener = host::serve::listen(args.listen).await?;
    let address = listener.local_addr().map_err(|source| host::Error::Listen { address: args.listen, source })?;
    announce(format_args!("http://{address}"));
    let served = axum::serve(listener, router(objects)).with_graceful_shutdown(host::serve::stopped()).await;
    served.map_err(|source| host::Error::Listen { address, source }.into())
}

/// The paths there are.
pub(crate) fn router(objects: Objects) -> Router {
    Router::new()
        .route("/health", get(health))
        .route("/metadata/{file}", get(metadata))
        .route("/targets/{*name}", get(image))
        .with_state(objects)
}

/// Well if there is a Timestamp that a client would take.
async fn health(State(objects): State<Objects>) -> Response {
    let limit = Length::new(limits::MAX_TIMESTAMP).unwrap_or(Length::ZERO);
    let expires = match objects.published_file("timestamp.json", limit).await {
        Ok(Some(bytes)) => expiry(&bytes),
        Ok(None) | Err(_) => None,
    };
    match expires {
        Some(expires) if host::clock::now() < expires => (StatusCode::OK, format!("timestamp: until {expires}\n")),
        Some(expires) => (StatusCode::SERVICE_UNAVAILABLE, format!("timestamp: expired at {expires}\n")),
        None => (StatusCode::SERVICE_UNAVAILABLE, "timestamp: not published\n".to_owned()),
    }
    .into_response()
}

async fn metadata(State(objects): State<Objects>, Path(file): Path<String>, headers: HeaderMap) -> Response {
    let is_name = TargetName::parse(&file).is_ok_and(|name| !name.as_str().contains('/'));
    if !is_name {
        return StatusCode::NOT_FOUND.into_response();
    }
    // Only the Timestamp ever changes under its name.
    let cache = if file == "timestamp.json" { BRIEFLY } else { FOR_EVER };
    answer(&objects, &format!("metadata/{file}"), None, [cache, JSON], &headers).await
}

async fn image(State(objects): State<Objects>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Ok(name) = TargetName::parse(&name) else { return StatusCode::NOT_FOUND.into_response() };
    // Its digest stands in its name, and is the same on every server.
    let file = name.as_str().rsplit('/').next().unwrap_or_default();
    let tag = file.split_once('.').map(|(digest, _)| format!("\"{digest}\""));
    answer(&objects, &format!("targets/{name}"), tag, [FOR_EVER, BYTES], &headers).await
}

/// Answers with an object, the part of it that was asked for, or that the client has it already.
async fn answer(
    objects: &Objects,
    name: &str,
    tag: Option<String>,
    fixed: [Header; 2],
    headers: &HeaderMap,
) -> Response {
    let found = match objects.published(name, GetOptions::new()).await {
        Ok(Some(found)) => found,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return failed(&error),
    };
    let tag = tag.or_else(|| found.meta.e_tag.as_ref().map(|tag| format!("\"{}\"", tag.trim_matches('"'))));
    let tag = tag.and_then(|tag| HeaderValue::from_str(&tag).ok());
    let mut response = match (matches(headers.get(IF_NONE_MATCH), tag.as_ref()), asked(headers, tag.as_ref(), &found)) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, Asked::All) => whole(found),
        (false, Asked::Nothing) => unsatisfiable(found.meta.size),
        (false, Asked::Part { first, last }) => match part(objects, name, first, last).await {
            Ok(response) => response,
            Err(error) => failed(&error),
        },
    };
    let fixed = fixed.map(|(header, value)| (header, HeaderValue::from_static(value)));
    response.headers_mut().extend(fixed.into_iter().chain(tag.map(|tag| (ETAG, tag))));
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

type Header = (HeaderName, &'static str);
const FOR_EVER: Header = (CACHE_CONTROL, "public, max-age=31536000, immutable");
const BRIEFLY: Header = (CACHE_CONTROL, "public, max-age=10, must-revalidate");
const JSON: Header = (CONTENT_TYPE, "application/json");
const BYTES: Header = (CONTENT_TYPE, "application/octet-stream");

fn whole(found: GetResult) -> Response {
    let length = found.meta.size;
    ([(CONTENT_LENGTH, length)], Body::from_stream(found.into_stream())).into_response()
}

async fn part(objects: &Objects, name: &str, first: u64, last: u64) -> Result<Response, Error> {
    let options = GetOptions::new().with_range(Some(first..last.saturating_add(1)));
    let Some(found) = objects.published(name, options).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let length = found.range.end.saturating_sub(found.range.start);
    let said = format!("bytes {}-{}/{}", found.range.start, found.range.end.saturating_sub(1), found.meta.size);
    let headers = [(CONTENT_LENGTH, length.to_string()), (CONTENT_RANGE, said)];
    Ok((StatusCode::PARTIAL_CONTENT, headers, Body::from_stream(found.into_stream())).into_response())
}

fn unsatisfiable(size: u64) -> Response {
    (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, format!("bytes */{size}"))]).into_response()
}

fn failed(error: &Error) -> Response {
    tracing::error!(%error, "a published file cannot be read");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Which part is asked for (RFC 9110 §13.1.5, §14.2): all of it if the client's part is of another file.
fn asked(headers: &HeaderMap, tag: Option<&HeaderValue>, found: &GetResult) -> Asked {
    let same = headers.get(IF_RANGE).is_none_or(|given| Some(given) == tag);
    let given = headers.get(RANGE).and_then(|range| range.to_str().ok()).filter(|_| same);
    given.map_or(Asked::All, |given| range::asked(given, found.meta.size))
}

/// Whether a list of tags names this one (RFC 9110 §13.1.2).
fn matches(list: Option<&HeaderValue>, tag: Option<&HeaderValue>) -> bool {
    let (Some(list), Some(tag)) = (list.and_then(|list| list.to_str().ok()), tag.and_then(|tag| tag.to_str().ok()))
    else {
        return false;
    };
    list.split(',').map(|given| given.trim().trim_start_matches("W/")).any(|given| given == "*" || given == tag)
}

fn expiry(timestamp: &[u8]) -> Option<Time> {
    let envelope = Envelope::decode(timestamp).ok()?;
    Some(Timestamp::decode(envelope.signed()).ok()?.expires())
}
