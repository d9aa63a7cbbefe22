//! `director images`: what `image-repo targets remove` asks about.

use host::cli::{counted, print, table};
use uptane::TargetNameBuf;

use super::Data;
use crate::Error;
use crate::in_use::{InUse, Needs};
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args) -> Result<(), Error> {
    let in_use = in_use(&args.data.open().await?).await?;
    if args.json {
        print(in_use.to_json(host::clock::now()));
        return Ok(());
    }
    let row = |(name, sha256, needs): (TargetNameBuf, Option<uptane::Sha256>, Needs)| {
        let sha256 = sha256.map_or_else(|| "any".to_owned(), |sha256| sha256.to_string());
        let Needs { desired, installed, fallback } = needs;
        [name.to_string(), desired.to_string(), installed.to_string(), fallback.to_string(), sha256]
    };
    let rows: Vec<_> = in_use.images().map(row).collect();
    print(table(["IMAGE", "DESIRED", "INSTALLED", "FALLBACK", "SHA256"], &rows));
    print(counted(rows.len(), "image"));
    Ok(())
}

async fn in_use(store: &impl Store) -> Result<InUse, Error> {
    let mut in_use = InUse::default();
    for id in store.vehicles().await? {
        // One that was removed meanwhile needs nothing.
        if let Some(facts) = store.by_id(id).await? {
            in_use.add(&facts);
        }
    }
    Ok(in_use)
}
