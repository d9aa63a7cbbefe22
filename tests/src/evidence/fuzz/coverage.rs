//! Which lines of a decoder's sources its inputs reach, by LLVM's own count (`-Cinstrument-coverage`).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::decoders::Decoder;
use crate::programs;

/// The program that gives a decoder its inputs, instrumented, and LLVM's tools that read what it leaves.
pub(super) struct Coverage {
    replay: PathBuf,
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
struct Lines {
    count: u32,
    covered: u32,
}

impl Coverage {
    /// The tools of the LLVM that rustc was built with: those of its component, or Debian's of the same number.
    pub(super) fn new(replay: PathBuf) -> Result<Self> {
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
            Some(tools) => Ok(Self { replay, profdata: tools.join("llvm-profdata"), cov: tools.join("llvm-cov") }),
            None => bail!(
                "LLVM's coverage tools are missing; do: rustup component add llvm-tools, or: apt-get install llvm-{number}"
            ),
        }
    }

    /// Of the lines of the decoder's sources, how many of a hundred these inputs reach.
    pub(super) fn of(&self, decoder: &Decoder, inputs: &[&Path], folder: &Path) -> Result<f64> {
        let raw = folder.join(format!("{}.profraw", decoder.name));
        let merged = folder.join(format!("{}.profdata", decoder.name));
        let mut replay = Command::new(&self.replay);
        programs::output(replay.arg(decoder.name).args(inputs).env("LLVM_PROFILE_FILE", &raw))?;
        programs::output(Command::new(&self.profdata).args(["merge", "-sparse", "-o"]).arg(&merged).arg(&raw))?;
        let mut export = Command::new(&self.cov);
        export.args(["export", "-summary-only"]).arg(&self.replay).arg("-instr-profile").arg(&merged);
        let export: Export = serde_json::from_str(&programs::output(&mut export)?)?;
        let files: Vec<File> = export.data.into_iter().flat_map(|data| data.files).collect();
        let mut lines = (0, 0);
        for source in decoder.sources {
            let of = |file: &&File| file.filename.ends_with(&format!("/src/{source}"));
            let file = files.iter().find(of).with_context(|| format!("{source} is in none of the programs"))?;
            lines = (lines.0 + file.summary.lines.covered, lines.1 + file.summary.lines.count);
        }
        Ok(100.0 * f64::from(lines.0) / f64::from(lines.1.max(1)))
    }
}
