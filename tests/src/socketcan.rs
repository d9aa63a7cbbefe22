//! A kernel with SocketCAN that is not the host's, so that virtual CAN interfaces need neither a module of the host nor its
//! leave: User-Mode-Linux, which runs as a process of its own, or Debian's kernel in QEMU.
//!
//! The guest sees the host's files. What is to be run inside is a shell script; its standard output comes back.

mod kernel;
mod qemu;
mod uml;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::programs;

pub use kernel::Kernel;
pub use qemu::PACKAGES as QEMU_PACKAGES;
pub use uml::PACKAGES;

/// A guest that has not been started.
pub struct Guest<'f> {
    folder: &'f Path,
    interfaces: u32,
    seconds: u32,
    machine: Machine<'f>,
}

/// What the guest's kernel runs on.
enum Machine<'f> {
    /// Boots in some three seconds and runs programs as fast as the host; has no ISO-TP of its own.
    UserModeLinux,
    /// Boots in some fifteen seconds and is slow; has everything Debian has.
    Qemu(&'f Kernel),
}

impl<'f> Guest<'f> {
    /// A guest in User-Mode-Linux with the CAN interfaces `vcan0` to `vcan(n-1)`, all capable of FD. Scripts run in `folder`,
    /// where the files that tell of the run stay too.
    pub fn new(folder: &'f Path, interfaces: u32) -> Self {
        Self { folder, interfaces, seconds: SECONDS, machine: Machine::UserModeLinux }
    }

    /// The same guest in QEMU, on the kernel that Debian ships, with its ISO-TP loaded. Outside of `folder` it writes no
    /// file.
    pub fn in_qemu(self, kernel: &'f Kernel) -> Self {
        Self { machine: Machine::Qemu(kernel), ..self }
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
        let (modules, more) = match self.machine {
            Machine::UserModeLinux => (uml::modules()?, ""),
            Machine::Qemu(kernel) => (kernel.modules().to_owned(), qemu::CAN_MODULES),
        };
        let (folder, modules) = (text(self.folder)?, text(&modules)?);
        let head = format!("folder='{folder}' modules='{modules}' more='{more}' interfaces={}", self.interfaces);
        let body = include_str!("../socketcan/init.sh").trim_start_matches("#!/bin/bash");
        Ok(format!("#!/bin/bash\n{head}\n{body}"))
    }

    /// Runs the kernel to its end. In a process namespace of its own nothing of it is left, however it ends.
    fn boot(&self, init: &Path) -> Result<String> {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", &self.seconds.to_string()]);
        command.args(["unshare", "--pid", "--fork", "--kill-child=KILL", "--"]);
        match self.machine {
            Machine::UserModeLinux => uml::machine(&mut command, self.folder, init)?,
            Machine::Qemu(kernel) => qemu::machine(&mut command, kernel, self.folder, init)?,
        }
        let output = command.stdin(Stdio::null()).output().context("cannot start timeout")?;
        let said = [output.stdout, output.stderr].concat();
        Ok(String::from_utf8_lossy(&said).trim_end().to_owned())
    }
}

/// A path as a script can name it.
fn text(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is no text", path.display()))
}

/// How long a guest may run, unless more is asked for.
const SECONDS: u32 = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_programs_of_a_guest_are_scripts_that_bash_can_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("socketcan");
        for script in ["init.sh", "root.sh"] {
            programs::output(Command::new("bash").arg("-n").arg(folder.join(script))).unwrap();
        }
    }

    #[test]
    fn every_package_a_guest_takes_is_listed() {
        let table = include_str!("../../xtask/packages.toml");
        let packages = PACKAGES.iter().chain(&QEMU_PACKAGES);
        assert!(packages.into_iter().all(|name| table.contains(&format!("name = \"{name}\""))));
    }
}
