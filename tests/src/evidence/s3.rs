//! `s3`: the repository's objects in a bucket of a server that speaks S3, SeaweedFS; first through the service, then from the
//! bucket alone.

mod seaweed;

use std::fs;

use anyhow::{Context, Result};
use image_repo::role::RoleId;
use uptane::RoleName;

use super::Item;
use crate::guest::chance::Chance;
use crate::oem::{self, Firmware, Oem, TufClient, Writer};
use crate::record::{Limit, Record};
use seaweed::Seaweed;

pub(super) const ITEM: Item = Item {
    name: "s3",
    promise: "images and metadata in an S3 bucket: published, read and, with the service stopped, read from the bucket alone",
    show,
};

/// Releases that are published.
const RELEASES: u64 = 12;
/// Bytes of an image: more than two parts of an upload.
const LARGE: usize = 20 * 1024 * 1024 + 11;
const SMALL: usize = 100_003;

fn show(record: &mut Record) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bucket = Seaweed::start(folder.path(), "images")?;
    record.note(format!("SeaweedFS {}", bucket.version()));
    let targets = oem::listing(1, [])?.delegate([oem::delegation("acme", "acme/*")?])?;
    let oem = Oem::found_with(folder.path(), targets, &["--objects", "s3://images/repository"], &bucket.environment())?;
    oem.admit(&[Writer { name: "acme", roles: &["acme"] }])?;
    let files = fs::read_dir(oem.repo().join("published"))?.count();
    record.figure("files published in the folder instead", count(files), "", Limit::Exactly(0.0));

    let server = oem.serve()?;
    let mut client = TufClient::begin(&folder.path().join("client"), &oem.root(), server.url())?;
    let images = publish_all(&oem, server.other("writers")?, record.seed())?;
    record.figure("releases published", count(images.len()), "", Limit::Exactly(count(usize::try_from(RELEASES)?)));
    client.refresh()?;
    client.download(images.iter().map(|image| image.name.as_str()))?;
    record.claim("a TUF client verifies every image through the service", true);
    verify(record, &oem, "with the service running")?;

    drop(server);
    let alone = bucket.url("images/repository/published");
    client.read_from(&alone);
    client.refresh()?;
    let mut fresh = TufClient::begin(&folder.path().join("fresh"), &oem.root(), &alone)?;
    fresh.refresh()?;
    fresh.download(images.iter().map(|image| image.name.as_str()))?;
    record.claim("a client that knows only Root 1 verifies every image from the bucket alone", true);

    // An instance elsewhere, over the same bucket and database, goes on.
    let server = oem.serve()?;
    fresh.read_from(server.url());
    fresh.refresh()?;
    verify(record, &oem, "by another instance")
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

fn publish_all(oem: &Oem, writers: &str, seed: u64) -> Result<Vec<Firmware>> {
    let role = RoleId::Delegated(RoleName::parse("acme")?);
    let mut images: Vec<Firmware> = Vec::new();
    host::serve::runtime()?.block_on(async {
        let mut client = oem.client(writers, "acme").await?;
        for release in 1..=RELEASES {
            let length = if release == 1 { LARGE } else { SMALL };
            let bytes = Chance(seed.wrapping_add(release)).bytes(length);
            let name = format!("acme/fw-{release}.bin");
            let image = Firmware { name, bytes, hardware: "acme-hw".to_owned(), release };
            images.push(image.clone());
            let file = oem::listing(release, &images)?.sign(&oem::keys("acme")?, &[&oem::signer("acme")])?;
            oem::publish(&mut client, role, file, &[&image]).await.with_context(|| format!("release {release}"))?;
        }
        Ok(images)
    })
}

fn verify(record: &mut Record, oem: &Oem, when: &str) -> Result<()> {
    let said = crate::programs::output(oem.command("verify")?.arg("--json"))?;
    let said: serde_json::Value = serde_json::from_str(&said)?;
    let images = said.get("images").and_then(serde_json::Value::as_f64).unwrap_or_default();
    record.figure(
        format!("images that `image-repo verify` verifies {when}"),
        images,
        "",
        Limit::Exactly(count(usize::try_from(RELEASES)?)),
    );
    Ok(())
}
