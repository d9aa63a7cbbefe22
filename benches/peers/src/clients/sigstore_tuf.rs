//! `sigstore-tuf`, with and without its `FileStore`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_executor::block_on;
use jiff::Timestamp;
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{FileStore, Repository, Updater, UpdaterConfig};

use super::{MAX_FILE, MAX_ROTATIONS, Session};
use crate::source::Source;

pub(super) struct SigstoreTuf {
    source: Arc<Source>,
    updater: Option<Updater>,
}

impl SigstoreTuf {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { source, updater: None }
    }

    fn refresh(&mut self, mut updater: Updater) -> Result<()> {
        block_on(updater.refresh(Timestamp::now()))?;
        self.updater = Some(updater);
        Ok(())
    }
}

impl Session for SigstoreTuf {
    fn cold(&mut self, store: Option<&Path>) -> Result<()> {
        let root = self.source.first_root()?;
        let updater = Updater::new(Fetch(Arc::clone(&self.source)), &root)?.with_config(config());
        self.refresh(match store {
            Some(store) => updater.with_store(FileStore::new(store)),
            None => updater,
        })
    }

    fn warm(&mut self) -> Result<()> {
        let updater = self.updater.take().context("a cold refresh comes first")?;
        self.refresh(updater)
    }

    fn restart(&mut self, store: &Path) -> Result<()> {
        self.cold(Some(store))
    }

    fn look_up(&mut self, name: &str) -> Result<u64> {
        let updater = self.updater.as_mut().context("a refresh comes first")?;
        let target = block_on(updater.get_target_info(name, Timestamp::now()))?;
        Ok(target.context("there is no such target")?.length)
    }
}

fn config() -> UpdaterConfig {
    let mut config = UpdaterConfig::default();
    config.targets_max_length = MAX_FILE;
    config.max_root_rotations = MAX_ROTATIONS;
    config
}

struct Fetch(Arc<Source>);

impl Repository for Fetch {
    fn fetch_metadata<'a>(&'a self, name: &'a str, _: u64) -> FetchFuture<'a> {
        Box::pin(async move { Ok(self.0.fetch_owned(name)) })
    }

    fn fetch_target<'a>(&'a self, _: &'a str, _: u64) -> FetchFuture<'a> {
        Box::pin(async { Ok(None) })
    }
}
