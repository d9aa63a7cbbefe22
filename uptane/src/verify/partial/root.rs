//! Director Root on an ECU without a heap (§5.4.4.3).
//!
//! A Root is signed by keys that stand behind the signatures, so its file is read again and again from where it was put,
//! flash as a rule: once to learn its keys, once to verify it with those of the Root before it, if it follows one, and
//! once to verify it with its own. All passes must see the same bytes.

use crate::json::{Event, Span, Step};
use crate::limits::MAX_ROOT;
use crate::metadata::{Entry, Header, Origin, RoleKeys, RootReader, RootRole};
use crate::verify::freshness::Freshness;
use crate::verify::stream::{Body, Closed, FileStream, Shut, Signatures};
use crate::verify::threshold::Threshold;
use crate::verify::time;
use crate::{Error, Role, Sha256, Time, Version, told};

/// What a partial verifier keeps of the Director Root it trusts. Made from the raw file after each reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoot {
    header: Header,
    sha256: Sha256,
    root: RoleKeys,
    targets: RoleKeys,
    time: Option<RoleKeys>,
}

impl TrustedRoot {
    /// Its version.
    pub fn version(&self) -> Version {
        self.header.version
    }

    /// When it expires.
    pub fn expires(&self) -> Time {
        self.header.expires
    }

    /// SHA-256 of its file.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The keys of top-level Targets.
    pub fn targets_keys(&self) -> &RoleKeys {
        &self.targets
    }

    /// The keys of the time attestations (design D14).
    pub fn time_keys(&self) -> Option<&RoleKeys> {
        self.time.as_ref()
    }

    /// Begins the pass that a Root which follows this one has before its last: did the keys of this one sign it?
    #[inline(never)]
    pub fn check_successor(&self) -> RootCheck<Predecessor> {
        RootCheck { threshold: Threshold::new(Role::Root, &self.root), by: Predecessor(self.version()) }
    }

    /// This Root, if it has not expired (§5.4.4.3 step 3).
    pub fn fresh(&self, now: Time) -> Result<FreshRoot<'_>, Error> {
        self.check_expiry(now).map(|()| FreshRoot(self))
    }

    /// Refuses a Root that has expired (§5.4.4.3 step 3): no newer one is to be had, so this one must be fresh.
    pub fn check_expiry(&self, now: Time) -> Result<(), Error> {
        self.freshness().check_expiry(now)
    }

    fn freshness(&self) -> Freshness {
        Freshness { role: Role::Root, version: self.version(), expires: self.expires() }
    }

    /// The new floor of attested time, if this Root changed the time keys of the one before it (design D14).
    pub fn time_floor_after(&self, previous: &Self) -> Option<Time> {
        time::floor(self.header.not_before, self.time.as_ref(), previous.time.as_ref())
    }

    /// Whether the keys that sign Targets are others than before: then versions begin anew (trap T6).
    pub fn rotates_targets(&self, previous: &Self) -> bool {
        !self.targets.is_same_as(&previous.targets)
    }
}

/// Evidence: a trusted Root that had not expired.
#[derive(Clone, Copy, Debug)]
pub struct FreshRoot<'r>(&'r TrustedRoot);

impl<'r> FreshRoot<'r> {
    /// The Root.
    pub fn root(self) -> &'r TrustedRoot {
        self.0
    }
}

/// The first pass: learns what a Root file says, and believes none of it.
pub struct RootStream {
    stream: FileStream,
    reader: Shut<RootReader>,
}

impl RootStream {
    /// Before the first byte.
    #[inline(never)]
    pub fn learn() -> Self {
        Self { stream: FileStream::new(Role::Root, MAX_ROOT), reader: Shut::new(RootReader::new()) }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, &mut Unchecked, &mut self.reader)
    }

    /// Says that the file is complete. The stream is of no further use.
    #[inline(never)]
    pub fn finish(&mut self) -> Result<Candidate, Error> {
        let closed = self.stream.finish(&mut Unchecked, &mut self.reader)?;
        let said = closed.open(Ok(()), &self.reader)?;
        Ok(Candidate(TrustedRoot {
            header: said.finish()?,
            sha256: closed.sha256(),
            root: said.keys_of(RootRole::Root)?,
            targets: said.keys_of(RootRole::Targets)?,
            time: said.time_keys()?,
        }))
    }
}

/// What a Root file says, before anyone verified it.
#[derive(Debug)]
pub struct Candidate(TrustedRoot);

impl Candidate {
    /// Begins the last pass of the Root this ECU was given when it was provisioned (§5.4.1), or that it verified
    /// before a reset and kept: where it came from is why it is trusted, its own keys show that it is whole.
    #[inline(never)]
    pub fn verify_as_provisioned(&self) -> RootCheck<Itself<'_>> {
        RootCheck::itself(self, None)
    }
}

/// A Root file that the keys of the Root before it signed, and nobody yet looked whether its own did.
#[derive(Clone, Copy, Debug)]
pub struct Successor<'k> {
    candidate: &'k Candidate,
    trusted: Version,
}

impl<'k> Successor<'k> {
    /// Begins the last pass.
    #[inline(never)]
    pub fn verify_own(self) -> RootCheck<Itself<'k>> {
        RootCheck::itself(self.candidate, Some(self.trusted))
    }
}

/// A pass over a Root, and what it keeps to the last check: did those `By` whom it must be signed sign it? A Root that
/// follows another has one by its [`Predecessor`], and every Root one by [`Itself`].
///
/// One pass for each set of keys: the signatures of both at once would take twice the memory. A [`RootPass`] reads the
/// file, and is gone when the signatures are judged: both take much of a small stack.
pub struct RootCheck<By> {
    threshold: Threshold,
    by: By,
}

/// By the keys of the Root before it, which had this version.
pub struct Predecessor(Version);

/// By its own keys, and maybe as what follows another.
pub struct Itself<'k> {
    candidate: &'k Candidate,
    trusted: Option<Version>,
}

impl<'k> RootCheck<Itself<'k>> {
    #[inline(always)]
    fn itself(candidate: &'k Candidate, trusted: Option<Version>) -> Self {
        Self { threshold: Threshold::new(Role::Root, &candidate.0.root), by: Itself { candidate, trusted } }
    }
}

impl<By> RootCheck<By> {
    /// Reads the file, which `pieces` feeds to the pass, to its end.
    #[inline(never)]
    pub fn read<E: From<Error>>(
        &mut self,
        pieces: impl FnOnce(&mut RootPass<'_>) -> Result<(), E>,
    ) -> Result<ClosedRoot<'_, By>, E> {
        let mut pass = RootPass { stream: FileStream::new(Role::Root, MAX_ROOT), threshold: &mut self.threshold };
        pieces(&mut pass)?;
        let closed = pass.stream.finish(pass.threshold, &mut Shut::new(Nothing))?;
        Ok(ClosedRoot { closed, check: self })
    }
}

/// The file, arriving.
pub struct RootPass<'c> {
    stream: FileStream,
    threshold: &'c mut Threshold,
}

impl RootPass<'_> {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, self.threshold, &mut Shut::new(Nothing))
    }
}

/// The file, complete, and not yet believed.
pub struct ClosedRoot<'c, By> {
    closed: Closed,
    check: &'c RootCheck<By>,
}

impl<By> ClosedRoot<'_, By> {
    /// Enough keys signed what the first pass read.
    #[inline(never)]
    fn check_signatures(&self, candidate: &Candidate) -> Result<(), Error> {
        let Nothing = self.closed.open(self.check.threshold.finish(), &Shut::new(Nothing))?;
        match self.closed.sha256() == candidate.0.sha256 {
            true => Ok(()),
            false => Err(Error::MixAndMatch { role: told(Role::Root), what: told("content of two passes") }),
        }
    }
}

impl ClosedRoot<'_, Predecessor> {
    /// Judges the file by the keys of the Root before it; `candidate` is what the first pass read.
    #[inline(never)]
    pub fn verify<'k>(&self, candidate: &'k Candidate) -> Result<Successor<'k>, Error> {
        // §5.4.4.3 step 2.3: by the keys of the Root before it …
        self.check_signatures(candidate)?;
        let Predecessor(trusted) = self.check.by;
        Ok(Successor { candidate, trusted })
    }
}

impl<'k> ClosedRoot<'_, Itself<'k>> {
    /// Judges the file by its own keys.
    #[inline(never)]
    pub fn verify(&self) -> Result<&'k TrustedRoot, Error> {
        let Itself { candidate, trusted } = self.check.by;
        // … and by its own.
        self.check_signatures(candidate)?;
        let Candidate(root) = candidate;
        // A Root of the other repository is not this one's, whoever signed it.
        if root.header.origin != Some(Origin::Director) {
            return Err(Error::WrongType { field: told("repository") });
        }
        // §5.4.4.3 step 2.4
        trusted.map(|trusted| root.freshness().check_successor(trusted)).transpose()?;
        Ok(root)
    }
}

/// Nobody's signature is asked for: what is learnt is not believed.
pub(super) struct Unchecked;

impl Signatures for Unchecked {
    fn entry(&mut self, _: &Entry) {}

    fn update(&mut self, _: &[u8]) {}
}

/// The content was read in the first pass.
pub(super) struct Nothing;

impl Body for Nothing {
    fn event(&mut self, _: &[Step<'_>], _: Event<'_>, _: Span) -> Result<(), Error> {
        Ok(())
    }
}

impl Body for RootReader {
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, _: Span) -> Result<(), Error> {
        self.step(steps, event)
    }
}
