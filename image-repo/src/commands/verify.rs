//! `verify`: what is published, judged as a client that knows the first Root judges it, and every image it lists.

use host::cli::{counted, print, table};
use serde_json::json;
use uptane::verify::{Refresh, Refreshed, Step, Trusted};
use uptane::{Image, Length, Sha256, Time, limits};

use crate::args::Verify;
use crate::error::Error;
use crate::old::facts::stored_name;
use crate::old::objects::Objects;

/// Verifies the published folder. Opens neither the database nor a key: a client has neither.
pub(crate) async fn verify(args: &Verify, now: Time) -> Result<(), Error> {
    if !args.repo.join("published").is_dir() {
        return Err(Error::NotARepository { path: args.repo.clone() });
    }
    let objects = Objects::in_folder(&args.repo)?;
    let refreshed = refresh(&objects, now).await?;
    let targets = refreshed.targets().view();
    let mut images = 0;
    for target in targets.targets() {
        let target = target.map_err(refused("targets.json"))?;
        let sha256 = target.hashes().sha256().ok_or(uptane::Error::NoKnownHash).map_err(refused(target.name()))?;
        check_image(&objects, &stored_name(target.name(), sha256), target.length(), sha256).await?;
        images += 1;
    }
    let files = [
        ("root", refreshed.root().file().version(), refreshed.root().file().expires()),
        ("targets", targets.version(), targets.expires()),
        ("snapshot", refreshed.snapshot().file().version(), refreshed.snapshot().file().expires()),
        ("timestamp", refreshed.timestamp().file().version(), refreshed.timestamp().file().expires()),
    ];
    if args.json {
        let role = |(role, version, expires): (_, uptane::Version, Time)| json!({ "role": role, "version": version.get(), "expires": expires.to_string() });
        print(json!({ "verified": true, "images": images, "roles": files.map(role) }));
        return Ok(());
    }
    let row = |(role, version, expires): (&str, uptane::Version, Time)| {
        [role.to_owned(), version.to_string(), expires.to_string()]
    };
    print(table(["role", "version", "expires"], &files.map(row)));
    print(format_args!("\neverything published verifies: 4 roles, {}", counted(images, "image")));
    Ok(())
}

/// One refresh from the first Root on.
async fn refresh(objects: &Objects, now: Time) -> Result<Refreshed<Image>, Error> {
    let first = "1.root.json";
    let root = objects.published_file(first, Length::new(limits::MAX_ROOT)?).await?;
    let root = root.ok_or_else(|| Error::Unpublished { file: first.to_owned() })?;
    let mut refresh = Refresh::image(Trusted::provision(&root).map_err(refused(first))?, now);
    while let Step::Fetch { file, limit } = refresh.next() {
        let name = file.file_name();
        let bytes = objects.published_file(&name, limit).await?;
        refresh.supply(bytes.map(|bytes| Vec::from(bytes).into())).map_err(refused(name))?;
        // Nothing of it is stored: the next verification begins at the first Root again.
        drop(refresh.keep());
    }
    match refresh.next() {
        Step::Refused(reason) => Err(Error::Refused { file: "the metadata".to_owned(), reason }),
        Step::Fetch { .. } | Step::Done => refresh.finish().map_err(|_| Error::Incomplete { what: "whole metadata" }),
    }
}

async fn check_image(objects: &Objects, name: &str, length: Length, sha256: Sha256) -> Result<(), Error> {
    let found = objects.digest(name).await?.ok_or_else(|| Error::Unpublished { file: name.to_owned() })?;
    match found {
        (got, _) if got != length => Err(refused(name)(uptane::Error::ImageLength { listed: length, got })),
        (_, got) if got != sha256 => Err(refused(name)(uptane::Error::ImageDigest)),
        _ => Ok(()),
    }
}

fn refused(file: impl ToString) -> impl FnOnce(uptane::Error) -> Error {
    let file = file.to_string();
    move |reason| {
        if let uptane::Error::Expired { role, expires, .. } = reason {
            return Error::Expired { role, expires };
        }
        // Root alone may be absent, and its absence is no error.
        let is_absent = matches!(reason, uptane::Error::Absent { .. });
        if is_absent { Error::Unpublished { file } } else { Error::Refused { file, reason } }
    }
}
