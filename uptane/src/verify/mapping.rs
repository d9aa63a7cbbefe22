//! Which repositories must agree on which images (§5.2.6, TAP 4).
//!
//! A [`Mapping`] is an ordered list of entries. The first whose paths cover an image's name decides: a threshold of its
//! repositories must say the same of that image. Where they do not, a terminating entry refuses, and another lets the
//! next one that covers the name decide.
//!
//! The Director says which ECU is to run what, so it is among the repositories of every entry; and it is never enough by
//! itself, so that every threshold is at least two. A mapping that breaks either rule cannot be built.

use alloc::string::String;
use alloc::vec::Vec;

use super::path;
use crate::limits::{MAX_MAPPING_ENTRIES, MAX_MAPPING_PATHS, MAX_REPOSITORIES, MAX_TARGET_NAME};
use crate::metadata::Target;
use crate::{Director, Error, Image, RepositoryName, TargetName};

/// Which repositories must agree on which images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    entries: Vec<MappingEntry>,
}

impl Mapping {
    /// A mapping of these entries, the first that covers a name being the first to decide.
    pub fn new(entries: Vec<MappingEntry>) -> Result<Self, Error> {
        if entries.is_empty() {
            return Err(Error::BadMapping { what: "no entry" });
        }
        let mapping = Self { entries };
        if mapping.entries.len() > MAX_MAPPING_ENTRIES || mapping.image_repositories().len() >= MAX_REPOSITORIES {
            return Err(Error::Limit { what: "mapping" });
        }
        Ok(mapping)
    }

    /// The Standard's basic case: the Director and the Image repository agree on every image (§5.2.6).
    pub fn basic() -> Self {
        let repositories = [RepositoryName::of::<Director>(), RepositoryName::of::<Image>()].to_vec();
        let paths = [PathPattern(String::from("*"))].to_vec();
        Self { entries: [MappingEntry { paths, repositories, threshold: 2, is_terminating: true }].to_vec() }
    }

    /// Its entries, in order.
    pub fn entries(&self) -> &[MappingEntry] {
        &self.entries
    }

    /// Every repository it names beside the Director, in the order in which they are first named.
    pub fn image_repositories(&self) -> Vec<RepositoryName> {
        let mut names = Vec::new();
        for name in self.entries.iter().flat_map(MappingEntry::image_repositories) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What is to be believed of the image of this name, and whose word it is: what an Image repository says that, with
    /// the Director, is of the threshold of the entry that decides. `chosen` is what the Director says; nothing, where it
    /// only names the image to return to. A repository that `says` an error says nothing.
    pub fn decide<'t>(
        &self,
        name: TargetName<'_>,
        chosen: Option<&Target<'t>>,
        says: impl Fn(RepositoryName) -> Result<Target<'t>, Error>,
    ) -> Result<(RepositoryName, Target<'t>), Error> {
        self.decide_by(name, chosen, says, check_same)
    }

    fn decide_by<S: Copy>(
        &self,
        name: TargetName<'_>,
        chosen: Option<&S>,
        says: impl Fn(RepositoryName) -> Result<S, Error>,
        same: impl Fn(&S, &S) -> Result<(), Error>,
    ) -> Result<(RepositoryName, S), Error> {
        let mut refused = Error::NotMapped;
        for entry in self.entries.iter().filter(|entry| entry.covers(name)) {
            match entry.consensus(chosen, &says, &same) {
                Ok(Verdict::Agreed(whose, said)) => return Ok((whose, said)),
                // The repositories agree, and the Director is alone: the entry has decided.
                Ok(Verdict::Outvoted(error)) => return Err(error),
                Err(error) if entry.is_terminating => return Err(error),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

/// One entry of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingEntry {
    paths: Vec<PathPattern>,
    repositories: Vec<RepositoryName>,
    threshold: usize,
    is_terminating: bool,
}

/// What comes of the repositories of one entry.
enum Verdict<S> {
    /// A threshold of them says this, this one first.
    Agreed(RepositoryName, S),
    /// A threshold of them says something else than the Director.
    Outvoted(Error),
}

impl MappingEntry {
    /// An entry for the images that one of these patterns covers.
    pub fn new(
        paths: Vec<PathPattern>,
        repositories: Vec<RepositoryName>,
        threshold: usize,
        is_terminating: bool,
    ) -> Result<Self, Error> {
        let entry = Self { paths, repositories, threshold, is_terminating };
        entry.check()?;
        Ok(entry)
    }

    fn check(&self) -> Result<(), Error> {
        let bad = |what| Err(Error::BadMapping { what });
        if self.paths.is_empty() {
            return bad("no path");
        }
        if self.paths.len() > MAX_MAPPING_PATHS || self.repositories.len() > MAX_REPOSITORIES {
            return Err(Error::Limit { what: "mapping" });
        }
        let twice = |at: usize, name| self.repositories.iter().skip(at + 1).any(|other| other == name);
        if self.repositories.iter().enumerate().any(|(at, name)| twice(at, name)) {
            return Err(Error::Duplicate { what: "repository" });
        }
        if !self.repositories.contains(&RepositoryName::of::<Director>()) {
            return bad("an entry without the Director");
        }
        match self.threshold {
            0 | 1 => bad("a threshold that the Director meets alone"),
            threshold if threshold > self.repositories.len() => bad("a threshold nobody can meet"),
            _ => Ok(()),
        }
    }

    /// The names it covers.
    pub fn paths(&self) -> &[PathPattern] {
        &self.paths
    }

    /// The repositories that are asked.
    pub fn repositories(&self) -> &[RepositoryName] {
        &self.repositories
    }

    /// How many of them must say the same, the Director among them.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// Whether no entry after it is asked about a name that it covers.
    pub fn is_terminating(&self) -> bool {
        self.is_terminating
    }

    fn covers(&self, name: TargetName<'_>) -> bool {
        self.paths.iter().any(|pattern| pattern.covers(name))
    }

    fn image_repositories(&self) -> impl Iterator<Item = RepositoryName> + '_ {
        self.repositories.iter().copied().filter(|name| *name != RepositoryName::of::<Director>())
    }

    /// What a threshold says. The error is why there is none.
    fn consensus<S: Copy>(
        &self,
        chosen: Option<&S>,
        says: &impl Fn(RepositoryName) -> Result<S, Error>,
        same: &impl Fn(&S, &S) -> Result<(), Error>,
    ) -> Result<Verdict<S>, Error> {
        let said: Vec<_> = self.image_repositories().map(|name| (name, says(name))).collect();
        let statements = || said.iter().filter_map(|(name, said)| Some((*name, said.as_ref().ok()?)));
        let votes = |one: &S| statements().filter(|(_, other)| same(one, other).is_ok()).count();
        let dissent = |one: &S| chosen.and_then(|chosen| same(chosen, one).err());
        // The Director's own voice.
        let needed = self.threshold.saturating_sub(1);
        if let Some((whose, agreed)) = statements().find(|(_, one)| dissent(one).is_none() && votes(one) >= needed) {
            return Ok(Verdict::Agreed(whose, *agreed));
        }
        let other = statements().find(|(_, one)| votes(one) >= self.threshold);
        if let Some(error) = other.and_then(|(_, one)| dissent(one)) {
            return Ok(Verdict::Outvoted(error));
        }
        let first = said.iter().find_map(|(_, said)| said.as_ref().map_or_else(|error| Some(*error), dissent));
        // Where nobody says anything, or all must agree, the first that does not is the reason.
        match first.filter(|_| statements().next().is_none() || self.threshold == self.repositories.len()) {
            Some(error) => Err(error),
            None => Err(self.no_consensus(match chosen {
                Some(chosen) => Some(votes(chosen)),
                None => statements().map(|(_, one)| votes(one)).max(),
            })),
        }
    }

    /// So many Image repositories say the same.
    fn no_consensus(&self, votes: Option<usize>) -> Error {
        let number = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        let agreeing = votes.unwrap_or_default().saturating_add(1);
        Error::NoConsensus { agreeing: number(agreeing), needed: number(self.threshold) }
    }
}

/// A pattern of image names: `*` stands for any characters within a part of the path, `?` for one, and neither crosses a
/// `/`, as in delegations. A pattern that is `*` and nothing more covers every name, as in the Standard's example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(String);

impl PathPattern {
    /// Parses a pattern, which is as long as a name may be.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.is_empty() || text.len() > MAX_TARGET_NAME {
            true => Err(Error::BadName { kind: "PathPattern" }),
            false => Ok(Self(String::from(text))),
        }
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this name is one it stands for.
    pub fn covers(&self, name: TargetName<'_>) -> bool {
        self.0 == "*" || path::matches(&self.0, name.as_str())
    }
}

/// Refuses another image than the chosen one (§5.4.4.2 step 10.2).
fn check_same(chosen: &Target<'_>, vouched: &Target<'_>) -> Result<(), Error> {
    // §5.4.4.2 step 10.2.1: the length.
    if vouched.length() != chosen.length() {
        return Err(Error::Mismatch { what: "length" });
    }
    // §5.4.4.2 step 10.2.1: every digest that either of them lists.
    // §5.4.4.2 step 10.2.1: every digest that either of them lists.
    if vouched.hashes() != chosen.hashes() {
        return Err(Error::Mismatch { what: "hashes" });
    }
    // §5.4.4.2 step 10.2.2: everything in it, known to us or not.
    if vouched.matching().raw() != chosen.matching().raw() {
        return Err(Error::Mismatch { what: "match" });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
