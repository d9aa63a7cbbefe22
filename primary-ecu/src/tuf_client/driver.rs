//! Asks the repository for what verification asks for, and stores what it says is to be kept.

use std::future::Future;

use host::clock;
use host::fetch::Fetcher;
use uptane::verify::{Commit, Keep, MetadataFile, Refresh, Refreshed, Step, Wanted};
use uptane::{Image, Length, Version};

use super::artifacts::{Artifacts, Listed};
use super::error::Error;
use super::metadata::Metadata;

/// Runs `work` to its end.
pub(crate) fn block_on<T, E: From<host::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| host::Error::io("start the runtime in", ".".as_ref(), source))?;
    runtime.block_on(work)
}

/// One repository and what is trusted of it.
pub(crate) struct Client {
    metadata: Metadata,
    server: Fetcher,
}

impl Client {
    /// The repository whose metadata is at `url`.
    pub(crate) fn new(metadata: Metadata, url: &str) -> Result<Self, Error> {
        let server = Fetcher::plain(url).map_err(|source| Error::Fetch { file: "metadata".to_owned(), source })?;
        Ok(Self { metadata, server })
    }

    /// TUF 1.0.34 §5.2 to §5.6.
    pub(super) async fn refresh(&mut self) -> Result<Refreshed<Image>, Error> {
        // §5.1: the one time of this update.
        let now = clock::now();
        let refresh = Refresh::tuf(self.metadata.load()?, now);
        self.drive(refresh).await
    }

    /// TUF 1.0.34 §5.6.7 and §5.7, for each name in turn until one fails.
    pub(super) async fn download(&mut self, names: &[String], artifacts: &Artifacts) -> Result<(), Error> {
        let mut refreshed = self.refresh().await?;
        let consistent = self.metadata.is_consistent()?;
        for name in names {
            let wanted = Wanted::file(name);
            refreshed = self.drive(refreshed.search(vec![wanted.clone()])).await?;
            artifacts.obtain(&listed(&refreshed, &wanted)?, consistent).await?;
        }
        Ok(())
    }

    /// §5.4.4.2, as a vehicle goes through it, and looks for these. What it ends with is kept by [`commit`](Self::commit).
    pub(crate) async fn refresh_as_vehicle(&mut self, wanted: Vec<Wanted>) -> Result<Refreshed<Image>, Error> {
        let refresh = Refresh::image(self.metadata.load()?, clock::now()).looking_for(wanted);
        self.drive(refresh).await
    }

    /// Looks for more in what was refreshed.
    pub(crate) async fn search(
        &mut self,
        refreshed: Refreshed<Image>,
        wanted: Vec<Wanted>,
    ) -> Result<Refreshed<Image>, Error> {
        self.drive(refreshed.search(wanted)).await
    }

    /// Keeps the Snapshot and the Targets that a vehicle's refresh ended with.
    pub(crate) fn commit(&mut self, refreshed: &Refreshed<Image>) -> Result<(), Error> {
        let Commit { snapshot, targets, delegated } = refreshed.commit().clone();
        // The folder's names are without versions.
        let delegated =
            delegated.into_iter().map(|(role, bytes)| (MetadataFile::Delegated(role, Version::FIRST), bytes));
        let top =
            [(MetadataFile::Snapshot(Version::FIRST), snapshot), (MetadataFile::Targets(Version::FIRST), targets)];
        let top = top.into_iter().filter_map(|(file, bytes)| Some((file, bytes?)));
        let keep = delegated.chain(top).map(|(file, bytes)| Keep::Store { file, bytes });
        self.metadata.keep(keep.collect())
    }

    async fn drive(&mut self, mut refresh: Refresh<Image>) -> Result<Refreshed<Image>, Error> {
        loop {
            refresh = match refresh.finish() {
                Ok(refreshed) => return Ok(refreshed),
                Err(unfinished) => *unfinished,
            };
            let (file, limit) = match refresh.next() {
                Step::Fetch { file, limit } => (file, limit),
                Step::Refused(error) => return Err(error.into()),
                // `finish` has said so.
                Step::Done => continue,
            };
            let bytes = self.fetch(file, limit).await?;
            let taken = refresh.supply(bytes.map(Into::into));
            // What was accepted before a refusal stays accepted.
            self.metadata.keep(refresh.keep())?;
            taken?;
        }
    }

    async fn fetch(&mut self, file: MetadataFile, limit: Length) -> Result<Option<Vec<u8>>, Error> {
        let name = self.metadata.published_name(file)?;
        self.server.get_named(&name, limit).await.map_err(|source| Error::Fetch { file: name, source })
    }
}

/// What the repository lists under the name that was looked for.
fn listed(refreshed: &Refreshed<Image>, wanted: &Wanted) -> Result<Listed, Error> {
    let missing = || Error::NotListed { name: wanted.name().to_owned() };
    let found = refreshed.find(wanted)?.view().file(wanted.name())?.ok_or_else(missing)?;
    Ok(Listed { name: wanted.name().to_owned(), length: found.length(), hashes: found.hashes() })
}
