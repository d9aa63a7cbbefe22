//! What is planned: releases, campaigns and key rotations.

use std::fmt;

use toml::Spanned;
use uptane::{EcuId, Role};

use super::cast::Cast;
use super::{FACTORY, MAX_ENTRIES};
use crate::world::chance::PerBillion;
use crate::world::description::{Bytes, Fields, Known, Name, Notes, Word};
use crate::world::time::Moment;

/// New images for some or all ECUs, published at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    name: Name,
    at: Moment,
    images: Vec<Image>,
}

/// An image for one ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// The ECU.
    pub ecu: EcuId,
    /// How long the image is.
    pub size: Bytes,
    /// How much of it differs from the ECU's image of the release before. A patch that makes it of that one is published
    /// with it. Without this, nothing of it is known from before.
    pub changed: Option<PerBillion>,
}

impl Release {
    /// Reads a `[[release]]`.
    pub(super) fn read(
        name: &Spanned<Name>,
        cast: &Cast<'_>,
        fields: &mut Fields<'_>,
        notes: &mut Notes<'_>,
    ) -> Option<Self> {
        if name.get_ref().as_str() == FACTORY {
            let found = format!("\"{FACTORY}\" is what ECUs run at the start; it cannot be published");
            notes.impossible(name.span(), found, "another name");
        }
        let at = cast.moment("at", fields, notes);
        let mut images: Vec<Image> = Vec::new();
        let tables = fields.tables("images", MAX_ENTRIES, notes);
        if tables.is_empty() && !fields.has("images") {
            fields.missing("images", "[{ ecus = \"all\", size = \"16 KiB\" }] or several of them".to_owned(), notes);
        }
        for table in tables {
            read_images(&mut images, cast, table, notes);
        }
        Some(Self { name: name.get_ref().clone(), at: at?, images })
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// When it is published.
    pub fn at(&self) -> Moment {
        self.at
    }

    /// Its images, at most one for each ECU.
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// The image for an ECU.
    pub fn image(&self, ecu: &EcuId) -> Option<&Image> {
        self.images.iter().find(|image| image.ecu == *ecu)
    }
}

/// Reads one entry of `images`.
fn read_images(images: &mut Vec<Image>, cast: &Cast<'_>, mut fields: Fields<'_>, notes: &mut Notes<'_>) {
    let size = fields.required::<Bytes>("size", notes);
    let changed = fields.optional::<PerBillion>("changed", notes).map(Spanned::into_inner);
    let all = cast.all();
    let rest: Vec<EcuId> = all.iter().copied().filter(|id| images.iter().all(|image| image.ecu != *id)).collect();
    let ecus = cast.set("ecus", &[("all", &all), ("rest", &rest)], &mut fields, notes);
    let span = fields.span();
    fields.finish(notes);
    let (Some(size), Some(ecus)) = (size, ecus) else { return };
    if size.get_ref().0 == 0 {
        notes.impossible(size.span(), "an image cannot be empty".to_owned(), "a size above 0");
        return;
    }
    for id in ecus {
        if images.iter().any(|image| image.ecu == id) {
            let found = format!("ECU `{id}` has an image in this release already");
            notes.impossible(span.clone(), found, "one image for each ECU; `ecus = \"rest\"` means all others");
            continue;
        }
        let longest = cast.vehicle.and_then(|vehicle| vehicle.ecu(&id)).map(|ecu| ecu.hardware().longest_image());
        if let Some(longest) = longest.filter(|longest| longest < size.get_ref()) {
            let found = format!("an image of {} does not fit ECU `{id}`", size.get_ref());
            notes.impossible(size.span(), found, format!("at most {longest}, its `bank_size`"));
        }
        images.push(Image { ecu: id, size: *size.get_ref(), changed });
    }
}

/// An assignment of a release to ECUs, as one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    name: Name,
    release: Name,
    start: Start,
    ecus: Vec<EcuId>,
}

/// When a campaign begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// As soon as this campaign, which stands before it, has ended.
    After(Name),
    /// At this moment.
    At(Moment),
}

impl Campaign {
    /// Reads a `[[campaign]]`; `earlier` are those before it.
    pub(super) fn read(
        name: &Name,
        earlier: &Known<Self>,
        cast: &Cast<'_>,
        fields: &mut Fields<'_>,
        notes: &mut Notes<'_>,
    ) -> Option<Self> {
        let release = fields.required::<Name>("release", notes);
        let release = release.and_then(|name| cast.releases.find(name.get_ref().as_str(), name.span(), notes));
        let start = start(earlier, cast, fields, notes);
        let covered: Vec<EcuId> =
            release.iter().flat_map(|release| release.images.iter().map(|image| image.ecu)).collect();
        let ecus =
            if fields.has("ecus") { cast.set("ecus", &[("all", &covered)], fields, notes)? } else { covered.clone() };
        let (release, start) = (release?, start?);
        for id in ecus.iter().filter(|id| !covered.contains(id)) {
            let found = format!("release `{}` has no image for ECU `{id}`", release.name);
            notes.impossible(fields.span(), found, "ECUs that it has images for");
        }
        if let Start::At(at) = start
            && at < release.at
        {
            let found = format!("campaign `{name}` begins before its release `{}` is published", release.name);
            notes.impossible(fields.span(), found, "a later `at`");
        }
        Some(Self { name: name.clone(), release: release.name.clone(), start, ecus })
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The release it assigns.
    pub fn release(&self) -> &Name {
        &self.release
    }

    /// When it begins.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// The ECUs it updates.
    pub fn ecus(&self) -> &[EcuId] {
        &self.ecus
    }

    /// The same for those of its ECUs that have these names, with another start.
    pub(super) fn reduced(&self, ecus: &[String], start: Start) -> Self {
        let is_left = |ecu: &&EcuId| ecus.iter().any(|name| name == ecu.as_str());
        Self { ecus: self.ecus.iter().filter(is_left).copied().collect(), start, ..self.clone() }
    }
}

fn start(earlier: &Known<Campaign>, cast: &Cast<'_>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Start> {
    let Some(after) = fields.optional::<Name>("after", notes) else {
        if fields.has("after") {
            return None;
        }
        if !fields.has("at") {
            fields.missing(
                "at",
                "a time such as \"20 s\"; or `after`, with the name of an earlier campaign".into(),
                notes,
            );
            return None;
        }
        return cast.moment("at", fields, notes).map(Start::At);
    };
    if let Some(at) = fields.raw("at") {
        notes.impossible(at.span(), "a campaign begins once".to_owned(), "`at` or `after`, not both");
    }
    earlier.find(after.get_ref().as_str(), after.span(), notes)?;
    Some(Start::After(after.into_inner()))
}

/// A key that is replaced, by a new Root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    at: Moment,
    repository: Repository,
    role: Role,
}

impl Rotation {
    /// Reads a `[[rotation]]`.
    pub(super) fn read(cast: &Cast<'_>, mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let at = cast.moment("at", &mut fields, notes);
        let repository = fields.required::<Repository>("repository", notes);
        let role = fields.required::<Rotated>("role", notes);
        fields.finish(notes);
        let (at, repository, role) = (at?, repository?.into_inner(), role?);
        if *role.get_ref() == Rotated::Time && repository == Repository::Image {
            let found = "the Image repository has no time keys".to_owned();
            notes.impossible(role.span(), found, "repository = \"director\"");
        }
        Some(Self { at, repository, role: role.get_ref().role() })
    }

    /// When the new Root is published.
    pub fn at(&self) -> Moment {
        self.at
    }

    /// Whose key it is.
    pub fn repository(&self) -> Repository {
        self.repository
    }

    /// The role whose key it is: Root, Timestamp, Snapshot, Targets or Time.
    pub fn role(&self) -> Role {
        self.role
    }
}

/// One of the two repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repository {
    /// The Director.
    Director,
    /// The Image repository.
    Image,
}

impl Word for Repository {
    const WHAT: &'static str = "repository";
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Director, "director"), (Self::Image, "image")];
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A role that has keys in Root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rotated {
    Root,
    Snapshot,
    Targets,
    Time,
    Timestamp,
}

impl Rotated {
    fn role(self) -> Role {
        match self {
            Self::Root => Role::Root,
            Self::Snapshot => Role::Snapshot,
            Self::Targets => Role::Targets,
            Self::Time => Role::Time,
            Self::Timestamp => Role::Timestamp,
        }
    }
}

impl Word for Rotated {
    const WHAT: &'static str = "role";
    const WORDS: &'static [(Self, &'static str)] = &[
        (Self::Root, "root"),
        (Self::Timestamp, "timestamp"),
        (Self::Snapshot, "snapshot"),
        (Self::Targets, "targets"),
        (Self::Time, "time"),
    ];
}
