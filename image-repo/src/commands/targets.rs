//! `targets add`, `remove`, `renew` and `sign` in a signer's folder: the next file of a role that lists images.

use std::path::Path;

use host::cli::{counted, print};
use host::keys::AnySigner;
use serde_json::json;
use uptane::sign::{ImageEntry, Matching, Signer};
use uptane::{HardwareId, Hashes, ImageLine, ReleaseCounter, TargetName, TargetNameBuf, Time};

use super::root_draft::carry_back;
use super::signatures::report;
use super::targets_catalogue::{self, Sbom};
use super::targets_oci;
use crate::args::{Add, TargetsRemove, TargetsRenew, TargetsSign};
use crate::error::Error;
use crate::role::RoleId;
use crate::staged::catalogue::Catalogue;
use crate::staged::{self, Life, NewRelease, RoleFile, Staged, Taken};
use crate::withdraw::Report;

/// Lists an image, and its bill of materials beside it.
pub(crate) fn add(args: &Add, now: Time) -> Result<(), Error> {
    match &args.oci {
        Some(image) => targets_oci::add(args, image, now),
        None => add_file(args, args.file.as_deref().unwrap_or(Path::new("")), now),
    }
}

fn add_file(args: &Add, file: &Path, now: Time) -> Result<(), Error> {
    let name = TargetName::parse(&args.name).map_err(Error::given("--name", &args.name))?;
    let (matching, release, hardware) = described(args, name)?;
    let mut staged = Staged::create(&args.repo)?;
    let role = args.role.map_or_else(|| staged.home_of(name), Ok)?;
    staged.check_may_list(role, name, &hardware)?;
    let (catalogue, sbom) = targets_catalogue::read(&args.catalogue, name)?;
    if let Some(Sbom { entry, .. }) = &sbom {
        staged.check_may_list(role, entry.name(), &[HardwareId::parse(staged::catalogue::SBOM_HARDWARE)?])?;
    }
    let mut taken = vec![staged.take_in(file)?];
    let listed = take_rest(&mut staged, sbom.as_ref(), &mut taken).and_then(|image| {
        let entry = catalogue.write(ImageEntry::new(name, image.length, Hashes::from(image.sha256), &matching))?;
        list(&mut staged, role, &release, entry, sbom.map(|sbom| sbom.entry), Life::days(now, args.life.days))
    });
    match listed {
        Ok(Some(file)) => report(&staged, &format!("listed {name} in"), &file, now, args.json),
        Ok(None) => {
            print(format_args!("{name} is there already, the same in every respect; nothing was changed"));
            Ok(())
        }
        Err(error) => {
            // The refusal is what the signer must hear of.
            let _ = staged.drop_new(&taken);
            Err(error)
        }
    }
}

/// Takes in what comes with the image, and gives back the image.
fn take_rest(staged: &mut Staged, sbom: Option<&Sbom>, taken: &mut Vec<Taken>) -> Result<Taken, Error> {
    let image = taken.first().copied();
    if let Some(sbom) = sbom {
        taken.push(staged.take_in(&sbom.path)?);
    }
    image.ok_or(Error::Incomplete { what: "image to list" })
}

/// Lists the entries; no file, if they are listed already.
fn list(
    staged: &mut Staged,
    role: RoleId,
    release: &NewRelease,
    image: ImageEntry,
    sbom: Option<ImageEntry>,
    life: Life,
) -> Result<Option<RoleFile>, Error> {
    if is_listed(staged, role, &image)? {
        return Ok(None);
    }
    staged.check_newer(release)?;
    let file = staged.edit(role, life, |mut targets| {
        for entry in [image].into_iter().chain(sbom) {
            targets.unlist(entry.name());
            targets = targets.list(entry)?;
        }
        Ok(targets)
    })?;
    Ok(Some(file))
}

pub(super) fn described(args: &Add, name: TargetName<'_>) -> Result<(Matching, NewRelease, Vec<HardwareId>), Error> {
    let hardware = |id: &String| HardwareId::parse(id).map_err(Error::given("--hardware-id", id));
    let hardware: Vec<_> = args.hardware_id.iter().map(hardware).collect::<Result<_, _>>()?;
    let line = ImageLine::parse(&args.line).map_err(Error::given("--line", &args.line))?;
    let counter = args.release_counter;
    let counter = ReleaseCounter::new(counter).map_err(Error::given("--release-counter", &counter.to_string()))?;
    let matching = Matching::new(hardware.iter().copied(), line, counter)?;
    Ok((matching, NewRelease { name: name.to_buf(), line, counter }, hardware))
}

fn is_listed(staged: &Staged, role: RoleId, image: &ImageEntry) -> Result<bool, Error> {
    let Some(file) = staged.find(role)? else { return Ok(false) };
    let listed = file.targets()?.target(image.name())?;
    Ok(listed.is_some_and(|listed| ImageEntry::again(&listed).says_the_same(image)))
}

/// Lists an image no more.
pub(crate) fn remove(args: &TargetsRemove, now: Time) -> Result<(), Error> {
    let name = TargetName::parse(&args.name).map_err(Error::given("NAME", &args.name))?;
    let mut staged = Staged::open(&args.repo)?;
    let role = args.role.map_or_else(|| staged.home_of(name), Ok)?;
    let listed = staged.get(role)?;
    check_unneeded(args, &listed, name, now)?;
    let sbom = sbom_of(&listed, name)?;
    targets_oci::remove_parts(&mut staged, args, name, now)?;
    let file = staged.edit(role, Life::days(now, args.life.days), |mut targets| {
        let missing = staged::Error::NotListed { role: Box::new(role), name: Box::new(name.to_buf()) };
        targets.unlist(name).ok_or(missing)?;
        sbom.and_then(|sbom| targets.unlist(sbom.borrowed()));
        Ok(targets)
    })?;
    report(&staged, &format!("took {name} out of"), &file, now, args.json)
}

/// Refuses to unlist an image that a Director says vehicles need, unless it must go all the same.
fn check_unneeded(args: &TargetsRemove, listed: &RoleFile, name: TargetName<'_>, now: Time) -> Result<(), Error> {
    let targets = listed.targets()?;
    let Some(sha256) = targets.target(name)?.and_then(|target| target.hashes().sha256()) else { return Ok(()) };
    let Some(director) = &args.director else {
        if !args.withdraw {
            tracing::warn!("no report of a Director was given: nobody looked whether vehicles need {name}");
        }
        return Ok(());
    };
    let report = Report::read(director, now)?;
    match report.check_unneeded(name, sha256) {
        Err(needed) if args.withdraw => {
            tracing::warn!("{needed}");
            Ok(())
        }
        checked => checked,
    }
}

/// The bill of materials that is listed beside an image.
fn sbom_of(file: &RoleFile, name: TargetName<'_>) -> Result<Option<TargetNameBuf>, Error> {
    let Some(target) = file.targets()?.target(name)? else { return Ok(None) };
    // What others wrote into `info` is theirs, and names no bill of materials of ours.
    Ok(Catalogue::read(&target).unwrap_or_default().sbom.map(|sbom| sbom.target))
}

/// Drafts the first file of a role, which a repository can be founded with.
pub(crate) fn new(args: &TargetsRenew, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    if staged.find(args.role)?.is_some() {
        return Err(staged::Error::Exists { role: Box::new(args.role) }.into());
    }
    let file = staged.edit(args.role, Life::days(now, args.life.days), Ok)?;
    report(&staged, "drafted", &file, now, args.json)
}

/// Makes a file valid for longer.
pub(crate) fn renew(args: &TargetsRenew, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    staged.get(args.role)?;
    let file = staged.edit(args.role, Life::days(now, args.life.days), Ok)?;
    report(&staged, "renewed", &file, now, args.json)
}

/// Signs the staged file of a role, one that was carried here, or all that lack signatures of these keys.
pub(crate) fn sign(args: &TargetsSign, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    let opened = args.key.iter().map(|key| key.open(&args.repo, &args.passphrase)).collect::<Result<Vec<_>, _>>()?;
    if args.all {
        return sign_all(&mut staged, &opened, args.json);
    }
    let role = match &args.file {
        Some(carried) => staged.pull(carried, args.role)?.0.role(),
        None => args.role.unwrap_or(RoleId::Targets),
    };
    let mut file = staged.get(role)?;
    for signer in &opened {
        file = staged.sign(file, &**signer)?;
    }
    staged.keep(&file)?;
    carry_back(args.file.as_deref(), &file.bytes()?)?;
    report(&staged, "signed", &file, now, args.json)
}

fn sign_all(staged: &mut Staged, signers: &[AnySigner], as_json: bool) -> Result<(), Error> {
    let mut signed = Vec::new();
    for role in staged.roles()?.into_iter().filter(|role| role.lists_images()) {
        let mut file = staged.get(role)?;
        let wanted = wanted(staged, &file, signers)?;
        for signer in &wanted {
            file = staged.sign(file, *signer)?;
        }
        if !wanted.is_empty() {
            staged.keep(&file)?;
            signed.push(role.to_string());
        }
    }
    match as_json {
        true => print(json!({ "signed": signed })),
        false => print(format_args!("signed {}", counted(signed.len(), "file"))),
    }
    Ok(())
}

/// The keys whose signature the file lacks.
fn wanted<'s>(staged: &Staged, file: &RoleFile, signers: &'s [AnySigner]) -> Result<Vec<&'s dyn Signer>, Error> {
    let signing = staged.signing(file)?;
    if signing.is_complete() {
        return Ok(Vec::new());
    }
    let lacks = |signer: &&'s dyn Signer| signing.asked.iter().any(|asked| asked.open.contains(&signer.key_id()));
    Ok(signers.iter().map(|signer| -> &dyn Signer { &**signer }).filter(lacks).collect())
}
