//! Where a bus is, as command lines and configuration files say it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A CAN interface of the machine, or the folder of a [`UnixBus`](super::UnixBus).
///
/// Written as `can0` or as a path; a path has a slash in it or is `.` or `..`, and any may follow `unix:`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// The interface of this name.
    Interface(String),
    /// The bus of this folder.
    Folder(PathBuf),
}

impl Place {
    /// The same place for a process that runs in another folder.
    pub fn absolute(self) -> Self {
        match self {
            Self::Interface(name) => Self::Interface(name),
            Self::Folder(path) => Self::Folder(std::path::absolute(&path).unwrap_or(path)),
        }
    }
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let folder = match text.strip_prefix("unix:") {
            Some(path) => Some(path).filter(|path| !path.is_empty()),
            None => Some(text).filter(|path| path.contains('/') || matches!(*path, "." | "..")),
        };
        match folder {
            Some(path) => Ok(Self::Folder(PathBuf::from(path))),
            None if is_interface(text) => Ok(Self::Interface(text.to_owned())),
            None => Err(Error::BadBus { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => f.write_str(name),
            Self::Folder(path) if is_plain(path) => write!(f, "unix:{}", path.display()),
            Self::Folder(path) => write!(f, "{}", path.display()),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl TryFrom<String> for Place {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

/// Whether Linux could call an interface so (`dev_valid_name`); a colon would be an alias.
fn is_interface(name: &str) -> bool {
    let len = name.len();
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b':');
    (1..=MAX_INTERFACE).contains(&len) && name.bytes().all(plain)
}

/// Whether the path would be read as an interface.
fn is_plain(path: &Path) -> bool {
    path.to_str().is_some_and(|text| !text.contains('/') && !matches!(text, "." | ".."))
}

/// Bytes of an interface's name (`IFNAMSIZ` less the zero).
const MAX_INTERFACE: usize = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_an_interface_and_a_path_is_a_folder() {
        assert_eq!(place("can0"), Place::Interface("can0".into()));
        assert_eq!(place("./can0"), Place::Folder("./can0".into()));
        assert_eq!(place("/run/can"), Place::Folder("/run/can".into()));
        assert_eq!(place("."), Place::Folder(".".into()));
        assert_eq!(place("unix:can0"), Place::Folder("can0".into()));
    }

    #[test]
    fn what_can_be_neither_is_named() {
        for text in ["", "unix:", "a name", "sixteen-letters-", "can0:1"] {
            let error = text.parse::<Place>().unwrap_err();
            assert!(matches!(error, Error::BadBus { text: named } if named == text));
        }
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in ["can0", "./can0", "unix:can0", "/run/can", ".."] {
            assert_eq!(place(&place(text).to_string()), place(text));
        }
        assert_eq!(place("unix:can0").to_string(), "unix:can0");
    }

    #[test]
    fn only_a_folder_depends_on_where_the_process_runs() {
        assert_eq!(place("can0").absolute(), place("can0"));
        assert!(matches!(place("unix:bus").absolute(), Place::Folder(path) if path.is_absolute()));
    }
}
