//! The crate `uptane`, as a plain TUF client.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use uptane::verify::{FileBytes, Keep, Refresh, SealKey, SealedFiles, Step, StoredFiles, Trusted};
use uptane::{Image, Role, Time};

use super::Session;
use crate::source::Source;

pub(super) struct Ours {
    source: Arc<Source>,
    trusted: Option<Trusted<Image>>,
    /// With what this device seals what it stored; without, it verifies that again.
    key: Option<SealKey>,
}

impl Ours {
    pub(super) fn sealing(source: Arc<Source>) -> Self {
        // A device draws its key at random, once.
        Self { source, trusted: None, key: Some(SealKey::new([0x5a; 32])) }
    }

    pub(super) fn without_seal(source: Arc<Source>) -> Self {
        Self { source, trusted: None, key: None }
    }

    fn refresh(&mut self, trusted: Trusted<Image>, store: Option<&Path>) -> Result<()> {
        let mut refresh = Refresh::tuf(trusted, now()?);
        let mut changed = false;
        loop {
            for keep in refresh.keep() {
                save(&keep, store)?;
                changed = true;
            }
            match refresh.next() {
                Step::Fetch { file, .. } => {
                    refresh.supply(self.source.fetch_owned(&file.file_name()).map(FileBytes::from))?;
                }
                Step::Done => break,
                Step::Refused(error) => bail!(error),
            }
        }
        let Ok(refreshed) = refresh.finish() else { bail!("a refresh that is done has an end") };
        let trusted = refreshed.into_trusted();
        if let (Some(store), Some(key), true) = (store, &self.key, changed) {
            replace(store, SEAL, &trusted.seal(key))?;
        }
        self.trusted = Some(trusted);
        Ok(())
    }
}

impl Session for Ours {
    fn cold(&mut self, store: Option<&Path>) -> Result<()> {
        let root = self.source.first_root()?;
        if let Some(store) = store {
            replace(store, Role::Root.type_name(), &root)?;
        }
        self.refresh(Trusted::provision(&root)?, store)
    }

    fn warm(&mut self) -> Result<()> {
        let trusted = self.trusted.take().context("a cold refresh comes first")?;
        self.refresh(trusted, None)
    }

    fn restart(&mut self, store: &Path) -> Result<()> {
        let root = load(store, Role::Root.type_name())?.context("there is no stored Root")?;
        let role = |role: Role| load(store, role.type_name());
        let [timestamp, snapshot, targets] = [role(Role::Timestamp)?, role(Role::Snapshot)?, role(Role::Targets)?];
        let seal = load(store, SEAL)?.unwrap_or_default();
        let reloaded = match &self.key {
            Some(key) => {
                let (timestamp, snapshot) = (timestamp.as_deref(), snapshot.as_deref());
                let targets = targets.map(FileBytes::from);
                let files =
                    SealedFiles { root: &root, timestamp, snapshot, targets, seal: &seal, ..SealedFiles::default() };
                Trusted::reload_sealed(&files, key)?
            }
            None => Trusted::reload(StoredFiles {
                root: &root,
                timestamp: timestamp.as_deref(),
                snapshot: snapshot.as_deref(),
                targets: targets.as_deref(),
                ..StoredFiles::default()
            })?,
        };
        ensure!(reloaded.damaged.is_empty(), "a stored file is damaged: {:?}", reloaded.damaged);
        self.refresh(reloaded.trusted, Some(store))
    }

    fn look_up(&mut self, name: &str) -> Result<u64> {
        let targets = self.trusted.as_ref().and_then(Trusted::targets).context("no Targets are trusted")?;
        let target = targets.view().file(name)?.context("there is no such target")?;
        Ok(target.length().get())
    }
}

fn now() -> Result<Time> {
    Ok(Time::from_unix(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

fn save(keep: &Keep, store: Option<&Path>) -> Result<()> {
    let Some(store) = store else { return Ok(()) };
    match keep {
        Keep::Store { file, bytes } => replace(store, file.role().type_name(), bytes),
        Keep::Forget => {
            for role in [Role::Timestamp, Role::Snapshot, Role::Targets] {
                match fs::remove_file(store.join(role.type_name())) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    other => other?,
                }
            }
            Ok(())
        }
    }
}

/// Replaces a file as a whole, as the other clients do: without waiting for the disk.
fn replace(store: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let new = store.join("new");
    fs::write(&new, bytes)?;
    Ok(fs::rename(new, store.join(name))?)
}

fn load(store: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    match fs::read(store.join(name)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

const SEAL: &str = "seal";
