//! Over HTTP: the Image repository is read, and a vehicle's own metadata is served.

mod metadata;

use host::fetch::Fetcher;
use uptane::Time;
use uptane::verify::Step;

use crate::Error;
use crate::images::Refreshing;
use crate::store::Store;

pub use metadata::router;

/// Brings the store's state of the Image repository up to date. Whatever was verified is kept, also if a later file fails.
pub async fn refresh(store: &impl Store, url: &str, now: Time) -> Result<(), Error> {
    let mut refreshing = Refreshing::begin(store.image().await?, now)?;
    let outcome = fetch(url, &mut refreshing).await;
    if let Some(change) = refreshing.change() {
        match store.apply(change).await {
            // Another process refreshed meanwhile; what it stored was verified as well.
            Ok(()) | Err(Error::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    outcome
}

async fn fetch(url: &str, refreshing: &mut Refreshing) -> Result<(), Error> {
    let fetcher = Fetcher::plain(url)?;
    loop {
        match refreshing.next() {
            Step::Fetch { file, limit } => {
                refreshing.supply(fetcher.get(&format!("metadata/{file}"), limit).await?)?;
            }
            Step::Refused(error) => return Err(error.into()),
            Step::Done => return Ok(()),
        }
    }
}
