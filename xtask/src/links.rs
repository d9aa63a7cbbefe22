//! Links in the pages of this repository lead somewhere.
//!
//! A link whose text is a path of Rust names, such as `` [`plan::add`](image-repo/src/plan.rs) ``, promises that the last
//! name stands in that file: a walkthrough must not outlive the functions it names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::stage::Count;
use crate::workspace::Workspace;

/// Checks every relative link of every page.
pub(crate) fn check(workspace: &Workspace) -> Result<Count> {
    let (mut links, mut faults) = (0, 0);
    for page in pages(workspace)? {
        let folder = page.parent().unwrap_or(&workspace.root);
        for link in relative_links(&fs::read_to_string(&page)?) {
            links += 1;
            if let Some(fault) = link.fault(folder) {
                eprintln!("{}: {fault}", workspace.relative(&page));
                faults += 1;
            }
        }
    }
    match faults {
        0 => println!("{links} links lead somewhere"),
        n => bail!("{n} links lead nowhere"),
    }
    Ok(Count::default())
}

fn pages(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let top = fs::read_dir(&workspace.root)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut pages: Vec<_> =
        top.into_iter().filter(|path| path.extension().is_some_and(|found| found == "md")).collect();
    pages.extend(workspace.files("docs", "md")?);
    pages.sort();
    Ok(pages)
}

struct Link {
    text: String,
    target: String,
}

impl Link {
    /// Why it leads nowhere, if it does.
    fn fault(&self, folder: &Path) -> Option<String> {
        let path = folder.join(self.target.split('#').next().unwrap_or_default());
        if !path.exists() {
            return Some(format!("there is no {}", self.target));
        }
        let name = self.promised_name()?;
        let source = fs::read_to_string(&path).unwrap_or_default();
        let declared = ["fn", "struct", "enum", "trait", "const"].iter().any(|word| {
            source
                .split(&format!("{word} {name}"))
                .skip(1)
                .any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        (!declared).then(|| format!("{} declares no {name}", self.target))
    }

    /// The last of the Rust names in the text of a link to a source file.
    fn promised_name(&self) -> Option<&str> {
        let code = self.text.strip_prefix('`')?.strip_suffix('`')?;
        let name = code.rsplit("::").next()?;
        let plain = name.chars().all(|symbol| symbol.is_alphanumeric() || symbol == '_');
        (plain && self.target.ends_with(".rs")).then_some(name)
    }
}

/// The links of a page that are not addresses elsewhere or places on the page itself; code blocks are no prose.
fn relative_links(page: &str) -> Vec<Link> {
    let prose: String = page.split("```").step_by(2).collect();
    let mut links = Vec::new();
    let mut rest = prose.as_str();
    while let Some((before, after)) = rest.split_once("](") {
        let (Some((_, text)), Some((target, _))) = (before.rsplit_once('['), after.split_once(')')) else { break };
        if !target.contains("://") && !target.starts_with('#') {
            links.push(Link { text: text.to_owned(), target: target.to_owned() });
        }
        rest = after;
    }
    links
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(text: &str, target: &str) -> Link {
        Link { text: text.into(), target: target.into() }
    }

    #[test]
    fn links_out_and_within_and_in_code_are_not_looked_at() {
        let page = "[a](b.md) [c](https://d) [e](#f)\n```\n[g](h)\n```\n[`i`](j.rs)";
        let found: Vec<_> = relative_links(page).into_iter().map(|link| (link.text, link.target)).collect();
        assert_eq!(found, [("a".into(), "b.md".into()), ("`i`".to_owned(), "j.rs".to_owned())]);
    }

    #[test]
    fn a_name_must_be_declared_where_the_link_points() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(link("`links::check`", "src/links.rs").fault(here), None);
        assert!(link("`links::chec`", "src/links.rs").fault(here).is_some());
        assert!(link("anything", "src/no.rs").fault(here).is_some());
    }
}
