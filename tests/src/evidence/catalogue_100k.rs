//! `catalogue-100k`: a catalogue of 100,000 images in 1,024 bins, to which one more is published, and from which a client
//! verifies one.

mod client;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};
use image_repo::grpc::client::Client;
use image_repo::objects::Blob;
use image_repo::role::RoleId;
use uptane::sign::BinsBuilder;
use uptane::{RoleName, Sha256};

use super::Item;
use crate::oem::{self, Firmware, Oem, Writer};
use crate::programs::Service;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "catalogue-100k",
    promise: "100,000 images in 1,024 bins: one more in 2 s and 256 MiB, and a client verifies one for 110 KiB of metadata",
    show,
};

const IMAGES: usize = 100_000;
/// Bits of a name's digest that choose its bin.
const BITS: u32 = 10;
/// Images that are published one after the other, each by itself.
const MORE: usize = 12;
/// Seconds that one more may take, from the first byte that is sent until clients see it.
const SECONDS: f64 = 2.0;
/// Most memory of the service while it publishes them, MiB.
const MEMORY: f64 = 256.0;
/// Most that a client transfers to verify one image, KiB.
const TRANSFER: f64 = 110.0;

fn show(record: &mut Record) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let bins = BinsBuilder { name_prefix: "bin".to_owned(), bit_length: BITS, keys: oem::keys("bins")? };
    let oem = Oem::found(folder.path(), oem::listing(1, [])?.delegate_to_bins(bins)?, &[])?;
    let mut catalogue = Catalogue::of(record.few().unwrap_or(IMAGES));
    let roles: Vec<_> = catalogue.bins.keys().map(String::as_str).collect();
    oem.admit(&[Writer { name: "release", roles: &roles }])?;
    publish_all(record, &oem, &catalogue)?;

    // Its memory is measured from its start on, so that what the import took does not count.
    let server = oem.serve()?;
    publish_more(record, &oem, &server, &mut catalogue)?;
    client::verify_one(record, &oem, &server, catalogue.any().context("an image")?, TRANSFER)
}

/// The images of each bin.
struct Catalogue {
    bins: BTreeMap<String, Vec<Firmware>>,
    versions: BTreeMap<String, u64>,
    count: usize,
}

impl Catalogue {
    fn of(count: usize) -> Self {
        let bins = (0..1_u32 << BITS).map(|number| (format!("bin-{number:03x}"), Vec::new())).collect();
        let mut catalogue = Self { bins, versions: BTreeMap::new(), count: 0 };
        for _ in 0..count {
            catalogue.add();
        }
        catalogue
    }

    /// Adds an image, and says into which bin its name falls: by the first bits of its digest (TAP 15).
    fn add(&mut self) -> (String, Firmware) {
        self.count += 1;
        let number = self.count;
        let name = format!("fleet/ecu-{number:06}/firmware.bin");
        let [a, b, ..] = Sha256::of(name.as_bytes()).0;
        let bin = format!("bin-{:03x}", u16::from_be_bytes([a, b]) >> (u16::BITS - BITS));
        let bytes = format!("the bytes of image {number}").into_bytes();
        let image = Firmware { name, bytes, hardware: format!("hw-{number}"), release: 1 };
        self.bins.entry(bin.clone()).or_default().push(image.clone());
        (bin, image)
    }

    /// The next file of a bin, and its role.
    fn file(&mut self, bin: &str) -> Result<(RoleId, Vec<u8>)> {
        let version = self.versions.entry(bin.to_owned()).or_default();
        *version += 1;
        let images = self.bins.get(bin).context("there is no such bin")?;
        let file = oem::listing(*version, images)?.sign(&oem::keys("bins")?, &[&oem::signer("bins")])?;
        Ok((RoleId::Delegated(RoleName::parse(bin)?), file))
    }

    fn any(&self) -> Option<&Firmware> {
        self.bins.values().flatten().next()
    }
}

/// Publishes everything in one release. Its images are put where uploads end up.
fn publish_all(record: &mut Record, oem: &Oem, catalogue: &Catalogue) -> Result<()> {
    let incoming = oem.repo().join("incoming");
    for image in catalogue.bins.values().flatten() {
        fs::write(incoming.join(Sha256::of(&image.bytes).to_string()), &image.bytes)?;
    }
    let mut first = Catalogue { bins: catalogue.bins.clone(), versions: BTreeMap::new(), count: 0 };
    let server = oem.serve()?;
    let begun = host::clock::stopwatch();
    host::serve::runtime()?.block_on(async {
        let mut client = oem.client(server.other("writers")?, "release").await?;
        let mut files: Vec<(RoleId, Blob)> = Vec::new();
        for bin in catalogue.bins.keys() {
            let (role, file) = first.file(bin)?;
            files.push((role, client.upload_bytes(file).await?));
        }
        client.publish(&files).await?;
        anyhow::Ok(())
    })?;
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    record.figure("images", count(catalogue.count), "", Limit::AtLeast(count(record.few().unwrap_or(IMAGES))));
    record.figure("bins", count(catalogue.bins.len()), "", Limit::Exactly(f64::from(1_u32 << BITS)));
    record.figure("the first release, all of it", begun.elapsed().as_secs_f64(), "s", Limit::Shown);
    record.figure("most memory of the service for that", peak(&server)?, "MiB", Limit::Shown);
    Ok(())
}

/// Publishes images one by one.
fn publish_more(record: &mut Record, oem: &Oem, server: &Service, catalogue: &mut Catalogue) -> Result<()> {
    catalogue.versions = catalogue.bins.keys().map(|bin| (bin.clone(), 1)).collect();
    let runtime = host::serve::runtime()?;
    let mut slowest: f64 = 0.0;
    for _ in 0..MORE {
        let (bin, image) = catalogue.add();
        let (role, file) = catalogue.file(&bin)?;
        let begun = host::clock::stopwatch();
        runtime.block_on(async {
            let mut client: Client = oem.client(server.other("writers")?, "release").await?;
            oem::publish(&mut client, role, file, &[&image]).await
        })?;
        let took = begun.elapsed().as_secs_f64();
        record.sample("seconds to publish one more", took);
        slowest = slowest.max(took);
    }
    record.figure(format!("one more image, the slowest of {MORE}"), slowest, "s", Limit::AtMost(SECONDS));
    record.figure("most memory of the service", peak(server)?, "MiB", Limit::AtMost(MEMORY));
    Ok(())
}

/// The most memory that a process had so far, in MiB.
fn peak(server: &Service) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process()))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    let kibibytes: f64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kibibytes / 1024.0)
}
