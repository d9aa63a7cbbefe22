//! `targets add --oci`: lists a container image as targets, its manifest under the image's name and what it consists of
//! beside it.

use std::collections::{BTreeMap, BTreeSet};

use host::cli::{counted, print};
use host::oci::Descriptor;
use serde_json::json;
use uptane::sign::{ImageEntry, Matching};
use uptane::{HardwareId, Sha256, TargetName, TargetNameBuf, Time};

use super::signatures;
use super::targets::described;
use super::targets_catalogue;
use crate::args::{Add, TargetsRemove};
use crate::error::Error;
use crate::oci::{Chosen, Layout, Reference, is_part_of, part_name};
use crate::role::RoleId;
use crate::staged::catalogue::{Catalogue, SBOM_HARDWARE};
use crate::staged::{self, Life, RoleFile, Staged};

/// What changes in the file of one role.
#[derive(Default)]
struct Edit {
    unlist: Vec<TargetNameBuf>,
    list: Vec<ImageEntry>,
}

/// Lists a container image. Nothing is listed before all of it was read and is what its descriptors say.
pub(super) fn add(args: &Add, image: &Reference, now: Time) -> Result<(), Error> {
    let name = TargetName::parse(&args.name).map_err(Error::given("--name", &args.name))?;
    let (matching, release, hardware) = described(args, name)?;
    let layout = Layout::open(&image.layout)?;
    let chosen = layout.choose(&image.choice)?;
    let (catalogue, sbom) = targets_catalogue::read(&args.catalogue, name)?;
    let mut entries = entries(name, &chosen, &matching, &catalogue)?;
    let mut staged = Staged::create(&args.repo)?;
    check_may_list(&staged, args.role, &entries, &hardware)?;
    if let Some(sbom) = &sbom {
        check_may_list(&staged, args.role, std::slice::from_ref(&sbom.entry), &[HardwareId::parse(SBOM_HARDWARE)?])?;
        entries.push(sbom.entry.clone());
    }
    let edits = edits(&staged, args.role, name, entries)?;
    if edits.is_empty() {
        print(format_args!("{name} is there already, the same in every respect; nothing was changed"));
        return Ok(());
    }
    staged.check_newer(&release)?;
    take_in(&mut staged, &layout, &chosen)?;
    if let Some(sbom) = &sbom {
        staged.take_in(&sbom.path)?;
    }
    // Of several files, that with the manifest comes last: no image is listed before all of its parts are.
    let last = home(&staged, args.role, name)?;
    let files = apply(&mut staged, edits, last, Life::days(now, args.life.days))?;
    tell(&staged, name, &chosen, &files, now, args.json)
}

/// The manifest, the configuration and the layers, as they are listed.
fn entries(
    name: TargetName<'_>,
    chosen: &Chosen,
    matching: &Matching,
    catalogue: &Catalogue,
) -> Result<Vec<ImageEntry>, Error> {
    let entry =
        |name: TargetName<'_>, blob: &Descriptor| ImageEntry::new(name, blob.length, blob.sha256.into(), matching);
    let mut entries = vec![catalogue.write(entry(name, &chosen.descriptor))?];
    for blob in chosen.manifest.blobs() {
        let part = part_name(name, blob.sha256).map_err(Error::given("--name", name.as_str()))?;
        entries.push(entry(part.borrowed(), blob));
    }
    Ok(entries)
}

fn check_may_list(
    staged: &Staged,
    given: Option<RoleId>,
    entries: &[ImageEntry],
    hardware: &[HardwareId],
) -> Result<(), Error> {
    let check = |entry: &ImageEntry| {
        let role = home(staged, given, entry.name())?;
        Ok(staged.check_may_list(role, entry.name(), hardware)?)
    };
    entries.iter().try_for_each(check)
}

/// The role that lists a name: the one that was given, or the bin of the name.
fn home(staged: &Staged, given: Option<RoleId>, name: TargetName<'_>) -> Result<RoleId, Error> {
    Ok(given.map_or_else(|| staged.home_of(name), Ok)?)
}

/// What is to change so that these are listed, and no part of what the image was before; nothing, if all of it is so
/// already.
fn edits(
    staged: &Staged,
    given: Option<RoleId>,
    image: TargetName<'_>,
    entries: Vec<ImageEntry>,
) -> Result<BTreeMap<RoleId, Edit>, Error> {
    let wanted: BTreeSet<_> = entries.iter().map(|entry| entry.name().to_buf()).collect();
    let is_left = |name: &str| is_part_of(name, image) && wanted.iter().all(|wanted| wanted.as_str() != name);
    let mut edits = unlisting(staged, given, is_left)?;
    let mut is_news = !edits.is_empty();
    for entry in entries {
        edits.entry(home(staged, given, entry.name())?).or_default().list.push(entry);
    }
    for (role, edit) in &edits {
        is_news = is_news || !are_listed(staged, *role, &edit.list)?;
    }
    Ok(if is_news { edits } else { BTreeMap::new() })
}

/// Whether a role lists all of these just so.
fn are_listed(staged: &Staged, role: RoleId, entries: &[ImageEntry]) -> Result<bool, Error> {
    let Some(file) = staged.find(role)? else { return Ok(false) };
    let mut same = 0;
    for target in file.targets()?.targets_named(|name| entries.iter().any(|entry| entry.name().as_str() == name)) {
        let listed = ImageEntry::again(&target?);
        same += usize::from(entries.iter().any(|entry| listed.says_the_same(entry)));
    }
    Ok(same == entries.len())
}

/// The edits that take out whatever is meant, of the roles that such names belong into.
fn unlisting(
    staged: &Staged,
    given: Option<RoleId>,
    is_meant: impl Fn(&str) -> bool,
) -> Result<BTreeMap<RoleId, Edit>, Error> {
    let mut edits: BTreeMap<RoleId, Edit> = BTreeMap::new();
    let may_be = |role: &RoleId| role.lists_images() && given.is_none_or(|given| given == *role);
    for role in staged.roles()?.into_iter().filter(may_be) {
        for target in staged.get(role)?.targets()?.targets_named(&is_meant) {
            let name = target?.name();
            if home(staged, given, name)? == role {
                edits.entry(role).or_default().unlist.push(name.to_buf());
            }
        }
    }
    Ok(edits)
}

/// Copies the image into the folder, checked while it is read. What came before something was refused goes again.
fn take_in(staged: &mut Staged, layout: &Layout, chosen: &Chosen) -> Result<(), Error> {
    let blobs: Vec<_> = std::iter::once(&chosen.descriptor).chain(chosen.manifest.blobs()).collect();
    for blob in &blobs {
        layout.check_there(blob)?;
    }
    let mut brought = Vec::new();
    let taken = blobs.iter().try_for_each(|blob| {
        let is_new = !staged.has_image(blob.sha256)?;
        staged.take_in_as(&layout.blob(blob.sha256), (blob.length, blob.sha256))?;
        brought.extend(is_new.then_some(blob.sha256));
        Ok(())
    });
    if taken.is_err() {
        // The refusal is what the signer must hear of.
        brought.into_iter().for_each(|sha256: Sha256| drop(staged.leave_out(sha256)));
    }
    taken
}

/// Edits one file after the other, that of the role `last` at the end.
fn apply(staged: &mut Staged, edits: BTreeMap<RoleId, Edit>, last: RoleId, life: Life) -> Result<Vec<RoleFile>, Error> {
    let mut edits: Vec<_> = edits.into_iter().collect();
    edits.sort_by_key(|(role, _)| *role == last);
    let edit = |(role, Edit { unlist, list }): (RoleId, Edit)| {
        staged.edit(role, life, |mut targets| {
            for name in unlist.iter().map(TargetNameBuf::borrowed).chain(list.iter().map(ImageEntry::name)) {
                targets.unlist(name);
            }
            list.iter().try_fold(targets, |targets, entry| Ok(targets.list(entry.clone())?))
        })
    };
    Ok(edits.into_iter().map(edit).collect::<Result<_, staged::Error>>()?)
}

/// Takes the parts of an image out of the files that list them, if it has any.
pub(super) fn remove_parts(
    staged: &mut Staged,
    args: &TargetsRemove,
    image: TargetName<'_>,
    now: Time,
) -> Result<(), Error> {
    let edits = unlisting(staged, args.role, |name| is_part_of(name, image))?;
    let last = home(staged, args.role, image)?;
    apply(staged, edits, last, Life::days(now, args.life.days)).map(|_| ())
}

fn tell(
    staged: &Staged,
    name: TargetName<'_>,
    chosen: &Chosen,
    files: &[RoleFile],
    now: Time,
    as_json: bool,
) -> Result<(), Error> {
    let (manifest, parts) = (chosen.descriptor.sha256, chosen.manifest.blobs().len());
    if as_json {
        let files = files.iter().map(|file| Ok(signatures::json(file, &staged.signing(file)?)));
        let files = files.collect::<Result<Vec<_>, Error>>()?;
        print(
            json!({ "name": name.as_str(), "manifest_sha256": manifest.to_string(), "parts": parts, "files": files }),
        );
        return Ok(());
    }
    print(format_args!("listed {name} (manifest sha256 {manifest}) and {}", counted(parts, "part")));
    files.iter().try_for_each(|file| signatures::report(staged, "changed", file, now, false))
}
