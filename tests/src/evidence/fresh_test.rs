//! A new machine passes `cargo xtask test`.
//!
//! The new machine is a Debian in a folder, made by debootstrap from the mirror this machine itself uses, with nothing
//! in it but a C compiler; Rust is a copy of this machine's toolchain. Mounts live in a namespace of their own and are
//! gone with the command that needs them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Item;
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "fresh-test",
    promise: "a clean clone passes cargo xtask test on a Debian with only Rust, a C compiler and apt",
    show,
};

/// Seconds all stages together may take, cold, on two cores.
const BUDGET: f64 = 55.0 * 60.0;

fn show(record: &mut Record) -> Result<()> {
    programs::need_package("debootstrap")?;
    programs::need_package("git")?;
    // Beside what is built: a temporary folder in memory would be too small.
    let built = std::env::current_exe()?;
    let folder = tempfile::tempdir_in(built.parent().context("a program lies in a folder")?)?;
    let machine = Machine { root: folder.path().join("root") };

    let watch = host::clock::stopwatch();
    machine.install()?;
    machine.connect()?;
    record.figure("debootstrap", watch.elapsed().as_secs_f64(), "s", Limit::Shown);
    let watch = host::clock::stopwatch();
    machine.add_rust()?;
    record.figure("copy of the toolchain", watch.elapsed().as_secs_f64(), "s", Limit::Shown);
    let commit = machine.clone_repository()?;
    record.note(format!("commit {commit}"));
    let watch = host::clock::stopwatch();
    let outcome = machine.test(record.is_aloud())?;
    record.figure("cargo xtask test", watch.elapsed().as_secs_f64(), "s", Limit::AtMost(BUDGET));
    for (stage, seconds) in &outcome.stages {
        record.figure(format!("stage {stage}"), *seconds, "s", Limit::Shown);
    }
    record.figure("passed", outcome.passed, "", Limit::AtLeast(1.0));
    record.figure("failed", outcome.failed, "", Limit::Exactly(0.0));
    record.claim("exit status 0", outcome.succeeded);
    Ok(())
}

/// A Debian in a folder.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn install(&self) -> Result<()> {
        let release = release()?;
        let mirror = mirror(&release)?;
        let mut command = Command::new("debootstrap");
        command.args(["--variant=minbase", "--include=ca-certificates,gcc,libc6-dev", &release]);
        programs::output(command.arg(&self.root).arg(mirror)).map(drop)
    }

    /// Lets the machine reach the network as this one does: names, proxies, certificates, registries.
    fn connect(&self) -> Result<()> {
        for file in ["etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"] {
            let here = Path::new("/").join(file);
            if here.is_file() {
                fs::copy(here, self.root.join(file)).with_context(|| file.to_owned())?;
            }
        }
        let apt = programs::output(Command::new("apt-config").arg("dump"))?;
        let proxies: String =
            apt.lines().filter(|line| line.contains("::Proxy")).flat_map(|line| [line, "\n"]).collect();
        fs::write(self.root.join("etc/apt/apt.conf.d/90proxy"), proxies)?;
        let cargo = self.root.join("root/.cargo");
        fs::create_dir_all(&cargo)?;
        let settings = cargo_home()?.join("config.toml");
        if settings.is_file() {
            fs::copy(settings, cargo.join("config.toml"))?;
        }
        Ok(())
    }

    fn add_rust(&self) -> Result<()> {
        let toolchain = programs::output(Command::new("rustc").args(["--print", "sysroot"]))?;
        let mut copy = Command::new("cp");
        programs::output(copy.arg("--archive").arg(toolchain.trim()).arg(self.root.join("opt/rust"))).map(drop)
    }

    /// Clones what is committed here, and gives back which commit that is.
    fn clone_repository(&self) -> Result<String> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut clone = Command::new("git");
        clone.args(["clone", "--quiet", "--no-hardlinks", "--depth=1"]);
        let top = programs::output(Command::new("git").args(["rev-parse", "--show-toplevel"]).current_dir(here))?;
        programs::output(clone.arg(format!("file://{}", top.trim())).arg(self.root.join("root/convoy")))?;
        let commit = programs::output(Command::new("git").args(["rev-parse", "HEAD"]).current_dir(here))?;
        Ok(commit.trim().to_owned())
    }

    fn test(&self, aloud: bool) -> Result<Outcome> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-euc", ENTER, "sh"]).arg(&self.root);
        command.env_clear().envs(std::env::vars().filter(|(name, _)| concerns_network(name)));
        command.env("HOME", "/root").env("PATH", "/opt/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start unshare")?;
        let mut outcome = Outcome::default();
        for line in BufReader::new(child.stdout.take().context("the output is piped")?).lines() {
            let line = line?;
            if aloud {
                println!("| {line}");
            } else {
                eprintln!("| {line}");
            }
            outcome.read(&line);
        }
        outcome.succeeded = child.wait()?.success();
        Ok(outcome)
    }
}

/// Enters the machine whose root is the first argument and runs its tests.
const ENTER: &str = r#"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
exec chroot "$1" sh -c 'cd /root/convoy && exec cargo xtask test'
"#;

/// What `cargo xtask test` printed.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    stages: Vec<(String, f64)>,
    passed: f64,
    failed: f64,
    succeeded: bool,
    in_table: bool,
}

impl Outcome {
    fn read(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["stage", "seconds"] => self.in_table = true,
            ["in", "all", _] => self.in_table = false,
            [stage, seconds, ..] if self.in_table => {
                self.stages.extend(seconds.parse().ok().map(|seconds| ((*stage).to_owned(), seconds)));
            }
            [passed, "passed,", failed, "failed"] => {
                self.passed = passed.parse().unwrap_or(0.0);
                self.failed = failed.parse().unwrap_or(1.0);
            }
            _ => {}
        }
    }
}

/// The code name of the Debian we stand on.
fn release() -> Result<String> {
    let text = fs::read_to_string("/etc/os-release")?;
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.map(|name| name.trim_matches('"').to_owned()).context("/etc/os-release names no VERSION_CODENAME")
}

/// The mirror this machine's own apt uses for `release`.
fn mirror(release: &str) -> Result<String> {
    let format = "$(CREATED_BY) $(RELEASE) $(COMPONENT) $(SITE)";
    let targets = programs::output(Command::new("apt-get").args(["indextargets", "--format", format]))?;
    let wanted = format!("Packages {release} main ");
    match targets.lines().find_map(|line| line.strip_prefix(&wanted)) {
        Some(site) => Ok(site.to_owned()),
        None => bail!("the apt sources of this machine have no mirror of {release}"),
    }
}

fn cargo_home() -> Result<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let usual = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    named.or_else(usual).context("neither CARGO_HOME nor HOME is set")
}

/// Whether the environment variable `name` says how the network is reached.
fn concerns_network(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with("_proxy") || name.starts_with("cargo_http_") || name.starts_with("cargo_registr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_closing_line_are_read() {
        let mut outcome = Outcome::default();
        for line in ["fmt 9", "stage           seconds", "fmt  1.5", "clippy  20.0  FAILED", "in all  21.5", "fmt 9"] {
            outcome.read(line);
        }
        outcome.read("12 passed, 1 failed");
        assert_eq!(outcome.stages, [("fmt".to_owned(), 1.5), ("clippy".to_owned(), 20.0)]);
        assert_eq!((outcome.passed, outcome.failed), (12.0, 1.0));
    }

    #[test]
    fn only_what_concerns_the_network_is_handed_on() {
        assert!(concerns_network("https_proxy") && concerns_network("CARGO_HTTP_CAINFO"));
        assert!(!concerns_network("CARGO_TARGET_DIR") && !concerns_network("PATH"));
    }
}
