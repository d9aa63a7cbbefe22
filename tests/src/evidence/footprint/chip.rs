//! A board as its maker and the vehicle's leave it: a first image, whom it trusts, and who it is.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context, Result};
use embedded_storage::nor_flash::ReadNorFlash as _;
use secondary_ecu::bank::Descriptor;
use secondary_ecu::bench::{self, primary};
use secondary_ecu::flash::ram::RamFlash;
use secondary_ecu::flash::{Banks, Layout, Store};
use secondary_ecu::provisioning::{install, slot_root, trust};
use uptane::limits::{MAX_ID, MAX_KEY_ID};
use uptane::sign::{MemorySigner, Signer as _};
use uptane::{Length, PublicKey, ReleaseCounter, Sha256, TargetName};

use super::board::{FLASH, PSRAM};
use super::vehicle::Vehicle;

/// The division that the firmware has.
const LAYOUT: Layout = Layout { state_pages: 4, slot_size: 64 * 1024, bank_size: 256 * 1024, banks: Banks::Two };
const CAPACITY: usize = 1024 * 1024;
const PAGE: usize = 4_096;

/// The seed of the key it signs reports with.
const SEED: [u8; 32] = [0x5e; 32];

/// That key.
pub(super) fn report_key() -> MemorySigner {
    MemorySigner::from_seed(&SEED)
}

/// Makes the file that is its flash.
pub(super) fn provision(folder: &Path, vehicle: &Vehicle) -> Result<()> {
    let mut store = Store::new(RamFlash::<8, 4_096>::new(CAPACITY - PAGE), LAYOUT)?;
    let (repo, me, image) = (vehicle.repo(), vehicle.me(), vehicle.image());
    let descriptor = Descriptor {
        name: TargetName::parse(&me.image_name(1))?.to_buf(),
        length: Length::new(image.len().try_into()?)?,
        sha256: Sha256::of(image),
        line: me.line,
        counter: ReleaseCounter::new(1)?,
    };
    install(&mut store, image, &descriptor)?;
    let root = repo.director().first_root();
    trust(&mut store, repo.now(), |store, state| slot_root(store, state, &bench::profile(repo), root))?;
    let mut flash = vec![0; CAPACITY - PAGE];
    store.into_flash().read(0, &mut flash).ok().context("flash in memory can be read")?;
    flash.extend(identity(vehicle)?);
    let file = File::create(folder.join(FLASH))?;
    file.set_len(PSRAM)?;
    Ok(file.write_all_at(&flash, 0)?)
}

/// The page that `secondary-ecu/firmware/src/identity.rs` reads.
fn identity(vehicle: &Vehicle) -> Result<Vec<u8>> {
    let (me, key) = (vehicle.me(), report_key());
    let PublicKey::Ed25519(primary) = primary().public_key() else { anyhow::bail!("the Primary's key is Ed25519") };
    let mut page = [&b"CVI1"[..], &SEED].concat();
    field(&mut page, key.key_id().as_str(), MAX_KEY_ID)?;
    page.extend(primary);
    page.extend(vehicle.repo().vehicle().0);
    field(&mut page, me.ecu.as_str(), MAX_ID)?;
    field(&mut page, me.hardware.as_str(), MAX_ID)?;
    page.resize(PAGE, 0xff);
    Ok(page)
}

fn field(page: &mut Vec<u8>, text: &str, most: usize) -> Result<()> {
    let end = page.len() + 1 + most;
    page.push(text.len().try_into()?);
    page.extend(text.bytes());
    page.resize(end, 0xff);
    Ok(())
}
