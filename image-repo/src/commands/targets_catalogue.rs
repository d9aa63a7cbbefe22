//! The catalogue data of `targets add`, as the command line says it.

use std::path::{Path, PathBuf};

use host::disk;
use uptane::sign::{ImageEntry, Matching};
use uptane::{HardwareId, Hashes, ImageLine, Length, ReleaseCounter, Sha256, TargetName, TargetNameBuf};

use crate::args::CatalogueArgs;
use crate::error::Error;
use crate::staged;
use crate::staged::catalogue::{self, Catalogue, Language, SBOM_HARDWARE, SbomFormat};

/// A software bill of materials that is to be listed beside its image.
#[derive(Debug)]
pub(super) struct Sbom {
    /// Where it is.
    pub path: PathBuf,
    /// How it is listed.
    pub entry: ImageEntry,
}

/// What is to be said of the image of this name, and its bill of materials.
pub(super) fn read(args: &CatalogueArgs, image: TargetName<'_>) -> Result<(Catalogue, Option<Sbom>), Error> {
    let sbom = args.sbom.as_deref().map(|path| bill(path, image)).transpose()?;
    let catalogue = Catalogue {
        requires: names("--requires", &args.requires)?,
        conflicts: names("--conflicts", &args.conflicts)?,
        order: args.order,
        notes: args.notes.iter().map(|text| note(text)).collect::<Result<_, _>>()?,
        sbom: sbom.as_ref().map(|(said, _)| said.clone()),
        test_evidence: args.test_evidence.as_deref().map(evidence).transpose()?,
    };
    Ok((catalogue, sbom.map(|(_, file)| file)))
}

fn names(option: &'static str, names: &[String]) -> Result<Vec<TargetNameBuf>, Error> {
    let parse = |name: &String| TargetName::parse(name).map(TargetName::to_buf).map_err(Error::given(option, name));
    names.iter().map(parse).collect()
}

/// `de=Text`, or `de=@FILE`.
fn note(text: &str) -> Result<(Language, String), Error> {
    let (language, note) = text.split_once('=').unwrap_or((text, ""));
    let language = Language::parse(language).map_err(Error::given("--notes", text))?;
    let note = match note.strip_prefix('@') {
        Some(path) => String::from_utf8_lossy(&whole(Path::new(path))?).into_owned(),
        None => note.to_owned(),
    };
    Ok((language, note))
}

fn evidence(text: &str) -> Result<Sha256, Error> {
    match text.strip_prefix("sha256:") {
        Some(digest) => Sha256::parse(digest).map_err(Error::given("--test-evidence", text)),
        None => Ok(Sha256::of(&whole(Path::new(text))?)),
    }
}

fn bill(path: &Path, image: TargetName<'_>) -> Result<(catalogue::Sbom, Sbom), Error> {
    let document = whole(path)?;
    let format = SbomFormat::of(&document).ok_or_else(|| staged::Error::UnknownSbom { path: path.to_owned() })?;
    let name = format!("{image}.{}.json", format.word());
    let target = TargetName::parse(&name).map_err(Error::given("the SBOM's name", &name))?;
    let matching =
        Matching::new([HardwareId::parse(SBOM_HARDWARE)?], ImageLine::parse(SBOM_HARDWARE)?, ReleaseCounter::ZERO)?;
    let length = Length::new(u64::try_from(document.len()).unwrap_or(u64::MAX))?;
    let entry = ImageEntry::new(target, length, Hashes::of(&document), &matching);
    let said = catalogue::Sbom { format, sha256: Sha256::of(&document), target: target.to_buf() };
    Ok((said, Sbom { path: path.to_owned(), entry }))
}

/// A whole file of what belongs to a release and is no image.
fn whole(path: &Path) -> Result<Vec<u8>, Error> {
    Ok(disk::read(path, MAX_DOCUMENT)?.ok_or_else(|| host::Error::Missing { path: path.to_owned() })?)
}

/// Bytes of a bill of materials or a test report.
const MAX_DOCUMENT: u64 = 64 * 1024 * 1024;
