//! `sign`: Targets, with its offline key.

use host::cli::{counted, print};
use uptane::Time;

use crate::args::Sign;
use crate::error::Error;
use crate::old::{make, plan};
use crate::repo::Repo;
use crate::role::TopRole;

/// Signs Targets over all images, if something is staged or the newest one ages.
pub(crate) async fn sign(args: &Sign, now: Time) -> Result<(), Error> {
    let passphrase = args.passphrase.read()?;
    let mut repo = Repo::open(&args.repo).await?;
    let facts = repo.facts().await?;
    let Some(next) = plan::sign(&facts, now)? else {
        print("nothing is staged and Targets is good for a while; nothing was signed");
        return repo.close().await;
    };
    let key = repo.offline_key(&facts, TopRole::Targets, &passphrase)?;
    repo.apply(&make::listing(&facts, next, &key)?).await?;
    repo.close().await?;
    let images = counted(facts.images.len(), "image");
    print(format_args!("signed Targets {} with {images}, until {}", next.version, next.expires));
    print(format_args!("next: image-repo publish --repo {}", args.repo.display()));
    Ok(())
}
