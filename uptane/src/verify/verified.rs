//! The evidence of full verification.

use core::fmt;
use core::marker::PhantomData;

use super::delegation::{Search, Wanted};
use super::kept::Kept;
use super::kind::{Kind, TargetsFile};
use crate::{Error, Image, RoleName};

/// A file that passed every check of §5.4.4 for repository `R`, in the cycle that lends it.
///
/// Only a [`Refreshed`](super::Refreshed) lends these, so a function that takes one need not ask.
///
/// One repository's file is never taken for the other's:
/// ```compile_fail,E0308
/// # use uptane::verify::{agree, Approved, Mapping, Refreshed};
/// # use uptane::{Director, Error, Image, ReleaseCounter, RepositoryName};
/// fn swapped(director: &Refreshed<Director>, image: &Refreshed<Image>) -> Result<Approved, Error> {
///     let vouching = [(RepositoryName::of::<Image>(), image.targets())];
///     agree(&Mapping::basic(), &image.targets(), &vouching, |_, _| ReleaseCounter::ZERO)
/// }
/// ```
pub struct Verified<'a, R, K: Kind> {
    file: &'a Kept<K>,
    /// What was looked for in and below it.
    search: Option<&'a Search>,
    repository: PhantomData<fn() -> R>,
}

impl<'a, R, K: Kind> Verified<'a, R, K> {
    pub(super) fn of(file: &'a Kept<K>) -> Self {
        Self { file, search: None, repository: PhantomData }
    }

    pub(super) fn searched(file: &'a Kept<K>, search: &'a Search) -> Self {
        Self { file, search: Some(search), repository: PhantomData }
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

impl<'a> Verified<'a, Image, TargetsFile> {
    /// The file that vouches for what is wanted, and whose it is: what a look-up found, or for what was not looked for
    /// this very file.
    pub(super) fn find(&self, wanted: &Wanted) -> Result<(Option<RoleName>, Self), Error> {
        match self.search.and_then(|search| search.outcome(wanted)) {
            Some(outcome) => outcome.map(|found| (found.role(), Self { file: found.file(), ..*self })),
            None => Ok((None, Self { ..*self })),
        }
    }
}

impl<R, K: Kind> fmt::Debug for Verified<'_, R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "verified {:?}", self.file)
    }
}
