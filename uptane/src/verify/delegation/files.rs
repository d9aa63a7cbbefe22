//! The delegated files of one look-up, each judged by the keys of the delegator that leads to it.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::cycle::{Cycle, Policy};
use super::super::file::{FileBytes, MetadataFile};
use super::super::kept::Kept;
use super::super::kind::{SnapshotFile, TargetsFile};
use super::super::offered::Offered;
use super::super::snapshot::limit;
use super::super::targets::check_targets;
use crate::limits::{MAX_DELEGATED_FILES, MAX_TARGETS};
use crate::metadata::{DelegatedRole, Delegations, FileMeta, RoleKeys};
use crate::{Error, Hashes, Length, Repository, Role, RoleName};

/// Why a walk does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// A file is needed.
    Need(Box<Need>),
    /// The search ends here.
    End(Error),
    /// The look-up has done as much of this as it may, whoever had it do so.
    Exhausted(&'static str),
}

/// The file of a role, as Snapshot lists it.
#[derive(Clone, Debug)]
pub(super) struct Need {
    pub(super) role: RoleName,
    pub(super) listed: FileMeta,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::End(error)
    }
}

/// A verified file, with what the look-ups want of it.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: Kept<TargetsFile>,
    /// Whose it is; top-level Targets have no such name.
    pub(super) role: Option<RoleName>,
    pub(super) said: BTreeMap<String, Said>,
    pub(super) delegations: Option<Delegations>,
}

/// What a file says of an image, as far as roles must agree on it (§5.4.4.8): all that is not custom, and of
/// what is custom what must be equal in both repositories. TUF knows the former alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    length: Length,
    hashes: Hashes,
    matching: Option<Vec<u8>>,
}

impl Opened {
    /// One walk through a file that may be long, for everything that is wanted of it.
    pub(super) fn of(
        policy: Policy,
        role: Option<RoleName>,
        file: Kept<TargetsFile>,
        names: &BTreeSet<String>,
    ) -> Result<Self, Error> {
        let view = file.view();
        let delegations = view.delegations().map(Delegations::decode).transpose()?;
        let said = match policy {
            Policy::Uptane => said_of_images(&file, names)?,
            Policy::Tuf => said_of_files(&file, names)?,
        };
        Ok(Self { file, role, said, delegations })
    }
}

fn said_of_images(file: &Kept<TargetsFile>, names: &BTreeSet<String>) -> Result<BTreeMap<String, Said>, Error> {
    let mut said = BTreeMap::new();
    for target in file.view().targets_named(|name| names.contains(name)) {
        let target = target?;
        let matching = Some(target.matching().raw().to_vec());
        let image = Said { length: target.length(), hashes: target.hashes(), matching };
        said.insert(target.name().as_str().into(), image);
    }
    Ok(said)
}

fn said_of_files(file: &Kept<TargetsFile>, names: &BTreeSet<String>) -> Result<BTreeMap<String, Said>, Error> {
    let mut said = BTreeMap::new();
    for name in names {
        if let Some(target) = file.view().file(name)? {
            said.insert(name.clone(), Said { length: target.length(), hashes: target.hashes(), matching: None });
        }
    }
    Ok(said)
}

/// The files at hand.
#[derive(Clone, Debug)]
pub(super) struct DelegatedFiles {
    snapshot: Kept<SnapshotFile>,
    names: BTreeSet<String>,
    /// What came in this cycle; nothing, where the repository has no such file.
    supplied: BTreeMap<RoleName, Option<FileBytes>>,
    verdicts: BTreeMap<RoleName, Vec<Verdict>>,
    accepted: BTreeMap<RoleName, Kept<TargetsFile>>,
}

/// What came of a file when these keys were asked to vouch for it.
type Verdict = (Arc<RoleKeys>, Result<Arc<Opened>, Error>);

impl DelegatedFiles {
    pub(super) fn new(snapshot: Kept<SnapshotFile>, names: BTreeSet<String>) -> Self {
        let (supplied, verdicts, accepted) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { snapshot, names, supplied, verdicts, accepted }
    }

    /// What is looked for now, in files that may have been here before.
    pub(super) fn look_for(&mut self, names: BTreeSet<String>) {
        self.names = names;
        self.verdicts.clear();
    }

    pub(super) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    pub(super) fn supply(&mut self, role: RoleName, file: Option<FileBytes>) {
        self.supplied.insert(role, file);
    }

    /// Every delegated file that was found good.
    pub(super) fn accepted(&self) -> &BTreeMap<RoleName, Kept<TargetsFile>> {
        &self.accepted
    }

    /// The file of a role. Two delegators may give one name different keys; each time those of the one that leads here
    /// decide, whoever was satisfied before.
    pub(super) fn open<R: Repository>(
        &mut self,
        cycle: &mut Cycle<R>,
        role: &DelegatedRole,
    ) -> Result<Arc<Opened>, Stop> {
        let verdicts = self.verdicts.get(&role.name()).into_iter().flatten();
        if let Some((_, verdict)) = verdicts.into_iter().find(|(keys, _)| keys == role.keys()) {
            return verdict.clone().map_err(Stop::End);
        }
        let verdict = match self.judge(cycle, role).and_then(|file| self.read(cycle, role.name(), file)) {
            Ok(opened) => Ok(opened),
            Err(Stop::End(error)) => Err(error),
            Err(stop @ (Stop::Need(_) | Stop::Exhausted(_))) => return Err(stop),
        };
        self.verdicts.entry(role.name()).or_default().push((Arc::clone(role.keys()), verdict.clone()));
        Ok(verdict?)
    }

    fn judge<R: Repository>(&mut self, cycle: &mut Cycle<R>, role: &DelegatedRole) -> Result<Kept<TargetsFile>, Stop> {
        // What Snapshot does not list is not of this state of the repository, whatever its signatures.
        let listed = self.snapshot.view().file(&format!("{}.json", role.name())).ok_or(Error::Unlisted)?;
        match (cached(cycle, role, &listed), self.supplied.get(&role.name())) {
            (Some(file), _) => Ok(file),
            (None, Some(Some(bytes))) => Ok(supplied(cycle, role, &listed, bytes.clone())?),
            (None, Some(None)) => Err(Error::Absent { role: Role::Targets }.into()),
            (None, None) => Err(Stop::Need(Box::new(Need { role: role.name(), listed }))),
        }
    }

    /// Reads a file that its delegator vouches for. One that says what cannot be is not kept: kept, it would stand in
    /// the way of its own correction (§5.4.4.6 step 4).
    fn read<R: Repository>(
        &mut self,
        cycle: &mut Cycle<R>,
        role: RoleName,
        file: Kept<TargetsFile>,
    ) -> Result<Arc<Opened>, Stop> {
        let opened = Opened::of(cycle.policy, Some(role), file, &self.names)?;
        self.accept(cycle, role, &opened.file)?;
        Ok(Arc::new(opened))
    }

    fn accept<R: Repository>(
        &mut self,
        cycle: &mut Cycle<R>,
        role: RoleName,
        file: &Kept<TargetsFile>,
    ) -> Result<(), Error> {
        if self.accepted.insert(role, file.clone()).is_none() && cycle.policy == Policy::Tuf {
            // TUF 1.0.34 §5.6.6: each file is stored as it is verified.
            if !cycle.trusted.delegated.is(role, file) {
                cycle.store(MetadataFile::Delegated(role, file.version()), file);
            }
            cycle.trusted.delegated.hold(role, file);
        }
        match self.accepted.len() > MAX_DELEGATED_FILES {
            true => Err(Error::Limit { what: "delegated files" }),
            false => Ok(()),
        }
    }
}

/// Judges the file of a role by the keys of one delegation, whatever is looked for in it.
pub(in crate::verify) fn check<R: Repository>(
    cycle: &Cycle<R>,
    snapshot: &Kept<SnapshotFile>,
    role: &DelegatedRole,
    bytes: FileBytes,
) -> Result<(), Error> {
    let listed = snapshot.view().file(&format!("{}.json", role.name())).ok_or(Error::Unlisted)?;
    supplied(cycle, role, &listed, bytes).map(drop)
}

/// Takes a file that was fetched (§5.4.4.6).
fn supplied<R: Repository>(
    cycle: &Cycle<R>,
    role: &DelegatedRole,
    listed: &FileMeta,
    bytes: FileBytes,
) -> Result<Kept<TargetsFile>, Error> {
    let limit = limit(listed, MAX_TARGETS)?;
    // §5.4.4.6 step 1, and what Snapshot lists beyond the version.
    let offered = Offered::read_listed(bytes, limit, listed)?;
    // §5.4.4.6 step 3: the keys stand in the file that delegates.
    let targets = cycle.accept_from(role.keys(), offered)?;
    // One the delegator no longer vouches for says nothing about what may follow it.
    let trusted = cycle.trusted.delegated.get(role.name(), role.keys());
    check_targets(cycle, &targets, listed, trusted.as_ref())?;
    Ok(targets)
}

/// The file we hold, if Snapshot lists this very one and it still is all that it must be. Otherwise it is fetched, and
/// judged as it comes.
fn cached<R: Repository>(cycle: &Cycle<R>, role: &DelegatedRole, listed: &FileMeta) -> Option<Kept<TargetsFile>> {
    let held = cycle.trusted.delegated.get(role.name(), role.keys())?.listed_as(listed).ok()?;
    cycle.check_text(&held).and_then(|()| cycle.check_audience(&held)).ok()?;
    check_targets(cycle, &held, listed, None).ok()?;
    Some(held)
}
