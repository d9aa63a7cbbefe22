//! A client that knows Root and nothing else, and what it transfers until one image is verified.

use std::process::Command;

use anyhow::{Context, Result, bail};
use uptane::verify::{MetadataFile, Refresh, Step, Trusted, Wanted};
use uptane::{HardwareId, TargetName};

use crate::oem::{Firmware, Oem};
use crate::programs::{self, Service};
use crate::record::{Limit, Record};

/// Has a client verify what is said of an image, and counts the bytes of metadata that it transfers.
pub(super) fn verify_one(record: &mut Record, oem: &Oem, server: &Service, image: &Firmware, limit: f64) -> Result<()> {
    programs::need_package("curl")?;
    let mut transferred = 0.0;
    let trusted = Trusted::provision(&std::fs::read(oem.root())?)?;
    let name = TargetName::parse(&image.name)?;
    let wanted = Wanted::image(name, HardwareId::parse(&image.hardware)?);
    let mut refresh = Refresh::image(trusted, host::clock::now()).looking_for(vec![wanted.clone()]);
    while let Step::Fetch { file, .. } = refresh.next() {
        let (bytes, length) = fetch(server, file)?;
        if let Some(length) = length {
            record.figure(format!("{file}, compressed"), length / 1024.0, "KiB", Limit::Shown);
            transferred += length;
        }
        refresh.supply(bytes.map(Into::into))?;
        drop(refresh.keep());
    }
    let refreshed = refresh.finish().map_err(|_| anyhow::anyhow!("the refresh did not end"))?;
    record.claim("the client finds the image in its bin", refreshed.find(&wanted)?.view().target(name)?.is_some());
    record.figure(
        "metadata that a client transfers to verify one image",
        transferred / 1024.0,
        "KiB",
        Limit::AtMost(limit),
    );
    Ok(())
}

/// A file and the bytes of it that went over the wire; nothing, if there is none.
fn fetch(server: &Service, file: MetadataFile) -> Result<(Option<Vec<u8>>, Option<f64>)> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--compressed", "--write-out", "%{http_code} %{size_download}", "--output"]).arg(&path);
    let said = programs::output(curl.arg(format!("{}/metadata/{file}", server.url())))?;
    match said.split_once(' ').context("curl says nothing")? {
        ("200", length) => Ok((Some(std::fs::read(&path)?), Some(length.trim().parse()?))),
        ("404", _) => Ok((None, None)),
        (code, _) => bail!("{file}: HTTP {code}"),
    }
}
