//! Which lines of sources a program reaches, by LLVM's own count (`-Cinstrument-coverage`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::decoders::Decoder;
use crate::programs;

/// An instrumented program, and LLVM's tools that read what it leaves.
pub(in crate::evidence) struct Coverage {
    program: PathBuf,
    profdata: PathBuf,
    cov: PathBuf,
}

/// What `llvm-cov export -summary-only` prints, as far as it is read.
#[derive(Deserialize)]
struct Export {
    data: Vec<Data>,
}

#[derive(Deserialize)]
struct Data {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    lines: Lines,
}

#[derive(Deserialize)]
pub(in crate::evidence) struct Lines {
    pub(in crate::evidence) count: u32,
    pub(in crate::evidence) covered: u32,
}

impl Lines {
    /// How many of a hundred of all these are covered.
    pub(in crate::evidence) fn share<'l>(all: impl IntoIterator<Item = &'l Self>) -> f64 {
        let (mut covered, mut count) = (0, 0);
        for lines in all {
            covered += lines.covered;
            count += lines.count;
        }
        100.0 * f64::from(covered) / f64::from(count.max(1))
    }
}

impl Coverage {
    /// The tools of the LLVM that rustc was built with: those of its component, or Debian's of the same number.
    pub(in crate::evidence) fn new(program: PathBuf) -> Result<Self> {
        let version = programs::output(Command::new("rustc").arg("-vV"))?;
        let field = |name| version.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let host = field("host:").context("rustc names its host")?;
        let number = field("LLVM version:").and_then(|llvm| llvm.split('.').next()).context("rustc names its LLVM")?;
        let root = programs::output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let component = Path::new(root.trim()).join("lib/rustlib").join(host).join("bin");
        let debian = PathBuf::from(format!("/usr/lib/llvm-{number}/bin"));
        let is_there = |folder: &PathBuf| folder.join("llvm-cov").is_file();
        if ![&component, &debian].into_iter().any(is_there) {
            // Whether it succeeds or there is no rustup, is seen below.
            programs::output(Command::new("rustup").args(["component", "add", "llvm-tools"])).ok();
        }
        match [component, debian].into_iter().find(is_there) {
            Some(tools) => Ok(Self { program, profdata: tools.join("llvm-profdata"), cov: tools.join("llvm-cov") }),
            None => bail!(
                "LLVM's coverage tools are missing; do: rustup component add llvm-tools, or: apt-get install llvm-{number}"
            ),
        }
    }

    /// Of the lines of the decoder's sources, how many of a hundred these inputs reach, given to it by the program.
    pub(super) fn of(&self, decoder: &Decoder, inputs: &[&Path], folder: &Path) -> Result<f64> {
        let raw = folder.join(format!("{}.profraw", decoder.name));
        let mut replay = Command::new(&self.program);
        programs::output(replay.arg(decoder.name).args(inputs).env("LLVM_PROFILE_FILE", &raw))?;
        let files = self.files(&[raw], &folder.join(format!("{}.profdata", decoder.name)))?;
        let lines = |source: &&str| {
            let of = |(file, _): &(&String, &Lines)| file.ends_with(&format!("/src/{source}"));
            let (_, lines) = files.iter().find(of).with_context(|| format!("{source} is in none of the programs"))?;
            Ok(lines)
        };
        Ok(Lines::share(decoder.sources.iter().map(lines).collect::<Result<Vec<_>>>()?))
    }

    /// The lines of every source file of the program, by its path, from what runs of it left; they are put together in
    /// `merged`.
    pub(in crate::evidence) fn files(&self, raw: &[PathBuf], merged: &Path) -> Result<BTreeMap<String, Lines>> {
        programs::output(Command::new(&self.profdata).args(["merge", "-sparse", "-o"]).arg(merged).args(raw))?;
        let mut export = Command::new(&self.cov);
        export.args(["export", "-summary-only"]).arg(&self.program).arg("-instr-profile").arg(merged);
        let export: Export = serde_json::from_str(&programs::output(&mut export)?)?;
        let files = export.data.into_iter().flat_map(|data| data.files);
        Ok(files.map(|File { filename, summary }| (filename, summary.lines)).collect())
    }
}
