//! `root renew` and `root rotate`: the next Root, signed by the keys of this one and of the next.

use host::cli::print;
use host::keys::{KeyFile, Passphrase};
use uptane::Time;
use uptane::sign::Signer;

use crate::args::{Renew, Rotate};
use crate::error::Error;
use crate::facts::{Change, Facts, SignedFile};
use crate::repo::Repo;
use crate::role::TopRole;
use crate::{make, plan};

/// Makes and publishes a Root that appoints the same keys for longer.
pub(crate) async fn renew(args: &Renew, now: Time) -> Result<(), Error> {
    let passphrase = args.passphrase.read()?;
    let mut repo = Repo::open(&args.repo).await?;
    let facts = repo.facts().await?;
    let key = repo.offline_key(&facts, TopRole::Root, &passphrase)?;
    let next = plan::next(&facts, TopRole::Root, now)?;
    let keys = make::key_set(&facts, TopRole::Root)?;
    let root = make::root(&facts, next, now, Some(&keys), &[&key])?;
    repo.apply(&[Change::File(root)]).await?;
    repo.release().await?;
    repo.close().await?;
    print(format_args!("published Root {}, which is good until {}", next.version, next.expires));
    Ok(())
}

/// Makes a new key for a role, and publishes a Root that appoints it together with the files it must sign.
pub(crate) async fn rotate(args: &Rotate, now: Time) -> Result<(), Error> {
    let passphrase = args.passphrase.read()?;
    let mut repo = Repo::open(&args.repo).await?;
    let mut facts = repo.facts().await?;
    let next = plan::next(&facts, TopRole::Root, now)?;
    let previous = make::key_set(&facts, TopRole::Root)?;
    let root_key = repo.offline_key(&facts, TopRole::Root, &passphrase)?;
    let old_file = facts.keys.get(&args.role).map(|key| key.file.clone()).unwrap_or_default();

    let file = make::key_file_name(args.role, next.version)?;
    let (new_key, record) = repo.generate_key(args.role, file, &passphrase)?;
    facts.keys.insert(args.role, record.clone());
    let mut signers: Vec<&dyn Signer> = vec![&root_key];
    if args.role == TopRole::Root {
        signers.push(&new_key);
    }
    let root = make::root(&facts, next, now, Some(&previous), &signers)?;
    let mut changes = vec![Change::Key(args.role, record), Change::File(root.clone())];
    facts.files.push(root);
    for role in plan::made_again(args.role) {
        let file = made_again(&repo, &facts, *role, (args.role, &new_key), &passphrase, now)?;
        if *role == TopRole::Targets {
            changes.push(Change::List(file.version));
        }
        changes.push(Change::File(file.clone()));
        facts.files.push(file);
    }
    repo.apply(&changes).await?;
    repo.release().await?;
    repo.close().await?;
    print(format_args!("published Root {}, which appoints a new key for {}", next.version, args.role));
    print(format_args!("next: destroy the old key {}/keys/{old_file}", args.repo.display()));
    Ok(())
}

/// The next file of a role, signed with the new key if it is the rotated role's.
fn made_again(
    repo: &Repo,
    facts: &Facts,
    role: TopRole,
    rotated: (TopRole, &KeyFile),
    passphrase: &Passphrase,
    now: Time,
) -> Result<SignedFile, Error> {
    let opened;
    let key: &KeyFile = match rotated {
        (rotated, key) if rotated == role => key,
        _ if role.is_offline() => {
            opened = repo.offline_key(facts, role, passphrase)?;
            &opened
        }
        _ => {
            opened = repo.online_key(facts, role)?;
            &opened
        }
    };
    let next = plan::next(facts, role, now)?;
    match role {
        TopRole::Root => Err(Error::Incomplete { what: "way to make Root again" }),
        TopRole::Targets => make::targets(facts, next, key),
        TopRole::Snapshot => make::snapshot(facts, next, key),
        TopRole::Timestamp => make::timestamp(facts, next, key),
    }
}
