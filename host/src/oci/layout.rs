//! A folder that holds images (image-spec 1.1, `image-layout.md`): `oci-layout`, `index.json` and `blobs/sha256/HEX`.

use serde::Deserialize;
use uptane::Sha256;

use super::Error;

/// The file that says that a folder is a layout.
pub const LAYOUT_FILE: &str = "oci-layout";
/// The index of a layout.
pub const INDEX_FILE: &str = "index.json";
/// What [`LAYOUT_FILE`] says.
pub const LAYOUT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;
/// Bytes that [`LAYOUT_FILE`] may have.
pub const MAX_LAYOUT_FILE: u64 = 4 * 1024;

/// The version of the format: image-spec 1.1 still writes this one.
const VERSION: &str = "1.0.0";

/// Where in a layout the blob of this digest is.
pub fn blob_file(sha256: Sha256) -> String {
    format!("blobs/sha256/{sha256}")
}

/// Refuses what is not the `oci-layout` of a version that is known.
pub fn check_layout(bytes: &[u8]) -> Result<(), Error> {
    let form: Form = serde_json::from_slice(bytes).map_err(Error::malformed(LAYOUT_FILE))?;
    match form.image_layout_version.as_str() {
        VERSION => Ok(()),
        other => Err(Error::Version { what: LAYOUT_FILE, version: crate::cli::one_line(other), known: VERSION }),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    image_layout_version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_of_another_version_is_refused() {
        assert_eq!(check_layout(LAYOUT.as_bytes()), Ok(()));
        assert!(matches!(check_layout(br#"{"imageLayoutVersion":"2.0.0"}"#), Err(Error::Version { .. })));
        assert!(matches!(check_layout(b"{}"), Err(Error::Malformed { .. })));
    }
}
