//! The state record, in flash, and the Director's files: what either knows that the other does not.

use host::disk::Disk;
use uptane::verify::{Remembered, Trusted};
use uptane::{Director, Time};

use super::Half;
use crate::Fault;
use crate::linux::full::held;
use crate::state::{Held, State};
use crate::verifier::Accepted;

impl<D: Disk + Clone> Half<Director, D> {
    /// Notes what the power failed before the state record was told of: a newer Root, and that it dropped files. Files that
    /// are missing under the Root it names were lost, which drops nothing: the update they were for goes on, and the same
    /// files come again.
    pub(in crate::linux::full) fn resume(&mut self, state: &State) -> Result<(), Fault> {
        self.remember(state);
        let newest = self.held_root()?.version;
        let is_news = state.root.is_none_or(|named| named.version < newest);
        self.forgot = is_news && self.trusted()?.targets().is_none();
        Ok(())
    }

    /// What the state record must say of the trusted Root.
    pub(in crate::linux::full) fn held_root(&self) -> Result<Held, Fault> {
        let root = self.root.as_ref().ok_or(Fault::Storage)?;
        Ok(held(root.version(), root.sha256()))
    }

    /// Holds what the state record names against what comes.
    fn remember(&mut self, state: &State) {
        let root = state.root.map(|root| (root.version, root.sha256));
        let remembered = Remembered { root, targets: state.targets.map(|targets| targets.version) };
        self.trusted = self.trusted.take().map(|trusted| trusted.remembering(remembered));
    }

    /// Notes what the state record has been told.
    pub(in crate::linux::full) fn settle(&mut self, state: &State) -> Result<(), Fault> {
        self.remember(state);
        if state.root == Some(self.held_root()?) {
            self.former = None;
        }
        self.forgot &= state.targets.is_some();
        Ok(())
    }

    /// What the state record has yet to be told of a new Root; the same again until it was. Of one that is older than the
    /// Root it names, because that was lost, it is not told.
    pub(in crate::linux::full) fn root_change(&mut self, state: &State) -> Result<Option<Accepted>, Fault> {
        let held = self.held_root()?;
        if state.root.is_some_and(|named| held.version < named.version) {
            return Ok(None);
        }
        let forgot = self.forgot && state.targets.is_some();
        let known = state.root == Some(held) && !forgot;
        let time = self.time_floor(state)?;
        if time.is_some() {
            // A refresh has one time, and this one's was wrong.
            self.begin_anew();
        }
        Ok((!known).then_some(Accepted::Root { held, drops_targets: forgot, time }))
    }

    /// Where time begins anew, if the newest Root names other time keys than the one that the state record names.
    fn time_floor(&self, state: &State) -> Result<Option<Time>, Fault> {
        let (Some(new), Some(former), Some(named)) = (&self.root, &self.former, state.root) else { return Ok(None) };
        if former.root().sha256() != named.sha256 {
            return Ok(None);
        }
        Ok(Trusted::<Director>::provision(new.bytes())?.time_floor_after(former))
    }
}
