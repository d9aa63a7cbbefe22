//! The names of what an image consists of.
//!
//! Under the image's own name stands its manifest; configuration and layers are `NAME.sha256-HEX`, in the same folder, so
//! that a pattern of a delegation covers all of them. A name with a digest never gets other content, and two images that
//! share a layer list it under two names: neither is held to the release counter of the other.

use uptane::{Error, Sha256, TargetName, TargetNameBuf};

use crate::facts::stored_name;

const MARK: &str = ".sha256-";

/// Bytes of a file's name in the published tree, where the part's digest stands before it once more.
const MAX_FILE_NAME: usize = 255;

/// The name of the blob of this digest of the image `name`.
pub(crate) fn part_name(name: TargetName<'_>, sha256: Sha256) -> Result<TargetNameBuf, Error> {
    let part = TargetNameBuf::parse(&format!("{name}{MARK}{sha256}"))?;
    let stored = stored_name(part.borrowed(), sha256);
    let fits = stored.rsplit('/').next().is_some_and(|file| file.len() <= MAX_FILE_NAME);
    fits.then_some(part).ok_or(Error::BadName { kind: "container image" })
}

/// Whether `name` is that of a part of the image `image`.
pub(crate) fn is_part_of(name: &str, image: TargetName<'_>) -> bool {
    let digest = name.strip_prefix(image.as_str()).and_then(|rest| rest.strip_prefix(MARK));
    digest.is_some_and(|digest| Sha256::parse(digest).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_part_is_known_as_such() {
        let image = TargetName::parse("nav/app").unwrap();
        let part = part_name(image, Sha256::of(b"layer")).unwrap();
        assert!(is_part_of(part.as_str(), image));
        for other in ["nav/app", "nav/app.sha256-00", "nav/app2.bin"] {
            assert!(!is_part_of(other, image), "{other}");
        }
        assert!(!is_part_of(part.as_str(), TargetName::parse("nav/ap").unwrap()));
    }

    #[test]
    fn an_image_of_a_long_name_has_no_parts() {
        let part = |name: String| part_name(TargetName::parse(&name).unwrap(), Sha256::of(b""));
        assert!(part(format!("{}/{}", "a".repeat(64), "b".repeat(118))).is_ok());
        for long in [format!("{}/{}", "a".repeat(65), "b".repeat(118)), "b".repeat(119)] {
            assert!(matches!(part(long), Err(Error::BadName { .. })));
        }
    }
}
