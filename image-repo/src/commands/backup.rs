//! `backup` and `restore`.

use std::path::PathBuf;

use host::cli::{counted, print};
use serde_json::{Value, json};
use uptane::Time;

use crate::args::{Backup as Take, Restore};
use crate::backup::restore::{Restored, put_images, restore as take_back};
use crate::backup::take::{Images, take};
use crate::backup::{Backup, Manifest};
use crate::collect::FileId;
use crate::config::Settings;
use crate::error::Error;
use crate::release::Arriving;
use crate::staged::Staged;

/// Makes a backup.
pub(crate) async fn backup(args: &Take, now: Time) -> Result<(), Error> {
    let publisher = Settings::open(&args.repo)?.publisher().await?;
    let images = if args.images { Images::Copied } else { Images::Named };
    let taken = take(&publisher, &args.to, images, now).await;
    publisher.close().await;
    tell_taken(args, &taken?);
    Ok(())
}

fn tell_taken(args: &Take, manifest: &Manifest) {
    let copied = manifest.images.iter().filter(|image| image.here).count();
    let lost: Vec<_> =
        manifest.images.iter().filter(|image| args.images && !image.here).map(|image| &image.name).collect();
    if args.json {
        print(json!({
            "generation": manifest.generation,
            "files": manifest.files.len(),
            "images": manifest.images.len(),
            "copied": copied,
            "missing": lost,
            "audit": manifest.audit,
        }));
        return;
    }
    let (files, images) = (counted(manifest.files.len(), "file"), counted(manifest.images.len(), "image"));
    print(format_args!("backed up generation {}: {files}, {images}, {copied} of them copied", manifest.generation));
    for name in lost {
        print(format_args!("missing: {name} is listed, and its bytes are gone"));
    }
}

/// Takes a backup back.
pub(crate) async fn restore(args: &Restore, now: Time) -> Result<(), Error> {
    let backup = Backup::open(&args.from)?;
    let settings = Settings::open(&args.repo)?.with(args.database.as_deref(), args.objects.as_deref())?;
    if args.objects_only {
        return restore_objects(args, &backup, &settings, now).await;
    }
    let newer = named(&args.files)?;
    let publisher = settings.create_or_open().await?;
    let restored = take_back(&backup, &publisher, newer, now).await;
    publisher.close().await;
    let restored = restored?;
    settings.keep()?;
    tell(args, &restored);
    Ok(())
}

async fn restore_objects(args: &Restore, backup: &Backup, settings: &Settings, now: Time) -> Result<(), Error> {
    let publisher = settings.publisher().await?;
    let missing = put_images(backup, &publisher, now).await;
    let mended = publisher.mend().await;
    publisher.close().await;
    mended?;
    let missing = missing?;
    match args.json {
        true => print(json!({ "missing": missing })),
        false => print("what is published is whole again"),
    }
    tell_missing(args, &missing);
    Ok(())
}

fn named(paths: &[PathBuf]) -> Result<Vec<Arriving>, Error> {
    let arriving = |path: &PathBuf| {
        let file = Staged::offered(path, None)?;
        Ok(Arriving { role: file.role(), bytes: file.bytes()? })
    };
    paths.iter().map(arriving).collect()
}

fn tell(args: &Restore, restored: &Restored) {
    let Restored { published, taken_over, left, missing } = restored;
    if args.json {
        let files = |ids: &[FileId]| ids.iter().map(|(role, version)| format!("{role} {version}").into()).collect();
        let (taken_over, left): (Vec<Value>, Vec<Value>) = (files(taken_over), files(left));
        print(json!({
            "snapshot": published.snapshot.get(),
            "timestamp": published.timestamp.get(),
            "expires": published.expires.to_string(),
            "taken_over": taken_over,
            "left": left,
            "missing": missing,
        }));
        return;
    }
    print(format_args!("restored under Timestamp {}, which is good until {}", published.timestamp, published.expires));
    for (role, version) in taken_over {
        print(format_args!("took over {role} {version}, which is newer than the backup"));
    }
    for (role, version) in left {
        print(format_args!("left {role} {version}, which is published and not genuine"));
    }
    tell_missing(args, missing);
}

fn tell_missing(args: &Restore, missing: &[String]) {
    for name in missing.iter().filter(|_| !args.json) {
        print(format_args!("missing: {name} is listed, and neither the backup nor the bucket has it"));
    }
}
