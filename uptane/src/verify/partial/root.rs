//! Director Root on an ECU without a heap (§5.4.4.3).
//!
//! A Root is signed by keys that stand behind the signatures, so its file is read twice from where it was put, flash as
//! a rule: once to learn its keys, once to verify it with them. Both passes must see the same bytes.

use crate::json::{Event, Span, Step};
use crate::limits::MAX_ROOT;
use crate::metadata::{Entry, Origin, RoleKeys, RootReader, RootRole};
use crate::verify::freshness::Freshness;
use crate::verify::stream::{Body, FileStream, Signatures};
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

/// The first pass: learns what a Root file says, and believes none of it.
pub struct RootStream(FileStream<Unchecked, RootReader>);

impl RootStream {
    /// Before the first byte.
    pub fn learn() -> Self {
        Self(FileStream::new(Role::Root, MAX_ROOT, Unchecked, RootReader::new()))
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.feed(bytes)
    }

    /// Says that the file is complete.
    pub fn finish(self) -> Result<Candidate, Error> {
        let ((), said, sha256) = self.0.finish()?.open(|Unchecked| Ok(()))?;
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
    /// Begins the second pass of a Root that follows the trusted one.
    pub fn verify(self, trusted: &TrustedRoot) -> RootVerifier {
        RootVerifier::new(self, Some(trusted))
    }

    /// Begins the second pass of the Root this ECU was given when it was provisioned (§5.4.1), or that it verified
    /// before a reset and kept: where it came from is why it is trusted, its own keys show that it is whole.
    pub fn verify_as_provisioned(self) -> RootVerifier {
        RootVerifier::new(self, None)
    }
}

/// The second pass: verifies the file that the first pass read.
pub struct RootVerifier {
    stream: FileStream<Both, Nothing>,
    candidate: Candidate,
    trusted: Option<Version>,
}

impl RootVerifier {
    fn new(candidate: Candidate, trusted: Option<&TrustedRoot>) -> Self {
        let old = trusted.map(|trusted| Threshold::new(Role::Root, &trusted.root));
        let both = Both { old, new: Threshold::new(Role::Root, &candidate.root.root) };
        let stream = FileStream::new(Role::Root, MAX_ROOT, both, Nothing);
        Self { stream, candidate, trusted: trusted.map(TrustedRoot::version) }
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.feed(bytes)
    }

    /// Says that the file is complete.
    pub fn finish(self) -> Result<TrustedRoot, Error> {
        let Self { stream, candidate: Candidate { root, origin }, trusted } = self;
        let verify = |Both { old, new }: Both| {
            // §5.4.4.3 step 2.3: by the keys of the Root before it, and by its own.
            old.map(Threshold::finish).transpose()?;
            new.finish()
        };
        let (_, Nothing, sha256) = stream.finish()?.open(verify)?;
        if sha256 != root.sha256 {
            return Err(Error::MixAndMatch { role: Role::Root, what: "content of two passes" });
        }
        // A Root of the other repository is not this one's, whoever signed it.
        if origin != Some(Origin::Director) {
            return Err(Error::WrongType { field: "repository" });
        }
        let freshness = Freshness { role: Role::Root, version: root.version, expires: root.expires };
        // §5.4.4.3 step 2.4
        trusted.map(|trusted| freshness.check_successor(trusted)).transpose()?;
        Ok(root)
    }
}

/// Nobody's signature is asked for: what is learnt is not believed.
pub(super) struct Unchecked;

impl Signatures for Unchecked {
    fn entry(&mut self, _: &Entry) {}

    fn update(&mut self, _: &[u8]) {}
}

/// The keys of the trusted Root, where there is one, and those of the new Root.
struct Both {
    old: Option<Threshold>,
    new: Threshold,
}

impl Signatures for Both {
    fn entry(&mut self, entry: &Entry) {
        self.old.iter_mut().for_each(|old| old.entry(entry));
        self.new.entry(entry);
    }

    fn update(&mut self, bytes: &[u8]) {
        self.old.iter_mut().for_each(|old| old.update(bytes));
        self.new.update(bytes);
    }
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
