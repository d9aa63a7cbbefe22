//! Who must sign a file, as far as the files beside it say so.

use std::path::{Path, PathBuf};

use uptane::Version;
use uptane::metadata::RootRole;
use uptane::sign::KeySet;

use crate::error::Error;
use crate::role::RoleId;
use crate::staged::{RoleFile, Staged};

/// The sets of keys that must sign the file at `path`; none, if nothing beside it says so.
pub(super) fn key_sets(file: &RoleFile, path: &Path, root: Option<&Path>) -> Result<Vec<(String, KeySet)>, Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let RoleId::Delegated(role) = file.role() else {
        return of_root(file, folder, root);
    };
    let mut sets: Vec<(String, KeySet)> = Vec::new();
    for delegator in delegators(folder)? {
        let keys = KeySet::of_delegated(&delegator.targets()?, role)?;
        let keys = keys.filter(|keys| sets.iter().all(|(_, known)| known != keys));
        sets.extend(keys.map(|keys| (format!("the keys that {} gives {role}", delegator.role()), keys)));
    }
    Ok(sets)
}

fn of_root(file: &RoleFile, folder: &Path, given: Option<&Path>) -> Result<Vec<(String, KeySet)>, Error> {
    let role = match file.role() {
        RoleId::Root => return roots(file, folder, given),
        RoleId::Snapshot => RootRole::Snapshot,
        RoleId::Timestamp => RootRole::Timestamp,
        RoleId::Targets | RoleId::Delegated(_) => RootRole::Targets,
    };
    let root = match given {
        Some(path) => Some(Staged::offered(path, Some(RoleId::Root))?),
        None => newest(folder, RoleId::Root)?,
    };
    let set = |root: RoleFile| {
        let whose = format!("the keys that Root {} gives {}", root.version(), file.role());
        Ok((whose, KeySet::of_role(&root.root()?, role)?))
    };
    root.map(set).into_iter().collect()
}

/// Root is signed by its own keys and by those of the Root before it.
fn roots(file: &RoleFile, folder: &Path, given: Option<&Path>) -> Result<Vec<(String, KeySet)>, Error> {
    let former = match given {
        Some(path) => Some(Staged::offered(path, Some(RoleId::Root))?),
        None => predecessor(file.version(), folder)?,
    };
    let former = former.filter(|former| former.version() < file.version());
    let set = |root: &RoleFile| {
        Ok((format!("the keys of Root {}", root.version()), KeySet::of_role(&root.root()?, RootRole::Root)?))
    };
    former.iter().chain([file]).map(set).collect()
}

/// The Root before this version, in a published folder or in a signer's.
fn predecessor(version: Version, folder: &Path) -> Result<Option<RoleFile>, Error> {
    let Ok(former) = Version::new(version.get().saturating_sub(1)) else { return Ok(None) };
    let places = [folder.join(format!("{former}.root.json")), folder.join(format!("roots/{former}.json"))];
    let place = places.iter().find(|place| place.is_file());
    Ok(place.map(|place| Staged::offered(place, Some(RoleId::Root))).transpose()?)
}

/// The newest file beside that delegates, of each role.
fn delegators(folder: &Path) -> Result<Vec<RoleFile>, Error> {
    let paths = Staged::published_in(folder)?;
    let files = paths.iter().filter_map(|path| Staged::offered(path, None).ok());
    Ok(files.filter(|file| file.role().lists_images()).collect())
}

fn newest(folder: &Path, role: RoleId) -> Result<Option<RoleFile>, Error> {
    let paths: Vec<PathBuf> = Staged::published_in(folder)?;
    let files = paths.iter().filter_map(|path| Staged::offered(path, None).ok());
    Ok(files.filter(|file| file.role() == role).max_by_key(RoleFile::version))
}
