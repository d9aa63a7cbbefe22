//! The I/O of a Primary: carries out what [`crate::machine`] asks for, and tells it what happened.
//!
//! One thread. Files are written where the machine asks for it, which pauses the thread for some milliseconds; everything
//! that waits for somebody else is a future in `under_way`.

mod cloud;
mod links;
mod own;
mod shown;
pub(crate) mod transport;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use host::disk::{Folder, Lock};
use host::fetch::Fetcher;
use host::keys::KeyFile;
use host::provisioning::{Repositories, Vehicle};
use uptane::verify::{Damaged, Keep, MetadataFile};
use uptane::{Director, EcuId, Length, RepositoryName, Sha256};

use crate::config::Config;
use crate::grpc;
use crate::machine::transaction::{Action, Transaction};
use crate::machine::{Input, Output, Primary, Start, delegated_for};
use crate::node::download as downloads;
use crate::node::stage::{Current, Stage};
use crate::slots::Slots;
use crate::store::{Outcome, Store, Told};
use crate::{Error, folder};
use links::Links;
use shown::Shown;

/// How often a status is written while something goes on.
const SHOW: Duration = Duration::from_millis(100);

/// Runs the Primary whose data folder this is: one cycle, or one after the other with this pause until it is stopped.
pub(crate) fn run(data: PathBuf, pause: Option<Duration>) -> Result<(), Error> {
    host::serve::runtime()?.block_on(async {
        let mut driver = Driver::start(data)?;
        tokio::select! {
            () = host::serve::stopped() => Ok(()),
            ended = driver.cycles(pause) => ended,
        }
    })
}

/// A Primary at work.
struct Driver {
    folder: Folder,
    vehicle: Vehicle,
    store: Store<Folder>,
    slots: Slots,
    signer: KeyFile,
    repositories: Repositories,
    director: grpc::Director,
    images: BTreeMap<RepositoryName, Fetcher>,
    links: Links,
    shown: Rc<Shown>,
    machine: Primary,
    under_way: FuturesUnordered<LocalBoxFuture<'static, Done>>,
    _lock: Lock,
}

/// What a future ends in.
enum Done {
    /// Something the machine wants to know.
    Tell(Input),
    /// A Secondary's report, still to be checked.
    Report(EcuId, uptane::Nonce, Option<Vec<u8>>),
    /// The Director's answer; with a full manifest its digest and what it told.
    CheckedIn(Result<proto::grpc::director::CheckInReply, Error>, Option<(Sha256, Told)>),
}

impl Driver {
    /// Starts from what the data folder holds. Must be called inside a runtime.
    fn start(data: PathBuf) -> Result<Self, Error> {
        let place = folder::open(data)?;
        // First, so that a folder that is none of ours is left as it is.
        let (config, vehicle) = (folder::config(&place)?, folder::vehicle(&place)?);
        // §5.4.4.2: the mapping before anything else.
        let repositories = folder::repositories(&place)?;
        let lock = place.lock()?;
        let trust = folder::trust(&place)?;
        let slots = Slots::boot(place.clone())?;
        let links = Links::new(&config, &vehicle, &trust)?;
        let shown = Rc::new(Shown::new(&place, &config, &vehicle, &slots.running()?));
        Ok(Self {
            store: Store::open(place.clone())?,
            signer: KeyFile::open_plain(&place.at(folder::KEY)?)?,
            director: grpc::Director::at(address(&repositories, RepositoryName::of::<Director>())?, &trust)?,
            images: images(&config, &repositories)?,
            repositories,
            folder: place,
            vehicle,
            slots,
            links,
            shown,
            machine: Primary::new(),
            under_way: FuturesUnordered::new(),
            _lock: lock,
        })
    }

    async fn cycles(&mut self, pause: Option<Duration>) -> Result<(), Error> {
        loop {
            let ended = self.cycle().await;
            let Some(pause) = pause else { return ended };
            if let Err(error) = ended {
                tracing::info!(%error, "next check-in in {} s", pause.as_secs());
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One cycle, to its end.
    async fn cycle(&mut self) -> Result<(), Error> {
        let ended = self.try_cycle().await;
        self.under_way.clear();
        if let Err(error) = &ended {
            self.shown.failed(error);
        }
        self.shown.write();
        ended
    }

    async fn try_cycle(&mut self) -> Result<(), Error> {
        let start = self.facts()?;
        self.machine.handle(Input::Start(Box::new(start)));
        loop {
            while let Some(output) = self.machine.poll() {
                if let Output::Finished(result) = output {
                    return result;
                }
                self.perform(output)?;
            }
            if let Some(transaction) = self.machine.transaction() {
                self.shown.transaction(transaction);
            }
            let done = tokio::select! {
                biased;
                Some(done) = self.under_way.next() => done,
                () = tokio::time::sleep(SHOW) => {
                    self.shown.write();
                    continue;
                }
            };
            self.take(done)?;
        }
    }

    /// What a cycle begins with.
    fn facts(&self) -> Result<Start, Error> {
        let memory = self.store.memory();
        let accepted = self.store.accepted()?;
        let director = self.store.files("director", &accepted.director)?;
        Ok(Start {
            vehicle: self.vehicle.id,
            own: self.vehicle.primary.ecu,
            ecus: self.vehicle.ecus.iter().map(|ecu| (ecu.ecu, ecu.hardware)).collect(),
            own_image: self.slots.running()?.sha256,
            mapping: self.repositories.mapping().clone(),
            time: self.store.time(),
            time_root: self.store.time_root()?.unwrap_or_else(|| director.root.clone()),
            director,
            accepted,
            floors: self.store.floors(),
            told: memory.manifest.as_ref().map(|manifest| manifest.told.clone()),
            outcome: memory.outcome.clone(),
            journal: self.store.journal()?,
            seed: host::random::bytes()?,
        })
    }

    fn perform(&mut self, output: Output) -> Result<(), Error> {
        match output {
            Output::Meet(ecu) => self.under_way.push(self.links.meet(ecu, Rc::clone(&self.shown))),
            Output::Report(ecu, nonce) => self.under_way.push(self.links.report(ecu, nonce)),
            Output::CheckIn(check_in) => self.check_in(check_in)?,
            Output::Time(time, root, attestation) => {
                self.store.keep("director", "time.json", &attestation)?;
                self.store.attested(time, root)?;
            }
            Output::Keep(repo, keep) => self.keep(repo, keep)?,
            Output::Damaged(name, damaged) => self.damaged(name, &damaged)?,
            Output::Load(name) => {
                let accepted = self.store.accepted()?.of(name);
                let files = self.store.files(name.as_str(), &accepted).map(Box::new);
                self.soon(Done::Tell(Input::Loaded(files)));
            }
            Output::Fetch(name, file, limit) => self.fetch(name, file, limit)?,
            Output::Accept(files, accepted) => {
                for (repo, file, bytes) in files {
                    self.store.keep(repo.as_str(), &file.file_name(), &bytes)?;
                }
                self.store.accept(&accepted)?;
            }
            Output::Download(approved, ecu) => {
                let source = approved.entry(ecu).map(|entry| entry.repository());
                let images = self.fetcher(source.ok_or(uptane::Error::NothingForThisEcu)?)?;
                let images = downloads::Downloads::new(self.folder.clone(), images);
                self.under_way.push(Box::pin(async move {
                    Done::Tell(Input::Downloaded(images.fetch(&approved, ecu).await.map(Box::new)))
                }));
            }
            Output::Record(transaction) => {
                self.store.record(&transaction)?;
                self.shown.transaction(&transaction);
            }
            Output::Errand(action) => self.errand(action)?,
            Output::Settle(transaction, outcome) => self.settle(&transaction, outcome)?,
            Output::Remember(outcome) => self.store.remember(|memory| memory.outcome = outcome)?,
            // `try_cycle` ends there.
            Output::Finished(_) => {}
        }
        Ok(())
    }

    fn take(&mut self, done: Done) -> Result<(), Error> {
        let input = match done {
            Done::Tell(input) => input,
            Done::Report(ecu, nonce, report) => Input::Reported(ecu, self.keep_report(ecu, nonce, report)?),
            Done::CheckedIn(answer, told) => Input::CheckedIn(self.checked_in(answer, told)?),
        };
        self.machine.handle(input);
        Ok(())
    }

    /// Something that is known already, told like everything else.
    fn soon(&self, done: Done) {
        self.under_way.push(Box::pin(std::future::ready(done)));
    }

    fn keep(&mut self, repo: RepositoryName, keep: Vec<Keep>) -> Result<(), Error> {
        for keep in keep {
            match keep {
                Keep::Store { file, bytes } => self.store.keep(repo.as_str(), &file.file_name(), &bytes)?,
                Keep::Forget => self.store.forget(repo)?,
            }
        }
        Ok(())
    }

    fn fetch(&self, repository: RepositoryName, file: MetadataFile, limit: Length) -> Result<(), Error> {
        let images = self.fetcher(repository)?;
        self.under_way.push(Box::pin(async move {
            let file = images.get(&format!("metadata/{}", file.file_name()), limit).await;
            Done::Tell(Input::Fetched(file.map_err(downloads::failed)))
        }));
        Ok(())
    }

    fn fetcher(&self, repository: RepositoryName) -> Result<Fetcher, Error> {
        self.images.get(&repository).cloned().ok_or(Error::NoAddress { repository })
    }

    /// Stored files that are not what was stored: told, and removed, so that they are fetched again.
    fn damaged(&mut self, repository: RepositoryName, damaged: &[Damaged]) -> Result<(), Error> {
        let folder = self.folder.path().join("metadata").join(repository.as_str());
        for damaged in damaged {
            self.shown.damaged(&Error::damaged(&folder, format!("{}: {}", damaged.role, damaged.why)));
            self.store.drop_damaged(repository, damaged.role)?;
        }
        Ok(())
    }

    fn errand(&mut self, action: Action) -> Result<(), Error> {
        let Some(transaction) = self.machine.transaction().cloned() else { return Ok(()) };
        if links::ecu_of(action) == Some(self.vehicle.primary.ecu) {
            let event = self.own_errand(action, &transaction)?;
            self.soon(Done::Tell(Input::Happened(event)));
            return Ok(());
        }
        let stage = self.stage(action)?;
        let command = self.command(action, &transaction)?;
        let downloads = self.folder.path().join(downloads::FOLDER);
        let shown = Rc::clone(&self.shown);
        self.under_way.push(self.links.errand(action, &transaction, stage, command, downloads, shown));
        Ok(())
    }

    /// What the ECU of this errand may need.
    fn stage(&self, action: Action) -> Result<Stage, Error> {
        let accepted = self.store.accepted()?;
        let current = |name: RepositoryName| -> Result<Current, Error> {
            let roots = self.store.roots(name.as_str())?;
            Ok(Current { name, roots, versions: accepted.of(name), delegated: vec![] })
        };
        let names = self.repositories.mapping().image_repositories();
        let mut images = names.into_iter().map(current).collect::<Result<Vec<_>, _>>()?;
        if let Action::Stage(ecu, _) = action {
            let delegating = images.iter_mut().filter(|image| !image.versions.delegated.is_empty());
            delegating.into_iter().try_for_each(|image| self.search(ecu, image))?;
        }
        let director = current(RepositoryName::of::<Director>())?;
        Ok(Stage { metadata: self.folder.path().join("metadata"), director, images })
    }

    /// Which delegated files an ECU's own search will ask for.
    fn search(&self, ecu: EcuId, image: &mut Current) -> Result<(), Error> {
        let director = self.store.files("director", &self.store.accepted()?.director)?;
        let files = self.store.files(image.name.as_str(), &image.versions)?;
        image.delegated = delegated_for(ecu, self.vehicle.id, self.store.time(), &director, &files)?;
        Ok(())
    }

    fn settle(&mut self, transaction: &Transaction, outcome: Outcome) -> Result<(), Error> {
        if matches!(transaction.state, crate::machine::transaction::State::Committed) {
            self.store.raise(transaction.members().iter().map(|member| (member.ecu, member.line, member.counter)))?;
        }
        self.store.remember(|memory| memory.outcome = outcome)?;
        self.store.close()?;
        downloads::clear(&self.folder)?;
        self.shown.settled(transaction);
        Ok(())
    }
}

/// Shows the vehicle before anything ever ran.
pub(crate) fn show(place: &Folder, config: &Config, vehicle: &Vehicle) -> Result<(), Error> {
    let slots = Slots::boot(place.clone())?;
    Shown::new(place, config, vehicle, &slots.running()?);
    Ok(())
}

/// How each Image repository of the mapping is reached.
fn images(config: &Config, repositories: &Repositories) -> Result<BTreeMap<RepositoryName, Fetcher>, Error> {
    let window = Duration::from_secs(config.low_speed.seconds);
    let least = config.low_speed.bytes_per_second.saturating_mul(config.low_speed.seconds);
    let fetcher = |name: RepositoryName| {
        let fetcher = Fetcher::plain(address(repositories, name)?).map_err(downloads::failed)?;
        Ok((name, fetcher.at_least(least, window)))
    };
    repositories.mapping().image_repositories().into_iter().map(fetcher).collect()
}

fn address(repositories: &Repositories, repository: RepositoryName) -> Result<&str, Error> {
    repositories.address(repository).ok_or(Error::NoAddress { repository })
}
