//! Which image of which layout is meant, as the command line says it: `LAYOUT`, `LAYOUT:TAG` or `LAYOUT@sha256:HEX`.

use std::path::PathBuf;
use std::str::FromStr;

use uptane::{Error, Sha256};

/// An image in a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The layout's folder.
    pub layout: PathBuf,
    /// Which of its images.
    pub choice: Choice,
}

/// Which image of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The only one.
    Only,
    /// The one of this tag.
    Tag(String),
    /// The one whose manifest has this digest.
    Digest(Sha256),
}

impl FromStr for Reference {
    type Err = Error;

    /// A colon before the last slash belongs to the folder.
    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some((layout, hex)) = text.rsplit_once("@sha256:") {
            return Ok(Self { layout: layout.into(), choice: Choice::Digest(Sha256::parse(hex)?) });
        }
        let tag = text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/') && !tag.is_empty());
        Ok(match tag {
            Some((layout, tag)) => Self { layout: layout.into(), choice: Choice::Tag(tag.to_owned()) },
            None => Self { layout: text.into(), choice: Choice::Only },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_or_digest_stands_behind_the_folder() {
        let read = |text: &str| {
            let Reference { layout, choice } = text.parse().unwrap();
            (layout.to_str().unwrap().to_owned(), choice)
        };
        let hex = "0".repeat(64);
        assert_eq!(read("a/b"), ("a/b".to_owned(), Choice::Only));
        assert_eq!(read("a/b:1.2"), ("a/b".to_owned(), Choice::Tag("1.2".to_owned())));
        assert_eq!(read("a:b/c"), ("a:b/c".to_owned(), Choice::Only));
        assert_eq!(read(&format!("a:b/c@sha256:{hex}")), ("a:b/c".to_owned(), Choice::Digest(Sha256([0; 32]))));
    }

    #[test]
    fn a_digest_that_is_none_is_refused() {
        assert_eq!("a/b@sha256:00".parse::<Reference>(), Err(Error::BadDigest));
    }
}
