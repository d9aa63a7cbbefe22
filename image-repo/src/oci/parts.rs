//! The names of what an image consists of.
//!
//! Under the image's own name stands its manifest; configuration and layers are `NAME.sha256-HEX`, in the same folder, so
//! that a pattern of a delegation covers all of them. A name with a digest never gets other content, and two images that
//! share a layer list it under two names: neither is held to the release counter of the other.

use uptane::{Error, Sha256, TargetName, TargetNameBuf};

const MARK: &str = ".sha256-";

/// The name of the blob of this digest of the image `name`.
pub(crate) fn part_name(name: TargetName<'_>, sha256: Sha256) -> Result<TargetNameBuf, Error> {
    TargetNameBuf::parse(&format!("{name}{MARK}{sha256}"))
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
        let name = "a".repeat(200);
        assert!(part_name(TargetName::parse(&name).unwrap(), Sha256::of(b"")).is_err());
    }
}
