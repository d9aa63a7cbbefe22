//! `publish`: Snapshot and Timestamp with their online keys, then everything where clients see it.

use host::cli::{counted, print};
use uptane::Time;

use crate::args::Publish;
use crate::error::Error;
use crate::old::{make, plan};
use crate::repo::Repo;
use crate::role::TopRole;

/// Publishes the newest signed Targets. Run daily, it also keeps Timestamp and Snapshot alive.
pub(crate) async fn publish(args: &Publish, now: Time) -> Result<(), Error> {
    let mut repo = Repo::open(&args.repo).await?;
    let facts = repo.facts().await?;
    let publication = plan::publish(&facts, now)?;
    let changes = make::publication(&facts, publication, |role| repo.online_key(&facts, role))?;
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
