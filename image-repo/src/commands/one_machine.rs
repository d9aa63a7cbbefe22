//! `sign`, `root renew` and `root rotate` in a folder that holds a repository and the keys of its people too: in one step what
//! people with keys of their own do one after the other.

use std::path::Path;

use host::cli::{counted, print};
use host::keys::{Algorithm, KeyFile, Passphrase, PassphraseArgs};
use uptane::sign::{KeySet, Signer as _, key_id};
use uptane::{KeyId, Time, Version};

use super::{key, release, root_draft};
use crate::args::{Renew, Rotate, Sign};
use crate::error::Error;
use crate::role::{RoleId, TopRole};
use crate::staged::{Life, RoleFile, Staged};

/// Signs whatever is staged with the keys of the folder; Targets anew, if less than half of its life is left.
pub(crate) fn sign(args: &Sign, now: Time) -> Result<(), Error> {
    let mut staged = open(&args.repo)?;
    let (life, root) = (Life::days(now, args.life.days), staged.get(RoleId::Root)?);
    if now >= root.expires() {
        return Err(Error::Expired { role: uptane::Role::Root, expires: root.expires() });
    }
    if staged.get(RoleId::Targets)?.expires().since(now) < life.lifetime / 2 {
        staged.edit(RoleId::Targets, life, Ok)?;
    }
    let signed = Keys::of(&args.repo, &args.passphrase).sign_all(&mut staged)?;
    check_signed(&staged)?;
    if signed.is_empty() {
        print("nothing is staged and Targets is good for a while; nothing was signed");
        return Ok(());
    }
    for file in signed {
        let images = file.targets().map_or(0, |targets| targets.targets().count());
        let (role, version, expires) = (file.role(), file.version(), file.expires());
        print(format_args!("signed {role} {version} with {}, until {expires}", counted(images, "image")));
    }
    print(format_args!("next: image-repo publish --repo {}", args.repo.display()));
    Ok(())
}

/// Refuses to leave a file unsigned that this folder's keys should have signed.
fn check_signed(staged: &Staged) -> Result<(), Error> {
    for role in staged.roles()? {
        let file = staged.get(role)?;
        if file.is_draft() {
            return Err(Error::NoOfflineKey { role: Box::new(role), version: file.version() });
        }
    }
    Ok(())
}

/// The folder, which must hold what its people signed first.
fn open(repo: &Path) -> Result<Staged, Error> {
    match repo.join("staged/root.json").is_file() {
        true => Ok(Staged::open(repo)?),
        false => Err(Error::NotARepository { path: repo.to_owned() }),
    }
}

/// Makes and publishes a Root that appoints the same keys for longer.
pub(crate) async fn renew(args: &Renew, now: Time) -> Result<(), Error> {
    let root = {
        let mut staged = Staged::open(&args.repo)?;
        staged.edit_root(Life::days(now, args.life.days), |_| Ok(()))?;
        Keys::of(&args.repo, &args.passphrase).sign_all(&mut staged)?;
        staged.get(RoleId::Root)?
    };
    release::publish_staged(&args.repo, now).await?;
    print(format_args!("published Root {}, which is good until {}", root.version(), root.expires()));
    Ok(())
}

/// Makes a new key for a role, and publishes a Root that appoints it together with the Targets file that it must sign.
pub(crate) async fn rotate(args: &Rotate, now: Time) -> Result<(), Error> {
    let (version, gone) = {
        let mut staged = Staged::open(&args.repo)?;
        let root = staged.get(RoleId::Root)?;
        let former = root_draft::keys_of(&root, args.role)?;
        let new = generate(args, root.version().next()?)?;
        let life = Life::days(now, args.life.days);
        let drafted = staged.edit_root(life, |roles| {
            *root_draft::of(roles, args.role) = KeySet::new([new.public_key()], 1)?;
            Ok(())
        })?;
        if args.role == TopRole::Targets {
            staged.edit(RoleId::Targets, Life::days(now, TARGETS_DAYS), Ok)?;
        }
        Keys::of(&args.repo, &args.passphrase).sign_all(&mut staged)?;
        (drafted.version(), former)
    };
    release::publish_staged(&args.repo, now).await?;
    print(format_args!("published Root {version}, which appoints a new key for {}", args.role));
    for name in names_of(args, &gone)? {
        print(format_args!("next: destroy the old key {}/keys/{name}.pem", args.repo.display()));
    }
    Ok(())
}

/// Days that a Targets file is valid which a new key must sign.
const TARGETS_DAYS: u32 = 180;

/// Makes a key in a file of a name that no attempt before, cut short or not, has used.
fn generate(args: &Rotate, root: Version) -> Result<KeyFile, Error> {
    let number = u32::from_be_bytes(host::random::bytes()?);
    let path = args.repo.join("keys").join(format!("{}-{root}-{number:08x}.pem", args.role.word()));
    Ok(match args.role.is_offline() {
        true => KeyFile::generate(&path, Algorithm::Ed25519, &args.passphrase.read()?)?,
        false => KeyFile::generate_plain(&path, Algorithm::Ed25519)?,
    })
}

fn names_of(args: &Rotate, keys: &KeySet) -> Result<Vec<String>, Error> {
    let known = key::known(&args.repo)?.into_iter();
    Ok(known.filter(|(_, key)| keys.id_of(key).is_some()).map(|(name, _)| name).collect())
}

/// The keys of a folder, which one passphrase opens.
struct Keys<'a> {
    repo: &'a Path,
    passphrase: &'a PassphraseArgs,
    read: Option<Passphrase>,
}

impl<'a> Keys<'a> {
    fn of(repo: &'a Path, passphrase: &'a PassphraseArgs) -> Self {
        Self { repo, passphrase, read: None }
    }

    /// Signs every staged file with those keys of the folder that must sign it and have not.
    fn sign_all(mut self, staged: &mut Staged) -> Result<Vec<RoleFile>, Error> {
        let known = key::known(self.repo)?;
        let mut signed = Vec::new();
        for role in staged.roles()? {
            let mut file = staged.get(role)?;
            let open: Vec<KeyId> = staged
                .signing(&file)?
                .asked
                .into_iter()
                .filter(|asked| asked.lacks() > 0)
                .flat_map(|asked| asked.open)
                .collect();
            let wanted: Vec<_> = known.iter().filter(|(_, key)| open.contains(&key_id(key))).collect();
            for (name, _) in &wanted {
                file = staged.sign(file, &self.open(name)?)?;
            }
            if !wanted.is_empty() {
                staged.keep(&file)?;
                signed.push(file);
            }
        }
        Ok(signed)
    }

    fn open(&mut self, name: &str) -> Result<KeyFile, Error> {
        let path = self.repo.join("keys").join(format!("{name}.pem"));
        if !KeyFile::is_encrypted(&path)? {
            return Ok(KeyFile::open_plain(&path)?);
        }
        let passphrase = match self.read.take() {
            Some(passphrase) => passphrase,
            None => self.passphrase.read()?,
        };
        let key = KeyFile::open(&path, &passphrase)?;
        self.read = Some(passphrase);
        Ok(key)
    }
}
