//! `tuf`, known as rust-tuf, on its store in memory or on its `FileSystemRepository`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_executor::block_on;
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::io::{AsyncRead, Cursor};
use tuf::Error;
use tuf::client::{Client, Config};
use tuf::metadata::{MetadataPath, MetadataVersion, RawSignedMetadata, TargetPath};
use tuf::pouf::Pouf1;
use tuf::repository::{EphemeralRepository, FileSystemRepository, RepositoryProvider, RepositoryStorageProvider};

use super::{MAX_FILE, Session};
use crate::source::Source;

type Local = Box<dyn RepositoryStorageProvider<Pouf1> + Send + Sync>;

pub(super) struct RustTuf {
    source: Arc<Source>,
    client: Option<Client<Pouf1, Local, Fetch>>,
}

impl RustTuf {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { source, client: None }
    }

    fn start(&mut self, local: Local) -> Result<()> {
        let config = Config::build().max_targets_length(Some(usize::try_from(MAX_FILE)?)).finish()?;
        let root = RawSignedMetadata::new(self.source.first_root()?);
        let remote = Fetch(Arc::clone(&self.source));
        let mut client = block_on(Client::with_trusted_root(config, &root, local, remote))?;
        block_on(client.update())?;
        self.client = Some(client);
        Ok(())
    }
}

impl Session for RustTuf {
    fn cold(&mut self, store: Option<&Path>) -> Result<()> {
        match store {
            Some(store) => self.restart(store),
            None => self.start(Box::new(EphemeralRepository::new())),
        }
    }

    fn warm(&mut self) -> Result<()> {
        let client = self.client.as_mut().context("a cold refresh comes first")?;
        block_on(client.update())?;
        Ok(())
    }

    fn restart(&mut self, store: &Path) -> Result<()> {
        self.start(Box::new(FileSystemRepository::new(store)))
    }

    fn look_up(&mut self, name: &str) -> Result<u64> {
        let client = self.client.as_mut().context("a refresh comes first")?;
        let target = block_on(client.fetch_target_description(&TargetPath::new(name)?))?;
        Ok(target.length())
    }
}

struct Fetch(Arc<Source>);

type Reader<'a> = Box<dyn AsyncRead + Send + Unpin + 'a>;

impl RepositoryProvider<Pouf1> for Fetch {
    fn fetch_metadata<'a>(
        &'a self,
        path: &MetadataPath,
        version: MetadataVersion,
    ) -> BoxFuture<'a, tuf::Result<Reader<'a>>> {
        let name = format!("{}{path}.json", version.prefix());
        let absent = Error::MetadataNotFound { path: path.clone(), version };
        let file = self.0.fetch(&name).ok_or(absent);
        let reader = file.map(|file| -> Reader<'a> { Box::new(Cursor::new(file)) });
        async move { reader }.boxed()
    }

    fn fetch_target<'a>(&'a self, path: &TargetPath) -> BoxFuture<'a, tuf::Result<Reader<'a>>> {
        let absent = Error::TargetNotFound(path.clone());
        async move { Err(absent) }.boxed()
    }
}
