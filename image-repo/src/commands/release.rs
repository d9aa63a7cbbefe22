//! `release publish`: puts what was signed in front of clients, in this folder's repository or in a service elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use host::cli::print;
use host::disk;
use host::tls::Identity;
use serde_json::json;
use uptane::{Sha256, Time};

use crate::args::{PublishRelease, Remote};
use crate::config::Settings;
use crate::error::Error;
use crate::grpc::client::{Client, Credentials};
use crate::objects::Blob;
use crate::publisher::{Manner, Published};
use crate::release::{Arriving, Inspected, inspect};
use crate::role::RoleId;
use crate::staged::{RoleFile, Staged};

/// Publishes the files that are named, or else whatever is signed in the folder. Without any, what the repository signs
/// itself is renewed if that is due.
pub(crate) async fn publish(args: &PublishRelease, now: Time) -> Result<(), Error> {
    let files = if args.files.is_empty() { signed(&args.repo)? } else { named(&args.files)? };
    let inspected = files.iter().cloned().map(inspect).collect::<Result<Vec<_>, _>>()?;
    let images = images(&args.repo, &inspected);
    let published = match &args.remote.to {
        Some(url) => publish_to(url, args, files, &images).await?,
        None => publish_here(&args.repo, files, &images, Manner::of_writer(args.withdraw), now).await?,
    };
    for (path, _) in &images {
        disk::remove(path)?;
    }
    tell(args.json, &inspected, published);
    Ok(())
}

async fn publish_here(
    repo: &Path,
    files: Vec<Arriving>,
    images: &[(PathBuf, Blob)],
    manner: Manner,
    now: Time,
) -> Result<Told, Error> {
    let publisher = Settings::open(repo)?.publisher().await?;
    for (path, blob) in images {
        let brought = publisher.objects().bring(path).await?;
        if brought != *blob {
            return Err(Error::WrongDigest { given: blob.sha256, found: brought.sha256 });
        }
    }
    let published = publisher.publish_as("local", files, manner, now).await;
    let mended = publisher.mend().await;
    publisher.close().await;
    let Published { snapshot, timestamp, expires, changed } = published?;
    mended?;
    Ok(Told { snapshot: snapshot.get(), timestamp: timestamp.get(), expires: expires.to_string(), changed })
}

async fn publish_to(
    url: &str,
    args: &PublishRelease,
    files: Vec<Arriving>,
    images: &[(PathBuf, Blob)],
) -> Result<Told, Error> {
    let mut client = Client::connect(url, &credentials(&args.remote)?).await?;
    for (path, blob) in images {
        client.upload(path, *blob).await?;
    }
    let mut brought = Vec::new();
    for Arriving { role, bytes } in files {
        brought.push((role, client.upload_bytes(bytes).await?));
    }
    let reply = client.publish_as(&brought, args.withdraw).await?;
    let (snapshot, timestamp) = (reply.snapshot, reply.timestamp);
    Ok(Told { snapshot, timestamp, expires: reply.expires, changed: reply.changed })
}

fn credentials(remote: &Remote) -> Result<Credentials, Error> {
    let text = |path: &PathBuf| {
        let bytes = disk::read(path, MAX_PEM)?.ok_or_else(|| host::Error::Missing { path: path.clone() })?;
        Ok::<_, Error>(String::from_utf8_lossy(&bytes).trim().to_owned())
    };
    let authority = remote.authority.as_ref().ok_or(Error::NoAuthority)?;
    let identity = match (&remote.certificate, &remote.key) {
        (Some(certificate), Some(key)) => Some(Identity::open(certificate, key)?),
        _ => None,
    };
    Ok(Credentials { authority: text(authority)?, identity, token: remote.token_file.as_ref().map(text).transpose()? })
}

/// Bytes of a PEM file, or of a token.
const MAX_PEM: u64 = 64 * 1024;

/// What is published now.
struct Told {
    snapshot: u64,
    timestamp: u64,
    expires: String,
    changed: bool,
}

fn tell(as_json: bool, inspected: &[Inspected], told: Told) {
    let Told { snapshot, timestamp, expires, changed } = told;
    if as_json {
        let file = |inspected: &Inspected| json!({ "role": inspected.file.role.to_string(), "version": inspected.file.version.get() });
        let files: Vec<_> = inspected.iter().map(file).collect();
        print(
            json!({ "files": files, "snapshot": snapshot, "timestamp": timestamp, "expires": expires, "changed": changed }),
        );
        return;
    }
    let files: Vec<_> = inspected.iter().map(|one| format!("{} {}", one.file.role, one.file.version)).collect();
    let files = if files.is_empty() { format!("Snapshot {snapshot}") } else { files.join(", ") };
    match changed {
        true => print(format_args!("published {files} under Timestamp {timestamp}, which is good until {expires}")),
        false => {
            print(format_args!("nothing is new: clients see Timestamp {timestamp}, which is good until {expires}"))
        }
    }
}

/// Everything in the folder that is signed, Roots first. What lacks signatures is told and stays.
fn signed(repo: &Path) -> Result<Vec<Arriving>, Error> {
    if !repo.join("staged").is_dir() {
        return Ok(Vec::new());
    }
    let staged = Staged::open(repo)?;
    let mut files = Vec::new();
    for role in staged.roles()? {
        let file = staged.get(role)?;
        let signing = staged.signing(&file)?;
        // Of a role that nobody here delegates to, who publishes knows the keys.
        let is_ready = signing.is_complete() || (signing.asked.is_empty() && !file.is_draft());
        match is_ready {
            true if role == RoleId::Root => files.extend(staged.roots()?.iter().map(arriving)),
            true => files.push(arriving(&file)),
            false => print(format_args!("{role} {} lacks signatures and is not published", file.version())),
        }
    }
    files.into_iter().collect()
}

fn arriving(file: &RoleFile) -> Result<Arriving, Error> {
    Ok(Arriving { role: file.role(), bytes: file.bytes()? })
}

/// Files by their names: `targets.json`, `3.acme.json`.
fn named(paths: &[PathBuf]) -> Result<Vec<Arriving>, Error> {
    paths.iter().map(|path| arriving(&Staged::offered(path, None)?)).collect()
}

/// Publishes what is signed in the folder of a repository.
pub(super) async fn publish_staged(repo: &Path, now: Time) -> Result<(), Error> {
    let files = signed(repo)?;
    let inspected = files.iter().cloned().map(inspect).collect::<Result<Vec<_>, _>>()?;
    publish_here(repo, files, &images(repo, &inspected), Manner::USUAL, now).await.map(drop)
}

/// The images that these files list and the folder holds.
fn images(repo: &Path, files: &[Inspected]) -> Vec<(PathBuf, Blob)> {
    let folder = repo.join("staged/images");
    let listed = files.iter().flat_map(|inspected| &inspected.listings);
    let here = |sha256: Sha256| Some(folder.join(sha256.to_string())).filter(|path| fs::metadata(path).is_ok());
    let found = listed.filter_map(|image| {
        let blob = Blob { length: image.length, sha256: image.sha256 };
        Some((here(image.sha256)?, blob))
    });
    let mut images: Vec<_> = found.collect();
    // One content may be listed under several names.
    images.sort_by(|(a, _), (b, _)| a.cmp(b));
    images.dedup_by(|(a, _), (b, _)| a == b);
    images
}
