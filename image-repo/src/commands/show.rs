//! `show`: the files and images of a repository, as tables or JSON.

use std::path::Path;

use host::cli::{print, table};
use serde_json::{Value, json};
use uptane::{HardwareId, Time};

use crate::config::Settings;
use crate::error::Error;
use crate::expiry;
use crate::facts::{Current, Head, Listing};
use crate::role::RoleId;
use crate::store::Store as _;

/// Prints what the repository holds.
pub(super) async fn show(repo: &Path, as_json: bool, now: Time) -> Result<(), Error> {
    let publisher = Settings::open(repo)?.publisher().await?;
    let store = publisher.store();
    let head = store.head().await?;
    let mut images = Vec::new();
    for role in head.files.keys().filter(|role| role.lists_images()) {
        images.extend(store.listed(*role).await?.into_iter().map(|listing| (*role, listing)));
    }
    publisher.close().await;
    if as_json {
        print(self::as_json(&head, &images));
        return Ok(());
    }
    print(roles(&head, now));
    print("");
    print(match images.is_empty() {
        true => "no images; add one with `image-repo targets add`".to_owned(),
        false => image_table(&images),
    });
    Ok(())
}

fn roles(head: &Head, now: Time) -> String {
    let row = |(role, file): (&RoleId, &Current)| {
        let life = expiry::in_words(file.expires, now);
        [role.to_string(), file.version.to_string(), file.length.to_string(), life]
    };
    table(["role", "version", "bytes", "life"], &head.files.iter().map(row).collect::<Vec<_>>())
}

fn image_table(images: &[(RoleId, Listing)]) -> String {
    let row = |(role, image): &(RoleId, Listing)| {
        let hardware = image.hardware_ids.iter().map(HardwareId::as_str).collect::<Vec<_>>().join(",");
        let (line, counter) = (image.line.to_string(), image.release_counter.to_string());
        let digest = format!("{:.12}", image.sha256.to_string());
        [image.name.to_string(), role.to_string(), line, counter, hardware, image.length.to_string(), digest]
    };
    let header = ["image", "role", "line", "release", "hardware", "bytes", "sha256"];
    table(header, &images.iter().map(row).collect::<Vec<_>>())
}

fn as_json(head: &Head, images: &[(RoleId, Listing)]) -> Value {
    let role = |(role, file): (&RoleId, &Current)| {
        json!({
            "role": role.to_string(),
            "version": file.version.get(),
            "expires": file.expires.to_string(),
            "length": file.length.get(),
            "sha256": file.sha256.to_string(),
        })
    };
    let image = |(role, image): &(RoleId, Listing)| {
        json!({
            "name": image.name.as_str(),
            "role": role.to_string(),
            "line": image.line.as_str(),
            "release_counter": image.release_counter.get(),
            "hardware_ids": image.hardware_ids.iter().map(HardwareId::as_str).collect::<Vec<_>>(),
            "length": image.length.get(),
            "sha256": image.sha256.to_string(),
        })
    };
    json!({
        "roles": head.files.iter().map(role).collect::<Vec<_>>(),
        "images": images.iter().map(image).collect::<Vec<_>>(),
    })
}
