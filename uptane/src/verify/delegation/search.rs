//! The look-up (§5.4.4.7; TUF 1.0.34 §5.6.7): depth first, in order of priority, without I/O.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::cycle::{Cycle, Policy};
use super::super::file::{FileBytes, MetadataFile};
use super::super::kept::Kept;
use super::super::kind::{SnapshotFile, TargetsFile};
use super::super::refresh::Step;
use super::super::snapshot::limit;
use super::files::{DelegatedFiles, Need, Opened, Said, Stop};
use super::{Wanted, covers, multi_role};
use crate::limits::{MAX_DELEGATION_DEPTH, MAX_PATHS_COMPARED, MAX_ROLES_VISITED, MAX_TARGETS};
use crate::metadata::{Bins, DelegatedRole, Delegatee, Delegation, Delegations, MultiRole};
use crate::{Error, Repository, RoleName};

/// The file that vouches for what was looked for.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(super) said: Said,
    opened: Arc<Opened>,
}

impl Found {
    pub(crate) fn file(&self) -> &Kept<TargetsFile> {
        &self.opened.file
    }

    /// Whose file it is; top-level Targets have no such name.
    pub(crate) fn role(&self) -> Option<RoleName> {
        self.opened.role
    }

    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        self.said == other.said
    }
}

/// Look-ups in a repository whose top-level Targets are verified.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    top: Kept<TargetsFile>,
    opened: Option<Result<Arc<Opened>, Error>>,
    files: DelegatedFiles,
    /// What is still to be looked for; the last first.
    waiting: Vec<Wanted>,
    need: Option<Box<Need>>,
    memory: Memory,
    outcomes: BTreeMap<Wanted, Result<Found, Error>>,
    vouching: BTreeMap<Wanted, BTreeSet<RoleName>>,
}

impl Search {
    pub(crate) fn new(top: Kept<TargetsFile>, snapshot: Kept<SnapshotFile>) -> Self {
        let files = DelegatedFiles::new(snapshot, BTreeSet::new());
        Self {
            top,
            opened: None,
            files,
            waiting: Vec::new(),
            need: None,
            memory: Memory::default(),
            outcomes: BTreeMap::new(),
            vouching: BTreeMap::new(),
        }
    }

    /// Begins to look for these.
    pub(crate) fn look_for<R: Repository>(&mut self, cycle: &mut Cycle<R>, wanted: Vec<Wanted>) {
        if wanted.is_empty() {
            // Top-level Targets may be long: nobody reads them for nothing.
            return;
        }
        self.files.look_for(wanted.iter().map(|wanted| wanted.name.clone()).collect());
        self.opened = Some(Opened::of(cycle.policy, None, self.top.clone(), self.files.names()).map(Arc::new));
        self.waiting = wanted;
        self.run(cycle);
    }

    /// What to fetch; nothing, once everything was looked for.
    pub(crate) fn next(&self) -> Option<Step> {
        let Need { role, listed } = self.need.as_deref()?;
        let file = MetadataFile::Delegated(*role, listed.version);
        Some(match limit(listed, MAX_TARGETS) {
            Ok(limit) => Step::Fetch { file, limit },
            Err(error) => Step::Refused(error),
        })
    }

    /// Takes the file that was asked for. One that is missing or not good ends the look-ups that need it, and no other.
    pub(crate) fn supply<R: Repository>(&mut self, cycle: &mut Cycle<R>, file: Option<FileBytes>) {
        if let Some(need) = self.need.take() {
            self.files.supply(need.role, file);
            self.run(cycle);
        }
    }

    /// What came of a look-up; `None` if it was never asked for.
    pub(crate) fn outcome(&self, wanted: &Wanted) -> Option<Result<&Found, Error>> {
        self.outcomes.get(wanted).map(|outcome| outcome.as_ref().map_err(|error| *error))
    }

    /// The delegated roles that were asked in a look-up and list what is wanted, whether or not enough others agree.
    pub(crate) fn vouching(&self, wanted: &Wanted) -> impl Iterator<Item = RoleName> {
        self.vouching.get(wanted).into_iter().flatten().copied()
    }

    /// Every delegated file that was found good on the way.
    pub(crate) fn accepted(&self) -> &BTreeMap<RoleName, Kept<TargetsFile>> {
        self.files.accepted()
    }

    fn run<R: Repository>(&mut self, cycle: &mut Cycle<R>) {
        let Some(top) = self.opened.clone() else { return };
        while let Some(wanted) = self.waiting.last() {
            let digest = covers::digest(&wanted.name);
            let memory = &mut self.memory;
            let (visited, vouching) = (0, BTreeSet::new());
            let mut walk = Walk { cycle, files: &mut self.files, wanted, digest, visited, memory, vouching };
            let outcome = match top.clone().map_err(Stop::End).and_then(|top| walk.resolve(&top)) {
                Ok(found) => Ok(found),
                Err(Stop::End(error)) => Err(error),
                Err(Stop::Exhausted(what)) => Err(Error::Limit { what }),
                Err(Stop::Need(need)) => {
                    self.need = Some(need);
                    return;
                }
            };
            let vouching = walk.vouching;
            self.memory = Memory::default();
            self.vouching.insert(wanted.clone(), vouching);
            self.outcomes.extend(self.waiting.pop().map(|wanted| (wanted, outcome)));
        }
    }
}

/// One look-up.
struct Walk<'a, R> {
    cycle: &'a mut Cycle<R>,
    files: &'a mut DelegatedFiles,
    wanted: &'a Wanted,
    digest: String,
    visited: usize,
    memory: &'a mut Memory,
    vouching: BTreeSet<RoleName>,
}

/// What a look-up remembers while it waits for a file: nothing that it could not find out again, but that takes time.
#[derive(Clone, Debug, Default)]
struct Memory {
    /// Which delegations of a file apply, by their places.
    applicable: BTreeMap<Option<RoleName>, Arc<[usize]>>,
    /// Paths compared to find that out.
    compared: usize,
}

/// How the walk came to where it is.
#[derive(Clone)]
struct Trail {
    /// Roles that were searched on the way, or are being searched: a second search finds no more (trap T10, cycles).
    searched: BTreeSet<RoleName>,
    depth: usize,
}

impl<R: Repository> Walk<'_, R> {
    /// §5.4.4.7 from the top-level Targets.
    fn resolve(&mut self, top: &Arc<Opened>) -> Result<Found, Stop> {
        let mut trail = Trail { searched: BTreeSet::new(), depth: 0 };
        let found = self.search(top, false, &mut trail)?;
        // §5.4.4.7 step 5.
        found.ok_or(Stop::End(Error::NotInImageRepository))
    }

    /// Looks in a file, then below it.
    fn search(&mut self, file: &Arc<Opened>, terminating: bool, trail: &mut Trail) -> Result<Option<Found>, Stop> {
        // §5.4.4.7 step 2.
        if let Some(said) = file.said.get(&self.wanted.name) {
            return Ok(Some(Found { said: said.clone(), opened: Arc::clone(file) }));
        }
        // §5.4.4.7 step 3: before its own delegations (trap T9); TUF 1.0.34 §5.6.7 searches those too.
        if terminating && self.cycle.policy == Policy::Uptane {
            return Err(Stop::End(Error::NotInImageRepository));
        }
        trail.depth += 1;
        let found = match &file.delegations {
            None => None,
            Some(Delegations::Listed(list)) => self.search_list(file.role, list, trail)?,
            Some(Delegations::Succinct(bins)) => self.search_bin(bins, trail)?,
        };
        trail.depth -= 1;
        Ok(found)
    }

    /// §5.4.4.7 step 4: the delegations of a file, in order of priority (§5.1.2.1).
    fn search_list(
        &mut self,
        of: Option<RoleName>,
        list: &[Delegation],
        trail: &mut Trail,
    ) -> Result<Option<Found>, Stop> {
        let applicable = self.applicable(of, list)?;
        for delegation in applicable.iter().filter_map(|place| list.get(*place)) {
            let terminating = delegation.is_terminating();
            let found = match delegation.to() {
                // §5.4.4.7 step 4.2.
                Delegatee::Roles(set) => self.agreed(set, trail)?,
                // §5.4.4.7 step 4.3.
                Delegatee::Role(role) => self.visit(role, terminating, trail)?,
            };
            match found {
                Some(found) => return Ok(Some(found)),
                // §5.4.4.7 step 4.2, §5.1.2.1: nobody after a terminating delegation is asked.
                None if terminating => return Err(Stop::End(Error::NotInImageRepository)),
                None => {}
            }
        }
        Ok(None)
    }

    /// TAP 15: the one bin a name falls into, as by a terminating delegation.
    fn search_bin(&mut self, bins: &Bins, trail: &mut Trail) -> Result<Option<Found>, Stop> {
        let role = DelegatedRole::bin(covers::bin(bins, &self.wanted.name)?, bins);
        match self.visit(&role, true, trail)? {
            Some(found) => Ok(Some(found)),
            None => Err(Stop::End(Error::NotInImageRepository)),
        }
    }

    /// The places of the delegations that apply. A file is asked once in a look-up: it may list very many.
    fn applicable(&mut self, of: Option<RoleName>, list: &[Delegation]) -> Result<Arc<[usize]>, Stop> {
        if let Some(known) = self.memory.applicable.get(&of) {
            return Ok(Arc::clone(known));
        }
        self.memory.compared += list.iter().map(|delegation| delegation.covers().count()).sum::<usize>();
        if self.memory.compared > MAX_PATHS_COMPARED {
            return Err(Stop::Exhausted("paths of one look-up"));
        }
        // §5.4.4.7 step 4.1.
        let applicable = list.iter().enumerate().filter(|(_, delegation)| self.applies(delegation));
        let applicable: Arc<[usize]> = applicable.map(|(place, _)| place).collect();
        self.memory.applicable.insert(of, Arc::clone(&applicable));
        Ok(applicable)
    }

    /// Whether a delegation is about what is wanted.
    fn applies(&self, delegation: &Delegation) -> bool {
        // Trap T10: a delegation that names no hardware is for all.
        let is_for = |hardware| delegation.hardware_ids().is_none_or(|ids| ids.contains(&hardware));
        self.wanted.hardware.is_none_or(is_for) && covers::covers(delegation.covers(), &self.wanted.name, &self.digest)
    }

    /// Looks in the file of a role, then below it.
    fn visit(&mut self, role: &DelegatedRole, terminating: bool, trail: &mut Trail) -> Result<Option<Found>, Stop> {
        self.count(trail)?;
        // TUF 1.0.34 §5.6.7.1: not even asked for.
        if self.cycle.policy == Policy::Tuf && trail.searched.contains(&role.name()) {
            return Ok(None);
        }
        // §5.4.4.7 step 1.
        let file = self.files.open(self.cycle, role)?;
        if file.said.contains_key(&self.wanted.name) {
            self.vouching.insert(role.name());
        }
        match trail.searched.insert(role.name()) {
            true => self.search(&file, terminating, trail),
            false => Ok(None),
        }
    }

    /// What the roles of a set agree on (§5.4.4.8).
    fn agreed(&mut self, set: &MultiRole, trail: &Trail) -> Result<Option<Found>, Stop> {
        let mut votes = Vec::new();
        for role in set.roles() {
            // §5.4.4.8 step 1: each for itself, so that one does not take the way of another.
            match self.visit(role, false, &mut trail.clone()) {
                Ok(found) => votes.extend(found),
                // Trap T10: a role whose file is missing or bad has no vote. The others may be enough.
                Err(Stop::End(_)) => {}
                Err(stop @ (Stop::Need(_) | Stop::Exhausted(_))) => return Err(stop),
            }
        }
        Ok(multi_role::agreed(votes, set.needed()))
    }

    fn count(&mut self, trail: &Trail) -> Result<(), Stop> {
        self.visited += 1;
        if self.visited > MAX_ROLES_VISITED {
            return Err(Stop::Exhausted("delegated roles of one look-up"));
        }
        match trail.depth > MAX_DELEGATION_DEPTH {
            true => Err(Stop::End(Error::Limit { what: "depth of delegations" })),
            false => Ok(()),
        }
    }
}
