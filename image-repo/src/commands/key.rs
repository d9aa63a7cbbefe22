//! `key`: making, importing, listing and handing out keys.

use std::path::{Path, PathBuf};

use host::cli::{print, table};
use host::disk::{self, Access, Disk as _, Folder};
use host::keys::{KeyFile, Token, TokenUri, public_path, public_pem};
use serde_json::json;
use uptane::metadata::RootRole;
use uptane::sign::{KeySet, Signer, key_id};
use uptane::{Algorithm, PublicKey};

use crate::args::{KeyExport, KeyGenerate, KeyImport, KeyList};
use crate::error::Error;
use crate::keyring::{self, KeyName};
use crate::role::RoleId;
use crate::staged::Staged;

/// Makes a key, in a file or on a token.
pub(crate) fn generate(args: &KeyGenerate) -> Result<(), Error> {
    if let Some(uri) = &args.token {
        return generate_on(uri, args);
    }
    let path = place(&args.repo, &args.name)?;
    let key = match args.online {
        true => KeyFile::generate_plain(&path, args.algorithm)?,
        false => KeyFile::generate(&path, args.algorithm, &args.passphrase.read_new(&wanted(&args.name))?)?,
    };
    made(&path, &key, args.json);
    Ok(())
}

/// Makes a key that stays on its token. The folder keeps where it is, and its public half.
fn generate_on(uri: &TokenUri, args: &KeyGenerate) -> Result<(), Error> {
    let path = place(&args.repo, &args.name)?;
    let (public, named) = (public_path(&path), path.with_extension(keyring::URI));
    if let Some(taken) = [&path, &public, &named].into_iter().find(|path| path.exists()) {
        return Err(host::Error::Exists { path: taken.clone() }.into());
    }
    let key = Token::generate(uri, args.algorithm, &args.passphrase.read_for(&format!("PIN of {uri}"))?)?;
    disk::create(&public, public_pem(&key.public_key()).as_bytes(), Access::Shared)?;
    disk::create(&named, format!("{}\n", key.uri()).as_bytes(), Access::Shared)?;
    made(&named, &key, args.json);
    Ok(())
}

/// Copies a key of other making into the folder, encrypted.
pub(crate) fn import(args: &KeyImport) -> Result<(), Error> {
    let path = place(&args.repo, &args.name)?;
    let opens = match KeyFile::is_encrypted(&args.from)? {
        true => Some(args.from_passphrase.read_for(&format!("Passphrase of {}", args.from.display()))?),
        false => None,
    };
    let passphrase = args.passphrase.read_new(&wanted(&args.name))?;
    let key = KeyFile::import(&args.from, opens.as_ref(), &path, &passphrase)?;
    made(&path, &key, args.json);
    if !args.json {
        print(format_args!("next: destroy {}, or keep it as well as this one", args.from.display()));
    }
    Ok(())
}

/// Lists the keys of the folder and the roles that the newest Root there gives them.
pub(crate) fn list(args: &KeyList) -> Result<(), Error> {
    let keys = known(&args.repo)?;
    let roles = appointed(&args.repo)?;
    let of = |key: &PublicKey| {
        let roles = roles.iter().filter(|(_, keys)| keys.id_of(key).is_some());
        roles.map(|(role, _)| *role).collect::<Vec<_>>()
    };
    if args.json {
        let key = |(name, key): &(String, PublicKey)| json!({ "name": name, "algorithm": word(key), "key_id": key_id(key).to_string(), "roles": of(key) });
        print(json!(keys.iter().map(key).collect::<Vec<_>>()));
        return Ok(());
    }
    let row = |(name, key): &(String, PublicKey)| {
        [name.clone(), word(key).into(), of(key).join(","), key_id(key).to_string()]
    };
    match keys.is_empty() {
        true => print("no keys; make one with `image-repo key generate`"),
        false => print(table(["name", "algorithm", "roles", "key"], &keys.iter().map(row).collect::<Vec<_>>())),
    }
    Ok(())
}

/// Writes the public half of a key.
pub(crate) fn export_public(args: &KeyExport) -> Result<(), Error> {
    place(&args.repo, &args.name)?;
    let pem = public_pem(&KeyName::of(&args.name).public(&args.repo)?);
    match &args.out {
        Some(out) => Ok(disk::create(out, pem.as_bytes(), Access::Shared)?),
        None => {
            print(pem.trim_end());
            Ok(())
        }
    }
}

fn made(path: &Path, key: &impl Signer, as_json: bool) {
    let (public, id) = (key.public_key(), key.key_id());
    if as_json {
        print(
            json!({ "file": path, "algorithm": word(&public), "key_id": id.to_string(), "public": public_pem(&public) }),
        );
        return;
    }
    print(format_args!("made {}: {} key {id}", path.display(), word(&public)));
    print(format_args!("next: give {} to whoever appoints it", path.with_extension("pub").display()));
}

/// What a person is asked for.
fn wanted(name: &str) -> String {
    format!("New passphrase of {name}")
}

/// Where the key of this name is.
fn place(repo: &Path, name: &str) -> Result<PathBuf, Error> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME || name.starts_with('.') || !name.bytes().all(is_plain) {
        return Err(Error::given("--name", name)(uptane::Error::BadName { kind: "key name" }));
    }
    let folder = repo.join(KEYS);
    disk::create_folder(&folder, Access::Private)?;
    Ok(folder.join(format!("{name}.pem")))
}

/// The keys of the folder, by name: those in files, and those on tokens.
pub(super) fn known(repo: &Path) -> Result<Vec<(String, PublicKey)>, Error> {
    let files = Folder::open(repo, Access::Private)?.list(KEYS)?;
    let names = files.iter().filter_map(|name| name.strip_suffix(".pem").or_else(|| name.strip_suffix(".uri")));
    names.map(|name| Ok((name.to_owned(), KeyName::of(name).public(repo)?))).collect()
}

/// Names of which only the public half is here.
pub(super) fn halves(repo: &Path) -> Result<Vec<String>, Error> {
    let files = Folder::open(repo, Access::Private)?.list(KEYS)?;
    let has = |name: &str, ending: &str| files.contains(&format!("{name}.{ending}"));
    let names = files.iter().filter_map(|file| file.strip_suffix(".pub"));
    Ok(names.filter(|name| !has(name, "pem") && !has(name, "uri")).map(str::to_owned).collect())
}

/// The keys of the four roles, if there is a Root.
pub(super) fn appointed(repo: &Path) -> Result<Vec<(&'static str, KeySet)>, Error> {
    let Some(file) = Staged::open(repo)?.find(RoleId::Root)? else { return Ok(Vec::new()) };
    let root = file.root()?;
    let set = |(word, role)| Ok((word, KeySet::of_role(&root, role)?));
    ROLES.into_iter().map(set).collect()
}

const ROLES: [(&str, RootRole); 4] = [
    ("root", RootRole::Root),
    ("targets", RootRole::Targets),
    ("snapshot", RootRole::Snapshot),
    ("timestamp", RootRole::Timestamp),
];

const KEYS: &str = "keys";

/// Characters of a key's name.
const MAX_NAME: usize = 64;

/// The word for the algorithm of a key.
pub(super) fn word(key: &PublicKey) -> &'static str {
    let known = [(Algorithm::Ed25519, "ed25519"), (Algorithm::EcdsaP256, "ecdsa-p256")];
    known.into_iter().find(|(algorithm, _)| *algorithm == key.algorithm()).map_or("another algorithm", |(_, word)| word)
}
