//! `root renew` and `root rotate`: the next Root, signed by the keys of this one and of the next.

use host::cli::print;
use uptane::Time;

use crate::args::{Renew, Rotate};
use crate::error::Error;
use crate::old::facts::Change;
use crate::old::{make, plan};
use crate::repo::Repo;
use crate::role::TopRole;

/// Makes and publishes a Root that appoints the same keys for longer.
pub(crate) async fn renew(args: &Renew, now: Time) -> Result<(), Error> {
    let passphrase = args.passphrase.read()?;
    let mut repo = Repo::open(&args.repo).await?;
    let facts = repo.facts().await?;
    let key = repo.offline_key(&facts, TopRole::Root, &passphrase)?;
    let root = make::renewal(&facts, now, &key)?;
    let (version, expires) = (root.version, root.expires);
    repo.apply(&[Change::File(root)]).await?;
    repo.release().await?;
    repo.close().await?;
    print(format_args!("published Root {version}, which is good until {expires}"));
    Ok(())
}

/// Makes a new key for a role, and publishes a Root that appoints it together with the files it must sign.
pub(crate) async fn rotate(args: &Rotate, now: Time) -> Result<(), Error> {
    let passphrase = args.passphrase.read()?;
    let mut repo = Repo::open(&args.repo).await?;
    let facts = repo.facts().await?;
    let next = plan::next(&facts, TopRole::Root, now)?;
    let root_key = repo.offline_key(&facts, TopRole::Root, &passphrase)?;
    let old_file = facts.keys.get(&args.role).map(|key| key.file.clone()).unwrap_or_default();

    let file = make::key_file_name(args.role, next.version)?;
    let (new_key, record) = repo.generate_key(args.role, file, &passphrase)?;
    let key = |role: TopRole| match role.is_offline() {
        true => repo.offline_key(&facts, role, &passphrase),
        false => repo.online_key(&facts, role),
    };
    let changes = make::rotation(&facts, args.role, (&record, &new_key), &root_key, key, now)?;
    repo.apply(&changes).await?;
    repo.release().await?;
    repo.close().await?;
    print(format_args!("published Root {}, which appoints a new key for {}", next.version, args.role));
    print(format_args!("next: destroy the old key {}/keys/{old_file}", args.repo.display()));
    Ok(())
}
