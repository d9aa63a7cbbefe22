//! `publish`: Snapshot and Timestamp with their online keys, then everything where clients see it.

use host::cli::{counted, print};
use uptane::Time;

use crate::args::Publish;
use crate::error::Error;
use crate::facts::Change;
use crate::repo::Repo;
use crate::role::TopRole;
use crate::{make, plan};

/// Publishes the newest signed Targets. Run daily, it also keeps Timestamp and Snapshot alive.
pub(crate) async fn publish(args: &Publish, now: Time) -> Result<(), Error> {
    let mut repo = Repo::open(&args.repo).await?;
    let mut facts = repo.facts().await?;
    let publication = plan::publish(&facts, now)?;
    let mut changes = Vec::new();
    if let Some(next) = publication.snapshot {
        let snapshot = make::snapshot(&facts, next, &repo.online_key(&facts, TopRole::Snapshot)?)?;
        facts.files.push(snapshot.clone());
        changes.push(Change::File(snapshot));
    }
    let key = repo.online_key(&facts, TopRole::Timestamp)?;
    changes.push(Change::File(make::timestamp(&facts, publication.timestamp, &key)?));
    repo.apply(&changes).await?;
    repo.release().await?;
    repo.close().await?;
    let targets = facts.newest(TopRole::Targets).map_or(0, |file| file.version.get());
    let plan::Next { version, expires } = publication.timestamp;
    print(format_args!("published Targets {targets} under Timestamp {version}, which is good until {expires}"));
    let staged = facts.images.values().filter(|image| image.listed.is_none()).count();
    if staged > 0 {
        let are = if staged == 1 { "is" } else { "are" };
        let staged = counted(staged, "staged image");
        print(format_args!("{staged} {are} not in it: run `image-repo sign`, then publish again"));
    }
    Ok(())
}
