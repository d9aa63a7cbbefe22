//! A vehicle's own metadata as plain files, under the names §5.2.7 prescribes (trap T14).
//!
//! The certificate says which vehicle asks, so nobody reads another's. Like an answer to a check-in, metadata is signed only
//! for a vehicle whose manifest was accepted (§5.3.2.1); Roots are the same for everybody.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use uptane::Version;
use uptane::verify::MetadataFile;

use crate::Error;
use crate::instance::Director;
use crate::store::Store;

/// The paths there are.
pub fn router<S: Store>(director: Arc<Director<S>>) -> Router {
    Router::new().route("/metadata/{file}", get(file::<S>)).with_state(director)
}

async fn file<S: Store>(
    State(director): State<Arc<Director<S>>>,
    Extension(connection): Extension<TlsConnectInfo<TcpConnectInfo>>,
    Path(name): Path<String>,
) -> Response {
    let certificates = connection.peer_certs();
    let Some(certificate) = certificates.as_deref().and_then(|chain| chain.first()) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let Some(file) = parse(&name) else { return StatusCode::NOT_FOUND.into_response() };
    match director.file(host::tls::fingerprint(certificate), file).await {
        Ok(Some(bytes)) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(Error::UnknownVehicle | Error::ManifestFirst) => StatusCode::FORBIDDEN.into_response(),
        Err(error) => {
            tracing::warn!("{name} could not be given: {error}");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// The file of a name.
fn parse(name: &str) -> Option<MetadataFile> {
    if name == "timestamp.json" {
        return Some(MetadataFile::Timestamp);
    }
    let (version, role) = name.split_once('.')?;
    // One name for one file: no sign, no leading zero.
    let canonical = version.bytes().all(|digit| digit.is_ascii_digit()) && !version.starts_with('0');
    let version = Version::new(version.parse().ok().filter(|_| canonical)?).ok()?;
    match role {
        "root.json" => Some(MetadataFile::Root(version)),
        "snapshot.json" => Some(MetadataFile::Snapshot(version)),
        "targets.json" => Some(MetadataFile::Targets(version)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_file_and_a_file_has_one_name() {
        let version = Version::new(12).unwrap();
        for file in [
            MetadataFile::Root(version),
            MetadataFile::Timestamp,
            MetadataFile::Snapshot(version),
            MetadataFile::Targets(version),
        ] {
            assert_eq!(parse(&file.to_string()), Some(file));
        }
        for name in ["", "targets.json", "012.targets.json", "+1.targets.json", "0.root.json", "1.timestamp.json", "1."]
        {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
