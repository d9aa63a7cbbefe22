//! What the four roles say (`docs/pouf.md` §3 to §7).

use std::collections::{BTreeMap, BTreeSet};

use super::delegations::Delegations;
use super::file::{File, Hashes, Listed};
use super::json::Json;
use super::keys::{Appointed, appointed, keys};
use super::words::{self, is_hex, is_id, is_name, members, number, optional, text, version};
use super::{Audience, Refused};

/// What every role file says of itself.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) version: u64,
    pub(super) expires: u64,
    repository: Option<String>,
    vehicle: Option<String>,
}

impl Header {
    fn read(signed: &Json, role: &str) -> Result<Self, Refused> {
        if text(signed, "_type")? != role {
            return Err(Refused("_type"));
        }
        if !text(signed, "spec_version")?.starts_with("1.") {
            return Err(Refused("spec_version"));
        }
        let nothing = Json::Object(BTreeMap::new());
        let uptane = signed.member("uptane").unwrap_or(&nothing);
        uptane.object().ok_or(Refused("uptane"))?;
        optional(uptane, "campaign", is_id)?;
        optional(uptane, "not_before", |text| words::time(text).is_some())?;
        Ok(Self {
            version: version(signed)?,
            expires: words::time(text(signed, "expires")?).ok_or(Refused("expires"))?,
            repository: optional(uptane, "repository", |text| matches!(text, "director" | "image"))?,
            vehicle: optional(uptane, "vehicle", |text| is_hex(text, 32))?,
        })
    }

    /// Refuses a file of the other repository.
    pub(super) fn check_repository(&self, audience: Audience<'_>) -> Result<(), Refused> {
        match (self.repository.as_deref(), audience) {
            (Some("director"), Audience::Vehicle(..)) | (Some("image") | None, Audience::Everybody) => Ok(()),
            _ => Err(Refused("repository")),
        }
    }

    /// Refuses a file of the other repository, or for another vehicle.
    pub(super) fn check_audience(&self, audience: Audience<'_>) -> Result<(), Refused> {
        self.check_repository(audience)?;
        match audience {
            Audience::Vehicle(vehicle, _) if self.vehicle.as_deref() != Some(vehicle) => Err(Refused("vehicle")),
            Audience::Vehicle(..) | Audience::Everybody => Ok(()),
        }
    }

    /// Valid while `now` is before its expiry.
    pub(super) fn check_expiry(&self, now: u64) -> Result<(), Refused> {
        if now < self.expires { Ok(()) } else { Err(Refused("expired")) }
    }
}

/// A file and what it says.
#[derive(Clone, Debug)]
pub(super) struct Said<T> {
    pub(super) file: File,
    pub(super) header: Header,
    pub(super) body: T,
}

/// What a role's file says beyond the header.
pub(super) trait Body: Sized {
    const TYPE: &'static str;

    fn read(signed: &Json) -> Result<Self, Refused>;
}

impl<T: Body> Said<T> {
    pub(super) fn read(received: &[u8], limit: usize) -> Result<Self, Refused> {
        let file = File::read(received, limit)?;
        let (header, body) = (Header::read(&file.signed, T::TYPE)?, T::read(&file.signed)?);
        Ok(Self { file, header, body })
    }
}

/// Who signs each role.
#[derive(Clone, Debug)]
pub(super) struct Root(BTreeMap<String, Appointed>);

impl Root {
    pub(super) fn appointed(&self, role: &str) -> Result<&Appointed, Refused> {
        self.0.get(role).ok_or(Refused("role"))
    }

    /// Whether both give a role the same keys and threshold, under whatever ids.
    pub(super) fn gives_same(&self, other: &Self, role: &str) -> bool {
        let keys = |root: &Self| {
            root.0.get(role).map(|role| (role.keys.values().cloned().collect::<BTreeSet<_>>(), role.threshold))
        };
        keys(self) == keys(other)
    }
}

impl Body for Root {
    const TYPE: &'static str = "root";

    fn read(signed: &Json) -> Result<Self, Refused> {
        let keys = keys(members(signed, "keys")?, 64)?;
        let roles = members(signed, "roles")?.iter();
        let roles: BTreeMap<_, _> =
            roles.map(|(name, role)| Ok((name.clone(), appointed(role, &keys)?))).collect::<Result<_, _>>()?;
        if let Some(time) = signed.member("uptane").and_then(|uptane| uptane.member("time")) {
            appointed(time, &keys)?;
        }
        for mandatory in ["root", "snapshot", "targets", "timestamp"] {
            roles.get(mandatory).ok_or(Refused("role"))?;
        }
        Ok(Self(roles))
    }
}

/// The Snapshot that Timestamp lists.
#[derive(Clone, Debug)]
pub(super) struct Timestamp(pub(super) Listed);

impl Body for Timestamp {
    const TYPE: &'static str = "timestamp";

    fn read(signed: &Json) -> Result<Self, Refused> {
        let listed = members(signed, "meta")?.get("snapshot.json").ok_or(Refused("snapshot.json"))?;
        Listed::read(listed).map(Self)
    }
}

/// The Targets files that Snapshot lists.
#[derive(Clone, Debug)]
pub(super) struct Snapshot(pub(super) BTreeMap<String, Listed>);

impl Snapshot {
    pub(super) fn targets(&self) -> Result<&Listed, Refused> {
        self.0.get("targets.json").ok_or(Refused("targets.json"))
    }
}

impl Body for Snapshot {
    const TYPE: &'static str = "snapshot";

    fn read(signed: &Json) -> Result<Self, Refused> {
        let entry = |(name, listed): (&String, &Json)| Ok((name.clone(), Listed::read(listed)?));
        let files = Self(members(signed, "meta")?.iter().map(entry).collect::<Result<_, _>>()?);
        files.targets()?;
        Ok(files)
    }
}

/// Targets: its images, not looked at, and what it delegates.
#[derive(Clone, Debug)]
pub(super) struct Targets {
    pub(super) listed: BTreeMap<String, Json>,
    pub(super) delegations: Option<Delegations>,
}

impl Targets {
    /// What it says of an image; an image is held to its form when it is looked at.
    pub(super) fn image(&self, name: &str) -> Option<Result<Image, Refused>> {
        self.listed.get(name).map(|image| if is_name(name) { Image::read(image) } else { Err(Refused("name")) })
    }

    /// Every image, each held to its form.
    pub(super) fn images(&self) -> Result<BTreeMap<&str, Image>, Refused> {
        let images = self.listed.keys().filter_map(|name| Some((name.as_str(), self.image(name)?)));
        images.map(|(name, image)| Ok((name, image?))).collect()
    }
}

impl Body for Targets {
    const TYPE: &'static str = "targets";

    fn read(signed: &Json) -> Result<Self, Refused> {
        let listed = members(signed, "targets")?.clone();
        let delegations = signed.member("delegations").map(Delegations::read).transpose()?;
        Ok(Self { listed, delegations })
    }
}

/// One image.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Image {
    pub(super) length: u64,
    pub(super) hashes: Hashes,
    pub(super) line: String,
    pub(super) release_counter: u64,
    pub(super) hardware: BTreeSet<String>,
    /// What must be the same in both repositories.
    pub(super) matching: Json,
    pub(super) ecus: BTreeMap<String, Assignment>,
}

/// What is said to one ECU.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assignment {
    pub(super) hardware: String,
    pub(super) order: Option<u64>,
    pub(super) fallback: Option<String>,
    pub(super) encrypted: bool,
}

impl Image {
    /// Whether both are the same image (§5.4.4.8 step 2.1).
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        (self.length, &self.hashes, &self.matching) == (other.length, &other.hashes, &other.matching)
    }

    fn read(image: &Json) -> Result<Self, Refused> {
        let uptane = image.member("custom").and_then(|custom| custom.member("uptane")).ok_or(Refused("uptane"))?;
        let matching = uptane.member("match").ok_or(Refused("match"))?;
        let hardware = matching.member("hardware_ids").and_then(Json::list).ok_or(Refused("hardware_ids"))?;
        if !(1..=32).contains(&hardware.len()) {
            return Err(Refused("hardware_ids"));
        }
        let hardware = hardware.iter().map(|id| id.text().filter(|id| is_id(id)).map(str::to_owned));
        let ecus = match uptane.member("ecus") {
            None => BTreeMap::new(),
            Some(ecus) => ecus.object().ok_or(Refused("ecus"))?.iter().map(assignment).collect::<Result<_, _>>()?,
        };
        Ok(Self {
            length: number(image, "length")?,
            hashes: Hashes::read(image.member("hashes").ok_or(Refused("hashes"))?)?,
            line: text(matching, "line")
                .and_then(|line| if is_id(line) { Ok(line.into()) } else { Err(Refused("line")) })?,
            release_counter: number(matching, "release_counter")?,
            hardware: hardware.collect::<Option<_>>().ok_or(Refused("hardware_ids"))?,
            matching: matching.clone(),
            ecus,
        })
    }
}

/// A patch is held to its form alone: what it makes is held to the image.
fn delta(said: &Json) -> Result<(), Refused> {
    number(said, "length")?;
    let is_digest = |name| text(said, name).map(|digest| is_hex(digest, 64));
    let is_good = is_digest("base")? && is_digest("sha256")? && text(said, "name").map(is_name)?;
    if is_good { Ok(()) } else { Err(Refused("delta")) }
}

fn assignment((ecu, said): (&String, &Json)) -> Result<(String, Assignment), Refused> {
    let hardware = text(said, "hardware_id")?;
    let order = said.member("order").map(|_| number(said, "order")).transpose()?;
    if !is_id(ecu) || !is_id(hardware) || order.is_some_and(|order| u32::try_from(order).is_err()) {
        return Err(Refused("ecus"));
    }
    let fallback = optional(said, "fallback", is_name)?;
    said.member("delta").map(delta).transpose()?;
    let encrypted = said.member("encryption").is_some();
    Ok((ecu.clone(), Assignment { hardware: hardware.to_owned(), order, fallback, encrypted }))
}
