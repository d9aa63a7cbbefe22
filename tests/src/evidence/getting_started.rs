//! `getting-started`: the page's commands, run as written, end with the new image on every ECU.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Item;
use crate::record::{Limit, Record};
use crate::walkthrough::{Reader, blocks};

pub(super) const ITEM: Item = Item {
    name: "getting-started",
    promise: "the commands of docs/getting-started.md, run as written, update every ECU",
    show,
};

fn show(record: &mut Record) -> Result<()> {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?;
    let page = std::fs::read_to_string(clone.join("docs/getting-started.md"))?;
    let home = tempfile::tempdir()?;
    let mut reader = Reader::new(clone, home.path());
    let blocks = blocks(&page)?;
    blocks.iter().try_for_each(|block| reader.follow(block))?;
    record.figure("command blocks followed", f64::from(u32::try_from(blocks.len())?), "", Limit::AtLeast(10.0));
    updated(&reader, record)
}

/// Each ECU's own account, asked of its own data folder.
fn updated(reader: &Reader, record: &mut Record) -> Result<()> {
    let digest = reader.ask("sha256sum firmware-2.bin")?;
    let digest = digest.split_whitespace().next().context("a digest")?;
    for ecu in ["display", "brakes"] {
        let status: Value = serde_json::from_str(&reader.ask(&format!("secondary-ecu status --data {ecu} --json"))?)?;
        record.claim(format!("{ecu} runs firmware-2.bin"), status.pointer("/running/sha256") == Some(&digest.into()));
    }
    let status: Value = serde_json::from_str(&reader.ask("primary-ecu status --data gateway --json")?)?;
    let ecus = status.get("ecus").and_then(Value::as_array).context("ECUs in the Primary's status")?;
    let gateway = ecus.iter().find(|ecu| ecu.get("ecu") == Some(&"gateway".into())).context("the gateway")?;
    record.claim("gateway runs firmware-2.bin", gateway.pointer("/running/sha256") == Some(&digest.into()));
    Ok(())
}
