//! What is to be edited: every comment in `uptane/src/verify/` that cites a step, and every edit of its code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::citations::{Citation, citations};
use super::edits::{Edit, edits, stop};
use super::sites::{Site, Sites};

/// A file of the verifier.
pub(super) struct Source {
    /// Its path, from the root of the workspace.
    pub(super) path: String,
    pub(super) text: String,
}

/// A comment that cites steps, and the code it is about.
pub(super) struct Cited {
    source: usize,
    pub(super) citation: Citation,
    /// None if it stands above nothing that is run.
    pub(super) site: Option<Site>,
}

/// One edit of one file.
#[derive(Clone)]
pub(super) struct Mutant {
    pub(super) source: usize,
    pub(super) edit: Edit,
    /// Places in [`Plan::cited`] of the comments whose code it edits.
    pub(super) cited_by: Vec<usize>,
}

/// Everything that is to be edited.
pub(super) struct Plan {
    pub(super) sources: Vec<Source>,
    pub(super) cited: Vec<Cited>,
    pub(super) mutants: Vec<Mutant>,
}

impl Plan {
    /// Reads the verifier of the workspace at `root`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut paths = Vec::new();
        walk(&root.join("uptane/src/verify"), &mut paths)?;
        paths.sort();
        let mut sources = Vec::new();
        for path in paths {
            let text = fs::read_to_string(&path)?;
            let path = path.strip_prefix(root).context("it lies in the workspace")?.display().to_string();
            sources.push(Source { path, text });
        }
        Self::of(sources)
    }

    fn of(sources: Vec<Source>) -> Result<Self> {
        let mut plan = Self { sources: Vec::new(), cited: Vec::new(), mutants: Vec::new() };
        for source in sources {
            plan.add(source)?;
        }
        Ok(plan)
    }

    fn add(&mut self, source: Source) -> Result<()> {
        let file = syn::parse_file(&source.text).with_context(|| source.path.clone())?;
        let (sites, edits) = (Sites::of(&file), edits(&file, &source.text));
        let (place, before) = (self.sources.len(), self.cited.len());
        for citation in citations(&source.text).into_iter().filter(|citation| !sites.is_test(citation.line)) {
            let site = sites.at(citation.code).cloned();
            self.cited.push(Cited { source: place, citation, site });
        }
        for edit in edits {
            let is_cited = |cited: &Cited| cited.site.as_ref().is_some_and(|site| site.contains(&edit.range));
            let cited = self.cited.iter().enumerate().skip(before).filter(|(_, cited)| is_cited(cited));
            let cited_by: Vec<usize> = cited.map(|(place, _)| place).collect();
            if !cited_by.is_empty() {
                self.mutants.push(Mutant { source: place, edit, cited_by });
            }
        }
        self.sources.push(source);
        Ok(())
    }

    /// For code that no other edit breaks and compiles.
    pub(super) fn last_resort(&self, cited: usize) -> Option<Mutant> {
        let Cited { source, site, .. } = self.cited.get(cited)?;
        let edit = stop(site.as_ref()?.value.clone()?, &self.sources.get(*source)?.text)?;
        Some(Mutant { source: *source, edit, cited_by: vec![cited] })
    }

    /// Where a comment stands.
    pub(super) fn place(&self, cited: &Cited) -> String {
        format!("{}:{}", self.path(cited.source), cited.citation.line)
    }

    /// What a mutant is, in one line.
    pub(super) fn describe(&self, mutant: &Mutant) -> String {
        let source = self.sources.get(mutant.source);
        let line =
            source.and_then(|source| source.text.get(..mutant.edit.range.start)).map_or(0, |b| b.lines().count());
        let steps: Vec<String> = self.steps(mutant).into_iter().map(|step| format!("§{step}")).collect();
        let was = source.and_then(|source| source.text.get(mutant.edit.range.clone())).unwrap_or_default();
        let was: String = was.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
        format!("{}:{line} ({}): {}: `{was}`", self.path(mutant.source), steps.join(", "), mutant.edit.kind)
    }

    /// The steps whose code a mutant edits.
    pub(super) fn steps(&self, mutant: &Mutant) -> BTreeSet<&str> {
        let cited = mutant.cited_by.iter().filter_map(|place| self.cited.get(*place));
        cited.flat_map(|cited| &cited.citation.steps).map(String::as_str).collect()
    }

    /// The file with the mutant in it.
    pub(super) fn apply(&self, mutant: &Mutant) -> Option<(&Source, String)> {
        let source = self.sources.get(mutant.source)?;
        let (before, after) = (source.text.get(..mutant.edit.range.start)?, source.text.get(mutant.edit.range.end..)?);
        Some((source, format!("{before}{}{after}", mutant.edit.text)))
    }

    fn path(&self, source: usize) -> &str {
        self.sources.get(source).map_or("?", |source| &source.path)
    }
}

/// Every file below `folder` that is not tests alone.
fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            walk(&path, found)?;
        } else if !is_test && path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_of_code_that_two_comments_are_about_is_one_mutant() {
        let text = "/// §5.4.4.4 step 2.\nfn f() -> R {\n    // §5.4.4.4 step 3.\n    check()?;\n    Ok(1)\n}\n";
        let plan = Plan::of(vec![Source { path: "f.rs".into(), text: text.into() }]).unwrap();
        let steps: Vec<_> = plan.mutants.iter().map(|mutant| plan.steps(mutant)).collect();
        assert_eq!(steps, [BTreeSet::from(["5.4.4.4 step 2", "5.4.4.4 step 3"])]);
        let (_, edited) = plan.apply(&plan.mutants[0]).unwrap();
        assert_eq!(edited, text.replace("check()?;", ""));
        let described = "f.rs:4 (§5.4.4.4 step 2, §5.4.4.4 step 3): the statement is left out: `check()?;`";
        assert_eq!(plan.describe(&plan.mutants[0]), described);
    }

    #[test]
    fn a_comment_above_no_code_has_no_site() {
        let source = Source { path: "f.rs".into(), text: "//! §5.4.4.4 step 2.\n\nstruct S;\n".into() };
        let plan = Plan::of(vec![source]).unwrap();
        assert!(plan.cited.iter().all(|cited| cited.site.is_none()));
        assert_eq!(plan.cited.len(), 1);
    }
}
