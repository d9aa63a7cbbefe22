//! One refresh of a repository's metadata (§5.4.4.2), without I/O.
//!
//! Ask [`Refresh::next`] what to fetch, give it to [`Refresh::supply`], and store what [`Refresh::keep`] names before
//! going on. Each step is a type that only the step before it can make: [`root`](super::root),
//! [`timestamp`](super::timestamp), [`snapshot`](super::snapshot), [`targets`](super::targets).
//!
//! What the caller owes: that "absent" means the repository itself said so (HTTP 404), and that [`Commit`] is stored
//! atomically together with the record of the installation it leads to (trap T2).

use super::agreement::{chosen, wanted};
use super::cycle::{Audience, Cycle, Keep, Policy};
use super::delegation::{self, Wanted};
use super::file::{FileBytes, MetadataFile};
use super::kept::Kept;
use super::kind::{Kind, RootFile, SnapshotFile, TargetsFile, TimestampFile};
use super::root::AtRoot;
use super::snapshot::AtSnapshot;
use super::targets::{AtTargets, Complete};
use super::timestamp::AtTimestamp;
use super::{Trusted, Verified};
use crate::limits::{MAX_ROOT, MAX_TIMESTAMP};
use crate::metadata::{DelegatedRole, EcuEntry};
use crate::{Director, EcuId, Error, Image, Length, Repository, RoleName, Time, VehicleId};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What a refresh wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Fetch this file, of which no more than `limit` bytes are wanted.
    Fetch {
        /// The file.
        file: MetadataFile,
        /// The most bytes to read.
        limit: Length,
    },
    /// Nothing more: [`Refresh::finish`].
    Done,
    /// A check failed: [`Refresh::abandon`].
    Refused(Error),
}

/// A refresh under way.
#[derive(Clone, Debug)]
pub struct Refresh<R> {
    cycle: Cycle<R>,
    state: State,
    /// The Targets that were trusted when it began.
    before: Option<Kept<TargetsFile>>,
    /// What is to be looked for once Targets are verified.
    wanted: Vec<Wanted>,
}

#[derive(Clone, Debug)]
enum State {
    AtRoot(AtRoot),
    AtTimestamp(AtTimestamp),
    AtSnapshot(AtSnapshot),
    AtTargets(AtTargets),
    Searching(Complete),
    Complete(Complete),
    Refused(Error),
}

impl Refresh<Director> {
    /// Refreshes what the Director says to `vehicle`. A Primary names all its ECUs, so that no other may be named
    /// (§5.4.4.6 step 8); a Secondary does not know the others and passes `None`.
    pub fn director(trusted: Trusted<Director>, vehicle: VehicleId, ecus: Option<&[EcuId]>, now: Time) -> Self {
        let audience = Audience::Vehicle { vehicle, ecus: ecus.map(<[EcuId]>::to_vec) };
        Self::start(trusted, audience, Policy::Uptane, now)
    }
}

impl Refresh<Image> {
    /// Refreshes what the Image repository says to everybody, as an ECU does.
    pub fn image(trusted: Trusted<Image>, now: Time) -> Self {
        Self::start(trusted, Audience::Everybody, Policy::Uptane, now)
    }

    /// Refreshes it as a TUF client does: each role is stored as soon as it is verified (TUF 1.0.34 §5.3 to §5.6).
    pub fn tuf(trusted: Trusted<Image>, now: Time) -> Self {
        Self::start(trusted, Audience::Everybody, Policy::Tuf, now)
    }
}

impl Refresh<Image> {
    /// Has these images looked for as well, through delegations (§5.4.4.7). One that is not found is no reason to refuse
    /// the refresh: that is told when it is asked for.
    pub fn looking_for(mut self, wanted: Vec<Wanted>) -> Self {
        self.wanted = wanted;
        self
    }
}

impl<R: Repository> Refresh<R> {
    fn start(trusted: Trusted<R>, audience: Audience, policy: Policy, now: Time) -> Self {
        let before = trusted.targets.clone();
        // §5.4.4.2 step 1: one time for all of it.
        let cycle = Cycle { trusted, audience, policy, now, keep: Vec::new() };
        Self { cycle, state: State::AtRoot(AtRoot::begin()), before, wanted: Vec::new() }
    }

    /// Takes the file that [`next`](Self::next) asked for; `None` says that the repository has no such file, which is
    /// good news for Root alone. After a refusal nothing is taken any more.
    pub fn supply(&mut self, file: Option<FileBytes>) -> Result<(), Error> {
        match self.advance(self.state.clone(), file) {
            Ok(state) => {
                self.state = state;
                Ok(())
            }
            Err(error) => {
                self.state = State::Refused(error);
                Err(error)
            }
        }
    }

    fn advance(&mut self, state: State, file: Option<FileBytes>) -> Result<State, Error> {
        let cycle = &mut self.cycle;
        let state = match (state, file) {
            (State::AtRoot(step), Some(file)) => State::AtRoot(step.supply(cycle, file)?),
            // §5.4.4.3 step 2.2: there is no Root N+1.
            (State::AtRoot(step), None) => State::AtTimestamp(step.done(cycle)?),
            (State::AtTimestamp(step), Some(file)) => State::AtSnapshot(step.supply(cycle, file)?),
            (State::AtSnapshot(step), Some(file)) => State::AtTargets(step.supply(cycle, file)?),
            (State::AtTargets(step), Some(file)) => State::Complete(step.supply(cycle, file)?),
            (state @ (State::AtTimestamp(_) | State::AtSnapshot(_) | State::AtTargets(_)), None) => {
                return Err(Error::Absent { role: role_of(&state) });
            }
            (State::Searching(mut complete), file) => {
                complete.search.supply(cycle, file);
                return Ok(State::of(complete));
            }
            (state @ State::Complete(_), _) => return Ok(state),
            (State::Refused(error), _) => return Err(error),
        };
        self.pass_cached(state)
    }

    /// Passes the steps that cached files settle.
    fn pass_cached(&mut self, state: State) -> Result<State, Error> {
        let state = self.pass_targets(state)?;
        let State::Complete(complete) = state else { return Ok(state) };
        Ok(self.begin_search(complete))
    }

    fn begin_search(&mut self, mut complete: Complete) -> State {
        complete.search.look_for(&mut self.cycle, core::mem::take(&mut self.wanted));
        State::of(complete)
    }

    fn pass_targets(&self, state: State) -> Result<State, Error> {
        let state = self.pass_snapshot(state)?;
        let State::AtTargets(step) = state else { return Ok(state) };
        let cached = step.cached(&self.cycle)?;
        Ok(cached.map_or(State::AtTargets(step), State::Complete))
    }

    fn pass_snapshot(&self, state: State) -> Result<State, Error> {
        let State::AtSnapshot(step) = state else { return Ok(state) };
        let cached = step.cached(&self.cycle)?;
        Ok(cached.map_or(State::AtSnapshot(step), State::AtTargets))
    }

    /// What must be stored now, in this order, before anything else is supplied.
    pub fn keep(&mut self) -> Vec<Keep> {
        core::mem::take(&mut self.cycle.keep)
    }

    /// What is to be done next.
    pub fn next(&self) -> Step {
        let fetch = |file, limit: Result<Length, Error>| match limit {
            Ok(limit) => Step::Fetch { file, limit },
            Err(error) => Step::Refused(error),
        };
        match &self.state {
            State::AtRoot(_) => fetch(MetadataFile::Root(self.cycle.trusted.successor), Length::new(MAX_ROOT)),
            State::AtTimestamp(_) => fetch(MetadataFile::Timestamp, Length::new(MAX_TIMESTAMP)),
            State::AtSnapshot(step) => fetch(step.file(), step.limit()),
            State::AtTargets(step) => fetch(step.file(), step.limit()),
            State::Searching(complete) => complete.search.next().unwrap_or(Step::Done),
            State::Complete(_) => Step::Done,
            State::Refused(error) => Step::Refused(*error),
        }
    }

    /// The refreshed files; the refresh itself, if it is not done.
    pub fn finish(self) -> Result<Refreshed<R>, Box<Self>> {
        let State::Complete(complete) = self.state else { return Err(Box::new(self)) };
        let commit = Commit::of(&complete, &self.cycle.trusted);
        Ok(Refreshed { cycle: self.cycle, complete, commit, before: self.before })
    }

    /// Ends the refresh. What remains trusted: every Root and Timestamp that was accepted, and the Snapshot and Targets
    /// of before.
    pub fn abandon(self) -> Trusted<R> {
        self.cycle.trusted
    }
}

impl State {
    fn of(complete: Complete) -> Self {
        match complete.search.next() {
            Some(_) => Self::Searching(complete),
            None => Self::Complete(complete),
        }
    }
}

fn role_of(state: &State) -> crate::Role {
    match state {
        State::AtRoot(_) => crate::Role::Root,
        State::AtTimestamp(_) => crate::Role::Timestamp,
        State::AtSnapshot(_) => crate::Role::Snapshot,
        State::AtTargets(_) | State::Searching(_) | State::Complete(_) | State::Refused(_) => crate::Role::Targets,
    }
}

/// The bytes to store in place of `old`; none if they are there already.
fn replaces<K: Kind>(new: &Kept<K>, old: Option<&Kept<K>>) -> Option<FileBytes> {
    let same = old.is_some_and(|old| old.is_same_file_as(new));
    (!same).then(|| new.shared())
}

/// Snapshot and Targets to be stored together with the record of the installation they lead to (design D5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// A new Snapshot.
    pub snapshot: Option<FileBytes>,
    /// New Targets.
    pub targets: Option<FileBytes>,
    /// New delegated Targets, with their roles.
    pub delegated: Vec<(RoleName, FileBytes)>,
}

impl Commit {
    fn of<R: Repository>(complete: &Complete, trusted: &Trusted<R>) -> Self {
        let is_new = |(role, file): &(&RoleName, &Kept<TargetsFile>)| !trusted.delegated.is(**role, file);
        let delegated = complete.search.accepted().iter().filter(is_new);
        Self {
            snapshot: replaces(&complete.snapshot, trusted.snapshot.as_ref()),
            targets: replaces(&complete.targets, trusted.targets.as_ref()),
            delegated: delegated.map(|(role, file)| (*role, file.shared())).collect(),
        }
    }

    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.snapshot.is_none() && self.targets.is_none() && self.delegated.is_empty()
    }
}

/// A repository whose every file was verified in this cycle.
#[derive(Debug)]
pub struct Refreshed<R> {
    /// With Root and Timestamp as they are now, Snapshot and Targets as they are stored.
    cycle: Cycle<R>,
    complete: Complete,
    commit: Commit,
    before: Option<Kept<TargetsFile>>,
}

impl Refreshed<Director> {
    /// What the Image repository must be asked for: every image the Director chose, for the hardware it is to run on,
    /// and every image it would return to (§5.4.4.2 step 10).
    pub fn wanted(&self) -> Result<Vec<Wanted>, Error> {
        self.wanted_by(|_| true)
    }

    /// As [`wanted`](Self::wanted), for one ECU.
    pub fn wanted_for(&self, ecu: EcuId) -> Result<Vec<Wanted>, Error> {
        self.wanted_by(|entry| entry.ecu == ecu)
    }

    fn wanted_by(&self, concerns: impl Fn(&EcuEntry) -> bool) -> Result<Vec<Wanted>, Error> {
        Ok(wanted(&chosen(&self.targets(), concerns)?))
    }
}

impl Refreshed<Image> {
    /// Looks for more. The refresh goes on where it ended, and so does the loop that drives it.
    pub fn search(self, wanted: Vec<Wanted>) -> Refresh<Image> {
        let Self { mut cycle, mut complete, before, .. } = self;
        complete.search.look_for(&mut cycle, wanted);
        Refresh { cycle, state: State::of(complete), before, wanted: Vec::new() }
    }

    /// The file that says what was looked for, verified in this cycle. What was not looked for stands in top-level
    /// Targets or is not found.
    pub fn find(&self, wanted: &Wanted) -> Result<Verified<'_, Image, TargetsFile>, Error> {
        let (_, found) = self.targets().find(wanted)?;
        let listed = found.view().file(wanted.name())?;
        listed.map(|_| found).ok_or(Error::NotInImageRepository)
    }

    /// The delegated roles that were asked when this was looked for and whose files list it: those that may speak for it.
    /// Of a set of roles each is asked, so one stands here before enough others say the same (§5.4.4.8).
    pub fn vouching(&self, wanted: &Wanted) -> impl Iterator<Item = RoleName> {
        self.complete.search.vouching(wanted)
    }

    /// Refuses the file of a role that a look-up through this delegation would refuse (§5.4.4.6), whatever it lists.
    pub fn check_delegated(&self, role: &DelegatedRole, file: FileBytes) -> Result<(), Error> {
        delegation::check(&self.cycle, &self.complete.snapshot, role, file)
    }
}

impl<R: Repository> Refreshed<R> {
    /// Targets, verified in this cycle.
    pub fn targets(&self) -> Verified<'_, R, TargetsFile> {
        Verified::searched(&self.complete.targets, &self.complete.search)
    }

    /// Snapshot, verified in this cycle.
    pub fn snapshot(&self) -> Verified<'_, R, SnapshotFile> {
        Verified::of(&self.complete.snapshot)
    }

    /// Timestamp, verified in this cycle.
    pub fn timestamp(&self) -> Verified<'_, R, TimestampFile> {
        Verified::of(&self.complete.timestamp)
    }

    /// Root, verified in this cycle.
    pub fn root(&self) -> Verified<'_, R, RootFile> {
        Verified::of(&self.cycle.trusted.root)
    }

    /// Whether Targets are others than when the refresh began.
    pub fn changed(&self) -> bool {
        replaces(&self.complete.targets, self.before.as_ref()).is_some()
    }

    /// What is still to be stored.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// What is trusted once [`commit`](Self::commit) is stored.
    pub fn into_trusted(self) -> Trusted<R> {
        let Complete { timestamp, snapshot, targets, search } = self.complete;
        let mut trusted = self.cycle.trusted;
        search.accepted().iter().for_each(|(role, file)| trusted.delegated.hold(*role, file));
        Trusted { timestamp: Some(timestamp), snapshot: Some(snapshot), targets: Some(targets), ..trusted }
    }

    /// What is trusted if [`commit`](Self::commit) is not stored: another check, such as [`agree`](super::agree),
    /// refused what these files lead to (§5.4.3.3, trap T28).
    pub fn into_trusted_before(self) -> Trusted<R> {
        self.cycle.trusted
    }
}
