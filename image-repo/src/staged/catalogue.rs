//! What a release says of an image besides what vehicles verify: what the Director plans campaigns with.
//!
//! It stands in the image's `custom.uptane.info`, one string for each key:
//!
//! | key | text |
//! |---|---|
//! | `requires` | names of images that must run beside it, separated by spaces |
//! | `conflicts` | names of images that must not |
//! | `order` | a number: within a vehicle, images of lower ones are activated first |
//! | `notes.LANGUAGE` | release notes for people, `LANGUAGE` as in BCP 47 (`de`, `pt-BR`) |
//! | `sbom.format` | `spdx` or `cyclonedx` |
//! | `sbom.sha256` | the digest of the software bill of materials |
//! | `sbom.target` | the name under which the same release lists that file |
//! | `test-evidence.sha256` | the digest of the report of its tests, wherever that is kept |
//!
//! The bill of materials is a target like any other, so that it is signed and served; it is for the hardware
//! [`SBOM_HARDWARE`], which no ECU is, so that none can be told to install it.

use std::collections::BTreeMap;

use serde_json::Value;
use uptane::metadata::Target;
use uptane::sign::{ImageEntry, SignError};
use uptane::{Error, Sha256, TargetName, TargetNameBuf};

/// The hardware id, and the image line, of bills of materials.
pub const SBOM_HARDWARE: &str = "sbom";

/// What a release says of an image besides what vehicles verify.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    /// Images that must run beside it.
    pub requires: Vec<TargetNameBuf>,
    /// Images that must not run beside it.
    pub conflicts: Vec<TargetNameBuf>,
    /// When it is its turn to activate; lower ones come first.
    pub order: Option<u32>,
    /// Release notes by language.
    pub notes: BTreeMap<Language, String>,
    /// Its software bill of materials.
    pub sbom: Option<Sbom>,
    /// The digest of the report of its tests.
    pub test_evidence: Option<Sha256>,
}

/// A software bill of materials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sbom {
    /// Which form it has.
    pub format: SbomFormat,
    /// Its digest.
    pub sha256: Sha256,
    /// The name it is listed by.
    pub target: TargetNameBuf,
}

/// The form of a software bill of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SbomFormat {
    /// SPDX 2, in JSON.
    Spdx,
    /// CycloneDX, in JSON.
    CycloneDx,
}

impl SbomFormat {
    /// The form of a document, told by the field that each form demands.
    pub fn of(document: &[u8]) -> Option<Self> {
        let document: Value = serde_json::from_slice(document).ok()?;
        let text = |field: &str| document.get(field).and_then(Value::as_str);
        match (text("spdxVersion"), text("bomFormat")) {
            (Some(version), None) if version.starts_with("SPDX-") => Some(Self::Spdx),
            (None, Some("CycloneDX")) => Some(Self::CycloneDx),
            _ => None,
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spdx => "spdx",
            Self::CycloneDx => "cyclonedx",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Spdx, Self::CycloneDx].into_iter().find(|format| format.word() == word)
    }
}

/// A language tag: subtags of letters and digits with dashes between them (BCP 47 §2.1), at most 35 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Language(String);

impl Language {
    /// Parses a tag.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let is_subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let is_tag = text.len() <= 35
            && text.split('-').all(is_subtag)
            && text.split('-').next().is_some_and(|first| first.bytes().all(|b| b.is_ascii_alphabetic()));
        if is_tag { Ok(Self(text.to_owned())) } else { Err(Error::BadName { kind: "language" }) }
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Catalogue {
    /// The image, with this said of it.
    pub fn write(&self, image: ImageEntry) -> Result<ImageEntry, SignError> {
        self.strings().iter().try_fold(image, |image, (key, text)| image.with_info(key, text))
    }

    /// What is said of an image. Keys that are not known here are passed over.
    pub fn read(target: &Target<'_>) -> Result<Self, Error> {
        let Some(info) = target.info() else { return Ok(Self::default()) };
        let info: BTreeMap<String, Value> =
            serde_json::from_slice(info).map_err(|_| Error::Schema { field: "info" })?;
        let said = info.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
        said.collect::<Said<'_>>().catalogue()
    }

    fn strings(&self) -> BTreeMap<String, String> {
        let names = |names: &[TargetNameBuf]| names.iter().map(TargetNameBuf::as_str).collect::<Vec<_>>().join(" ");
        let mut strings: BTreeMap<String, String> =
            self.notes.iter().map(|(language, text)| (format!("{NOTES}{}", language.as_str()), text.clone())).collect();
        let mut say = |key: &str, text: Option<String>| strings.extend(text.map(|text| (key.to_owned(), text)));
        say(REQUIRES, (!self.requires.is_empty()).then(|| names(&self.requires)));
        say(CONFLICTS, (!self.conflicts.is_empty()).then(|| names(&self.conflicts)));
        say(ORDER, self.order.map(|order| order.to_string()));
        say(SBOM_FORMAT, self.sbom.as_ref().map(|sbom| sbom.format.word().to_owned()));
        say(SBOM_SHA256, self.sbom.as_ref().map(|sbom| sbom.sha256.to_string()));
        say(SBOM_TARGET, self.sbom.as_ref().map(|sbom| sbom.target.to_string()));
        say(TEST_EVIDENCE, self.test_evidence.map(|digest| digest.to_string()));
        strings
    }
}

const REQUIRES: &str = "requires";
const CONFLICTS: &str = "conflicts";
const ORDER: &str = "order";
const NOTES: &str = "notes.";
const SBOM_FORMAT: &str = "sbom.format";
const SBOM_SHA256: &str = "sbom.sha256";
const SBOM_TARGET: &str = "sbom.target";
const TEST_EVIDENCE: &str = "test-evidence.sha256";

/// The strings of an image's `info`.
struct Said<'s>(BTreeMap<&'s str, &'s str>);

impl<'s> FromIterator<(&'s str, &'s str)> for Said<'s> {
    fn from_iter<I: IntoIterator<Item = (&'s str, &'s str)>>(said: I) -> Self {
        Self(said.into_iter().collect())
    }
}

impl Said<'_> {
    fn catalogue(&self) -> Result<Catalogue, Error> {
        let order = self.0.get(ORDER).map(|text| text.parse().map_err(|_| Error::BadNumber { kind: "order" }));
        Ok(Catalogue {
            requires: self.names(REQUIRES)?,
            conflicts: self.names(CONFLICTS)?,
            order: order.transpose()?,
            notes: self.notes()?,
            sbom: self.sbom()?,
            test_evidence: self.0.get(TEST_EVIDENCE).map(|digest| Sha256::parse(digest)).transpose()?,
        })
    }

    fn names(&self, key: &str) -> Result<Vec<TargetNameBuf>, Error> {
        let names = self.0.get(key).copied().unwrap_or_default().split_ascii_whitespace();
        names.map(|name| TargetName::parse(name).map(TargetName::to_buf)).collect()
    }

    fn notes(&self) -> Result<BTreeMap<Language, String>, Error> {
        let notes = self.0.iter().filter_map(|(key, text)| Some((key.strip_prefix(NOTES)?, text)));
        notes.map(|(language, text)| Ok((Language::parse(language)?, (*text).to_owned()))).collect()
    }

    fn sbom(&self) -> Result<Option<Sbom>, Error> {
        let said = |key: &str| self.0.get(key).copied();
        let (Some(format), Some(sha256), Some(target)) = (said(SBOM_FORMAT), said(SBOM_SHA256), said(SBOM_TARGET))
        else {
            return Ok(None);
        };
        let format = SbomFormat::parse(format).ok_or(Error::BadName { kind: "SBOM format" })?;
        Ok(Some(Sbom { format, sha256: Sha256::parse(sha256)?, target: TargetName::parse(target)?.to_buf() }))
    }
}

#[cfg(test)]
mod tests {
    use uptane::metadata::Targets;
    use uptane::sign::{Matching, TargetsBuilder};
    use uptane::{HardwareId, Hashes, Image, ImageLine, Length, ReleaseCounter, Time, Version};

    use super::*;

    fn name(name: &str) -> TargetNameBuf {
        TargetName::parse(name).unwrap().to_buf()
    }

    fn listed(catalogue: &Catalogue) -> Vec<u8> {
        let hardware = HardwareId::parse("brake-hw").unwrap();
        let matching = Matching::new([hardware], ImageLine::parse("brake").unwrap(), ReleaseCounter::ZERO).unwrap();
        let image = ImageEntry::new(name("a").borrowed(), Length::ZERO, Hashes::of(b""), &matching);
        let targets = TargetsBuilder::<Image>::image(Version::FIRST, Time::MAX);
        targets.list(catalogue.write(image).unwrap()).unwrap().unsigned().signed().to_vec()
    }

    fn read(signed: &[u8]) -> Result<Catalogue, Error> {
        Catalogue::read(&Targets::decode(signed).unwrap().targets().next().unwrap().unwrap())
    }

    #[test]
    fn what_is_said_of_an_image_is_read_back() {
        let sbom = Sbom { format: SbomFormat::CycloneDx, sha256: Sha256([1; 32]), target: name("a.sbom.json") };
        let language = |tag| Language::parse(tag).unwrap();
        let full = Catalogue {
            requires: vec![name("brake/b.bin"), name("c")],
            conflicts: vec![name("d")],
            order: Some(7),
            notes: [(language("de"), "Neu:\n\"ABS\"".to_owned()), (language("pt-BR"), String::new())].into(),
            sbom: Some(sbom),
            test_evidence: Some(Sha256([2; 32])),
        };
        assert_eq!(read(&listed(&full)), Ok(full));
        assert_eq!(read(&listed(&Catalogue::default())), Ok(Catalogue::default()));
    }

    #[test]
    fn an_order_that_is_no_number_is_refused() {
        let signed = String::from_utf8(listed(&Catalogue { order: Some(7), ..Catalogue::default() })).unwrap();
        let signed = signed.replace(r#""order":"7""#, r#""order":"x""#);
        assert_eq!(read(signed.as_bytes()), Err(Error::BadNumber { kind: "order" }));
    }

    #[test]
    fn bills_of_materials_are_known_by_their_fields() {
        assert_eq!(SbomFormat::of(br#"{"spdxVersion":"SPDX-2.3","name":"x"}"#), Some(SbomFormat::Spdx));
        assert_eq!(SbomFormat::of(br#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#), Some(SbomFormat::CycloneDx));
        for other in ["{}", "[]", "no JSON", r#"{"spdxVersion":"SPDX-2.3","bomFormat":"CycloneDX"}"#] {
            assert_eq!(SbomFormat::of(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn language_tags_have_their_form() {
        for (tag, good) in
            [("de", true), ("zh-Hant-TW", true), ("", false), ("de_DE", false), ("de-", false), ("1a", false)]
        {
            assert_eq!(Language::parse(tag).is_ok(), good, "{tag}");
        }
    }
}
