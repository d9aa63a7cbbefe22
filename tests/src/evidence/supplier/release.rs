//! Releases that no honest tool makes.

use anyhow::{Context, Result};
use host::keys::KeyFile;
use uptane::sign::{KeySet, Signer, TargetsBuilder};

use crate::oem::{self, Firmware};

/// A file of a role with these images, signed by one key.
pub(super) fn signed(version: u64, images: &[&Firmware], key: &dyn Signer) -> Result<Vec<u8>> {
    finish(oem::listing(version, images.iter().copied())?, key)
}

/// The same, good until `expires`.
pub(super) fn expiring(version: u64, image: &Firmware, expires: uptane::Time, key: &dyn Signer) -> Result<Vec<u8>> {
    let version = uptane::Version::new(version)?;
    finish(TargetsBuilder::image(version, expires).list(image.entry()?)?, key)
}

fn finish(targets: TargetsBuilder<uptane::Image>, key: &dyn Signer) -> Result<Vec<u8>> {
    Ok(targets.sign(&KeySet::new([key.public_key()], 1)?, &[key])?)
}

/// A file whose text is changed before it is signed, so that it says what no builder would, and no reader would sign.
pub(super) fn changed(
    version: u64,
    images: &[&Firmware],
    change: impl Fn(String) -> String,
    key: &KeyFile,
) -> Result<Vec<u8>> {
    let unsigned = String::from_utf8(oem::listing(version, images.iter().copied())?.unsigned().to_file())?;
    let signed = unsigned.strip_prefix("{\"signatures\":[],\"signed\":").and_then(|rest| rest.strip_suffix('}'));
    let signed = change(signed.context("an unsigned file")?.to_owned());
    // Without control characters the text is what is signed.
    let hex: String = key.sign(signed.as_bytes())?.iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = format!("{{\"keyid\":\"{}\",\"sig\":\"{hex}\"}}", key.key_id());
    Ok(format!("{{\"signatures\":[{signature}],\"signed\":{signed}}}").into_bytes())
}
