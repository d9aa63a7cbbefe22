//! The programs of this workspace, and programs that come with the machine.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The program `name` of this workspace, built beside the one that runs.
///
/// # Errors
/// It has not been built.
pub fn ours(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    match path.is_file() {
        true => Ok(path),
        false => bail!("{} is not built; do: cargo build --release --workspace --bins", path.display()),
    }
}

/// Builds the programs in `tests/probes`, and gives back what `cargo xtask test probes` printed.
///
/// # Errors
/// One of them does not build or link.
pub fn build_probes() -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in the workspace")?;
    output(Command::new("cargo").args(["xtask", "test", "probes"]).current_dir(root))
}

/// The program `name` of `tests/probes`, built.
///
/// # Errors
/// It does not build.
pub fn probe(name: &str) -> Result<PathBuf> {
    build_probes()?;
    let built = std::env::current_exe()?;
    let target = built.ancestors().nth(2).context("programs lie in the target folder")?;
    Ok(target.join("probes/release").join(name))
}

/// Makes sure that the Debian package `name` of `xtask/packages.toml` is there.
///
/// # Errors
/// It is missing; the error names it.
pub fn need_package(name: &str) -> Result<()> {
    let table: Table = toml::from_str(include_str!("../../xtask/packages.toml"))?;
    let package = table.package.into_iter().find(|package| package.name == name).context("not in packages.toml")?;
    let (program, arguments) = package.probe.split_first().context("packages.toml names no probe")?;
    let quiet = |stream: &mut Command| stream.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match quiet(Command::new(program).args(arguments)) {
        Ok(status) if status.success() => Ok(()),
        _ => bail!("the Debian package {name} is missing"),
    }
}

/// A Python with python-tuf, in a virtual environment in `folder`, and the version of python-tuf.
///
/// # Errors
/// The environment cannot be made, or PyPI cannot be reached.
pub fn python_tuf(folder: &Path) -> Result<(PathBuf, String)> {
    let python = python_with(folder, &["tuf==7.0.1", "securesystemslib[crypto]==1.6.0"])?;
    let version = output(Command::new(&python).args(["-c", "import tuf; print(tuf.__version__)"]))?;
    Ok((python, version.trim().to_owned()))
}

/// A Python with `libraries` from PyPI, in a virtual environment in `folder`.
///
/// # Errors
/// The environment cannot be made, or PyPI cannot be reached.
pub fn python_with(folder: &Path, libraries: &[&str]) -> Result<PathBuf> {
    let venv = folder.join("venv");
    output(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let python = venv.join("bin/python");
    output(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(libraries))?;
    Ok(python)
}

/// Runs `command` to its end and gives back what it printed.
///
/// # Errors
/// It cannot be started or does not succeed; the error ends with what it said.
pub fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{program} ended with {}: {}", output.status, said.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A program that serves until it is dropped.
pub struct Service {
    child: Child,
    url: String,
    others: Vec<(String, String)>,
}

impl Service {
    /// Starts `command` and waits until it prints a line with its address (`… http://…` or `… https://…`).
    ///
    /// # Errors
    /// It cannot be started, or ends without such a line.
    pub fn start(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let lines = BufReader::new(child.stdout.take().context("the output is piped")?).lines();
        let mut service = Self { child, url: String::new(), others: Vec::new() };
        for line in lines {
            let line = line?;
            match (line.split_once(' '), address(&line)) {
                (Some((other @ ("operations" | "writers"), _)), Some(url)) => {
                    service.others.push((other.to_owned(), url));
                }
                (_, Some(url)) => {
                    service.url = url;
                    return Ok(service);
                }
                (_, None) => {}
            }
        }
        bail!("{program} ended before it said where it listens")
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens for this besides: `operations`, or `writers`.
    ///
    /// # Errors
    /// It did not say.
    pub fn other(&self, what: &str) -> Result<&str> {
        let found = self.others.iter().find(|(other, _)| other == what);
        found.map(|(_, url)| url.as_str()).with_context(|| format!("it does not say where it listens for {what}"))
    }

    /// Ends it at once, as a power failure would.
    pub fn kill(&mut self) {
        // Either may fail only because it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The address in a line, without brackets around it or a slash at its end.
fn address(line: &str) -> Option<String> {
    let words = line.split(|symbol: char| symbol.is_whitespace() || matches!(symbol, '(' | ')'));
    let mut urls = words.filter(|word| word.starts_with("http://") || word.starts_with("https://"));
    urls.next().map(|url| url.trim_end_matches('/').to_owned())
}

#[derive(Deserialize)]
struct Table {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    probe: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_not_in_the_table_is_an_error() {
        assert!(need_package("no-such-package").is_err());
    }

    #[test]
    fn the_address_is_found_in_what_a_server_says() {
        let python = "Serving HTTP on 127.0.0.1 port 8000 (http://127.0.0.1:8000/) ...";
        assert_eq!(address(python).as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(address("listening https://localhost:8443").as_deref(), Some("https://localhost:8443"));
        assert_eq!(address("starting"), None);
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_own_words() {
        let error = output(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().ends_with("why"), "{error}");
    }
}
