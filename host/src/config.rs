//! TOML files: configuration that is refused when it holds something its reader does not know.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::disk::{self, Access};

/// Bytes of a configuration file.
pub const MAX_CONFIGURATION: u64 = 1024 * 1024;

/// Reads the file. `T` should deny unknown fields, so that a misspelt one is an error.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let bytes = disk::read(path, MAX_CONFIGURATION)?.ok_or_else(|| Error::Missing { path: path.to_owned() })?;
    let wrong =
        |line, reason: &str| Error::Configuration { path: path.to_owned(), line, reason: crate::cli::one_line(reason) };
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong(None, "is not UTF-8"))?;
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        wrong(before.map(|before| before.matches('\n').count() + 1), error.message())
    })
}

/// Writes the file atomically.
pub fn write<T: Serialize>(path: &Path, value: &T, access: Access) -> Result<(), Error> {
    let wrong =
        |error: toml::ser::Error| Error::Configuration { path: path.to_owned(), line: None, reason: error.to_string() };
    disk::replace(path, toml::to_string(value).map_err(wrong)?.as_bytes(), access)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    #[serde(deny_unknown_fields)]
    struct Vehicle {
        ecus: Vec<String>,
    }

    #[test]
    fn a_misspelt_field_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vehicle.toml");
        std::fs::write(&path, "ecus = []\nexus = []\n").unwrap();
        let error = read::<Vehicle>(&path).unwrap_err();
        assert!(matches!(error, Error::Configuration { line: Some(2), .. }), "{error}");
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vehicle.toml");
        write(&path, &Vehicle { ecus: vec!["brake".into()] }, Access::Shared).unwrap();
        assert_eq!(read::<Vehicle>(&path).unwrap().ecus, ["brake"]);
    }
}
