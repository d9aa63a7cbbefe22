//! Steps 1 to 6 of §5.4.4.2: the time, and what the Director says.

use uptane::metadata::RoleKeys;
use uptane::verify::{Damaged, Keep, MetadataFile, Refresh, Refreshed, Reloaded, Step, Trusted, time};
use uptane::{Director, EcuId, Nonce, Repository, RepositoryName, Role, Time};

use super::{Answer, CheckIn, Cycle, Output, Outputs, Phase, number};
use crate::Error;
use crate::machine::stored::reload;
use crate::store::{AcceptedVersions, Files, Told};

impl Cycle {
    /// Asks the Director, with what `full` tells.
    pub(super) fn check_in(&mut self, full: Option<Told>, outputs: &mut Outputs) {
        match self.try_check_in(full, outputs) {
            Ok(()) => {}
            Err(error) => self.finish(Err(error), outputs),
        }
    }

    fn try_check_in(&mut self, full: Option<Told>, outputs: &mut Outputs) -> Result<(), Error> {
        let trusted = self.reload_director(outputs)?;
        let versions = [
            trusted.root().version().get(),
            number(trusted.timestamp().map(|file| file.version())),
            number(trusted.snapshot().map(|file| file.version())),
            number(trusted.targets().map(|file| file.version())),
        ];
        let nonces = std::iter::once(self.own_nonce()).chain(self.met.values().map(|met| met.nonce)).collect();
        self.phase = Phase::CheckingIn { full: full.is_some() };
        let report_nonce = self.report_nonce();
        outputs.push_back(Output::CheckIn(CheckIn { versions, nonces, full, report_nonce }));
        Ok(())
    }

    /// What is trusted of the Director. What is damaged, or of the keys before, is asked for again.
    fn reload_director(&mut self, outputs: &mut Outputs) -> Result<Trusted<Director>, Error> {
        let name = RepositoryName::of::<Director>();
        let mut accepted = self.start.accepted.of(name);
        let trusted = reload_and_clear(name, &mut self.start.director, &mut accepted, outputs)?;
        self.start.accepted.set(name, accepted);
        Ok(trusted)
    }

    fn own_nonce(&self) -> Nonce {
        Nonce(self.draw("time"))
    }

    pub(super) fn checked_in(&mut self, full: bool, answer: Answer, outputs: &mut Outputs) -> Result<(), Error> {
        if answer.manifest_wanted && !full {
            self.start.told = None;
            self.collect_reports(outputs);
            return Ok(());
        }
        if full {
            self.start.told = Some(self.to_tell());
        }
        if let Some(error) = self.only_telling.take() {
            self.finish(Err(error), outputs);
            return Ok(());
        }
        let refreshed = self.judge(&answer, outputs)?;
        self.decide(refreshed, outputs)
    }

    fn judge(&mut self, answer: &Answer, outputs: &mut Outputs) -> Result<Refreshed<Director>, Error> {
        let trusted = reload::<Director>(&self.start.director)?.trusted;
        let (trusted, now) = self.judge_time(trusted, answer, outputs)?;
        let root = trusted.root();
        (self.start.time, self.start.time_root) = (now, root.bytes().to_vec());
        outputs.push_back(Output::Time(now, root.version(), answer.time.clone()));
        let refresh = self.refresh(trusted, now);
        let refresh = self.feed(refresh, answer, false, outputs)?;
        refresh.finish().map_err(|_| Error::DirectorAnswer { reason: "files are missing".to_owned() })
    }

    fn refresh(&self, trusted: Trusted<Director>, now: Time) -> Refresh<Director> {
        let ecus: Vec<EcuId> = self.start.ecus.keys().copied().collect();
        Refresh::director(trusted, self.start.vehicle, Some(&ecus), now)
    }

    /// Step 1. Time keys may have been rotated by a Root that came with the attestation: then that Root is judged first,
    /// at the time known so far.
    fn judge_time(
        &mut self,
        trusted: Trusted<Director>,
        answer: &Answer,
        outputs: &mut Outputs,
    ) -> Result<(Trusted<Director>, Time), Error> {
        let (nonce, known) = (self.own_nonce(), self.known_time(&trusted)?);
        match time::check(&answer.time, &time_keys(&trusted)?, nonce, known) {
            Ok(now) => return Ok((trusted, now.time())),
            Err(uptane::Error::BelowThreshold { .. }) if !answer.roots.is_empty() => {}
            Err(error) => return Err(error.into()),
        }
        let refresh = self.feed(self.refresh(trusted, known), answer, true, outputs)?;
        let trusted = refresh.abandon();
        let now = time::check(&answer.time, &time_keys(&trusted)?, nonce, self.known_time(&trusted)?)?;
        Ok((trusted, now.time()))
    }

    /// The latest attested time, or the floor that the trusted Root sets if it names other time keys than those that
    /// attested it (design D14). That Root may have been stored long ago, and the power failed before its time came.
    fn known_time(&self, trusted: &Trusted<Director>) -> Result<Time, Error> {
        let attested_under = Trusted::provision(&self.start.time_root)?;
        Ok(trusted.time_floor_after(&attested_under).unwrap_or(self.start.time))
    }

    /// Gives a refresh what it asks for, out of the answer or, where that left out what is unchanged, out of what is
    /// stored. With `roots_only` it stops behind the Roots of the answer.
    fn feed(
        &mut self,
        mut refresh: Refresh<Director>,
        answer: &Answer,
        roots_only: bool,
        outputs: &mut Outputs,
    ) -> Result<Refresh<Director>, Error> {
        let first = answer.newest_root.saturating_sub(u64::try_from(answer.roots.len()).unwrap_or(u64::MAX));
        loop {
            let file = match refresh.next() {
                Step::Fetch { file, .. } => file,
                Step::Done => return Ok(refresh),
                Step::Refused(check) => return Err(Error::Refused { check }),
            };
            let stored = &self.start.director;
            let bytes = match file {
                MetadataFile::Root(version) => {
                    let index = version.get().checked_sub(first.saturating_add(1));
                    let index = index.and_then(|index| usize::try_from(index).ok());
                    let root = index.and_then(|index| answer.roots.get(index)).map(Vec::as_slice);
                    if root.is_none() && roots_only {
                        return Ok(refresh);
                    }
                    // The Director states how far its Roots go: fewer are not "there is none".
                    if root.is_none() && version.get() <= answer.newest_root {
                        return Err(uptane::Error::Absent { role: Role::Root }.into());
                    }
                    root
                }
                MetadataFile::Timestamp => answer.timestamp.as_deref().or(stored.timestamp.as_deref()),
                MetadataFile::Snapshot(_) => answer.snapshot.as_deref(),
                MetadataFile::Targets(_) => answer.targets.as_deref(),
                // The Director never delegates (§5.4.4.6 step 6).
                MetadataFile::Delegated(..) => None,
            };
            let supplied = refresh.supply(bytes.map(Into::into));
            let keep = refresh.keep();
            self.start.director.apply(&keep);
            if keep.contains(&Keep::Forget) {
                self.start.accepted.director = AcceptedVersions::default();
            }
            if !keep.is_empty() {
                outputs.push_back(Output::Keep(RepositoryName::of::<Director>(), keep));
            }
            supplied?;
        }
    }
}

/// What is trusted of stored files. The others are removed: while one is missing, an older one could be taken for a new
/// one, so that damage is told.
pub(super) fn reload_and_clear<R: Repository>(
    name: RepositoryName,
    files: &mut Files,
    accepted: &mut AcceptedVersions,
    outputs: &mut Outputs,
) -> Result<Trusted<R>, Error> {
    let reloaded = match (reload::<R>(files), files.former_root.take()) {
        (Err(Error::Refused { check: why }), Some(former)) => {
            // The repository still has the newest Root, which comes again after the one before.
            files.root = former;
            outputs.push_back(Output::Damaged(name, vec![Damaged { role: Role::Root, why }]));
            reload::<R>(files)?
        }
        (reloaded, former) => {
            files.former_root = former;
            reloaded?
        }
    };
    let Reloaded { trusted, damaged } = reloaded;
    let held = [trusted.timestamp().is_some(), trusted.snapshot().is_some(), trusted.targets().is_some()];
    let stored = [files.timestamp.is_some(), files.snapshot.is_some(), files.targets.is_some()];
    if !damaged.is_empty() {
        for damaged in &damaged {
            files.drop(damaged.role);
            accepted.drop(damaged.role);
        }
        outputs.push_back(Output::Damaged(name, damaged));
    } else if held != stored {
        // The power failed before what Root's former keys had signed was removed (§5.4.4.3 step 4).
        files.apply(&[Keep::Forget]);
        *accepted = AcceptedVersions::default();
        outputs.push_back(Output::Keep(name, vec![Keep::Forget]));
    }
    Ok(trusted)
}

fn time_keys(trusted: &Trusted<Director>) -> Result<RoleKeys, Error> {
    let keys = trusted.root().view().time_keys();
    keys.ok_or(Error::Refused { check: uptane::Error::Schema { field: "uptane.time" } })
}
