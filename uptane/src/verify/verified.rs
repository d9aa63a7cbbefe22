//! The evidence of full verification.

use core::fmt;
use core::marker::PhantomData;

use super::kept::Kept;
use super::kind::Kind;

/// A file that passed every check of §5.4.4 for repository `R`, in the cycle that lends it.
///
/// Only a [`Refreshed`](super::Refreshed) lends these, so a function that takes one need not ask.
///
/// One repository's file is never taken for the other's:
/// ```compile_fail,E0308
/// # use uptane::verify::{agree, Approved, Refreshed};
/// # use uptane::{Director, Error, Image, ReleaseCounter};
/// fn swapped(director: &Refreshed<Director>, image: &Refreshed<Image>) -> Result<Approved, Error> {
///     agree(&image.targets(), &director.targets(), |_, _| ReleaseCounter::ZERO)
/// }
/// ```
pub struct Verified<'a, R, K: Kind> {
    file: &'a Kept<K>,
    repository: PhantomData<fn() -> R>,
}

impl<'a, R, K: Kind> Verified<'a, R, K> {
    pub(super) fn of(file: &'a Kept<K>) -> Self {
        Self { file, repository: PhantomData }
    }

    /// What it says.
    pub fn view(&self) -> K::View<'a> {
        self.file.view()
    }

    /// The file.
    pub fn file(&self) -> &'a Kept<K> {
        self.file
    }
}

impl<R, K: Kind> fmt::Debug for Verified<'_, R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "verified {:?}", self.file)
    }
}
