//! `verify`: what is published, judged as a client that knows the first Root judges it: every role that is delegated to, and
//! every image that a role lists.

use std::collections::BTreeSet;

use host::cli::{counted, print, table};
use serde_json::json;
use uptane::metadata::{Delegations, Envelope, Targets};
use uptane::verify::{FileBytes, MetadataFile, Refresh, Refreshed, Step, Trusted};
use uptane::{Image, Length, RoleName, Sha256, Time, Version, limits};

use crate::args::Verify;
use crate::config::Settings;
use crate::error::Error;
use crate::facts::stored_name;
use crate::objects::Objects;

/// Verifies what is published. Opens neither the database nor a key: a client has neither.
pub(crate) async fn verify(args: &Verify, now: Time) -> Result<(), Error> {
    if !args.repo.is_dir() {
        return Err(Error::NotARepository { path: args.repo.clone() });
    }
    let objects = Settings::open(&args.repo)?.objects()?;
    let refreshed = refresh(&objects, now).await?;
    let mut found = Found::default();
    let top = refreshed.targets().file().bytes().to_vec();
    found.targets(&objects, &refreshed, &top).await?;
    while let Some((by, role)) = found.waiting.pop() {
        found.delegated(&objects, &refreshed, &by, role).await?;
    }
    tell(args.json, &refreshed, found);
    Ok(())
}

fn tell(as_json: bool, refreshed: &Refreshed<Image>, found: Found) {
    let targets = refreshed.targets().view();
    let mut files = vec![
        ("root".to_owned(), refreshed.root().file().version(), refreshed.root().file().expires()),
        ("targets".to_owned(), targets.version(), targets.expires()),
        ("snapshot".to_owned(), refreshed.snapshot().file().version(), refreshed.snapshot().file().expires()),
        ("timestamp".to_owned(), refreshed.timestamp().file().version(), refreshed.timestamp().file().expires()),
    ];
    files.extend(found.delegated);
    if as_json {
        let role = |(role, version, expires): &(String, Version, Time)| json!({ "role": role, "version": version.get(), "expires": expires.to_string() });
        let roles: Vec<_> = files.iter().map(role).collect();
        print(json!({ "verified": true, "images": found.images, "roles": roles }));
        return;
    }
    let row =
        |(role, version, expires): &(String, Version, Time)| [role.clone(), version.to_string(), expires.to_string()];
    print(table(["role", "version", "expires"], &files.iter().map(row).collect::<Vec<_>>()));
    let (roles, images) = (counted(files.len(), "role"), counted(found.images, "image"));
    print(format_args!("\neverything published verifies: {roles}, {images}"));
}

/// What was verified so far, and whose files are still to be.
#[derive(Default)]
struct Found {
    images: usize,
    delegated: Vec<(String, Version, Time)>,
    seen: BTreeSet<RoleName>,
    /// Roles, with the delegations that lead to them.
    waiting: Vec<(Delegations, RoleName)>,
}

impl Found {
    /// The images of a Targets file, and whom it delegates to.
    async fn targets(&mut self, objects: &Objects, refreshed: &Refreshed<Image>, file: &[u8]) -> Result<(), Error> {
        let refuse = refused("the Targets file");
        let targets = Envelope::decode(file).and_then(|envelope| Targets::decode(envelope.signed())).map_err(refuse)?;
        for target in targets.targets() {
            let target = target.map_err(refused("a Targets file"))?;
            let sha256 = target.hashes().sha256().ok_or(uptane::Error::NoKnownHash).map_err(refused(target.name()))?;
            check_image(objects, &stored_name(target.name(), sha256), target.length(), sha256).await?;
            self.images += 1;
        }
        let delegations = targets.delegations().map(Delegations::decode).transpose().map_err(refused("delegations"))?;
        let Some(delegations) = delegations else { return Ok(()) };
        for role in delegations.names(limits::MAX_DELEGATIONS).map_err(refused("delegations"))? {
            // A role that nobody has signed for yet is not of this state of the repository.
            let is_listed = refreshed.snapshot().view().file(&format!("{role}.json")).is_some();
            if is_listed && self.seen.insert(role) {
                self.waiting.push((delegations.clone(), role));
            }
        }
        Ok(())
    }

    /// The file of a role that is delegated to, by the keys of that delegation.
    async fn delegated(
        &mut self,
        objects: &Objects,
        refreshed: &Refreshed<Image>,
        by: &Delegations,
        role: RoleName,
    ) -> Result<(), Error> {
        let listed = refreshed.snapshot().view().file(&format!("{role}.json"));
        let (Some(listed), Some(delegated)) = (listed, by.role(role)) else { return Ok(()) };
        let name = MetadataFile::Delegated(role, listed.version).file_name();
        let bytes = objects.published_file(&name, Length::new(limits::MAX_TARGETS)?).await?;
        let bytes = bytes.ok_or_else(|| Error::Unpublished { file: name.clone() })?.to_vec();
        refreshed.check_delegated(&delegated, FileBytes::from(bytes.clone())).map_err(refused(&name))?;
        let envelope = Envelope::decode(&bytes).map_err(refused(&name))?;
        let targets = Targets::decode(envelope.signed()).map_err(refused(&name))?;
        self.delegated.push((role.to_string(), targets.version(), targets.expires()));
        Box::pin(self.targets(objects, refreshed, &bytes)).await
    }
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
