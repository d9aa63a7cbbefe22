//! Three attacks on the running system, each refused by name with the old image still running.

use std::path::{Path, PathBuf};
use std::time::Duration;

use primary_ecu::status::Refusal;

use super::evil_director::EvilDirector;
use super::firmware;
use crate::Error;
use crate::live::System;

/// Runs the attacks one after the other, and returns how each was refused; `running` is the digest every ECU must still
/// run afterwards.
pub(super) fn run_all(system: &mut System, running: &str, say: &dyn Fn(String)) -> Result<Vec<Refusal>, Error> {
    let old_timestamp = Kept::read(timestamp(system))?;
    let image = publish_next(system)?;

    let flipped = Kept::read(image)?;
    flipped.write(flip_middle_byte)?;
    system.assign(NEXT_IMAGE)?;
    let mut refusals = vec![expect(system, "a flipped image byte", "image-digest", running, say)?];

    let new_timestamp = Kept::read(timestamp(system))?;
    old_timestamp.restore()?;
    refusals.push(expect(system, "an older, validly signed metadata set", "rollback", running, say)?);
    new_timestamp.restore()?;

    let address = system.stop_director()?;
    let evil = EvilDirector::start(system, &address)?;
    let attack = "an image the Director alone signed (stolen online keys)";
    refusals.push(expect(system, attack, "not-in-image-repository", running, say)?);
    evil.stop();

    flipped.restore()?;
    system.restart_director()?;
    Ok(refusals)
}

/// Publishes one more image, and returns where the Image repository keeps it.
fn publish_next(system: &System) -> Result<PathBuf, Error> {
    let bytes = firmware::make(3);
    let file = system.folder().join("demo-3.bin");
    std::fs::write(&file, &bytes).map_err(Error::io(format!("writing {}", file.display())))?;
    system.publish(NEXT_IMAGE, &file, 3)?;
    let stored = format!("targets/firmware/{}.demo-3.bin", uptane::Sha256::of(&bytes));
    Ok(system.published().join(stored))
}

fn timestamp(system: &System) -> PathBuf {
    system.published().join("metadata/timestamp.json")
}

fn flip_middle_byte(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
}

/// Waits until the Primary refuses with `check`, then makes sure that nothing else runs than before.
fn expect(
    system: &mut System,
    attack: &'static str,
    check: &str,
    running: &str,
    say: &dyn Fn(String),
) -> Result<Refusal, Error> {
    let matches = |refusal: &Refusal| refusal.check == check;
    let refusal = system.wait(attack, REFUSAL_LIMIT, |status| status.last_refusal.clone().filter(matches))?;
    if let Some((ecu, digest)) = system.running()?.into_iter().find(|(_, digest)| digest != running) {
        return Err(Error::NotRefused { attack, message: format!("{} now runs {digest}", ecu.id) });
    }
    let kind = refusal.attack.as_deref().unwrap_or("none");
    say(format!("Attack: {attack}\n  {} [{kind}]; the old image still runs on every ECU", refusal.error));
    Ok(refusal)
}

/// A file as it was when it was read.
struct Kept {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Kept {
    fn read(path: PathBuf) -> Result<Self, Error> {
        let bytes = std::fs::read(&path).map_err(Error::io(format!("reading {}", path.display())))?;
        Ok(Self { path, bytes })
    }

    fn write(&self, change: impl FnOnce(&mut [u8])) -> Result<(), Error> {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        replace(&self.path, &bytes)
    }

    fn restore(&self) -> Result<(), Error> {
        replace(&self.path, &self.bytes)
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(Error::io(format!("writing {}", path.display())))
}

/// Target name of the image that the first attack tampers with.
const NEXT_IMAGE: &str = "firmware/demo-3.bin";
/// A Primary that asks every second needs no longer than this to notice.
const REFUSAL_LIMIT: Duration = Duration::from_secs(20);
