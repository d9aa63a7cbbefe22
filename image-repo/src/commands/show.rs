//! `show`: files, keys and images, as tables or JSON.

use std::path::Path;

use host::cli::{print, table};
use serde_json::{Value, json};
use uptane::sign::key_id;
use uptane::{HardwareId, Time};

use crate::error::Error;
use crate::old::facts::{Facts, Image};
use crate::repo::Repo;
use crate::role::TopRole;

/// Prints what the repository holds.
pub(super) async fn show(repo: &Path, as_json: bool, now: Time) -> Result<(), Error> {
    let mut repo = Repo::open(repo).await?;
    let facts = repo.facts().await?;
    repo.close().await?;
    if as_json {
        print(self::as_json(&facts));
        return Ok(());
    }
    print(roles(&facts, now));
    print("");
    print(images(&facts));
    Ok(())
}

fn roles(facts: &Facts, now: Time) -> String {
    let row = |file: &crate::old::facts::SignedFile| {
        let key = facts.keys.get(&file.role);
        let life = if now >= file.expires { "EXPIRED" } else { "good" };
        let seen = if file.published { "published" } else { "signed" };
        let id = key.map(|key| format!("{:.8}", key_id(&key.public))).unwrap_or_default();
        let name = key.map(|key| format!("keys/{}", key.file)).unwrap_or_default();
        [file.role.to_string(), file.version.to_string(), seen.into(), file.expires.to_string(), life.into(), id, name]
    };
    let newest = TopRole::ALL.into_iter().filter_map(|role| facts.newest(role));
    table(["role", "version", "state", "expires", "life", "key", "key file"], &newest.map(row).collect::<Vec<_>>())
}

fn images(facts: &Facts) -> String {
    let row = |image: &Image| {
        let hardware = image.hardware_ids.iter().map(HardwareId::as_str).collect::<Vec<_>>().join(",");
        let (line, counter) = (image.line.to_string(), image.release_counter.to_string());
        let digest = format!("{:.12}", image.sha256.to_string());
        [image.name.to_string(), line, counter, hardware, image.length.to_string(), digest, state(image).into()]
    };
    let rows: Vec<_> = facts.images.values().map(row).collect();
    match rows.is_empty() {
        true => "no images; add one with `image-repo targets add`".to_owned(),
        false => table(["image", "line", "release", "hardware", "bytes", "sha256", "state"], &rows),
    }
}

fn state(image: &Image) -> &'static str {
    match (image.listed, image.published) {
        (None, _) => "staged",
        (Some(_), false) => "signed",
        (Some(_), true) => "published",
    }
}

fn as_json(facts: &Facts) -> Value {
    let role = |role: TopRole| {
        let file = facts.newest(role);
        let key = facts.keys.get(&role);
        json!({
            "role": role.word(),
            "version": file.map(|file| file.version.get()),
            "expires": file.map(|file| file.expires.to_string()),
            "published": file.is_some_and(|file| file.published),
            "key": key.map(|key| key_id(&key.public).to_string()),
            "key_file": key.map(|key| key.file.clone()),
        })
    };
    let image = |image: &Image| {
        json!({
            "name": image.name.as_str(),
            "line": image.line.as_str(),
            "release_counter": image.release_counter.get(),
            "hardware_ids": image.hardware_ids.iter().map(HardwareId::as_str).collect::<Vec<_>>(),
            "length": image.length.get(),
            "sha256": image.sha256.to_string(),
            "state": state(image),
        })
    };
    json!({
        "roles": TopRole::ALL.map(role),
        "images": facts.images.values().map(image).collect::<Vec<_>>(),
    })
}
