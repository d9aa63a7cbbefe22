//! `init`: a repository that clients can already follow. On one machine it makes every key and signs the first files; a
//! repository whose people sign elsewhere is given their first Root and Targets, and never holds a key of theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host::cli::print;
use host::disk::{self, Access};
use host::keys::{Algorithm, KeyFile, Passphrase};
use uptane::sign::{KeySet, RootBuilder, RootRoles, Signer as _, TargetsBuilder};
use uptane::{Image, Time, Version};

use crate::args::Init;
use crate::config::{self, Config, Settings};
use crate::error::Error;
use crate::facts::{Change, Generation, Lifetimes};
use crate::release::Arriving;
use crate::role::{RoleId, TopRole};
use crate::staged::{RoleFile, Staged};
use crate::store::Store as _;

/// Makes a repository in a folder that is not there or empty. It is made elsewhere and moved there whole.
pub(crate) async fn init(args: &Init, now: Time) -> Result<(), Error> {
    check_free(&args.repo)?;
    let unfinished = beside(&args.repo)?;
    disk::create_folder(&unfinished, Access::Shared)?;
    let made = fill(&unfinished, args, now).await.and_then(|()| {
        let moved = fs::rename(&unfinished, &args.repo);
        moved.map_err(|source| host::Error::io("make", &args.repo, source).into())
    });
    if let Err(error) = made {
        // What is left is named so that nobody takes it for a repository.
        let _ = fs::remove_dir_all(&unfinished);
        return Err(error);
    }
    disk::sync_folder(args.repo.parent().unwrap_or(Path::new("")))?;
    tell(args);
    Ok(())
}

fn tell(args: &Init) {
    let shown = args.repo.display();
    match args.root {
        Some(_) => print(format_args!("made {shown}; next: image-repo serve --repo {shown}")),
        None => {
            print(format_args!("made {shown}; back up {shown}/keys and keep its root.pem and targets.pem offline"));
            print(format_args!("next: image-repo targets add --repo {shown} FILE --name NAME …"));
        }
    }
}

async fn fill(path: &Path, args: &Init, now: Time) -> Result<(), Error> {
    for (folder, access) in [("keys", Access::Private), ("published", Access::Shared), ("incoming", Access::Private)] {
        disk::create_folder(&path.join(folder), access)?;
    }
    let config = Config { database: args.database.clone(), objects: args.objects.clone(), ..Config::default() };
    if config.database.is_some() || config.objects.is_some() {
        host::config::write(&path.join(config::FILE), &config, Access::Private)?;
    }
    let release = match (&args.root, &args.targets) {
        (Some(root), Some(targets)) => signed_elsewhere(path, args, root, targets)?,
        _ => signed_here(path, args, now)?,
    };
    let publisher = Settings::of(path, config)?.create().await?;
    let day = |role| Duration::from_secs(u64::from(args.lifetimes.days(role)) * DAY);
    let lifetimes = Lifetimes { snapshot: day(TopRole::Snapshot), timestamp: day(TopRole::Timestamp) };
    publisher.store().apply(Generation::default(), &[Change::Lifetimes(lifetimes)]).await?;
    if args.root.is_none() {
        stage(path, &release)?;
    }
    publisher.publish("init", release, now).await?;
    publisher.close().await;
    Ok(())
}

/// What people sign next follows what they signed first.
fn stage(path: &Path, release: &[Arriving]) -> Result<(), Error> {
    let mut staged = Staged::create(path)?;
    for Arriving { role, bytes } in release {
        staged.keep(&RoleFile::decode(*role, bytes, path)?)?;
    }
    Ok(())
}

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The files that people signed, and the online keys that their Root appoints.
fn signed_elsewhere(path: &Path, args: &Init, root: &Path, targets: &Path) -> Result<Vec<Arriving>, Error> {
    if let Some(folder) = &args.online_keys {
        copy_keys(folder, &path.join("keys"))?;
    }
    let read = |role, file: &Path| {
        let bytes = disk::read(file, uptane::limits::MAX_TARGETS)?;
        Ok::<_, Error>(Arriving { role, bytes: bytes.ok_or_else(|| host::Error::Missing { path: file.to_owned() })? })
    };
    Ok(vec![read(RoleId::Root, root)?, read(RoleId::Targets, targets)?])
}

/// Copies the key files that no passphrase protects: those of people are not the repository's.
fn copy_keys(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(|source| host::Error::io("read", from, source))? {
        let path = entry.map_err(|source| host::Error::io("read", from, source))?.path();
        let is_key = path.extension().is_some_and(|extension| extension == "pem");
        if is_key && !KeyFile::is_encrypted(&path)? {
            let bytes = disk::read(&path, MAX_KEY)?.unwrap_or_default();
            disk::create(&to.join(path.file_name().unwrap_or_default()), &bytes, Access::Private)?;
        }
    }
    Ok(())
}

/// Bytes of a key file.
const MAX_KEY: u64 = 16 * 1024;

/// Makes the keys of all four roles, and signs the first Root and Targets.
fn signed_here(path: &Path, args: &Init, now: Time) -> Result<Vec<Arriving>, Error> {
    let passphrase = args.passphrase.read_new("New passphrase of the offline keys")?;
    let [root, targets, snapshot, timestamp] = TopRole::ALL.map(|role| generate(path, role, &passphrase));
    let (root, targets, snapshot, timestamp) = (root?, targets?, snapshot?, timestamp?);
    let one = |key: &KeyFile| KeySet::new([key.public_key()], 1);
    let roles = RootRoles {
        root: one(&root)?,
        targets: one(&targets)?,
        snapshot: one(&snapshot)?,
        timestamp: one(&timestamp)?,
    };
    let until = |role| now.saturating_add(Duration::from_secs(u64::from(args.lifetimes.days(role)) * DAY));
    let root = RootBuilder::<Image>::image(Version::FIRST, until(TopRole::Root), now, roles.clone()).sign(&[&root])?;
    let builder = TargetsBuilder::<Image>::image(Version::FIRST, until(TopRole::Targets));
    let targets = builder.sign(&roles.targets, &[&targets])?;
    let files = [(RoleId::Root, root), (RoleId::Targets, targets)];
    Ok(files.map(|(role, bytes)| Arriving { role, bytes }).into())
}

fn generate(path: &Path, role: TopRole, passphrase: &Passphrase) -> Result<KeyFile, Error> {
    let file = path.join("keys").join(format!("{}.pem", role.word()));
    Ok(match role.is_offline() {
        true => KeyFile::generate(&file, Algorithm::Ed25519, passphrase)?,
        false => KeyFile::generate_plain(&file, Algorithm::Ed25519)?,
    })
}

fn check_free(path: &Path) -> Result<(), Error> {
    let taken = match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => path.exists(),
    };
    if taken { Err(host::Error::Exists { path: path.to_owned() }.into()) } else { Ok(()) }
}

/// A folder of another name in the same place, so that moving it is one step.
fn beside(path: &Path) -> Result<PathBuf, Error> {
    let number = u32::from_be_bytes(host::random::bytes()?);
    Ok(path.with_file_name(format!("{}{number:08x}", disk::UNFINISHED)))
}
