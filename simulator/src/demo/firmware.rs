//! The firmware file to publish.

use std::path::{Path, PathBuf};

use crate::Error;

/// A firmware image of 256 KiB that depends on `release` alone: a header line, then noise that does not compress.
pub(super) fn make(release: u64) -> Vec<u8> {
    let mut image = format!("demonstration firmware, release {release}\n").into_bytes();
    let mut state = release;
    while image.len() < LENGTH {
        // SplitMix64 (Steele, Lea and Flood 2014): plenty for bytes that only have to differ.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        image.extend((word ^ (word >> 31)).to_le_bytes());
    }
    image.truncate(LENGTH);
    image
}

/// The user's file, or one that is made.
pub(super) fn file(given: Option<&Path>, folder: &Path) -> Result<PathBuf, Error> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let path = folder.join("demo-2.bin");
    std::fs::write(&path, make(2)).map_err(Error::io(format!("writing {}", path.display())))?;
    Ok(path)
}

const LENGTH: usize = 256 * 1024;
