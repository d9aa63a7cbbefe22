//! `GET /metadata/{file}`.

use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use object_store::GetOptions;
use uptane::TargetName;

use super::answer::{Head, Life, Request, absent, failed};
use super::body::body;
use super::shelf::{Form, Forms};
use super::{Reader, coding};
use crate::error::Error;

/// Answers with a metadata file, as gzip if the client prefers that and asks for no part.
pub(super) async fn metadata(
    State(reader): State<Reader>,
    Path(file): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let request = Request { method: &method, headers: &headers };
    if !TargetName::parse(&file).is_ok_and(|name| !name.as_str().contains('/')) {
        return absent();
    }
    let mut response = match reader.shelf.forms(&file, life(&file)).await {
        Ok(Some(forms)) => answer(&reader, &file, &forms, request).await.unwrap_or_else(|error| failed(&error)),
        Ok(None) => absent(),
        Err(error) => failed(&error),
    };
    // Whatever was sent, another client might have got it in the other form.
    response.headers_mut().insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    response
}

async fn answer(reader: &Reader, file: &str, forms: &Arc<Forms>, request: Request<'_>) -> Result<Response, Error> {
    let gzip = forms.gzip.as_ref().filter(|_| !request.wants_part() && coding::prefers_gzip(request.headers));
    let form = gzip.unwrap_or(&forms.plain);
    let head = Head { tag: &form.tag, length: form.length, life: life(file), kind: "application/json" };
    let mut response = head.answer(request, async |range| bytes(reader, file, form, range).await).await?;
    if gzip.is_some() && response.status() == StatusCode::OK {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response.headers_mut().remove(ACCEPT_RANGES);
    }
    Ok(response)
}

async fn bytes(reader: &Reader, file: &str, form: &Form, range: Range<u64>) -> Result<Option<Body>, Error> {
    if let Some(bytes) = &form.bytes {
        let end = |end| usize::try_from(end).unwrap_or(usize::MAX).min(bytes.len());
        return Ok(Some(Body::from(bytes.slice(end(range.start)..end(range.end)))));
    }
    let options = GetOptions::new().with_range(Some(range));
    let found = reader.objects.published(&format!("metadata/{file}"), options).await?;
    Ok(found.map(|found| body(found, &reader.pieces)))
}

/// A file called `N.role.json` never has another content.
fn life(file: &str) -> Life {
    let version = file.split_once('.').map_or("", |(version, _)| version);
    let versioned = !version.is_empty() && version.bytes().all(|digit| digit.is_ascii_digit());
    if versioned { Life::ForEver } else { Life::Brief }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_version_last() {
        for file in ["1.root.json", "20.supplier.a.json"] {
            assert_eq!(life(file), Life::ForEver, "{file}");
        }
        for file in ["timestamp.json", "root.json", ".json", "1x.root.json", "1"] {
            assert_eq!(life(file), Life::Brief, "{file}");
        }
    }
}
