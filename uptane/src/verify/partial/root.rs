//! Director Root on an ECU without a heap (§5.4.4.3).
//!
//! A Root is signed by keys that stand behind the signatures, so its file is read again and again from where it was put,
//! flash as a rule: once to learn its keys, once to verify it with those of the Root before it, if it follows one, and
//! once to verify it with its own. All passes must see the same bytes.

use crate::json::{Event, Span, Step};
use crate::limits::MAX_ROOT;
use crate::metadata::{Entry, Origin, RoleKeys, RootReader, RootRole};
use crate::verify::freshness::Freshness;
use crate::verify::stream::{Body, FileStream, Shut, Signatures};
use crate::verify::threshold::Threshold;
use crate::verify::time;
use crate::{Error, Role, Sha256, Time, Version};

/// What a partial verifier keeps of the Director Root it trusts. Made from the raw file after each reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoot {
    version: Version,
    expires: Time,
    not_before: Option<Time>,
    sha256: Sha256,
    root: RoleKeys,
    targets: RoleKeys,
    time: Option<RoleKeys>,
}

impl TrustedRoot {
    /// Its version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// When it expires.
    pub fn expires(&self) -> Time {
        self.expires
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

    /// This Root, if it has not expired (§5.4.4.3 step 3).
    pub fn fresh(&self, now: Time) -> Result<FreshRoot<'_>, Error> {
        self.check_expiry(now).map(|()| FreshRoot(self))
    }

    /// Refuses a Root that has expired (§5.4.4.3 step 3): no newer one is to be had, so this one must be fresh.
    pub fn check_expiry(&self, now: Time) -> Result<(), Error> {
        Freshness { role: Role::Root, version: self.version, expires: self.expires }.check_expiry(now)
    }

    /// The new floor of attested time, if this Root changed the time keys of the one before it (design D14).
    pub fn time_floor_after(&self, previous: &Self) -> Option<Time> {
        time::floor(self.not_before, self.time.as_ref(), previous.time.as_ref())
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
        let ((), said, sha256) = closed.open(Ok(()), &self.reader)?;
        let said = said.finish()?;
        let root = TrustedRoot {
            version: said.header.version,
            expires: said.header.expires,
            not_before: said.header.not_before,
            sha256,
            root: said.role(RootRole::Root).clone(),
            targets: said.role(RootRole::Targets).clone(),
            time: said.time,
        };
        Ok(Candidate { root, origin: said.header.origin })
    }
}

/// What a Root file says, before anyone verified it.
#[derive(Clone, Debug)]
pub struct Candidate {
    root: TrustedRoot,
    origin: Option<Origin>,
}

impl Candidate {
    /// Begins the second pass of a Root that follows the trusted one: did the keys of that one sign it?
    #[inline(never)]
    pub fn verify(self, trusted: &TrustedRoot) -> SuccessorVerifier {
        SuccessorVerifier { pass: Pass::new(&trusted.root), candidate: self, trusted: trusted.version }
    }

    /// Begins the last pass of the Root this ECU was given when it was provisioned (§5.4.1), or that it verified
    /// before a reset and kept: where it came from is why it is trusted, its own keys show that it is whole.
    #[inline(never)]
    pub fn verify_as_provisioned(self) -> RootVerifier {
        RootVerifier::new(self, None)
    }
}

/// The pass that a Root which follows another has before the last: its signatures by the keys of the Root before it.
///
/// One pass for each set of keys: the signatures of both at once would take twice the memory.
pub struct SuccessorVerifier {
    pass: Pass,
    candidate: Candidate,
    trusted: Version,
}

impl SuccessorVerifier {
    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.pass.feed(bytes)
    }

    /// Says that the file is complete. The stream is of no further use.
    #[inline(never)]
    pub fn finish(&mut self) -> Result<Successor, Error> {
        // §5.4.4.3 step 2.3: by the keys of the Root before it …
        self.pass.finish(&self.candidate)?;
        Ok(Successor { candidate: self.candidate.clone(), trusted: self.trusted })
    }
}

/// A Root file that the keys of the Root before it signed, and nobody yet looked whether its own did.
#[derive(Clone, Debug)]
pub struct Successor {
    candidate: Candidate,
    trusted: Version,
}

impl Successor {
    /// Begins the last pass.
    #[inline(never)]
    pub fn verify_own(self) -> RootVerifier {
        RootVerifier::new(self.candidate, Some(self.trusted))
    }
}

/// The last pass: the signatures of a Root by its own keys.
pub struct RootVerifier {
    pass: Pass,
    candidate: Candidate,
    trusted: Option<Version>,
}

impl RootVerifier {
    #[inline(always)]
    fn new(candidate: Candidate, trusted: Option<Version>) -> Self {
        Self { pass: Pass::new(&candidate.root.root), candidate, trusted }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.pass.feed(bytes)
    }

    /// Says that the file is complete. The stream is of no further use.
    #[inline(never)]
    pub fn finish(&mut self) -> Result<TrustedRoot, Error> {
        // … and by its own.
        self.pass.finish(&self.candidate)?;
        let Self { candidate: Candidate { root, origin }, trusted, .. } = &*self;
        // A Root of the other repository is not this one's, whoever signed it.
        if *origin != Some(Origin::Director) {
            return Err(Error::WrongType { field: "repository" });
        }
        let freshness = Freshness { role: Role::Root, version: root.version, expires: root.expires };
        // §5.4.4.3 step 2.4
        trusted.map(|trusted| freshness.check_successor(trusted)).transpose()?;
        Ok(root.clone())
    }
}

/// A pass over a file that was read before: did these keys sign it?
struct Pass {
    stream: FileStream,
    threshold: Threshold,
}

impl Pass {
    #[inline(never)]
    fn new(keys: &RoleKeys) -> Self {
        Self { stream: FileStream::new(Role::Root, MAX_ROOT), threshold: Threshold::new(Role::Root, keys) }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes, &mut self.threshold, &mut Shut::new(Nothing))
    }

    /// Enough keys signed what the first pass read.
    fn finish(&mut self, candidate: &Candidate) -> Result<(), Error> {
        let mut nothing = Shut::new(Nothing);
        let closed = self.stream.finish(&mut self.threshold, &mut nothing)?;
        let (_, Nothing, sha256) = closed.open(self.threshold.finish(), &nothing)?;
        match sha256 == candidate.root.sha256 {
            true => Ok(()),
            false => Err(Error::MixAndMatch { role: Role::Root, what: "content of two passes" }),
        }
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
