//! `director root renew` and `rotate`: the only commands that read the offline Root key.

use std::path::Path;

use clap::builder::PossibleValuesParser;
use host::keys::{KeyFile, PassphraseArgs};
use uptane::sign::{KeySet, Signer};
use uptane::{KeyId, Version};

use super::Data;
use crate::Error;
use crate::epoch::{Epoch, RoleKeyIds};
use crate::facts::Change;
use crate::files;
use crate::root_file::{self, RootKeys};
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

/// What a new Root follows.
struct Current {
    epoch: Epoch,
    keys: RootKeys,
}

pub(super) async fn renew(args: &RenewArgs) -> Result<(), Error> {
    let store = args.data.open().await?;
    let key = KeyFile::open(&files::key(args.data.path(), "root"), &args.passphrase.read()?)?;
    let current = current(&store).await?;
    let (keys, ids) = (current.keys.clone(), current.epoch.keys);
    publish(&store, &current, keys, ids, &[&key]).await
}

pub(super) async fn rotate(args: &RotateArgs) -> Result<(), Error> {
    let (folder, role, passphrase) = (args.data.path(), args.role.as_str(), args.passphrase.read()?);
    let store = args.data.open().await?;
    let current = current(&store).await?;
    let open = |path: &Path| if role == "root" { KeyFile::open(path, &passphrase) } else { KeyFile::open_plain(path) };
    settle(folder, role, &current.keys, open)?;

    let root = KeyFile::open(&files::key(folder, "root"), &passphrase)?;
    let next_path = files::next_key(folder, role);
    let next = match role {
        "root" => KeyFile::generate(&next_path, &passphrase)?,
        _ => KeyFile::generate_plain(&next_path)?,
    };
    let mut keys = current.keys.clone();
    if let Some(keys) = keys.role_mut(role) {
        *keys = KeySet::new([next.public_key()], 1)?;
    }
    let ids = with_key(current.epoch.keys, role, next.key_id());
    let both: [&dyn Signer; 2] = [&root, &next];
    let signers = both.get(..if role == "root" { 2 } else { 1 }).unwrap_or_default();
    publish(&store, &current, keys, ids, signers).await?;
    files::promote_key(folder, role)
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
    match keys.names(role, &open(&next)?.public_key()) {
        true => files::promote_key(folder, role),
        false => Ok(host::disk::remove(&next)?),
    }
}

async fn current(store: &Sqlite) -> Result<Current, Error> {
    let epoch = store.epoch().await?.ok_or(Error::NotInitialised)?;
    let newest = store.roots(epoch.root).await?.pop().ok_or(Error::CorruptStore { column: "root" })?;
    Ok(Current { keys: RootKeys::of(&newest)?, epoch })
}

async fn publish(
    store: &Sqlite,
    current: &Current,
    keys: RootKeys,
    ids: RoleKeyIds,
    signers: &[&dyn Signer],
) -> Result<(), Error> {
    let (version, now) = (current.epoch.root.next()?, host::clock::now());
    let file = root_file::successor(&current.keys, version, keys, now, signers)?;
    let epoch = current.epoch.after_root(version, ids, now)?;
    store.apply(Change::Root { version, file, epoch }).await?;
    announce(version);
    Ok(())
}

fn announce(version: Version) {
    host::cli::print(format_args!("Root version {version}; vehicles follow at their next check-in"));
}

fn with_key(keys: RoleKeyIds, role: &str, key: KeyId) -> RoleKeyIds {
    match role {
        "timestamp" => RoleKeyIds { timestamp: key, ..keys },
        "snapshot" => RoleKeyIds { snapshot: key, ..keys },
        "targets" => RoleKeyIds { targets: key, ..keys },
        "time" => RoleKeyIds { time: key, ..keys },
        _ => keys,
    }
}
