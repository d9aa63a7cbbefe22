//! Uploads that must be refused, each for one reason, and nothing of which may ever be visible.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use host::keys::KeyFile;
use image_repo::grpc::client::Client;
use image_repo::objects::Blob;
use image_repo::role::RoleId;
use uptane::{Length, Sha256, Time};

use super::machine::Machine;
use super::release::{changed, expiring, signed};
use crate::oem::{self, Firmware, Oem};
use crate::programs::Service;
use crate::record::{Limit, Record};

/// Uploads that the issue asks for at least.
const LEAST: f64 = 20.0;

/// An upload: as whom, whose file, which bytes before it, and what the refusal says.
#[derive(Clone)]
struct Upload<'u> {
    what: &'static str,
    writer: &'static str,
    role: &'static str,
    file: Vec<u8>,
    images: Vec<&'u Firmware>,
    says: &'static str,
}

/// Has every one of them refused.
pub(super) fn show(record: &mut Record, oem: &Oem, server: &Service, machines: [&Machine; 3]) -> Result<()> {
    let [acme, brakes, bolt] = [machines[0].signer()?, machines[1].signer()?, machines[2].signer()?];
    let before = published(&oem.repo().join("published"))?;
    let images = Images::new();
    let mut refused = 0_u32;
    let keys = [&acme, &brakes, &bolt];
    let uploads = [of_strangers(&images, keys)?, of_others(&images, keys)?, malformed(&images, keys)?].concat();
    let runtime = host::serve::runtime()?;
    for upload in &uploads {
        let said = runtime.block_on(attempt(oem, server, upload))?;
        let is_unseen = published(&oem.repo().join("published"))? == before;
        let is_named = said.as_ref().is_some_and(|said| said.contains(upload.says));
        refused += u32::from(is_named && is_unseen);
        record.note(format!("{}: {}", upload.what, said.unwrap_or_else(|| "ACCEPTED".to_owned())));
        record.claim(format!("{} is refused for that, and nothing changes", upload.what), is_named && is_unseen);
    }
    for (what, said, says) in runtime.block_on(broken_uploads(oem, server))? {
        let is_unseen = published(&oem.repo().join("published"))? == before;
        refused += u32::from(said.contains(says) && is_unseen);
        record.note(format!("{what}: {said}"));
        record.claim(format!("{what} is refused for that, and nothing changes"), said.contains(says) && is_unseen);
    }
    record.figure("forbidden uploads that were refused unseen", refused.into(), "", Limit::AtLeast(LEAST));
    Ok(())
}

/// What the forbidden releases list.
struct Images {
    acme: Firmware,
    elsewhere: Firmware,
    other_hardware: Firmware,
    missing: Firmware,
    taken: Firmware,
    old: Firmware,
    late: Firmware,
    brake: Firmware,
    lab: Firmware,
}

impl Images {
    fn new() -> Self {
        let image = |name: &str, hardware: &str, release, bytes: &[u8]| Firmware {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
            hardware: hardware.to_owned(),
            release,
        };
        Self {
            acme: image("acme/fw-2.bin", "acme-hw", 2, b"acme's second"),
            elsewhere: image("bolt/fw-9.bin", "acme-hw", 9, b"not acme's to name"),
            other_hardware: image("acme/fw-2.bin", "bolt-hw", 9, b"for other hardware"),
            missing: image("acme/fw-3.bin", "acme-hw", 3, b"never brought"),
            taken: image("acme/fw-1.bin", "other-hw", 1, b"another image of that name"),
            old: image("acme/fw-1.bin", "acme-hw", 1, b"other bytes, same release"),
            late: image("bolt/fw-7.bin", "late-hw", 7, b"after the last word"),
            brake: image("acme/brakes/abs-2.bin", "brake-hw", 2, b"brakes"),
            lab: image("lab/fw-1.bin", "lab-hw", 1, b"measured"),
        }
    }
}

/// An upload, if its file can be made.
fn upload<'u>(
    what: &'static str,
    (writer, role): (&'static str, &'static str),
    file: Result<Vec<u8>>,
    images: &[&'u Firmware],
    says: &'static str,
) -> Result<Upload<'u>> {
    Ok(Upload { what, writer, role, file: file?, images: images.to_vec(), says })
}

/// The writer of this name, with the file of its own role.
const OWN: (&str, &str) = ("acme", "acme");

/// Files of those who may not bring them, or whose keys did not sign them.
fn of_strangers<'u>(images: &'u Images, [acme, brakes, bolt]: [&KeyFile; 3]) -> Result<Vec<Upload<'u>>> {
    let Images { acme: good, brake, lab, .. } = images;
    [
        upload("a file of somebody without a token", ("", "acme"), signed(3, &[good], acme), &[], "no writer shows"),
        upload(
            "a file of somebody with a wrong token",
            ("ACME", "acme"),
            signed(3, &[good], acme),
            &[],
            "no writer shows",
        ),
        upload(
            "a file of another supplier's role",
            ("acme", "bolt"),
            signed(3, &[good], acme),
            &[],
            "may not publish files of bolt",
        ),
        upload("a Snapshot", ("release", "snapshot"), signed(3, &[good], acme), &[], "signed by the repository itself"),
        upload(
            "a file of a role that nobody delegates to",
            ("acme-brakes", "nobody"),
            signed(1, &[], brakes),
            &[],
            "no role delegates to nobody",
        ),
        upload(
            "an unsigned file",
            OWN,
            oem::listing(3, [good]).map(|file| file.unsigned().to_file()),
            &[good],
            "signed by 0 of the 1 keys",
        ),
        upload(
            "a file that another supplier signed",
            OWN,
            signed(3, &[good], bolt),
            &[good],
            "signed by 0 of the 1 keys",
        ),
        upload(
            "a supplier's supplier's file that its delegator signed",
            ("acme-brakes", "acme-brakes"),
            signed(2, &[brake], acme),
            &[brake],
            "signed by 0 of the 1 keys",
        ),
        upload(
            "a file that one of two people signed",
            ("lab", "lab"),
            signed(1, &[lab], &oem::signer("lab-1")),
            &[lab],
            "signed by 1 of the 2 keys",
        ),
    ]
    .into_iter()
    .collect()
}

/// Files that say what is not theirs to say, or not any more.
fn of_others<'u>(images: &'u Images, [acme, _, bolt]: [&KeyFile; 3]) -> Result<Vec<Upload<'u>>> {
    let now = host::clock::now();
    let Images { acme: good, elsewhere, other_hardware, missing, taken, late, .. } = images;
    [
        upload(
            "an image under a name that is not delegated",
            OWN,
            signed(3, &[elsewhere], acme),
            &[elsewhere],
            "which no client asks it for",
        ),
        upload(
            "an image for hardware that is not delegated",
            OWN,
            signed(3, &[other_hardware], acme),
            &[other_hardware],
            "which no client asks it for",
        ),
        upload(
            "an image behind a terminating delegation",
            ("bolt", "late"),
            signed(1, &[late], &oem::signer("late")),
            &[late],
            "which no client asks it for",
        ),
        upload(
            "an expired file",
            OWN,
            expiring(3, good, Time::from_unix(now.unix() - 60).unwrap_or(now), acme),
            &[good],
            "expired",
        ),
        upload("an older version", OWN, signed(1, &[good], acme), &[good], "cannot be published: the next one is"),
        upload(
            "another content of a published version",
            ("bolt", "bolt"),
            signed(1, &[], bolt),
            &[],
            "cannot be published: the next one is",
        ),
        upload("an image whose bytes nobody brought", OWN, signed(3, &[missing], acme), &[], "are not here"),
        upload(
            "an image of another length than was brought",
            OWN,
            changed(3, &[good], |text| text.replace("\"length\":13", "\"length\":14"), acme),
            &[good],
            "is listed with 14 bytes, and 13 were brought",
        ),
        upload(
            "another image under a name that another role lists",
            ("release", "targets"),
            signed(2, &[taken], &oem::signer("targets")),
            &[taken],
            "acme lists another image as acme/fw-1.bin",
        ),
    ]
    .into_iter()
    .collect()
}

/// Files that say what nobody may say.
fn malformed<'u>(images: &'u Images, [acme, ..]: [&KeyFile; 3]) -> Result<Vec<Upload<'u>>> {
    let Images { acme: good, old, .. } = images;
    let named = |name: &'static str| move |text: String| text.replace("acme/fw-2.bin", name);
    let long = format!("acme/{}", "x".repeat(300));
    [
        upload(
            "other bytes for a name without a new release",
            OWN,
            signed(3, &[old], acme),
            &[old],
            "is not newer than",
        ),
        upload(
            "a name that leaves its folder",
            OWN,
            changed(3, &[good], named("acme/../bolt/x"), acme),
            &[good],
            "TargetName",
        ),
        upload(
            "a name that is not in normal form C",
            OWN,
            changed(3, &[good], named("acme/e\u{301}.bin"), acme),
            &[good],
            "acme.json",
        ),
        upload(
            "a name that is too long",
            OWN,
            changed(3, &[good], |text| text.replace("acme/fw-2.bin", &long), acme),
            &[good],
            "TargetName",
        ),
        upload("two images under one name", OWN, twice(good, acme), &[good], "twice"),
        upload("what is no metadata", OWN, Ok(b"{}".to_vec()), &[], "acme.json"),
    ]
    .into_iter()
    .collect()
}

/// One name, listed twice.
fn twice(image: &Firmware, key: &KeyFile) -> Result<Vec<u8>> {
    // In canonical order the length is the last member of an entry.
    let last = format!("\"length\":{}}}", image.bytes.len());
    let again = move |text: String| {
        let begin = text.find("\"acme/fw-2.bin\":").unwrap_or_default();
        let end = text.find(&last).map_or(begin, |at| at + last.len());
        let entry = text.get(begin..end).unwrap_or_default().to_owned();
        text.replacen(&entry, &format!("{entry},{entry}"), 1)
    };
    changed(3, &[image], again, key)
}

/// What the repository says to an upload; nothing, if it takes it.
async fn attempt(oem: &Oem, server: &Service, upload: &Upload<'_>) -> Result<Option<String>> {
    let Upload { writer, role, file, images, .. } = upload;
    let mut client = oem.client(server.other("writers")?, writer).await?;
    let role: RoleId = role.parse()?;
    let mut all = async || {
        for image in images {
            client.upload_bytes(image.bytes.clone()).await?;
        }
        let blob = client.upload_bytes(file.clone()).await?;
        client.publish(&[(role, blob)]).await
    };
    match all().await {
        Ok(_) => Ok(None),
        Err(refusal @ image_repo::Error::RemoteRefused { .. }) => Ok(Some(refusal.to_string())),
        Err(error) => Err(error).context(upload.what),
    }
}

/// Uploads that end otherwise than they began.
async fn broken_uploads(oem: &Oem, server: &Service) -> Result<Vec<(&'static str, String, &'static str)>> {
    let mut client = oem.client(server.other("writers")?, "acme").await?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("image");
    let large = vec![7; 20 * 1024 * 1024];
    fs::write(&path, &large)?;
    let blob =
        |length: usize, sha256| Ok::<_, anyhow::Error>(Blob { length: Length::new(u64::try_from(length)?)?, sha256 });
    let said =
        |done: Result<(), image_repo::Error>| done.map_or_else(|error| error.to_string(), |()| "ACCEPTED".to_owned());
    let wrong = said(client.upload(&path, blob(large.len(), Sha256::of(b"something else"))?).await);
    let begin = large.get(..1_000).unwrap_or_default();
    let longer = said(client.upload(&path, blob(begin.len(), Sha256::of(begin))?).await);
    let cut = cut(&mut client, &path, &large).await?;
    Ok(vec![
        ("an upload with another digest than was announced", wrong, "was announced"),
        ("an upload that is longer than was announced", longer, "than was announced"),
        ("a file whose upload was cut in the middle", cut, "are gone"),
    ])
}

/// Announces all of a file, brings half of it, and publishes.
async fn cut(client: &mut Client, path: &Path, all: &[u8]) -> Result<String> {
    fs::write(path, all.get(..all.len() / 2).unwrap_or_default())?;
    let blob = Blob { length: Length::new(u64::try_from(all.len())?)?, sha256: Sha256::of(all) };
    let _ = client.upload(path, blob).await;
    let role = "acme".parse()?;
    let published = client.publish(&[(role, blob)]).await;
    Ok(published.map_or_else(|error| error.to_string(), |_| "ACCEPTED".to_owned()))
}

/// Everything that clients can see.
fn published(folder: &Path) -> Result<BTreeMap<PathBuf, Sha256>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(found.insert(path.clone(), Sha256::of(&fs::read(&path)?))),
            }
        }
    }
    Ok(found)
}
