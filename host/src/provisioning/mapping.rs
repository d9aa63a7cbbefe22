//! `mapping.toml`: which repositories there are, where they are, and which of them must agree on which images (§5.2.6).

use std::path::Path;

use serde::{Deserialize, Serialize};
use uptane::verify::{Mapping, MappingEntry, PathPattern};
use uptane::{Director, Image, RepositoryName};

use crate::disk::Access;
use crate::{Error, config};

/// The file's name in a bundle and in a data folder.
pub const MAPPING: &str = "mapping.toml";

/// What the file says. Its layout is in [`crate::provisioning`].
///
/// It names at least the Director and the Image repository, and every repository that an entry asks. An address is what
/// a Primary needs of each; Secondaries fetch nothing and need none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repositories {
    named: Vec<Named>,
    mapping: Mapping,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    name: RepositoryName,
    address: Option<String>,
}

impl Repositories {
    /// Director and Image repository, which agree on every image; no addresses.
    pub fn basic() -> Self {
        let named = [RepositoryName::of::<Director>(), RepositoryName::of::<Image>()];
        let named = named.map(|name| Named { name, address: None }).to_vec();
        Self { named, mapping: Mapping::basic() }
    }

    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file: File = config::read(path)?;
        Self::of(file).map_err(|reason| Error::Configuration { path: path.to_owned(), line: None, reason })
    }

    /// Reads the file of a bundle; the basic case if the bundle has none.
    pub fn of_bundle(bundle: &Path) -> Result<Self, Error> {
        match Self::read(&bundle.join(MAPPING)) {
            Err(Error::Missing { .. }) => Ok(Self::basic()),
            read => read,
        }
    }

    /// Writes the file.
    pub fn write(&self, path: &Path, access: Access) -> Result<(), Error> {
        config::write(path, &self.file(), access)
    }

    /// Which repositories must agree on which images.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Where a repository is, if the file says so.
    pub fn address(&self, name: RepositoryName) -> Option<&str> {
        self.named.iter().find(|named| named.name == name)?.address.as_deref()
    }

    /// Says where a repository is that the file names.
    pub fn set_address(&mut self, name: RepositoryName, address: &str) {
        for named in self.named.iter_mut().filter(|named| named.name == name) {
            named.address = Some(address.to_owned());
        }
    }

    /// The first repository without an address.
    pub fn without_address(&self) -> Option<RepositoryName> {
        self.named.iter().find(|named| named.address.is_none()).map(|named| named.name)
    }

    fn of(file: File) -> Result<Self, String> {
        let named = file.repositories.into_iter().map(Named::of).collect::<Result<Vec<_>, String>>()?;
        let twice = |at: usize, name| named.iter().skip(at + 1).any(|other| other.name == name);
        if let Some((_, one)) = named.iter().enumerate().find(|(at, one)| twice(*at, one.name)) {
            return Err(format!("names the repository {} twice", one.name));
        }
        let entries = file.entries.into_iter().map(Entry::parse).collect::<Result<Vec<_>, String>>()?;
        let asked = entries.iter().flat_map(|entry| entry.repositories().iter().copied());
        // §5.2.6: at least the Director and the Image repository.
        let needed = [RepositoryName::of::<Director>(), RepositoryName::of::<Image>()].into_iter().chain(asked);
        if let Some(missing) = needed.into_iter().find(|name| !named.iter().any(|known| known.name == *name)) {
            return Err(format!("has no [[repository]] with the name {missing}"));
        }
        let mapping = Mapping::new(entries).map_err(|error| error.to_string())?;
        Ok(Self { named, mapping })
    }

    fn file(&self) -> File {
        let form = |named: &Named| Repository { name: named.name.to_string(), address: named.address.clone() };
        let entries = self.mapping.entries().iter().map(Entry::of).collect();
        File { repositories: self.named.iter().map(form).collect(), entries }
    }
}

impl Named {
    fn of(form: Repository) -> Result<Self, String> {
        let name =
            RepositoryName::parse(&form.name).map_err(|_| format!("{:?} is no name of a repository", form.name))?;
        Ok(Self { name, address: form.address })
    }
}

/// The file's form.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "repository")]
    repositories: Vec<Repository>,
    #[serde(default, rename = "mapping")]
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Repository {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    paths: Vec<String>,
    repositories: Vec<String>,
    /// All of them, if absent.
    threshold: Option<usize>,
    /// Absent is true: what an entry refuses, no later one allows.
    terminating: Option<bool>,
}

impl Entry {
    fn parse(self) -> Result<MappingEntry, String> {
        let pattern = |text: &String| PathPattern::parse(text).map_err(|_| format!("{text:?} is no pattern of names"));
        let name =
            |text: &String| RepositoryName::parse(text).map_err(|_| format!("{text:?} is no name of a repository"));
        let paths = self.paths.iter().map(pattern).collect::<Result<Vec<_>, _>>()?;
        let repositories = self.repositories.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let threshold = self.threshold.unwrap_or(repositories.len());
        let entry = MappingEntry::new(paths, repositories, threshold, self.terminating.unwrap_or(true));
        entry.map_err(|error| error.to_string())
    }

    fn of(entry: &MappingEntry) -> Self {
        Self {
            paths: entry.paths().iter().map(|pattern| pattern.as_str().to_owned()).collect(),
            repositories: entry.repositories().iter().map(RepositoryName::to_string).collect(),
            threshold: Some(entry.threshold()),
            terminating: Some(entry.is_terminating()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const TWO: &str = "[[repository]]\nname = \"director\"\n[[repository]]\nname = \"image\"\n";
    const ENTRY: &str = "[[mapping]]\npaths = [\"*\"]\nrepositories = [\"director\", \"image\"]\n";

    fn read(text: &str) -> Result<Repositories, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MAPPING);
        fs::write(&path, text).unwrap();
        Repositories::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MAPPING);
        let mut repositories = Repositories::basic();
        repositories.set_address(RepositoryName::of::<Image>(), "http://images");
        repositories.write(&path, Access::Shared).unwrap();
        assert_eq!(Repositories::read(&path).unwrap(), repositories);
        assert_eq!(repositories.without_address(), Some(RepositoryName::of::<Director>()));
    }

    #[test]
    fn the_basic_mapping_stands_in_the_documented_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(MAPPING);
        Repositories::basic().write(&path, Access::Shared).unwrap();
        let expected = "[[repository]]\nname = \"director\"\n\n[[repository]]\nname = \"image\"\n\n[[mapping]]\n\
                        paths = [\"*\"]\nrepositories = [\"director\", \"image\"]\nthreshold = 2\nterminating = true\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }

    #[test]
    fn all_must_agree_and_the_entry_terminates_unless_it_says_otherwise() {
        assert_eq!(read(&format!("{TWO}{ENTRY}")).unwrap().mapping(), &Mapping::basic());
    }

    #[test]
    fn a_bundle_without_the_file_means_the_basic_case() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Repositories::of_bundle(folder.path()).unwrap(), Repositories::basic());
        fs::write(folder.path().join(MAPPING), "").unwrap();
        assert!(Repositories::of_bundle(folder.path()).is_err());
    }

    #[test]
    fn director_and_image_repository_are_always_named() {
        let only = |name: &str| format!("[[repository]]\nname = \"{name}\"\n{ENTRY}");
        assert!(read(&only("image")).unwrap_err().ends_with("has no [[repository]] with the name director"));
        assert!(read(&only("director")).unwrap_err().ends_with("has no [[repository]] with the name image"));
    }

    #[test]
    fn an_entry_asks_only_repositories_that_are_named() {
        let stranger = ENTRY.replace("\"image\"", "\"image\", \"supplier\"");
        let refused = read(&format!("{TWO}{stranger}")).unwrap_err();
        assert!(refused.ends_with("has no [[repository]] with the name supplier"), "{refused}");
    }

    #[test]
    fn what_no_vehicle_may_use_is_refused_in_words() {
        let director_alone = format!("{TWO}{ENTRY}threshold = 1\n");
        assert!(read(&director_alone).unwrap_err().contains("Director meets alone"));
        assert!(read(TWO).unwrap_err().contains("no entry"));
        assert!(read(&format!("{TWO}{TWO}{ENTRY}")).unwrap_err().contains("twice"));
        assert!(read(&format!("{TWO}[[repository]]\nname = \"../x\"\n{ENTRY}")).unwrap_err().contains("no name"));
        assert!(read(&format!("{TWO}{ENTRY}colour = \"red\"\n")).unwrap_err().contains("colour"));
    }
}
