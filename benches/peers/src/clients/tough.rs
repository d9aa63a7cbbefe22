//! `tough`, which always stores: in a temporary folder of its own, if it is given none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use async_trait::async_trait;
use futures_util::stream;
use tokio::runtime::{Builder, Runtime};
use tough::{
    Limits, Repository, RepositoryLoader, TargetName, Transport, TransportError, TransportErrorKind, TransportStream,
};
use url::Url;

use super::{MAX_FILE, MAX_ROTATIONS, Session};
use crate::source::Source;

pub(super) struct Tough {
    source: Arc<Source>,
    runtime: Runtime,
    base: Url,
    repository: Option<Repository>,
    store: Option<PathBuf>,
}

impl Tough {
    pub(super) fn new(source: Arc<Source>) -> Result<Self> {
        let runtime = Builder::new_current_thread().build()?;
        Ok(Self { source, runtime, base: Url::parse("memory:///")?, repository: None, store: None })
    }

    fn load(&mut self, store: Option<&Path>) -> Result<()> {
        let root = self.source.first_root()?;
        let loader = RepositoryLoader::new(&root, self.base.clone(), self.base.clone())
            .transport(Fetch(Arc::clone(&self.source)))
            .limits(Limits {
                max_targets_size: MAX_FILE,
                max_root_updates: u64::from(MAX_ROTATIONS),
                ..Limits::default()
            });
        let loader = match store {
            Some(store) => loader.datastore(store),
            None => loader,
        };
        self.repository = Some(self.runtime.block_on(loader.load())?);
        Ok(())
    }
}

impl Session for Tough {
    fn cold(&mut self, store: Option<&Path>) -> Result<()> {
        self.store = store.map(Path::to_owned);
        self.load(store)
    }

    fn warm(&mut self) -> Result<()> {
        let store = self.store.clone().context("a cold refresh with a store comes first")?;
        self.load(Some(&store))
    }

    fn restart(&mut self, store: &Path) -> Result<()> {
        self.load(Some(store))
    }

    fn look_up(&mut self, name: &str) -> Result<u64> {
        let repository = self.repository.as_ref().context("a refresh comes first")?;
        Ok(repository.targets().signed.find_target(&TargetName::new(name)?, false)?.length)
    }
}

#[derive(Clone, Debug)]
struct Fetch(Arc<Source>);

#[async_trait]
impl Transport for Fetch {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        match self.0.fetch(url.path().trim_start_matches('/')) {
            Some(file) => Ok(Box::pin(stream::iter([Ok(file)]))),
            None => Err(TransportError::new(TransportErrorKind::FileNotFound, url)),
        }
    }
}
