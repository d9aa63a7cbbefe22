//! Steps 6 to 10 of §5.4.4.2: is there anything to install, does the Image repository vouch for it, and is it here?

use std::collections::BTreeSet;
use std::rc::Rc;

use uptane::verify::image::{Permits as _, VerifiedImage};
use uptane::verify::{Approved, ApprovedEntry, Commit, MetadataFile, Refresh, Refreshed, Step, agree};
use uptane::{Director, EcuId, Image, ReleaseCounter, Repository, Sha256};

use super::at_director::reload;
use super::{Cycle, Output, Outputs, Phase, Plan, Repo};
use crate::Error;
use crate::machine::transaction::{Event, Member, MemberImage, Transaction, step};
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
            self.accept(accepted, &director, None, outputs);
            self.finish(Ok(()), outputs);
            return Ok(());
        }
        self.phase = Phase::Loading(Box::new(director));
        outputs.push_back(Output::Load);
        Ok(())
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

    pub(super) fn loaded(
        &mut self,
        director: Box<Refreshed<Director>>,
        files: &Files,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        let refresh = Refresh::image(reload::<Image>(files)?, self.start.time);
        self.ask(director, Box::new(refresh), outputs)
    }

    pub(super) fn fetched(
        &mut self,
        director: Box<Refreshed<Director>>,
        mut refresh: Box<Refresh<Image>>,
        file: Option<&[u8]>,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        let supplied = refresh.supply(file.map(Into::into));
        let keep = refresh.keep();
        if !keep.is_empty() {
            outputs.push_back(Output::Keep(Repo::Image, keep));
        }
        supplied?;
        self.ask(director, refresh, outputs)
    }

    fn ask(
        &mut self,
        director: Box<Refreshed<Director>>,
        refresh: Box<Refresh<Image>>,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        match refresh.next() {
            Step::Fetch { file, limit } => {
                outputs.push_back(Output::Fetch(file, limit));
                self.phase = Phase::AtImage(director, refresh);
                Ok(())
            }
            Step::Refused(check) => Err(Error::Refused { check }),
            Step::Done => match refresh.finish() {
                Ok(image) => self.agreed(&director, &image, outputs),
                Err(_) => Err(Error::ImageRepository { reason: "files are missing".to_owned() }),
            },
        }
    }

    /// Step 10, for every image the Director names.
    fn agreed(
        &mut self,
        director: &Refreshed<Director>,
        image: &Refreshed<Image>,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        let floor = |ecu, line| self.start.floors.get(&(ecu, line)).copied().unwrap_or(ReleaseCounter::ZERO);
        let approved = agree(&director.targets(), &image.targets(), floor)?;
        self.check_hardware(&approved)?;
        let needy = self.needy(director);
        let (mut missing, mut accepted) = (Vec::<(EcuId, Sha256)>::new(), self.start.accepted.clone());
        accepted.pending.clear();
        for entry in approved.entries().iter().filter(|entry| needy.contains(&entry.ecu())) {
            let digest = sha256(entry)?;
            accepted.pending.insert(entry.ecu().to_string(), digest.to_string());
            if !missing.iter().any(|(_, known)| *known == digest) {
                missing.push((entry.ecu(), digest));
            }
        }
        self.accept(accepted, director, Some(image), outputs);
        let targets = director.targets();
        let plan = Plan {
            approved: Rc::new(approved),
            targets: targets.file().sha256(),
            campaign: targets.view().campaign(),
            needy,
            missing: missing.into_iter().map(|(ecu, _)| ecu).collect(),
        };
        self.download(Box::new(plan), outputs)
    }

    /// §5.4.3.4 step 2, before anything is fetched: each ECU is what the Director takes it for.
    fn check_hardware(&self, approved: &Approved) -> Result<(), Error> {
        for entry in approved.entries() {
            let own = self.start.ecus.get(&entry.ecu()).copied().ok_or(uptane::Error::UnknownEcu)?;
            if own != entry.hardware_id() {
                return Err(uptane::Error::Hardware { own }.into());
            }
        }
        Ok(())
    }

    /// Makes Snapshot and Targets current together with what they ask for, unless nothing changed.
    fn accept(
        &mut self,
        mut accepted: Accepted,
        director: &Refreshed<Director>,
        image: Option<&Refreshed<Image>>,
        outputs: &mut Outputs,
    ) {
        let mut files = Vec::new();
        accepted.director = versions(director);
        push(&mut files, Repo::Director, director);
        if let Some(image) = image {
            accepted.image = versions(image);
            push(&mut files, Repo::Image, image);
        }
        if accepted != self.start.accepted || !files.is_empty() {
            self.start.director.snapshot = Some(director.snapshot().file().bytes().to_vec());
            self.start.director.targets = Some(director.targets().file().bytes().to_vec());
            self.start.accepted = accepted.clone();
            outputs.push_back(Output::Accept(files, accepted));
        }
    }

    fn download(&mut self, mut plan: Box<Plan>, outputs: &mut Outputs) -> Result<(), Error> {
        match plan.missing.pop() {
            Some(ecu) => {
                outputs.push_back(Output::Download(Rc::clone(&plan.approved), ecu));
                self.phase = Phase::Downloading(plan);
                Ok(())
            }
            None => self.open(&plan, outputs),
        }
    }

    /// An image is here: the evidence says so.
    pub(super) fn downloaded(
        &mut self,
        plan: Box<Plan>,
        image: &VerifiedImage,
        outputs: &mut Outputs,
    ) -> Result<(), Error> {
        let approved = |entry: &ApprovedEntry| sha256(entry).is_ok_and(|digest| digest == image.sha256());
        match plan.approved.entries().iter().any(approved) {
            true => self.download(plan, outputs),
            false => Err(uptane::Error::ImageDigest.into()),
        }
    }

    /// Opens the transaction, or goes on with the one that was open when the power failed.
    fn open(&mut self, plan: &Plan, outputs: &mut Outputs) -> Result<(), Error> {
        let (transaction, actions) = match self.start.journal.take() {
            Some(journal) => step(&journal, Event::Resumed),
            None => {
                let entries = plan.approved.entries().iter().filter(|entry| plan.needy.contains(&entry.ecu()));
                let members = entries.map(member).collect::<Result<Vec<_>, Error>>()?;
                let id = uptane::TransactionId(self.draw("transaction"));
                Transaction::open(id, plan.targets, members)
            }
        };
        self.start.outcome.campaign = plan.campaign.map(|campaign| campaign.to_string());
        self.act(transaction, actions, outputs);
        Ok(())
    }
}

fn versions<R: Repository>(refreshed: &Refreshed<R>) -> AcceptedVersions {
    let (snapshot, targets) = (refreshed.snapshot().file().version(), refreshed.targets().file().version());
    AcceptedVersions { snapshot: snapshot.get(), targets: targets.get() }
}

fn push<R: Repository>(files: &mut Vec<(Repo, MetadataFile, Vec<u8>)>, repo: Repo, refreshed: &Refreshed<R>) {
    // A delegated file that is not stored is fetched again.
    let Commit { snapshot, targets, delegated: _ } = refreshed.commit();
    let snapshot_file = MetadataFile::Snapshot(refreshed.snapshot().file().version());
    let targets_file = MetadataFile::Targets(refreshed.targets().file().version());
    files.extend(snapshot.clone().map(|bytes| (repo, snapshot_file, bytes.to_vec())));
    files.extend(targets.clone().map(|bytes| (repo, targets_file, bytes.to_vec())));
}

/// Our files and journals are named by SHA-256, which all our tools list.
fn sha256(entry: &ApprovedEntry) -> Result<Sha256, Error> {
    entry.image().image().hashes.sha256().ok_or(Error::Refused { check: uptane::Error::NoKnownHash })
}

fn member(entry: &ApprovedEntry) -> Result<Member, Error> {
    let listed = entry.image().image();
    let image = MemberImage {
        name: listed.name,
        length: listed.length,
        sha256: sha256(entry)?,
        line: listed.line,
        counter: listed.release_counter,
    };
    Ok(Member::new(entry.ecu(), entry.hardware_id(), image, entry.order().map_or(0, u64::from)))
}
