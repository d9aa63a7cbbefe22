//! `director root renew` and `rotate`: the only commands that read the offline Root key.

use std::path::Path;

use clap::builder::PossibleValuesParser;
use host::keys::{Algorithm, KeyFile, PassphraseArgs};
use uptane::sign::Signer as _;

use super::Data;
use crate::Error;
use crate::facts::Change;
use crate::files;
use crate::root_file::{Current, RootKeys};
use crate::store::{Sqlite, Store as _};

#[derive(Debug, clap::Args)]
pub(super) struct RenewArgs {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    passphrase: PassphraseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    passphrase: PassphraseArgs,
    /// Whose key to replace
    #[arg(long, value_parser = PossibleValuesParser::new(["root", "timestamp", "snapshot", "targets", "time"]))]
    role: String,
}

pub(super) async fn renew(args: &RenewArgs) -> Result<(), Error> {
    let store = args.data.open().await?;
    let key = KeyFile::open(&files::key(args.data.path(), "root"), &args.passphrase.read()?)?;
    let current = Current::of(&store).await?;
    publish(&store, &current, current.renewed(&key, host::clock::now())?).await
}

pub(super) async fn rotate(args: &RotateArgs) -> Result<(), Error> {
    let (folder, role, passphrase) = (args.data.path(), args.role.as_str(), args.passphrase.read()?);
    let store = args.data.open().await?;
    let current = Current::of(&store).await?;
    let open = |path: &Path| if role == "root" { KeyFile::open(path, &passphrase) } else { KeyFile::open_plain(path) };
    settle(folder, role, &current.keys, open)?;

    let root = KeyFile::open(&files::key(folder, "root"), &passphrase)?;
    let next_path = files::next_key(folder, role);
    let next = match role {
        "root" => KeyFile::generate(&next_path, Algorithm::Ed25519, &passphrase)?,
        _ => KeyFile::generate_plain(&next_path, Algorithm::Ed25519)?,
    };
    publish(&store, &current, current.rotated(role, &next, &root, host::clock::now())?).await?;
    files::promote_key(folder, role, next)
}

/// Ends a rotation that was interrupted: its key becomes the current one if Root names it, and is given up if not.
fn settle(
    folder: &Path,
    role: &str,
    keys: &RootKeys,
    open: impl Fn(&Path) -> Result<KeyFile, host::Error>,
) -> Result<(), Error> {
    let next = files::next_key(folder, role);
    if !next.exists() {
        return Ok(());
    }
    let key = open(&next)?;
    match keys.names(role, &key.public_key()) {
        true => files::promote_key(folder, role, key),
        false => Ok(KeyFile::remove(&next)?),
    }
}

async fn publish(store: &Sqlite, current: &Current, root: Change) -> Result<(), Error> {
    let version = current.epoch.root.next()?;
    store.apply(root).await?;
    host::cli::print(format_args!("Root version {version}; vehicles follow at their next check-in"));
    Ok(())
}
