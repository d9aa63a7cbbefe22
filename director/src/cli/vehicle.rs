//! `director vehicle add`.

use std::path::PathBuf;
use std::time::Duration;

use host::tls::{Authority, Purpose, certificate_der, fingerprint, server_name};
use uptane::limits::MAX_ECUS;
use uptane::{EcuId, Sha256, Time, VehicleId, Version};

use super::Data;
use super::bundle::{self, Bundle};
use crate::enrolment::{self, Enrolment};
use crate::facts::Change;
use crate::store::Store as _;
use crate::{Error, files};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// An ECU's enrolment file; the Primary's first
    #[arg(long, value_name = "FILE", required = true)]
    enrolment: Vec<PathBuf>,
    /// New folder for what the ECUs are provisioned with
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The manufacturer's number; stays in the inventory
    #[arg(long)]
    vin: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args) -> Result<(), Error> {
    let enrolments = read(&args.enrolment)?;
    let store = args.data.open().await?;
    let authority = files::authority(args.data.path())?;
    let (now, id) = (host::clock::now(), VehicleId(host::random::bytes()?));
    let epoch = store.epoch().await?.ok_or(Error::NotInitialised)?;

    let (certificates, primary) = certify(&authority, id, &enrolments, now)?;
    let new = enrolment::new_vehicle(id, primary, args.vin.clone(), enrolments, now)?;
    let bundle = Bundle {
        new: &new,
        director_roots: store.roots(Version::FIRST).await?,
        image_root: store.image().await?.1.root,
        time: files::online_keys(args.data.path())?.attest(&epoch, now, [])?,
        authority: authority.certificate().to_owned(),
        certificates,
    };
    // The bundle first: a registered vehicle without one could never check in.
    bundle.write(&args.out)?;
    let registered = store.apply(Change::Register(Box::new(new.clone()))).await;
    registered.inspect_err(|_| bundle::discard(&args.out))?;
    if args.json {
        host::cli::print(serde_json::json!({ "vehicle": id.to_string(), "bundle": args.out }));
    } else {
        host::cli::print(id);
    }
    Ok(())
}

fn read(paths: &[PathBuf]) -> Result<Vec<Enrolment>, Error> {
    if paths.len() > MAX_ECUS {
        return Err(uptane::Error::Limit { what: "ECUs" }.into());
    }
    let enrolments = paths.iter().map(|path| Enrolment::read(path)).collect::<Result<Vec<_>, _>>()?;
    enrolment::check(&enrolments)?;
    Ok(enrolments)
}

/// A certificate for every ECU that asks for one, and the fingerprint of the Primary's.
fn certify(
    authority: &Authority,
    vehicle: VehicleId,
    enrolments: &[Enrolment],
    now: Time,
) -> Result<(Vec<(EcuId, String)>, Sha256), Error> {
    let mut certificates = Vec::new();
    for Enrolment { ecu, is_primary, tls_request } in enrolments {
        let Some(request) = tls_request else { continue };
        let purpose = if *is_primary { Purpose::Client } else { Purpose::Server };
        let name = server_name(vehicle, ecu.id);
        let issued = authority.issue(request, ecu.id.as_str(), &[name], purpose, now, CERTIFICATE_LIFETIME)?;
        certificates.push((ecu.id, issued));
    }
    let primary = enrolments.iter().find(|enrolment| enrolment.is_primary).map(|enrolment| enrolment.ecu.id);
    let shown = certificates.iter().find(|(ecu, _)| Some(*ecu) == primary);
    let (_, certificate) = shown.ok_or(Error::NoTlsRequest)?;
    let shown = fingerprint(&certificate_der(certificate)?);
    Ok((certificates, shown))
}

/// How long an ECU's certificate lasts: as long as a vehicle.
const CERTIFICATE_LIFETIME: Duration = Duration::from_secs(20 * 365 * 86_400);
