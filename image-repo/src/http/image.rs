//! `GET /targets/{name}`.

use std::ops::Range;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use object_store::{GetOptions, GetResult};
use uptane::TargetName;

use super::Reader;
use super::answer::{Head, Life, Request, absent, failed};
use super::body::body;
use crate::error::Error;

/// Answers with an image, or a part of it.
pub(super) async fn image(
    State(reader): State<Reader>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let request = Request { method: &method, headers: &headers };
    let Some(tag) = TargetName::parse(&name).ok().and_then(tag) else { return absent() };
    answer(&reader, &format!("targets/{name}"), &tag, request).await.unwrap_or_else(|error| failed(&error))
}

async fn answer(reader: &Reader, path: &str, tag: &str, request: Request<'_>) -> Result<Response, Error> {
    // A plain request takes one turn at the store; any other asks for the length first, and perhaps for nothing else.
    let plain = *request.method == Method::GET && !request.is_conditional();
    let found = reader.objects.published(path, GetOptions::new().with_head(!plain)).await?;
    let Some(found) = found else { return Ok(absent()) };
    let head = Head { tag, length: found.meta.size, life: Life::ForEver, kind: "application/octet-stream" };
    let held = plain.then_some(found);
    head.answer(request, async |range| bytes(reader, path, held, range).await).await
}

async fn bytes(reader: &Reader, path: &str, held: Option<GetResult>, range: Range<u64>) -> Result<Option<Body>, Error> {
    let found = match held {
        Some(found) => Some(found),
        // There are no ranges of nothing.
        None if range.is_empty() => return Ok(Some(Body::empty())),
        None => reader.objects.published(path, GetOptions::new().with_range(Some(range))).await?,
    };
    Ok(found.map(|found| body(found, &reader.pieces)))
}

/// The tag of an image: the digest in its name (`folder/DIGEST.file`, SHA-256 or SHA-512), so the same on every server.
fn tag(name: TargetName<'_>) -> Option<String> {
    let file = name.as_str().rsplit('/').next()?;
    let (digest, _) = file.split_once('.')?;
    let is_digest =
        matches!(digest.len(), 64 | 128) && digest.bytes().all(|digit| b"0123456789abcdef".contains(&digit));
    is_digest.then(|| format!("\"{digest}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_digest_have_a_tag() {
        let digest = "0123456789abcdef".repeat(4);
        let tag = |name: &str| tag(TargetName::parse(name).unwrap());
        assert_eq!(tag(&format!("brake/{digest}.fw.bin")), Some(format!("\"{digest}\"")));
        assert_eq!(tag(&format!("{digest}{digest}.fw")), Some(format!("\"{digest}{digest}\"")));
        for name in [&digest, "brake/fw.bin", &format!("{}.fw", &digest[1..]), &format!("{digest}/fw.bin")] {
            assert_eq!(tag(name), None, "{name}");
        }
        assert_eq!(tag(&format!("{}.fw", digest.to_uppercase())), None);
    }
}
