//! A kernel with SocketCAN: User-Mode-Linux, which runs as a process of its own, so that virtual CAN interfaces need
//! neither a module of the host nor its leave.
//!
//! The guest sees the host's files. What is to be run inside is a shell script; its standard output comes back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::programs;

/// The Debian packages it takes, as `xtask/packages.toml` names them.
pub const PACKAGES: [&str; 3] = ["user-mode-linux", "iproute2", "kmod"];

/// A guest that has not been started.
pub struct Guest<'f> {
    folder: &'f Path,
    interfaces: u32,
    seconds: u32,
}

impl<'f> Guest<'f> {
    /// A guest with the CAN interfaces `vcan0` to `vcan(n-1)`, all capable of FD. Scripts run in `folder`, where the files
    /// that tell of the run stay too.
    pub fn new(folder: &'f Path, interfaces: u32) -> Self {
        Self { folder, interfaces, seconds: SECONDS }
    }

    /// The same guest, with so many seconds to run.
    pub fn within(self, seconds: u32) -> Self {
        Self { seconds, ..self }
    }

    /// Boots, runs `script` with bash, and gives what it printed.
    ///
    /// # Errors
    /// The guest does not boot, does not end in time, or the script does not succeed; the error ends with what
    /// was said.
    pub fn run(&self, script: &str) -> Result<String> {
        let init = self.folder.join("init");
        fs::write(&init, self.init()?)?;
        fs::write(self.folder.join("script"), script)?;
        programs::output(Command::new("chmod").arg("+x").arg(&init))?;
        let said = self.boot(&init)?;
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        match read("status").trim() {
            "0" => Ok(read("output")),
            "" => bail!("the guest ended before its script: {said} {}", read("boot.log").trim_end()),
            status => bail!("the script ended with {status}: {}", read("errors").trim_end()),
        }
    }

    fn init(&self) -> Result<String> {
        let folder = self.folder.to_str().context("the folder's name is text")?;
        let modules = modules()?;
        let modules = modules.to_str().context("the name of the modules is text")?;
        let body = include_str!("../socketcan/init.sh").trim_start_matches("#!/bin/bash");
        Ok(format!("#!/bin/bash\nfolder='{folder}' modules='{modules}' interfaces={}\n{body}", self.interfaces))
    }

    /// Runs the kernel to its end. In a process namespace of its own nothing of it is left, however it ends.
    fn boot(&self, init: &Path) -> Result<String> {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", &self.seconds.to_string()]);
        command.args(["unshare", "--pid", "--fork", "--kill-child=KILL", "--", KERNEL]);
        command.args(["mem=512M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "con=null", "con0=null"]);
        command.args(["quiet", "loglevel=1", "umid=convoy"]);
        command.arg(format!("init={}", init.display()));
        command.arg(format!("uml_dir={}", self.folder.join("uml").display()));
        fs::create_dir_all(self.folder.join("uml"))?;
        // The guest's memory is a file that must be executable, and is best kept off a disk.
        let memory = if Path::new("/dev/shm").is_dir() { "/dev/shm" } else { "/tmp" };
        let output = command.env("TMPDIR", memory).stdin(Stdio::null()).output().context("cannot start timeout")?;
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&said).trim_end().to_owned())
    }
}

/// The modules that belong to the kernel: the only ones that have CAN for it.
fn modules() -> Result<PathBuf> {
    let folders = fs::read_dir(MODULES).with_context(|| format!("cannot read {MODULES}"))?;
    let mut folders = folders.filter_map(|entry| Some(entry.ok()?.path()));
    folders.find(|folder| folder.join("kernel/net/can/can.ko").is_file()).context("User-Mode-Linux has no CAN modules")
}

/// How long a guest may run, unless more is asked for.
const SECONDS: u32 = 120;
const KERNEL: &str = "linux.uml";
const MODULES: &str = "/usr/lib/uml/modules";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_process_of_a_guest_is_a_script_that_bash_can_read() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("socketcan/init.sh");
        programs::output(Command::new("bash").arg("-n").arg(script)).unwrap();
    }

    #[test]
    fn every_package_a_guest_takes_is_listed() {
        let table = include_str!("../../xtask/packages.toml");
        assert!(PACKAGES.iter().all(|name| table.contains(&format!("name = \"{name}\""))));
    }
}
