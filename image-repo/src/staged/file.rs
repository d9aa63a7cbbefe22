//! The file of a role, as far as it is signed.

use std::path::Path;

use uptane::limits::{MAX_ROOT, MAX_TARGETS};
use uptane::metadata::{Root, Snapshot, Targets, Timestamp};
use uptane::sign::{PartlySigned, SignError};
use uptane::{RoleName, Sha256, Time, Version};

use super::Error;
use crate::role::RoleId;

/// The file of a role, as far as it is signed.
#[derive(Clone, Debug)]
pub(crate) struct RoleFile {
    role: RoleId,
    version: Version,
    expires: Time,
    partly: PartlySigned,
}

impl RoleFile {
    /// A file that nobody signed yet.
    pub(crate) fn new(role: RoleId, partly: PartlySigned) -> Result<Self, Error> {
        let (version, expires) = header(role, partly.signed())?;
        Ok(Self { role, version, expires, partly })
    }

    /// The file with these bytes, which came from `path`.
    pub(crate) fn decode(role: RoleId, bytes: &[u8], path: &Path) -> Result<Self, Error> {
        let partly = PartlySigned::from_file(role.kind(), bytes).map_err(Error::unreadable(role, path))?;
        let (version, expires) =
            header(role, partly.signed()).map_err(|error| Error::unreadable(role, path)(error.into()))?;
        Ok(Self { role, version, expires, partly })
    }

    /// Whose it is.
    pub(crate) fn role(&self) -> RoleId {
        self.role
    }

    /// Its version.
    pub(crate) fn version(&self) -> Version {
        self.version
    }

    /// When it expires.
    pub(crate) fn expires(&self) -> Time {
        self.expires
    }

    /// Whether nobody signed it, so that it may still be changed.
    pub(crate) fn is_draft(&self) -> bool {
        self.partly.signers().next().is_none()
    }

    /// What is signed of it, and by whom.
    pub(crate) fn partly(&self) -> &PartlySigned {
        &self.partly
    }

    /// The same file with other signatures.
    pub(super) fn signed_as(self, partly: PartlySigned) -> Self {
        Self { partly, ..self }
    }

    /// What it says, if it is Root.
    pub(crate) fn root(&self) -> Result<Root<'_>, Error> {
        Root::decode(self.partly.signed()).map_err(Error::from)
    }

    /// What it says, if it lists images.
    pub(crate) fn targets(&self) -> Result<Targets<'_>, Error> {
        Targets::decode(self.partly.signed()).map_err(Error::from)
    }

    /// Its bytes, with the signatures it has; no reader takes more than the limit.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, Error> {
        let bytes = self.partly.to_file();
        let limit = if self.role == RoleId::Root { MAX_ROOT } else { MAX_TARGETS };
        match u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
            true => Ok(bytes),
            false => Err(SignError::from(uptane::Error::Limit { what: "bytes of a file" }).into()),
        }
    }

    /// The digest of what is signed: what two people compare who look at the same file on two machines.
    pub(crate) fn digest(&self) -> Sha256 {
        Sha256::of(self.partly.signed())
    }
}

fn header(role: RoleId, signed: &[u8]) -> Result<(Version, Time), uptane::Error> {
    match role {
        RoleId::Root => Root::decode(signed).map(|root| (root.version(), root.expires())),
        RoleId::Targets | RoleId::Delegated(_) => {
            Targets::decode(signed).map(|targets| (targets.version(), targets.expires()))
        }
        RoleId::Snapshot => Snapshot::decode(signed).map(|snapshot| (snapshot.version(), snapshot.expires())),
        RoleId::Timestamp => Timestamp::decode(signed).map(|timestamp| (timestamp.version(), timestamp.expires())),
    }
}

/// The name of a role's file without what follows the dot: no two roles have the same.
pub(super) fn stem(role: RoleId) -> String {
    match role {
        RoleId::Delegated(name) => name.encoded().to_string(),
        RoleId::Root | RoleId::Targets | RoleId::Snapshot | RoleId::Timestamp => role.to_string(),
    }
}

/// The role whose file has this stem.
pub(super) fn role_of(stem: &str) -> Option<RoleId> {
    let role = percent_decoded(stem)?.parse::<RoleId>().ok()?;
    (self::stem(role) == stem).then_some(role)
}

/// Whether people sign it: the repository signs the others itself.
pub(super) fn is_staged(role: &RoleId) -> bool {
    *role == RoleId::Root || role.lists_images()
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

/// The role that a name of a published file, `7.targets.json`, or of a staged one, `targets.json`, says.
pub(crate) fn role_of_file(path: &Path) -> Option<RoleId> {
    let stem = path.file_name()?.to_str()?.strip_suffix(".json")?;
    match stem.split_once('.') {
        Some((version, stem)) if version.parse::<u64>().is_ok() => role_of(stem),
        _ => role_of(stem),
    }
}

/// A role's name as a part of a message.
impl From<&RoleFile> for Box<RoleId> {
    fn from(file: &RoleFile) -> Self {
        Box::new(file.role)
    }
}

/// The delegated role, if it is one.
pub(super) fn delegated(role: RoleId) -> Option<RoleName> {
    match role {
        RoleId::Delegated(name) => Some(name),
        RoleId::Root | RoleId::Targets | RoleId::Snapshot | RoleId::Timestamp => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_a_file_name_that_leads_back_to_it() {
        for name in ["root", "targets", "brakes", "../evil", ".hidden", "a/b", "größe", "1.root", "50%"] {
            let role: RoleId = name.parse().unwrap();
            assert_eq!(role_of(&stem(role)), Some(role), "{name}");
            assert!(!stem(role).contains('/') && !stem(role).starts_with('.'), "{name}");
        }
    }

    #[test]
    fn a_published_name_and_a_staged_one_say_the_same_role() {
        for (name, role) in [
            ("7.targets.json", "targets"),
            ("targets.json", "targets"),
            ("2.bin-0f.json", "bin-0f"),
            ("timestamp.json", "timestamp"),
        ] {
            assert_eq!(role_of_file(Path::new(name)), role.parse().ok(), "{name}");
        }
    }

    #[test]
    fn what_is_no_role_is_no_file_of_one() {
        for name in ["notes.txt", "%zz.json", "%4", "a%2fb.json"] {
            assert_eq!(role_of_file(Path::new(name)), None, "{name}");
        }
    }
}
