//! `director patch add`, `list` and `remove`.

use std::path::PathBuf;

use host::disk;
use serde_json::{Value, json};
use uptane::TargetNameBuf;
use uptane::metadata::{Delta, NamedDelta};

use super::Data;
use crate::desired::Catalogue;
use crate::facts::Patch;
use crate::files::{self, Config};
use crate::store::{Sqlite, Store as _};
use crate::{Error, http, images, patch};

#[derive(Debug, clap::Args)]
pub(super) struct AddArgs {
    #[command(flatten)]
    data: Data,
    /// The name under which it was published
    #[arg(long, value_name = "NAME", value_parser = TargetNameBuf::parse)]
    name: TargetNameBuf,
    /// The image of the Image repository that it makes
    #[arg(long, value_name = "TARGET", value_parser = TargetNameBuf::parse)]
    makes: TargetNameBuf,
    /// The patch
    #[arg(value_name = "PATCH")]
    file: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    data: Data,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    data: Data,
    /// The name of the patch
    #[arg(value_name = "NAME", value_parser = TargetNameBuf::parse)]
    name: TargetNameBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn add(args: &AddArgs) -> Result<(), Error> {
    let bytes = disk::read(&args.file, MAX_PATCH)?;
    let bytes = bytes.ok_or_else(|| host::Error::Missing { path: args.file.clone() })?;
    let config: Config = host::config::read(&files::config(args.data.path()))?;
    let store = args.data.open().await?;
    // Only between images that the Image repository vouches for now.
    http::refresh(&store, &config.image_url, host::clock::now()).await?;
    match add_to(&store, args, &bytes).await {
        // Another patch came in between: decide again beside it.
        Err(Error::Conflict) => add_to(&store, args, &bytes).await?,
        decided => decided?,
    }
    let known = store.patches().await?.1;
    // Somebody may have removed it again.
    let added = known.iter().find(|patch| patch.named.name == args.name).ok_or(Error::Conflict)?;
    if args.json {
        host::cli::print(json_of(added));
        return Ok(());
    }
    let NamedDelta { name, delta: Delta { base, length, sha256 } } = added.named;
    host::cli::print(format_args!("added {name}: {length} bytes, sha256 {sha256}"));
    host::cli::print(format_args!("ECUs of two banks that run the image with sha256 {base} hear of it"));
    Ok(())
}

async fn add_to(store: &Sqlite, args: &AddArgs, bytes: &[u8]) -> Result<(), Error> {
    let (known, catalogue) = (store.patches().await?, images::catalogue(&store.image().await?.1)?);
    store.apply(patch::add(&known, &catalogue, args.name, bytes, args.makes)?).await
}

pub(super) async fn list(args: &ListArgs) -> Result<(), Error> {
    let store = args.data.open().await?;
    let (_, patches) = store.patches().await?;
    if args.json {
        host::cli::print(patches.iter().map(json_of).collect::<Value>());
        return Ok(());
    }
    let catalogue = images::catalogue(&store.image().await?.1)?;
    let rows: Vec<_> = patches.iter().map(|patch| row_of(patch, &catalogue)).collect();
    host::cli::print(host::cli::table(["PATCH", "BYTES", "MADE FOR", "MAKES"], &rows));
    Ok(())
}

pub(super) async fn remove(args: &RemoveArgs) -> Result<(), Error> {
    let store = args.data.open().await?;
    let change = patch::remove(&store.patches().await?, args.name)?;
    store.apply(change).await?;
    if args.json {
        host::cli::print(json!({ "removed": args.name.to_string() }));
    } else {
        host::cli::print(format_args!("removed {}; vehicles hear of it at their next check-in", args.name));
    }
    Ok(())
}

fn row_of(patch: &Patch, catalogue: &Catalogue) -> [String; 4] {
    let NamedDelta { name, delta: Delta { base, length, sha256: _ } } = patch.named;
    // An image that left the Image repository has no name any more.
    let image = |digest| match catalogue.with_digest(digest).next() {
        Some(image) => image.name.to_string(),
        None => format!("sha256 {digest}"),
    };
    [name.to_string(), length.to_string(), image(base), image(patch.makes)]
}

fn json_of(patch: &Patch) -> Value {
    let Patch { named: NamedDelta { name, delta: Delta { base, length, sha256 } }, makes } = patch;
    json!({
        "name": name.to_string(),
        "length": length.get(),
        "sha256": sha256.to_string(),
        "base": base.to_string(),
        "makes": makes.to_string(),
    })
}

/// The longest file that is read as a patch: as long as the longest image that `image-repo` makes one for.
const MAX_PATCH: u64 = 256 * 1_024 * 1_024;
