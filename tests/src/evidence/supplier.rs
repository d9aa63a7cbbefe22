//! `supplier`: suppliers sign on machines of their own with the command line and upload by gRPC; what their roles may not sign
//! is refused before anything of it is visible.

mod forbidden;
mod machine;
mod release;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use uptane::metadata::Covers;
use uptane::sign::{DelegationBuilder, KeySet, Signer as _};
use uptane::verify::{Refresh, Step, Trusted, Wanted};
use uptane::{HardwareId, PublicKey, RoleName, TargetName};

use super::Item;
use crate::oem::{self, Oem, TufClient, Writer};
use crate::programs::Service;
use crate::record::{Limit, Record};
use machine::Machine;

pub(super) const ITEM: Item = Item {
    name: "supplier",
    promise: "suppliers with a sub-delegation and an image that two must agree on upload; forbidden uploads are refused unseen",
    show,
};

fn show(record: &mut Record) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let [acme, brakes, bolt] =
        ["acme", "acme-brakes", "bolt"].map(|name| Machine::begin(&folder.path().join(name), name));
    let (acme, brakes, bolt) = (acme?, brakes?, bolt?);
    let targets = oem::listing(1, [])?.delegate(delegations(&acme.key()?, &bolt.key()?)?)?;
    let oem = Oem::found(folder.path(), targets, &[])?;
    oem.admit(&[
        Writer { name: "acme", roles: &["acme"] },
        Writer { name: "acme-brakes", roles: &["acme-brakes", "nobody"] },
        Writer { name: "bolt", roles: &["bolt", "late"] },
        Writer { name: "lab", roles: &["lab"] },
        Writer { name: "release", roles: &["targets", "snapshot"] },
    ])?;
    fs::write(folder.path().join("ca.pem"), oem.authority())?;
    let server = oem.serve()?;

    honest(record, folder.path(), &oem, &server, [&acme, &brakes, &bolt])?;
    forbidden::show(record, &oem, &server, [&acme, &brakes, &bolt])
}

/// Whom the OEM delegates to: acme for its names and hardware; bolt for its own, and nobody after it; both together for the
/// gateway; a laboratory of which two people must sign.
fn delegations(acme: &PublicKey, bolt: &PublicKey) -> Result<Vec<DelegationBuilder>> {
    let paths = |patterns: &[&str]| Covers::Paths(patterns.iter().map(|pattern| (*pattern).to_owned()).collect());
    let one = |key: &PublicKey| KeySet::new([key.clone()], 1);
    let hardware = ["acme-hw", "brake-hw"].map(HardwareId::parse).into_iter().collect::<Result<Vec<_>, _>>()?;
    let [acme_role, bolt_role, gateway, lab, late] = ["acme", "bolt", "gateway", "lab", "late"].map(RoleName::parse);
    let (acme_role, bolt_role) = (acme_role?, bolt_role?);
    let both = vec![(acme_role, one(acme)?), (bolt_role, one(bolt)?)];
    let people = KeySet::new([oem::signer("lab-1").public_key(), oem::signer("lab-2").public_key()], 2)?;
    Ok(vec![
        DelegationBuilder::role(acme_role, one(acme)?, paths(&["acme/*", "acme/*/*"])).for_hardware(hardware),
        DelegationBuilder::role(bolt_role, one(bolt)?, paths(&["bolt/*"])).terminating(),
        DelegationBuilder::roles(gateway?, 2, both, paths(&["gateway/*"])),
        DelegationBuilder::role(lab?, people, paths(&["lab/*"])),
        DelegationBuilder::role(late?, oem::keys("late")?, paths(&["bolt/*"])),
    ])
}

/// What suppliers may do, they do with the command line.
fn honest(
    record: &mut Record,
    folder: &Path,
    oem: &Oem,
    server: &Service,
    [acme, brakes, bolt]: [&Machine; 3],
) -> Result<()> {
    let writers = server.other("writers")?;
    acme.run(&[
        "delegate",
        "add",
        "--role",
        "acme",
        "acme-brakes",
        "--path",
        "acme/brakes/*",
        "--key",
        &brakes.public(),
    ])?;
    acme.list("acme/fw-1.bin", "acme-hw", 1, b"acme's own")?;
    acme.list("gateway/gw-1.bin", "gateway-hw", 1, b"what both build")?;
    acme.publish(writers, folder)?;
    record.claim("a supplier publishes an image and delegates a part of its names", true);

    brakes.list("acme/brakes/abs-1.bin", "brake-hw", 1, b"of the supplier's supplier")?;
    brakes.publish(writers, folder)?;
    let client = TufClient::begin(&folder.join("client"), &oem.root(), server.url())?;
    client.refresh()?;
    client.download(["acme/fw-1.bin", "acme/brakes/abs-1.bin"])?;
    record.claim("a TUF client verifies the images of both, through both delegations", true);

    let alone = found(oem, "gateway/gw-1.bin", "gateway-hw")?;
    record.claim("an image that two must agree on is not found while one lists it", !alone);
    bolt.list("bolt/fw-1.bin", "bolt-hw", 1, b"bolt's own")?;
    bolt.list("gateway/gw-1.bin", "gateway-hw", 1, b"what both build")?;
    bolt.publish(writers, folder)?;
    record.claim("it is found once both list the same", found(oem, "gateway/gw-1.bin", "gateway-hw")?);
    let said: serde_json::Value =
        serde_json::from_str(&crate::programs::output(oem.command("verify")?.arg("--json"))?)?;
    let roles = said.get("roles").and_then(|roles| roles.as_array()).map_or(0, Vec::len);
    record.figure("roles whose published files verify", f64::from(u32::try_from(roles)?), "", Limit::Exactly(7.0));
    Ok(())
}

/// Whether a vehicle finds an image for its hardware in what is published.
fn found(oem: &Oem, name: &str, hardware: &str) -> Result<bool> {
    let wanted = Wanted::image(TargetName::parse(name)?, HardwareId::parse(hardware)?);
    let trusted = Trusted::provision(&fs::read(oem.root())?)?;
    let mut refresh = Refresh::image(trusted, host::clock::now()).looking_for(vec![wanted.clone()]);
    while let Step::Fetch { file, .. } = refresh.next() {
        let bytes = fs::read(oem.repo().join("published/metadata").join(file.file_name())).ok();
        refresh.supply(bytes.map(Into::into))?;
        drop(refresh.keep());
    }
    let refreshed = refresh.finish().ok().context("the refresh did not end")?;
    Ok(refreshed.find(&wanted).is_ok())
}
