//! Images on their way into a release.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use host::disk::{Bulk as _, Disk as _, UNFINISHED};
use uptane::verify::image::FileCheck;
use uptane::{Length, Sha256, Sha256Hash};

use super::{Error, Staged};

/// An image that was taken in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// Its length.
    pub length: Length,
    /// Its digest.
    pub sha256: Sha256,
    /// Whether it was not here before.
    pub is_new: bool,
}

impl Staged {
    /// Takes an image in, piece by piece. It is a copy: whoever changes the file afterwards does not change what was listed.
    pub(crate) fn take_in(&mut self, path: &Path) -> Result<Taken, Error> {
        self.take(path, None)
    }

    /// The same for a file of which is known what it must be; one that is another is refused.
    pub(crate) fn take_in_as(&mut self, path: &Path, expected: (Length, Sha256)) -> Result<(), Error> {
        self.take(path, Some(expected)).map(|_| ())
    }

    fn take(&mut self, path: &Path, expected: Option<(Length, Sha256)>) -> Result<Taken, Error> {
        let unfinished = format!("{IMAGES}/{UNFINISHED}image");
        let taken = self.copy(path, &unfinished, expected).and_then(|(length, sha256)| {
            let is_new = !self.has_image(sha256)?;
            self.folder.sync(&unfinished)?;
            self.folder.rename(&unfinished, &name(sha256))?;
            Ok(Taken { length, sha256, is_new })
        });
        if taken.is_err() {
            // The refusal is what the signer must hear of; what stays behind goes when the folder is opened again.
            let _ = self.folder.remove(&unfinished);
        }
        taken
    }

    fn copy(&mut self, from: &Path, to: &str, expected: Option<(Length, Sha256)>) -> Result<(Length, Sha256), Error> {
        let failed = |source| host::Error::io("read", from, source);
        let differs = |source| Error::NotAsListed { path: from.to_owned(), source };
        let mut check = expected.map(|(length, sha256)| FileCheck::new(length, sha256.into()));
        let mut file = File::open(from).map_err(failed)?;
        let (mut digest, mut length) = (Sha256Hash::default(), 0_u64);
        let mut piece = vec![0; PIECE];
        self.folder.append(to, &[])?;
        loop {
            let count = file.read(&mut piece).map_err(failed)?;
            let Some(bytes) = piece.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            // Bytes beyond what is expected are never written.
            check.as_mut().map_or(Ok(()), |check| check.update(bytes)).map_err(differs)?;
            digest.update(bytes);
            length = length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
            self.folder.append(to, bytes)?;
        }
        check.map_or(Ok(()), |check| check.finish().map(|_| ())).map_err(differs)?;
        Ok((Length::new(length)?, digest.finish()))
    }

    /// Drops images that were taken in for nothing.
    pub(crate) fn drop_new(&mut self, taken: &[Taken]) -> Result<(), Error> {
        let mut new = taken.iter().filter(|taken| taken.is_new);
        new.try_for_each(|taken| self.folder.remove(&name(taken.sha256)).map_err(Error::from))
    }

    /// Drops an image that was taken in and is not listed.
    pub(crate) fn leave_out(&mut self, sha256: Sha256) -> Result<(), Error> {
        self.folder.remove(&name(sha256)).map_err(Error::from)
    }

    /// Whether the image of this digest is here.
    pub(crate) fn has_image(&self, sha256: Sha256) -> Result<bool, Error> {
        Ok(self.folder.length(&name(sha256))?.is_some())
    }
}

const IMAGES: &str = "staged/images";

/// Bytes read and written at a time.
const PIECE: usize = 1024 * 1024;

fn name(sha256: Sha256) -> String {
    format!("{IMAGES}/{sha256}")
}
