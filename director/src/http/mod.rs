//! Over HTTP: the Image repository is read, and a vehicle's own metadata is served.

mod metadata;

use host::fetch::Fetcher;
use uptane::verify::{Commit, FileBytes, Keep, MetadataFile, Refresh, Step};
use uptane::{Image, Time};

use crate::facts::{Change, ImageFiles};
use crate::store::Store;
use crate::{Error, images};

pub use metadata::router;

/// Brings the store's state of the Image repository up to date. Whatever was verified is kept, also if a later file fails.
///
/// What is kept is written in one change at the end: in between, another process must not see an Image repository that
/// vouches for nothing.
pub async fn refresh(store: &impl Store, url: &str, now: Time) -> Result<(), Error> {
    let (expected, before) = store.image().await?;
    let mut files = before.clone();
    let outcome = fetch(url, &mut files, now).await;
    if files != before {
        match store.apply(Change::Image { expected, files }).await {
            // Another process refreshed meanwhile; what it stored was verified as well.
            Ok(()) | Err(Error::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    outcome
}

async fn fetch(url: &str, files: &mut ImageFiles, now: Time) -> Result<(), Error> {
    let fetcher = Fetcher::plain(url)?;
    let mut refresh = Refresh::image(images::trusted(files)?, now);
    loop {
        match refresh.next() {
            Step::Fetch { file, limit } => {
                let bytes = fetcher.get(&format!("metadata/{file}"), limit).await?;
                let supplied = refresh.supply(bytes.map(Into::into));
                refresh.keep().into_iter().for_each(|keep| remember(files, keep));
                supplied?;
            }
            Step::Refused(error) => return Err(error.into()),
            Step::Done => return commit(files, refresh),
        }
    }
}

fn commit(files: &mut ImageFiles, refresh: Refresh<Image>) -> Result<(), Error> {
    // `Step::Done` says that it is finished.
    let Ok(refreshed) = refresh.finish() else { return Err(Error::Conflict) };
    // Nothing is looked for through delegations here, so there are no files of theirs.
    let Commit { snapshot, targets, delegated: _ } = refreshed.commit().clone();
    let bytes = |file: FileBytes| file.to_vec();
    files.snapshot = snapshot.map(bytes).or(files.snapshot.take());
    files.targets = targets.map(bytes).or(files.targets.take());
    Ok(())
}

fn remember(files: &mut ImageFiles, keep: Keep) {
    match keep {
        Keep::Store { file, bytes } => match file {
            MetadataFile::Root(_) => files.root = bytes.to_vec(),
            MetadataFile::Timestamp => files.timestamp = Some(bytes.to_vec()),
            MetadataFile::Snapshot(_) => files.snapshot = Some(bytes.to_vec()),
            MetadataFile::Targets(_) => files.targets = Some(bytes.to_vec()),
            // Only a TUF client stores these one by one.
            MetadataFile::Delegated(..) => {}
        },
        Keep::Forget => (files.timestamp, files.snapshot, files.targets) = (None, None, None),
    }
}
