//! Steps 6 to 10 of §5.4.4.2: is there anything to install, does the Image repository vouch for it, and is it here?

use std::collections::BTreeSet;
use std::rc::Rc;

use uptane::verify::image::VerifiedImage;
use uptane::verify::{Approved, Commit, FileBytes, MetadataFile, Refresh, Refreshed, Step, agree};
use uptane::{Director, EcuId, Image, ImageLine, ReleaseCounter, Repository, RepositoryName, Sha256, Version};

use super::at_director::reload_and_clear;
use super::planning::{missing, sha256};
use super::{Cycle, Images, Output, Outputs, Phase, Plan};
use crate::Error;
use crate::machine::transaction::{Event, Transaction, step};
use crate::store::{Accepted, AcceptedVersions, Files};

impl Cycle {
    /// Step 6: nothing to install, or on to the Image repository.
    pub(super) fn decide(&mut self, director: Refreshed<Director>, outputs: &mut Outputs) -> Result<(), Error> {
        let needy = self.needy(&director);
        let targets = director.targets().file().sha256();
        if let Some(journal) = self.start.journal.take_if(|open| open.targets != targets || needy.is_empty()) {
            let (transaction, actions) = step(&journal, Event::Withdrawn);
            self.act(transaction, actions, outputs);
            return Ok(());
        }
        if needy.is_empty() {
            let mut accepted = self.start.accepted.clone();
            accepted.pending.clear();
            self.accept(accepted, &director, &[], outputs);
            self.finish(Ok(()), outputs);
            return Ok(());
        }
        if let Some(until) = self.start.failures.pause(targets, self.start.time)
            && self.start.journal.is_none()
        {
            return Err(Error::Waiting { count: self.start.failures.count, until });
        }
        let left = self.start.mapping.image_repositories().into();
        self.next_repository(Box::new(Images { director, left, done: vec![] }), outputs)
    }

    /// ECUs the Director wants another image on than they run, or were last known to run.
    fn needy(&self, director: &Refreshed<Director>) -> BTreeSet<EcuId> {
        let told = self.to_tell();
        let runs = |ecu: EcuId, wanted: Sha256| told.running.get(ecu.as_str()) == Some(&wanted.to_string());
        let mut needy = BTreeSet::new();
        for target in director.targets().view().targets().flatten() {
            let satisfied = |ecu: EcuId| target.hashes().sha256().is_some_and(|wanted| runs(ecu, wanted));
            needy.extend(target.ecus().map(|entry| entry.ecu).filter(|ecu| !satisfied(*ecu)));
        }
        needy
    }

    /// On to the next Image repository of the mapping; once all are verified, do they agree?
    fn next_repository(&mut self, images: Box<Images>, outputs: &mut Outputs) -> Result<(), Error> {
        match images.left.front() {
            Some(name) => {
                outputs.push_back(Output::Load(*name));
                self.phase = Phase::Loading(images);
                Ok(())
            }
            None => self.agreed(&images, outputs),
        }
    }

    pub(super) fn loaded(
        &mut self,
        images: Box<Images>,
        mut files: Box<Files>,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        let name = images.left.front().copied().unwrap_or(RepositoryName::of::<Image>());
        let mut accepted = self.start.accepted.of(name);
        let trusted = reload_and_clear(name, &mut files, &mut accepted, outputs)?;
        self.start.accepted.set(name, accepted);
        let refresh = Refresh::image(trusted, self.start.time);
        let refresh = refresh.looking_for(images.director.wanted()?);
        self.ask(images, Box::new(refresh), outputs)
    }

    pub(super) fn fetched(
        &mut self,
        images: Box<Images>,
        mut refresh: Box<Refresh<Image>>,
        file: Option<Vec<u8>>,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        let supplied = refresh.supply(file.map(Into::into));
        let keep = refresh.keep();
        if let (Some(name), false) = (images.left.front(), keep.is_empty()) {
            outputs.push_back(Output::Keep(*name, keep));
        }
        supplied?;
        self.ask(images, refresh, outputs)
    }

    fn ask(
        &mut self,
        mut images: Box<Images>,
        refresh: Box<Refresh<Image>>,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        let missing = || Error::ImageRepository { reason: "files are missing".to_owned() };
        match refresh.next() {
            Step::Fetch { file, limit } => {
                let name = *images.left.front().ok_or_else(missing)?;
                outputs.push_back(Output::Fetch(name, file, limit));
                self.phase = Phase::AtImage(images, refresh);
                Ok(())
            }
            Step::Refused(check) => Err(Error::Refused { check }),
            Step::Done => {
                let image = refresh.finish().map_err(|_| missing())?;
                let name = images.left.pop_front().ok_or_else(missing)?;
                images.done.push((name, image));
                self.next_repository(images, outputs)
            }
        }
    }

    /// Step 10, for every image the Director names.
    fn agreed(&mut self, images: &Images, outputs: &mut Outputs) -> Result<(), Error> {
        let Images { director, done, .. } = images;
        let needy = self.needy(director);
        let floor = |ecu, line| self.floor(&needy, ecu, line);
        let vouching: Vec<_> = done.iter().map(|(name, image)| (*name, image.targets())).collect();
        let approved = agree(&self.start.mapping, &director.targets(), &vouching, floor)?;
        self.check_hardware(&approved)?;
        let mut accepted = self.start.accepted.clone();
        accepted.pending.clear();
        for entry in approved.entries().iter().filter(|entry| needy.contains(&entry.ecu())) {
            accepted.pending.insert(entry.ecu().to_string(), sha256(entry.image())?.to_string());
        }
        self.accept(accepted, director, done, outputs);
        let targets = director.targets();
        let members = self.members(&approved, &needy)?;
        let plan = Plan {
            targets: targets.file().sha256(),
            campaign: targets.view().campaign(),
            missing: missing(&approved, &members)?,
            patches: self.patches(&approved, &members),
            members,
            approved: Rc::new(approved),
        };
        self.download(Box::new(plan), outputs);
        Ok(())
    }

    /// The lowest release counter that may be approved for an ECU. For one with a single bank that runs what it shall
    /// nothing is approved any more: the Director still names what it could have returned to, and that is older than what it
    /// has committed since.
    fn floor(&self, needy: &BTreeSet<EcuId>, ecu: EcuId, line: ImageLine) -> ReleaseCounter {
        let is_done = self.start.single_banks.contains(&ecu) && !needy.contains(&ecu);
        let floor = self.start.floors.get(&(ecu, line)).filter(|_| !is_done);
        floor.copied().unwrap_or(ReleaseCounter::ZERO)
    }

    /// §5.4.3.4 step 2, before anything is fetched: each ECU is what the Director takes it for.
    fn check_hardware(&self, approved: &Approved) -> Result<(), Error> {
        for entry in approved.entries() {
            let own = self.start.ecus.get(&entry.ecu()).copied().ok_or(uptane::Error::UnknownEcu)?;
            if own != entry.hardware_id() {
                return Err(uptane::Error::Hardware.into());
            }
        }
        Ok(())
    }

    /// Makes Snapshot and Targets current together with what they ask for, unless nothing changed.
    fn accept(
        &mut self,
        mut accepted: Accepted,
        director: &Refreshed<Director>,
        images: &[(RepositoryName, Refreshed<Image>)],
        outputs: &mut Outputs,
    ) {
        let mut files = Vec::new();
        let before = |name| self.start.accepted.of(name);
        let name = RepositoryName::of::<Director>();
        accepted.set(name, versions(director, before(name)));
        push(&mut files, name, director);
        for (name, image) in images {
            accepted.set(*name, versions(image, before(*name)));
            push(&mut files, *name, image);
        }
        if accepted != self.start.accepted || !files.is_empty() {
            self.start.director.snapshot = Some(director.snapshot().file().bytes().to_vec());
            self.start.director.targets = Some(director.targets().file().bytes().to_vec());
            self.start.accepted = accepted.clone();
            outputs.push_back(Output::Accept(files, accepted));
        }
    }

    /// The images first, all of which are needed: whatever becomes of a patch, the image can be brought in its stead.
    pub(super) fn download(&mut self, mut plan: Box<Plan>, outputs: &mut Outputs) {
        let approved = Rc::clone(&plan.approved);
        let image = plan.missing.pop().map(|(ecu, role)| Output::Download(Rc::clone(&approved), ecu, role));
        match image.or_else(|| Some(Output::Patch(approved, plan.patches.pop()?))) {
            Some(output) => {
                outputs.push_back(output);
                self.phase = Phase::Downloading(plan);
            }
            None => self.open(*plan, outputs),
        }
    }

    /// An image is here: the evidence says so.
    pub(super) fn downloaded(
        &mut self,
        plan: Box<Plan>,
        image: &VerifiedImage,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        let images = plan.approved.entries().iter().flat_map(|entry| [Some(entry.image()), entry.fallback()]);
        let is_approved =
            images.flatten().any(|approved| sha256(approved).is_ok_and(|digest| digest == image.sha256()));
        match is_approved {
            true => {
                self.download(plan, outputs);
                Ok(())
            }
            false => Err(uptane::Error::ImageDigest.into()),
        }
    }

    /// Opens the transaction, or goes on with the one that was open when the power failed.
    fn open(&mut self, plan: Plan, outputs: &mut Outputs) {
        let (transaction, actions) = match self.start.journal.take() {
            Some(journal) => step(&journal, Event::Resumed),
            None => {
                let id = self.transaction_id();
                Transaction::open(id, plan.targets, plan.members)
            }
        };
        self.start.outcome.campaign = plan.campaign.map(|campaign| campaign.to_string());
        self.act(transaction, actions, outputs);
    }
}

/// What is current of a repository from now on. A delegated file is as long as Snapshot lists its version, even where no
/// look-up of this cycle came to it: it guards against older ones.
fn versions<R: Repository>(refreshed: &Refreshed<R>, before: AcceptedVersions) -> AcceptedVersions {
    let listed = |role: &str| Some(listed(refreshed, role)?.get());
    let mut delegated = before.delegated;
    delegated.retain(|role, version| listed(role) == Some(*version));
    let new = refreshed.commit().delegated.iter().map(|(role, _)| role.to_string());
    delegated.extend(new.filter_map(|role| Some((listed(&role)?, role))).map(|(version, role)| (role, version)));
    AcceptedVersions {
        snapshot: refreshed.snapshot().file().version().get(),
        targets: refreshed.targets().file().version().get(),
        delegated,
    }
}

/// The version of a delegated role's file that Snapshot lists.
fn listed<R: Repository>(refreshed: &Refreshed<R>, role: &str) -> Option<Version> {
    refreshed.snapshot().view().file(&format!("{role}.json")).map(|file| file.version)
}

fn push<R: Repository>(
    files: &mut Vec<(RepositoryName, MetadataFile, FileBytes)>,
    name: RepositoryName,
    refreshed: &Refreshed<R>,
) {
    let Commit { snapshot, targets, delegated } = refreshed.commit();
    let delegated = delegated.iter().filter_map(|(role, bytes)| {
        let version = listed(refreshed, &role.to_string())?;
        Some((name, MetadataFile::Delegated(*role, version), bytes.clone()))
    });
    files.extend(delegated);
    let snapshot_file = MetadataFile::Snapshot(refreshed.snapshot().file().version());
    let targets_file = MetadataFile::Targets(refreshed.targets().file().version());
    files.extend(snapshot.clone().map(|bytes| (name, snapshot_file, bytes)));
    files.extend(targets.clone().map(|bytes| (name, targets_file, bytes)));
}
