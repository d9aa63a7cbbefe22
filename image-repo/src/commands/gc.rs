//! `gc`: removes what no unexpired file leads to any more.

use host::cli::{counted, print};
use serde_json::json;
use uptane::Time;

use crate::args::Gc;
use crate::collect::sweep::{Collected, Mode};
use crate::config::Settings;
use crate::error::Error;

/// Collects, and says what went, or would go.
pub(crate) async fn gc(args: &Gc, now: Time) -> Result<(), Error> {
    let publisher = Settings::open(&args.repo)?.publisher().await?;
    let mode = if args.dry_run { Mode::Tell } else { Mode::Remove };
    let collected = publisher.collect(mode, now).await;
    publisher.close().await;
    tell(args, &collected?);
    Ok(())
}

fn tell(args: &Gc, collected: &Collected) {
    let Collected { files, images, arrivals, bytes, missing } = collected;
    if args.json {
        let file = |(role, version): &(crate::role::RoleId, uptane::Version)| json!({ "role": role.to_string(), "version": version.get() });
        let files: Vec<_> = files.iter().map(file).collect();
        print(json!({
            "removed": !args.dry_run,
            "files": files,
            "images": images,
            "arrivals": arrivals,
            "bytes": bytes,
            "missing": missing,
        }));
        return;
    }
    let did = if args.dry_run { "would remove" } else { "removed" };
    let (files, images) = (counted(files.len(), "metadata file"), counted(images.len(), "image"));
    print(format_args!("{did} {files}, {images} and {} ({bytes} bytes)", counted(arrivals.len(), "upload")));
    for name in missing {
        print(format_args!("missing: {name} is listed, and its bytes are gone"));
    }
}
