//! A Primary for tests: trusts, refreshes, agrees, remembers.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Files, Repo};
use crate::verify::image::Permits as _;
use crate::verify::{
    Approved, Keep, Mapping, MetadataFile, Refresh, Refreshed, Step, StoredFiles, Trusted, Wanted, agree,
};
use crate::{Director, EcuId, Error, Image, ImageLine, ReleaseCounter, Repository, RepositoryName, Time, VehicleId};

/// A vehicle's Primary, provisioned with the first Roots of a [`Repo`]. What a refused update leaves trusted, it keeps.
#[derive(Clone, Debug)]
pub struct Vehicle {
    /// Its time.
    pub now: Time,
    /// Which vehicle it is.
    pub vehicle: VehicleId,
    /// The ECUs it knows.
    pub ecus: Vec<EcuId>,
    /// The highest release it accepted for an ECU in an image line.
    pub counters: BTreeMap<(EcuId, ImageLine), ReleaseCounter>,
    /// What it trusts of the Director.
    pub director: Trusted<Director>,
    /// What it trusts of the Image repository.
    pub image: Trusted<Image>,
    /// What it was told to store at once, newest last.
    pub kept: Vec<Keep>,
    /// What it fetched, newest last.
    pub fetched: Vec<MetadataFile>,
}

impl Vehicle {
    /// The vehicle `repo` is for.
    pub fn provisioned(repo: &Repo) -> Self {
        Self {
            now: repo.now(),
            vehicle: repo.vehicle(),
            ecus: repo.ecu_ids(),
            counters: BTreeMap::new(),
            director: provisioned(repo.director()),
            image: provisioned(repo.image()),
            kept: Vec::new(),
            fetched: Vec::new(),
        }
    }

    /// Fetches and verifies everything (§5.4.4.2), and remembers the release counters of what was approved.
    pub fn update(&mut self, repo: &Repo) -> Result<Approved, Error> {
        let director = self.refresh_director(repo.director())?;
        let wanted = director.wanted()?;
        let image = match self.refresh_image_for(repo.image(), wanted) {
            Ok(image) => image,
            Err(error) => {
                self.director = director.into_trusted_before();
                return Err(error);
            }
        };
        let accepted = |ecu, line| self.counters.get(&(ecu, line)).copied().unwrap_or_default();
        let vouching = [(RepositoryName::of::<Image>(), image.targets())];
        let approved = agree(&Mapping::basic(), &director.targets(), &vouching, accepted);
        self.image = image.into_trusted();
        match approved {
            Ok(approved) => {
                self.director = director.into_trusted();
                self.accept(&approved);
                Ok(approved)
            }
            Err(error) => {
                self.director = director.into_trusted_before();
                Err(error)
            }
        }
    }

    /// Refreshes what the Director says.
    pub fn refresh_director(&mut self, files: &Files) -> Result<Refreshed<Director>, Error> {
        let mut refresh = Refresh::director(self.director.clone(), self.vehicle, Some(&self.ecus), self.now);
        match self.drive(&mut refresh, files) {
            Ok(()) => Ok(finished(refresh)),
            Err(error) => {
                self.director = refresh.abandon();
                Err(error)
            }
        }
    }

    /// Refreshes what the Image repository says in its top-level files.
    pub fn refresh_image(&mut self, files: &Files) -> Result<Refreshed<Image>, Error> {
        self.refresh_image_for(files, Vec::new())
    }

    /// Refreshes what the Image repository says, and looks for these images.
    pub fn refresh_image_for(&mut self, files: &Files, wanted: Vec<Wanted>) -> Result<Refreshed<Image>, Error> {
        let mut refresh = Refresh::image(self.image.clone(), self.now).looking_for(wanted);
        match self.drive(&mut refresh, files) {
            Ok(()) => Ok(finished(refresh)),
            Err(error) => {
                self.image = refresh.abandon();
                Err(error)
            }
        }
    }

    /// Turns it off and on: what it trusts is what was stored.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.director = restarted(&self.director)?;
        self.image = restarted(&self.image)?;
        Ok(())
    }

    /// Loses the Director's cached Timestamp, as a broken disk may.
    pub fn forget_timestamp(&mut self) {
        self.director.timestamp = None;
    }

    /// Loses the Director's cached Snapshot, as a broken disk may.
    pub fn forget_snapshot(&mut self) {
        self.director.snapshot = None;
    }

    fn drive<R: Repository>(&mut self, refresh: &mut Refresh<R>, files: &Files) -> Result<(), Error> {
        loop {
            match refresh.next() {
                Step::Fetch { file, .. } => {
                    self.fetched.push(file);
                    let supplied = refresh.supply(files.get(file).map(Into::into));
                    self.kept.extend(refresh.keep());
                    supplied?;
                }
                Step::Done => return Ok(()),
                Step::Refused(error) => return Err(error),
            }
        }
    }

    fn accept(&mut self, approved: &Approved) {
        for entry in approved.entries() {
            let image = entry.image().image();
            let accepted = self.counters.entry((entry.ecu(), image.line)).or_default();
            *accepted = image.release_counter.max(*accepted);
        }
    }
}

fn provisioned<R: Repository>(files: &Files) -> Trusted<R> {
    Trusted::provision(files.first_root()).unwrap_or_else(|error| panic!("the first Root is good: {error}"))
}

fn finished<R: Repository>(refresh: Refresh<R>) -> Refreshed<R> {
    refresh.finish().unwrap_or_else(|refresh| panic!("done, and not finished: {refresh:?}"))
}

fn restarted<R: Repository>(trusted: &Trusted<R>) -> Result<Trusted<R>, Error> {
    let delegated: Vec<_> = trusted.delegated().collect();
    let reloaded = Trusted::reload(StoredFiles {
        delegated: &delegated,
        root: trusted.root().bytes(),
        former_root: None,
        timestamp: trusted.timestamp().map(|file| file.bytes()),
        snapshot: trusted.snapshot().map(|file| file.bytes()),
        targets: trusted.targets().map(|file| file.bytes()),
    })?;
    match reloaded.damaged.first() {
        None => Ok(reloaded.trusted),
        Some(damaged) => Err(damaged.why),
    }
}
