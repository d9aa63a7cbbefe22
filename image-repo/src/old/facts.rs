//! What a repository knows of itself, and what may change about it. Plain data: decisions are made in [`crate::old::plan`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uptane::{
    HardwareId, ImageLine, Length, PublicKey, ReleaseCounter, Sha256, TargetName, TargetNameBuf, Time, Version,
};

use crate::role::TopRole;

/// Everything a decision may depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The key of each role.
    pub keys: BTreeMap<TopRole, RoleKey>,
    /// How long files of each role are valid.
    pub lifetimes: BTreeMap<TopRole, Duration>,
    /// The newest file of each role, and every Root that is not yet published; older first.
    pub files: Vec<SignedFile>,
    /// The images, by name.
    pub images: BTreeMap<TargetNameBuf, Image>,
    /// The highest release ever staged of each line.
    pub lines: BTreeMap<ImageLine, ReleaseCounter>,
}

/// Whose key a role has, and in which file of `keys/` it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleKey {
    /// The name of the file.
    pub file: String,
    /// The public half.
    pub public: PublicKey,
}

/// A signed metadata file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedFile {
    /// Its role.
    pub role: TopRole,
    /// Its version, never used for another file of the role.
    pub version: Version,
    /// When it expires.
    pub expires: Time,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether clients can see it.
    pub published: bool,
}

/// An image and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name.
    pub name: TargetNameBuf,
    /// Its length.
    pub length: Length,
    /// Its digest.
    pub sha256: Sha256,
    /// The hardware it runs on.
    pub hardware_ids: BTreeSet<HardwareId>,
    /// The line its releases count in.
    pub line: ImageLine,
    /// Which release of the line it is.
    pub release_counter: ReleaseCounter,
    /// The Targets version that lists it first; none while it is only staged.
    pub listed: Option<Version>,
    /// Whether its bytes lie where clients find them.
    pub published: bool,
}

impl Image {
    /// Its stored name below `targets/`: one per content, so that two releases of one name live side by side.
    pub fn stored_name(&self) -> String {
        stored_name(self.name.borrowed(), self.sha256)
    }
}

/// `dir/<digest>.<file>` for `dir/file` (TUF §6.2).
pub fn stored_name(name: TargetName<'_>, sha256: Sha256) -> String {
    match name.as_str().rsplit_once('/') {
        Some((folder, file)) => format!("{folder}/{sha256}.{file}"),
        None => format!("{sha256}.{name}"),
    }
}

impl Facts {
    /// The newest file of a role.
    pub fn newest(&self, role: TopRole) -> Option<&SignedFile> {
        self.files.iter().rfind(|file| file.role == role)
    }
}

/// One thing that becomes true. A list of them becomes true together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The role has this key from now on.
    Key(TopRole, RoleKey),
    /// Files of the role are valid for this long from now on.
    Lifetime(TopRole, Duration),
    /// The file exists. Its version must not have been used.
    File(SignedFile),
    /// The image is staged, in place of any of its name.
    Stage(Image),
    /// All staged images are listed from this Targets version on.
    List(Version),
    /// Clients can see the file.
    FilePublished(TopRole, Version),
    /// Clients can fetch the image.
    ImagePublished(TargetNameBuf),
}
