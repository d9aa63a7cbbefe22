//! `director assign`.

use uptane::{EcuId, TargetNameBuf, VehicleId};

use super::Data;
use crate::desired;
use crate::files::{self, Config};
use crate::http;
use crate::store::{Sqlite, Store as _};
use crate::{Error, images};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
    /// The vehicle's id
    #[arg(long, value_name = "ID", value_parser = VehicleId::parse)]
    vehicle: VehicleId,
    /// Which ECU shall run which image of the Image repository
    #[arg(value_name = "ECU=TARGET", required = true, value_parser = parse)]
    wanted: Vec<(EcuId, TargetNameBuf)>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args) -> Result<(), Error> {
    let config: Config = host::config::read(&files::config(args.data.path()))?;
    let store = args.data.open().await?;
    // Only what the Image repository vouches for now.
    http::refresh(&store, &config.image_url, host::clock::now()).await?;
    let content_seq = match assign(&store, args).await {
        // A check-in of this vehicle came in between: decide again on what it changed.
        Err(Error::Conflict) => assign(&store, args).await?,
        decided => decided?,
    };
    if args.json {
        let vehicle = args.vehicle.to_string();
        host::cli::print(serde_json::json!({ "vehicle": vehicle, "content_seq": content_seq }));
    } else {
        let count = args.wanted.len();
        host::cli::print(format_args!("{count} assigned; the vehicle hears of it at its next check-in"));
    }
    Ok(())
}

async fn assign(store: &Sqlite, args: &Args) -> Result<u64, Error> {
    let patches = store.patches().await?.1;
    let catalogue = images::catalogue(&store.image().await?.1)?.with_patches(patches);
    let facts = store.by_id(args.vehicle).await?.ok_or(Error::UnknownVehicle)?;
    store.apply(desired::assign(&facts, &catalogue, &args.wanted)?).await?;
    Ok(facts.vehicle.content_seq.next()?.get())
}

fn parse(text: &str) -> Result<(EcuId, TargetNameBuf), String> {
    let (ecu, target) = text.split_once('=').ok_or("it must read ECU=TARGET")?;
    let ecu = EcuId::parse(ecu).map_err(|error| error.to_string())?;
    Ok((ecu, TargetNameBuf::parse(target).map_err(|error| error.to_string())?))
}
