//! The I/O of a Primary: asks whom [`crate::node`] wants asked, and tells it what came.
//!
//! One thread. Files are written where the node needs it, which pauses the thread for some milliseconds; everything
//! that waits for somebody else is a future in `under_way`.

mod links;
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
use host::fetch::{FetchError, Fetcher};
use host::keys::KeyFile;
use host::provisioning::{Repositories, Vehicle};
use uptane::{Director, Length, RepositoryName};

use crate::config::Config;
use crate::grpc;
use crate::node::{Ask, Done, Download, Node, Step};
use crate::slots::Slots;
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
    node: Node<Folder, KeyFile>,
    director: grpc::Director,
    images: BTreeMap<RepositoryName, Fetcher>,
    links: Links,
    shown: Rc<Shown>,
    under_way: FuturesUnordered<LocalBoxFuture<'static, Done>>,
    _lock: Lock,
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
        let links = Links::new(&config, &vehicle, &trust, &place)?;
        let groups = config.groups(&vehicle)?.into_iter().map(|group| group.answers.into_keys().collect());
        let groups = groups.collect();
        let signer = KeyFile::open_plain(&place.at(folder::KEY)?)?;
        let node = Node::boot(place.clone(), vehicle, repositories.mapping().clone(), signer)?.with_groups(groups);
        Ok(Self {
            shown: Rc::new(Shown::new(&place, &config, node.vehicle(), &node.running()?)),
            node,
            director: grpc::Director::at(address(&repositories, RepositoryName::of::<Director>())?, &trust)?,
            images: images(&config, &repositories)?,
            links,
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
        self.node.begin(host::random::bytes()?)?;
        loop {
            let mut watch = host::clock::stopwatch();
            while let Some(step) = self.node.poll()? {
                match step {
                    Step::Ask(ask) => self.ask(ask)?,
                    Step::News(news) => self.shown.take(news, &watch),
                    Step::Finished(result) => return result,
                }
                watch = host::clock::stopwatch();
            }
            if let Some(transaction) = self.node.transaction() {
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
            self.node.take(done)?;
        }
    }

    fn ask(&mut self, ask: Ask<Folder>) -> Result<(), Error> {
        self.under_way.push(match ask {
            Ask::CheckIn(request) => {
                let mut director = self.director.clone();
                Box::pin(async move { Done::CheckedIn(director.check_in(*request).await.map(Box::new)) })
            }
            Ask::Fetch { repository, path, limit } => {
                let images = self.fetcher(repository)?;
                Box::pin(async move { Done::Fetched(images.get(&path, limit).await.map_err(failed)) })
            }
            Ask::Download(download) => {
                let images = self.fetcher(download.repository())?;
                Box::pin(fetch(images, *download))
            }
            Ask::Errand(errand) => self.links.errand(*errand, Rc::clone(&self.shown)),
        });
        Ok(())
    }

    fn fetcher(&self, repository: RepositoryName) -> Result<Fetcher, Error> {
        self.images.get(&repository).cloned().ok_or(Error::NoAddress { repository })
    }
}

/// Shows the vehicle before anything ever ran.
pub(crate) fn show(place: &Folder, config: &Config, vehicle: &Vehicle) -> Result<(), Error> {
    let slots = Slots::boot(place.clone())?;
    Shown::new(place, config, vehicle, &slots.running()?);
    Ok(())
}

async fn fetch(images: Fetcher, mut download: Download<Folder>) -> Done {
    let (path, length, resume) = (download.path().to_owned(), download.length(), download.resume());
    let fetched = images.download(&path, length, resume.as_ref(), &mut download).await;
    download.end(fetched.map_err(|error| refine(error, length)))
}

/// What a failed fetch means.
fn failed(error: FetchError) -> Error {
    let reason = error.to_string();
    match matches!(error, FetchError::SlowRetrieval { .. }) {
        true => Error::Slow { reason },
        false => Error::ImageRepository { reason },
    }
}

/// What a failed download means: more bytes than listed are an attack of their own.
fn refine(error: FetchError, listed: Length) -> Error {
    if !matches!(error, FetchError::TooLong { .. }) {
        return failed(error);
    }
    let got = Length::new(listed.get().saturating_add(1)).unwrap_or(listed);
    uptane::Error::ImageLength { listed, got }.into()
}

/// How each Image repository of the mapping is reached.
fn images(config: &Config, repositories: &Repositories) -> Result<BTreeMap<RepositoryName, Fetcher>, Error> {
    let window = Duration::from_secs(config.low_speed.seconds);
    let least = config.low_speed.bytes_per_second.saturating_mul(config.low_speed.seconds);
    let fetcher = |name: RepositoryName| {
        let fetcher = Fetcher::plain(address(repositories, name)?).map_err(failed)?;
        Ok((name, fetcher.at_least(least, window)))
    };
    repositories.mapping().image_repositories().into_iter().map(fetcher).collect()
}

fn address(repositories: &Repositories, repository: RepositoryName) -> Result<&str, Error> {
    repositories.address(repository).ok_or(Error::NoAddress { repository })
}
