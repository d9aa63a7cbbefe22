//! `init`: keys, the first file of every role, and an empty repository that clients can already follow.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host::cli::print;
use host::disk::{self, Access};
use host::keys::Passphrase;
use uptane::Time;

use crate::args::Init;
use crate::error::Error;
use crate::old::make::{self, NewRole};
use crate::repo::Repo;
use crate::role::TopRole;

/// Makes a repository in a folder that is not there or empty. It is made elsewhere and moved there whole.
pub(crate) async fn init(args: &Init, now: Time) -> Result<(), Error> {
    let passphrase = args.passphrase.read_new("New passphrase of the offline keys")?;
    check_free(&args.repo)?;
    let unfinished = beside(&args.repo)?;
    disk::create_folder(&unfinished, Access::Shared)?;
    let made = fill(&unfinished, args, &passphrase, now).await.and_then(|()| {
        let moved = fs::rename(&unfinished, &args.repo);
        moved.map_err(|source| host::Error::io("make", &args.repo, source).into())
    });
    if let Err(error) = made {
        // What is left is named so that nobody takes it for a repository.
        let _ = fs::remove_dir_all(&unfinished);
        return Err(error);
    }
    disk::sync_folder(args.repo.parent().unwrap_or(Path::new("")))?;
    let shown = args.repo.display();
    print(format_args!("made {shown}; back up {shown}/keys and keep its root.pem and targets.pem offline"));
    print(format_args!("next: image-repo targets add --repo {shown} FILE --name NAME …"));
    Ok(())
}

async fn fill(path: &Path, args: &Init, passphrase: &Passphrase, now: Time) -> Result<(), Error> {
    let mut repo = Repo::create(path).await?;
    let mut keys = BTreeMap::new();
    for role in TopRole::ALL {
        keys.insert(role, repo.generate_key(role, format!("{}.pem", role.word()), passphrase)?);
    }
    let role = |of: TopRole| {
        let (signer, key) = keys.get(&of).ok_or(Error::Incomplete { what: "key for one of its roles" })?;
        Ok(NewRole { key, signer, lifetime: Duration::from_secs(u64::from(args.lifetimes.days(of)) * DAY) })
    };
    let changes = make::repository(role, now)?;
    repo.apply(&changes).await?;
    repo.release().await?;
    repo.close().await
}

/// Seconds of a day.
const DAY: u64 = 86_400;

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
